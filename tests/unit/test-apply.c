/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "apply-common.h"
#include "util/error.h"
#include "util/fs.h"

#define STRV(...)                                                                                   \
	{                                                                                           \
		(char *[]){ __VA_ARGS__, NULL }, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) \
	}

/* A first and a second plan, which between them do everything: make, change, change attributes, remove, blocks, copies. */
static struct fileset_entry first[] = {
	DIRECTORY_ENTRY("/etc/muster", 0755),
	DIRECTORY_ENTRY("/var/lib/muster/state", 0700),
	FILE_ENTRY("/etc/muster/dnsmasq.conf", "port=53\n", 0644, "dnsmasq"),
	FILE_ENTRY("/etc/muster/cluster.json", "{}\n", 0640, NULL),
	BLOCK_ENTRY("/etc/hosts", "10.66.0.11 node01\n"),
	FILE_ENTRY("/etc/exports.d/muster.exports", "/srv\n", 0644, NULL),
	FILE_ENTRY("/etc/systemd/system/muster-dnsmasq.service", "[Unit]\n", 0644, "dnsmasq"),
	COPY_ENTRY("/var/lib/muster/tftp/loader", "/usr/lib/loader"),
	FILE_ENTRY("/etc/old.conf", "muster's\n", 0600, NULL),
};
static struct fileset_entry second[] = {
	DIRECTORY_ENTRY("/etc/muster", 0750),
	DIRECTORY_ENTRY("/var/lib/muster/state", 0700),
	FILE_ENTRY("/etc/muster/dnsmasq.conf", "port=53\ndomain=x\n", 0644, "dnsmasq"),
	FILE_ENTRY("/etc/muster/cluster.json", "{}\n", 0600, NULL),
	BLOCK_ENTRY("/etc/hosts", "10.66.0.11 node01\n10.66.0.12 node02\n"),
	FILE_ENTRY("/etc/muster/new", "", 0644, NULL),
};
static const struct apply_wish first_wish = {
	.services = STRV("network", "dnsmasq"),
	.packages = STRV("dnsmasq-base", "ipxe"),
	.keys = STRV("node01", "node02"),
};
static const struct apply_wish second_wish = {
	.services = STRV("dnsmasq"),
	.packages = STRV("squashfs-tools"),
	.keys = STRV("node02", "node03"),
};

static void prepare_server(struct scratch *s)
{
	put(s, "/etc/hosts", "127.0.0.1 localhost\n# mine, no newline behind it", 0604);
	put(s, "/etc/old.conf", "the admin's\n", 0640);
	put(s, "/usr/lib/loader", "LOADER", 0644);
	assert_int_equal(strv_add(&world.packages, "bash"), 0);
	fake_program(s, "dnsmasq",
		     "grep -q wrong \"${2#--conf-file=}\" || exit 0; echo 'bad option at line 1'; exit 1");
	/* Real keys take their time; these are as good. */
	fake_program(s, "ssh-keygen",
		     "while [ $# -gt 0 ]; do case $1 in -f) f=$2;; -C) c=$2;; esac; shift; done\n"
		     "echo private $c >\"$f\"; chmod 600 \"$f\"; echo \"ssh-ed25519 AAAA$c $c\" >\"$f.pub\"");
}

static void assert_has(const struct strbuf *b, const char *text)
{
	if (!b->data || !strstr(b->data, text))
		fail_msg("'%s' is not in: %s", text, b->data ? b->data : "");
}

static void an_apply_does_it_in_order(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *hosts = NULL, *known = NULL;
	struct stat st;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_null(s->errors.data);
	assert_string_equal(
		s->calls.data,
		"install dnsmasq-base; install ipxe; reload units; start network; start dnsmasq; ");
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
	assert_string_equal(
		s->calls.data,
		"install squashfs-tools; stop network; reload units; stop dnsmasq; start dnsmasq; ");
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

static char *world_text(void)
{
	struct strbuf b = STRBUF_INIT;
	const struct strv *all[] = { &world.running, &world.enabled, &world.packages };
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct strv *v = (struct strv *)(uintptr_t)all[i];

		strv_sort(v);
		for (size_t k = 0; k < v->n; k++)
			strbuf_addf(&b, "%s ", v->v[k]);
		strbuf_adds(&b, "/ ");
	}
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
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

static void undo_brings_every_byte_and_mode_back(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *t0 = NULL, *t1 = NULL, *back1 = NULL, *back0 = NULL, *w0 = NULL, *w1 = NULL;
	_cleanup_free_ char *w1b = NULL, *w0b = NULL;

	prepare_server(s);
	t0 = snapshot(s);
	w0 = world_text();
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	t1 = snapshot(s);
	w1 = world_text();
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
	strbuf_reset(&s->calls);
	assert_int_equal(apply_undo(&s->a), 0);
	back1 = snapshot(s);
	w1b = world_text();
	assert_string_equal(back1, t1);
	assert_string_equal(w1b, w1);
	assert_has(&s->calls, "restart dnsmasq; ");
	assert_int_equal(apply_undo(&s->a), 0);
	back0 = snapshot(s);
	w0b = world_text();
	assert_string_equal(back0, t0);
	assert_string_equal(w0b, w0);
	assert_null(s->errors.data);
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_NOT_APPLIED);
}

static bool did(const struct apply_record *r, const char *what, const char *kind, const char *name)
{
	for (size_t i = 0; i < r->n_deeds; i++)
		if (strcmp(r->deeds[i].what, what) == 0 && strcmp(r->deeds[i].kind, kind) == 0 &&
		    strcmp(r->deeds[i].name, name) == 0)
			return true;
	return false;
}

static void the_history_has_every_apply_and_what_it_did(void **state)
{
	struct scratch *s = *state;
	struct apply_record *v;
	size_t n;

	prepare_server(s);
	assert_int_equal(apply_history(&s->a, &v, &n), 0);
	assert_int_equal(n, 0);
	apply_records_free(v, n);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_int_equal(apply_history(&s->a, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].number, 1);
	assert_int_equal(v[0].state, APPLY_STANDS);
	assert_int_equal(v[1].state, APPLY_TAKEN_BACK);
	assert_int_equal(strlen(v[0].when), strlen("2026-01-01T00:00:00Z"));
	assert_true(*v[0].who);
	assert_true(did(&v[0], "create", "file", "/etc/muster/dnsmasq.conf"));
	assert_true(did(&v[0], "create", "folder", "/etc/muster"));
	assert_true(did(&v[0], "modify", "file", "/etc/hosts"));
	assert_true(did(&v[0], "install", "package", "ipxe"));
	assert_true(did(&v[0], "create", "ssh key", "node02"));
	assert_true(did(&v[0], "start", "service", "dnsmasq"));
	assert_true(did(&v[1], "remove", "file", "/etc/exports.d/muster.exports"));
	assert_true(did(&v[1], "stop", "service", "network"));
	assert_true(did(&v[1], "modify", "folder", "/etc/muster"));
	assert_false(did(&v[1], "install", "package", "ipxe"));
	apply_records_free(v, n);
}

static void undo_goes_back_to_any_apply(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *t0 = NULL, *t1 = NULL, *back1 = NULL, *back0 = NULL, *w0 = NULL, *w0b = NULL;
	unsigned int n;

	prepare_server(s);
	t0 = snapshot(s);
	w0 = world_text();
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	t1 = snapshot(s);
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	/* The one that stood before is reached over one that was cut off, too. */
	s->a.stop_after = 5;
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), -MUSTER_E_CANCELLED);
	s->a.stop_after = 0;
	assert_int_equal(apply_undo_to(&s->a, 1, &n), 0);
	assert_int_equal(n, 3);
	back1 = snapshot(s);
	assert_string_equal(back1, t1);
	assert_int_equal(apply_undo_to(&s->a, 1, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(apply_undo_to(&s->a, 0, &n), 0);
	assert_int_equal(n, 1);
	back0 = snapshot(s);
	w0b = world_text();
	assert_string_equal(back0, t0);
	assert_string_equal(w0b, w0);
}

static void undo_can_be_repeated_when_it_was_cut_off(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *journal = NULL, *cut = NULL;

	prepare_server(s);
	before = snapshot(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_int_equal(apply_undo(&s->a), 0);
	/* As if the power had gone before the last line was whole. */
	journal = get(s, APPLY_JOURNAL "/0001/journal");
	cut = strndup(journal, strlen(journal) - 6);
	put(s, APPLY_JOURNAL "/0001/journal", cut, 0600);
	put(s, "/etc/muster/dnsmasq.conf", "port=53\n", 0644); /* half undone */
	assert_int_equal(apply_recover(&s->a), 1);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/etc/muster"), 0);
	after = snapshot(s);
	assert_string_equal(before, after);
	assert_int_equal(apply_recover(&s->a), 0);
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
	assert_string_equal(s->calls.data, "install dnsmasq-base; purge libdnsmasq-base; ");
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

static void what_others_wrote_since_is_not_lost(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *hosts = NULL, *with = NULL, *kept = NULL;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	hosts = get(s, "/etc/hosts");
	assert_true(asprintf(&with, "%s10.0.0.9 printer\n", hosts) > 0);
	put(s, "/etc/hosts", with, 0604);
	put(s, "/etc/muster/cluster.json", "edited by hand\n", 0640);
	put(s, "/etc/muster/theirs", "not muster's\n", 0640);
	assert_int_equal(apply_undo(&s->a), 0);
	free(hosts);
	hosts = get(s, "/etc/hosts");
	assert_string_equal(hosts, "127.0.0.1 localhost\n# mine, no newline behind it\n10.0.0.9 printer\n");
	assert_true(there(s, "/etc/muster/theirs"));
	assert_false(there(s, "/etc/muster/cluster.json"));
	assert_has(&s->steps, "note: /etc/");
	assert_has(&s->steps, "/kept/");
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
	put(s, APPLY_RUN "/lock", "1\n", 0644);
	fd = fs_open(s->a.root_fd, APPLY_RUN "/lock", O_RDONLY, 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), -MUSTER_E_BUSY);
	assert_has(&s->errors, "process 1");
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_BUSY);
	assert_false(there(s, "/etc/muster"));
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

static void an_admin_changed_something_undo_still_finds_its_way(void **state)
{
	struct scratch *s = *state;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/etc/muster"), 0);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/etc/exports.d"), 0);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/var/lib/muster/keys"), 0);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_false(there(s, "/etc/muster"));
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

/* A lab's apply, say, taken back from outside of its namespaces. */
static void undo_leaves_services_alone_when_its_driver_does(void **state)
{
	struct scratch *s = *state;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	s->a.services = service_driver_find("none");
	s->a.packages = package_driver_find("none");
	strbuf_reset(&s->calls);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_string_equal(s->calls.data, "");
	assert_false(there(s, "/etc/muster"));
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
	assert_string_equal(s->calls.data, "install dnsmasq-base; install ipxe; start network; ");
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
		TEST(undo_brings_every_byte_and_mode_back),
		TEST(the_history_has_every_apply_and_what_it_did),
		TEST(undo_goes_back_to_any_apply),
		TEST(undo_can_be_repeated_when_it_was_cut_off),
		TEST(a_service_that_stays_down_takes_all_back),
		TEST(a_failed_change_brings_the_old_service_back),
		TEST(packages_half_installed_go_again),
		TEST(a_refused_configuration_changes_nothing),
		TEST(what_others_wrote_since_is_not_lost),
		TEST(a_file_changed_under_its_hands_stops_it),
		TEST(what_services_left_goes_with_a_first_apply),
		TEST(one_apply_at_a_time),
		TEST(an_unfinished_apply_is_taken_back_before_another),
		TEST(an_admin_changed_something_undo_still_finds_its_way),
		TEST(cancelled_it_takes_back_what_it_did),
		TEST(undo_leaves_services_alone_when_its_driver_does),
		TEST(what_is_prepared_after_the_packages_counts),
		TEST(a_copy_may_come_with_a_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
