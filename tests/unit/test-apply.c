/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply-plans.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"

static void an_apply_does_it_in_order(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *hosts = NULL, *known = NULL;
	struct stat st;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_null(s->errors.data);
	assert_string_equal(s->calls.data, "fetch dnsmasq-base; install dnsmasq-base; install ipxe; reload "
					   "units; start network; start dnsmasq; ");
	hosts = get(s, "/etc/hosts");
	assert_string_equal(hosts, "127.0.0.1 localhost\n# mine, no newline behind it\n# muster begin\n"
				   "10.66.0.11 node01\n# muster end\n");
	assert_int_equal(fs_stat(s->a.root_fd, "/etc/hosts", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(fs_stat(s->a.root_fd, "/etc/muster/cluster.json", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	known = get(s, "/etc/muster/known_hosts");
	assert_non_null(
		strstr(known,
		       "node01,node01.* ssh-ed25519 AAAAnode01\nnode02,node02.* ssh-ed25519 AAAAnode02\n"));
	assert_int_equal(fs_stat(s->a.root_fd, "/var/lib/muster/keys/node01/ssh_host_ed25519_key", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fs_stat(s->a.root_fd, "/var/lib/muster/keys/node01", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void the_same_again_touches_nothing(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct apply_wish wish = first_wish;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	wish.packages.n = 0;
	before = snapshot_exact(s);
	strbuf_reset(&s->calls);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &wish), 0);
	after = snapshot_exact(s);
	assert_string_equal(before, after);
	assert_string_equal(s->calls.data, "");
	assert_false(there(s, APPLY_JOURNAL "/0002"));
}

static void a_second_apply_restarts_only_what_changed(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *hosts = NULL;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	strbuf_reset(&s->calls);
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
	assert_string_equal(s->calls.data, "fetch squashfs-tools; install squashfs-tools; stop network; "
					   "reload units; stop dnsmasq; start dnsmasq; ");
	assert_false(there(s, "/etc/exports.d"));
	assert_false(there(s, "/etc/systemd"));
	assert_false(there(s, "/etc/old.conf"));
	assert_false(there(s, "/var/lib/muster/tftp"));
	assert_false(there(s, "/var/lib/muster/keys/node01"));
	assert_true(there(s, "/var/lib/muster/keys/node03/ssh_host_ed25519_key"));
	hosts = get(s, "/etc/hosts");
	assert_non_null(strstr(hosts, "node02\n# muster end\n"));
}

static void a_changed_file_alone_is_a_restart(void **state)
{
	static struct fileset_entry v1[] = { FILE_ENTRY("/etc/muster/dnsmasq.conf", "a\n", 0644, "dnsmasq"),
					     FILE_ENTRY("/etc/other", "a\n", 0644, NULL) };
	static struct fileset_entry v2[] = { FILE_ENTRY("/etc/muster/dnsmasq.conf", "b\n", 0644, "dnsmasq"),
					     FILE_ENTRY("/etc/other", "a\n", 0644, NULL) };
	static struct fileset_entry v3[] = { FILE_ENTRY("/etc/muster/dnsmasq.conf", "b\n", 0644, "dnsmasq"),
					     FILE_ENTRY("/etc/other", "b\n", 0644, NULL) };
	const struct apply_wish wish = { .services = STRV("network", "dnsmasq") };
	struct scratch *s = *state;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, v1, 2, &wish), 0);
	strbuf_reset(&s->calls);
	assert_int_equal(apply_fileset(s, v2, 2, &wish), 0);
	assert_string_equal(s->calls.data, "restart dnsmasq; ");
	strbuf_reset(&s->calls);
	assert_int_equal(apply_fileset(s, v3, 2, &wish), 0);
	assert_string_equal(s->calls.data, "");
}

/* Runs `apply` with the power going at every point in turn; the recovery must find the way back each time. */
static void cut_off_everywhere(struct scratch *s, struct fileset_entry *v, size_t n,
			       const struct apply_wish *wish, int at_least)
{
	_cleanup_free_ char *before = snapshot(s), *world_before = world_text();
	int k, r;

	for (k = 1;; k++) {
		_cleanup_free_ char *after = NULL, *world_after = NULL;

		s->a.stop_after = k;
		r = apply_fileset(s, v, n, wish);
		s->a.stop_after = 0;
		if (r == 0)
			break;
		assert_int_equal(r, -MUSTER_E_CANCELLED);
		assert_int_equal(apply_recover(&s->a), 1);
		after = snapshot(s);
		world_after = world_text();
		assert_string_equal(before, after);
		assert_string_equal(world_before, world_after);
		assert_int_equal(apply_recover(&s->a), 0);
	}
	assert_true(k > at_least);
	assert_null(s->errors.data);
}

static void cut_off_at_any_point_a_first_apply_is_taken_back(void **state)
{
	struct scratch *s = *state;

	prepare_server(s);
	cut_off_everywhere(s, first, ARRAY_SIZE(first), &first_wish, 40);
}

static void cut_off_at_any_point_a_second_apply_is_taken_back(void **state)
{
	struct scratch *s = *state;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	cut_off_everywhere(s, second, ARRAY_SIZE(second), &second_wish, 40);
}

static void a_service_that_stays_down_takes_all_back(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *w0 = NULL, *w1 = NULL;

	prepare_server(s);
	before = snapshot(s);
	w0 = world_text();
	world.broken = "dnsmasq";
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_UNHEALTHY);
	after = snapshot(s);
	w1 = world_text();
	assert_string_equal(before, after);
	assert_string_equal(w0, w1);
	assert_has(&s->errors, "dnsmasq");
	assert_has(&s->errors, "mock: cannot read my mind");
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_NOT_APPLIED);
}

static void a_failed_change_brings_the_old_service_back(void **state)
{
	static struct fileset_entry v2[] = { FILE_ENTRY("/etc/muster/dnsmasq.conf", "b\n", 0644, "dnsmasq") };
	const struct apply_wish wish = { .services = STRV("network", "dnsmasq") };
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	before = snapshot(s);
	world.unstarted = "dnsmasq"; /* its unit goes, so that it is stopped and started */
	strbuf_reset(&s->calls);
	assert_int_equal(apply_fileset(s, v2, 1, &wish), -MUSTER_E_COMMAND);
	after = snapshot(s);
	assert_string_equal(before, after);
}

static void packages_half_installed_go_again(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *w0 = NULL, *w1 = NULL;

	prepare_server(s);
	before = snapshot(s);
	w0 = world_text();
	world.no_mirror = true;
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_COMMAND);
	after = snapshot(s);
	w1 = world_text();
	assert_string_equal(before, after);
	assert_string_equal(w0, w1);
	assert_string_equal(
		s->calls.data,
		"fetch dnsmasq-base; install dnsmasq-base; mend packages; purge libdnsmasq-base; ");
}

static void packages_that_would_be_upgraded_are_left_to_the_operator(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	prepare_server(s);
	before = snapshot(s);
	world.upgraded = "libc6 (another version)";
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_CONFLICT);
	after = snapshot(s);
	assert_string_equal(before, after);
	assert_has(&s->errors, "could not bring those back: libc6 (another version). Upgrade");
	assert_int_equal(s->calls.len, 0);
	assert_false(there(s, APPLY_JOURNAL "/0001"));
}

static void the_configuration_of_a_removed_package_comes_back(void **state)
{
	const struct apply_wish wish = { .packages = STRV("ipxe") };
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *kept = NULL;

	assert_int_equal(strv_add(&world.configured, "ipxe"), 0);
	world.touched = "/etc/ipxe.conf";
	put(s, "/etc/ipxe.conf", "mine", 0600);
	before = snapshot(s);
	assert_int_equal(apply_fileset(s, NULL, 0, &wish), 0);
	assert_false(strv_has(&world.configured, "ipxe"));
	put(s, "/etc/ipxe.conf", "later", 0644);
	assert_int_equal(apply_undo(&s->a), 0);
	after = snapshot(s);
	assert_string_equal(before, after);
	assert_true(strv_has(&world.configured, "ipxe"));
	assert_non_null(strstr(s->calls.data, "remove ipxe; "));
	/* What somebody has written since is not lost. */
	kept = get(s, APPLY_JOURNAL "/0001/kept/1");
	assert_string_equal(kept, "later");
	assert_false(there(s, APPLY_JOURNAL "/0001/kept/2"));
}

static void what_the_operator_wrote_since_he_removed_it_is_kept(void **state)
{
	const struct apply_wish wish = { .packages = STRV("ipxe") };
	struct scratch *s = *state;
	_cleanup_free_ char *kept = NULL, *now = NULL;

	world.touched = "/etc/ipxe.conf";
	put(s, "/etc/ipxe.conf", "mine", 0600);
	assert_int_equal(apply_fileset(s, NULL, 0, &wish), 0);
	strv_free(&world.packages);
	put(s, "/etc/ipxe.conf", "later", 0644);
	assert_int_equal(apply_undo(&s->a), 0);
	now = get(s, "/etc/ipxe.conf");
	assert_string_equal(now, "mine");
	kept = get(s, APPLY_JOURNAL "/0001/kept/1");
	assert_string_equal(kept, "later");
}

static void cancelled_while_packages_are_installed_it_takes_back_afterwards(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *journal = NULL;
	int fds[2];

	prepare_server(s);
	before = snapshot(s);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s->a.cancel_fd = fds[0];
	world.cancel_write = fds[1];
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_CANCELLED);
	after = snapshot(s);
	assert_string_equal(before, after);
	assert_non_null(strstr(s->calls.data, "install dnsmasq-base; install ipxe; mend packages; purge"));
	assert_false(strv_has(&world.packages, "ipxe"));
	/* What it brought was noted all the same, so that nobody else's packages went. */
	journal = get(s, APPLY_JOURNAL "/0001/journal");
	assert_non_null(strstr(journal, "\"added\""));
	assert_int_equal(s->errors.len, 0);
	close(fds[0]);
	close(fds[1]);
}

/* A muster that was killed: the package manager that it had started holds its lock on. */
static void what_an_interrupted_muster_has_left_at_work_is_waited_for(void **state)
{
	struct scratch *s = *state;
	int fd, fds[2], status;
	pid_t muster;
	char c;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	muster = fork();
	assert_true(muster >= 0);
	if (muster == 0) {
		if (lock_take(&s->a, &fd) < 0 || write(fds[1], "", 1) != 1)
			_exit(1);
		if (fork() == 0)
			usleep(600 * 1000);
		_exit(0);
	}
	assert_int_equal(waitpid(muster, &status, 0), muster);
	assert_int_equal(status, 0);
	assert_int_equal(read(fds[0], &c, 1), 1);
	s->a.packages_wait_ms = 1;
	assert_int_equal(lock_take(&s->a, &fd), -MUSTER_E_BUSY);
	assert_has(&s->errors, "an interrupted muster has left is still at work");
	s->a.packages_wait_ms = 0;
	assert_int_equal(lock_take(&s->a, &fd), 0);
	assert_has(&s->steps, "waiting for the package manager, which an interrupted muster has left");
	close(fd);
	close(fds[0]);
	close(fds[1]);
}

static void a_refused_configuration_changes_nothing(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/muster/dnsmasq.conf", "wrong\n", 0644,
						       "dnsmasq") };
	const struct apply_wish wish = { .services = STRV("dnsmasq") };
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	prepare_server(s);
	before = snapshot_exact(s);
	assert_int_equal(apply_fileset(s, v, 1, &wish), -MUSTER_E_REFUSED);
	after = snapshot_exact(s);
	/* The folder of the lock has got a file and lost it again. */
	assert_string_equal(strstr(before, "/usr"), strstr(after, "/usr"));
	assert_false(there(s, APPLY_JOURNAL));
	assert_false(there(s, "/etc/muster"));
	assert_has(&s->errors, "bad option at line 1");
	assert_null(s->calls.data);
}

static void rules_that_nft_refuses_change_nothing(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/muster/gateway.nft", "wrong\n", 0644,
						       "network") };
	const struct apply_wish wish = { .services = STRV("network") };
	struct scratch *s = *state;

	prepare_server(s);
	fake_program(s, "nft",
		     "[ \"$1 $2\" = '--check --file' ] || exit 0\necho 'line 1: syntax error'; grep -vq "
		     "wrong \"$3\"");
	assert_int_equal(apply_fileset(s, v, 1, &wish), geteuid() == 0 ? -MUSTER_E_REFUSED : 0);
	if (geteuid() == 0) {
		assert_has(&s->errors, "line 1: syntax error");
		assert_false(there(s, "/etc/muster"));
	}
	v[0].data = (char *)(uintptr_t) "right\n";
	v[0].len = 6;
	assert_int_equal(apply_fileset(s, v, 1, &wish), 0);
	assert_true(there(s, "/etc/muster/gateway.nft"));
}

/* Who may change what root runs, or has checked, is root. */
static void where_an_apply_works_nobody_else_gets_in(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/muster/dnsmasq.conf", "port=0\n", 0644,
						       "dnsmasq") };
	const struct apply_wish wish = { .services = STRV("dnsmasq") };
	struct scratch *s = *state;
	_cleanup_free_ char *script = NULL, *modes = NULL;
	_cleanup_close_ int folder = -1;
	struct stat st;

	prepare_server(s);
	folder = fs_open(s->a.root_fd, APPLY_WORK, O_RDONLY | O_DIRECTORY, 0);
	assert_int_equal(fchmod(folder, 0755), 0);
	assert_true(asprintf(&script,
			     "for a; do case $a in --conf-file=*) f=${a#*=}; stat -c %%a \"$f\" \"${f%%/*}\" "
			     ">%s/modes;; "
			     "esac; done",
			     s->root) > 0);
	fake_program(s, "dnsmasq", script);
	assert_int_equal(apply_fileset(s, v, 1, &wish), 0);
	modes = get(s, "/modes");
	assert_string_equal(modes, "600\n700\n");
	assert_int_equal(fs_stat(s->a.root_fd, APPLY_LOCK, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static int others_lock = -1;

static void the_other_uninstalls(void *data, const char *name, const char *text)
{
	struct scratch *s = data;

	assert_int_equal(fs_unlink(s->a.root_fd, APPLY_LOCK), 0);
	closep(&others_lock);
	others_lock = -1;
}

/* An uninstall takes the lock's file with it while another waits for it. */
static void a_lock_that_nobody_sees_is_no_lock(void **state)
{
	struct scratch *s = *state;
	_cleanup_close_ int fd = -1;
	struct stat held, seen;

	put(s, APPLY_LOCK, "2 99999999999\n", 0600);
	others_lock = fs_open(s->a.root_fd, APPLY_LOCK, O_RDWR, 0);
	assert_int_equal(flock(others_lock, LOCK_EX), 0);
	s->a.on_step = the_other_uninstalls;
	assert_int_equal(lock_take(&s->a, &fd), 0);
	assert_int_equal(others_lock, -1);
	assert_int_equal(fstat(fd, &held), 0);
	assert_int_equal(fs_stat(s->a.root_fd, APPLY_LOCK, &seen), 0);
	assert_int_equal(held.st_ino, seen.st_ino);
}

static void a_file_changed_under_its_hands_stops_it(void **state)
{
	static const struct apply_wish wish;
	struct scratch *s = *state;
	const struct fileset f = { first, ARRAY_SIZE(first) };
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	_cleanup_free_ char *hosts = NULL;

	prepare_server(s);
	assert_int_equal(changeset_make(&s->a, &f, &wish, &c), 0);
	put(s, "/etc/hosts", "other\n", 0644);
	assert_int_equal(apply_run(&s->a, c, "answers.conf"), -MUSTER_E_CONFLICT);
	hosts = get(s, "/etc/hosts");
	assert_string_equal(hosts, "other\n");
	assert_false(there(s, "/etc/muster"));
}

static void what_services_left_goes_with_a_first_apply(void **state)
{
	static struct fileset_entry v[] = { DIRECTORY_ENTRY("/var/lib/muster/state", 0700),
					    DIRECTORY_ENTRY("/var/lib/muster/ganesha", 0700),
					    DIRECTORY_ENTRY("/var/lib/muster/roots", 0755) };
	struct scratch *s = *state;

	assert_int_equal(apply_fileset(s, v, 3, NULL), 0);
	put(s, "/var/lib/muster/ganesha/v4recov/node0/client", "x", 0600);
	put(s, "/var/lib/muster/state/muster.db", "x", 0600);
	put(s, "/var/lib/muster/state/muster.db-wal", "x", 0600);
	put(s, "/var/lib/muster/roots/debian-1/root.squashfs", "x", 0600);
	put(s, "/var/lib/muster/dnsmasq.leases", "x", 0600);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_false(there(s, "/var/lib/muster/state"));
	assert_false(there(s, "/var/lib/muster/ganesha"));
	assert_false(there(s, "/var/lib/muster/dnsmasq.leases"));
	assert_true(there(s, "/var/lib/muster/roots/debian-1/root.squashfs"));
}

static void one_apply_at_a_time(void **state)
{
	struct scratch *s = *state;
	_cleanup_close_ int fd = -1;

	prepare_server(s);
	put(s, APPLY_LOCK, "1\n", 0644);
	fd = fs_open(s->a.root_fd, APPLY_LOCK, O_RDONLY, 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_BUSY);
	assert_has(&s->errors, "process 1");
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_BUSY);
	assert_false(there(s, "/etc/muster"));
	/* Its number is another process's by now: whoever holds the lock was started by it. */
	put(s, APPLY_LOCK, "2 99999999999\n", 0644);
	close(fd);
	fd = fs_open(s->a.root_fd, APPLY_LOCK, O_RDONLY, 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	strbuf_free(&s->errors);
	s->a.packages_wait_ms = 1;
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_BUSY);
	assert_has(&s->errors, "an interrupted muster has left is still at work");
}

static void an_unfinished_apply_is_taken_back_before_another(void **state)
{
	struct scratch *s = *state;

	prepare_server(s);
	s->a.stop_after = 12;
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_CANCELLED);
	s->a.stop_after = 0;
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), -EAGAIN);
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
	assert_true(there(s, APPLY_JOURNAL "/0002"));
}

static void cancelled_it_takes_back_what_it_did(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *w0 = NULL, *w1 = NULL;
	int ends[2];

	prepare_server(s);
	/* The stop comes while a program runs: the stand-in for ssh-keygen asks for it. */
	assert_int_equal(pipe(ends), 0);
	fake_program(s, "ssh-keygen", "echo >\"$MUSTER_TEST_CANCEL\"; sleep 100");
	{
		_cleanup_free_ char *path = NULL;

		assert_true(asprintf(&path, "/proc/%ld/fd/%d", (long)getpid(), ends[1]) > 0);
		assert_int_equal(setenv("MUSTER_TEST_CANCEL", path, 1), 0);
	}
	before = snapshot(s);
	w0 = world_text();
	s->a.cancel_fd = ends[0];
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_CANCELLED);
	after = snapshot(s);
	w1 = world_text();
	assert_string_equal(before, after);
	assert_string_equal(w0, w1);
	close(ends[0]);
	close(ends[1]);
}

/* As the facade does it: builds, then says what is really to be done. */
static int prepared(void *data, struct changeset **ret)
{
	const struct apply_wish wish = { .services = STRV("network") };
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/prepared", "x\n", 0644, NULL) };
	const struct fileset f = { v, 1 };
	struct scratch *s = data;

	assert_true(strv_has(&world.packages, "ipxe"));
	return changeset_make(&s->a, &f, &wish, ret);
}

static void what_is_prepared_after_the_packages_counts(void **state)
{
	struct scratch *s = *state;

	prepare_server(s);
	s->a.prepare = prepared;
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_true(there(s, "/etc/prepared"));
	assert_false(there(s, "/etc/muster"));
	assert_string_equal(s->calls.data,
			    "fetch dnsmasq-base; install dnsmasq-base; install ipxe; start network; ");
	assert_int_equal(apply_undo(&s->a), 0);
	assert_false(strv_has(&world.packages, "ipxe"));
}

static void a_copy_may_come_with_a_package(void **state)
{
	static struct fileset_entry v[] = { COPY_ENTRY("/var/lib/muster/tftp/x",
						       "/usr/lib/only-below-this-root") };
	const struct apply_wish wish = { .packages = STRV("ipxe") }, nothing = { 0 };
	const struct fileset f = { v, 1 };
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	_cleanup_free_ char *x = NULL;
	struct scratch *s = *state;

	assert_int_equal(apply_fileset(s, v, 1, &nothing), -ENOENT);
	assert_int_equal(changeset_make(&s->a, &f, &wish, &c), 0);
	put(s, "/usr/lib/only-below-this-root", "LOADER", 0644);
	assert_int_equal(apply_run(&s->a, c, ""), 0);
	x = get(s, "/var/lib/muster/tftp/x");
	assert_string_equal(x, "LOADER");
	assert_int_equal(apply_fileset(s, v, 1, &nothing), 0);
	assert_false(there(s, APPLY_JOURNAL "/0002"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_apply_does_it_in_order),
		TEST(the_same_again_touches_nothing),
		TEST(a_second_apply_restarts_only_what_changed),
		TEST(a_changed_file_alone_is_a_restart),
		TEST(cut_off_at_any_point_a_first_apply_is_taken_back),
		TEST(cut_off_at_any_point_a_second_apply_is_taken_back),
		TEST(a_service_that_stays_down_takes_all_back),
		TEST(a_failed_change_brings_the_old_service_back),
		TEST(packages_half_installed_go_again),
		TEST(packages_that_would_be_upgraded_are_left_to_the_operator),
		TEST(the_configuration_of_a_removed_package_comes_back),
		TEST(what_the_operator_wrote_since_he_removed_it_is_kept),
		TEST(cancelled_while_packages_are_installed_it_takes_back_afterwards),
		TEST(what_an_interrupted_muster_has_left_at_work_is_waited_for),
		TEST(a_refused_configuration_changes_nothing),
		TEST(rules_that_nft_refuses_change_nothing),
		TEST(where_an_apply_works_nobody_else_gets_in),
		TEST(a_lock_that_nobody_sees_is_no_lock),
		TEST(a_file_changed_under_its_hands_stops_it),
		TEST(what_services_left_goes_with_a_first_apply),
		TEST(one_apply_at_a_time),
		TEST(an_unfinished_apply_is_taken_back_before_another),
		TEST(cancelled_it_takes_back_what_it_did),
		TEST(what_is_prepared_after_the_packages_counts),
		TEST(a_copy_may_come_with_a_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
