/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The distribution's own services: those that ran before muster, and those that a package of muster's choice starts. */
#include "config.h"

#include "apply-plans.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "util/error.h"
#include "util/fs.h"

static struct fileset_entry exports[] = {
	DIRECTORY_ENTRY("/etc/muster", 0755),
	FILE_ENTRY("/etc/exports.d/muster.exports", "/srv\n", 0644, "nfs-kernel"),
};
static const struct fileset with_exports = { exports, 2 }, without = { exports, 1 };
static const struct apply_wish wants_kernel = { .services = STRV("nfs-kernel") };
static const struct apply_wish wants_kernel_and_package = { .services = STRV("nfs-kernel"),
							    .packages = STRV("nfs-kernel-server") };
static const struct apply_wish wants_ganesha = { .services = STRV("nfs-ganesha"),
						 .packages = STRV("nfs-ganesha", "nfs-ganesha-vfs") };
static const struct apply_wish wants_ganesha_alone = { .services = STRV("nfs-ganesha") };
static const struct apply_wish wants_nothing = { 0 };

static struct changeset *make(struct scratch *s, const struct fileset *f, const struct apply_wish *w)
{
	struct changeset *c;

	assert_int_equal(changeset_make(&s->a, f, w, &c), 0);
	return c;
}

static void run(struct scratch *s, const struct fileset *f, const struct apply_wish *w)
{
	struct changeset *c = make(s, f, w);

	assert_int_equal(apply_run(&s->a, c, "/answers.conf"), 0);
	changeset_free(c);
}

static void assert_calls(struct scratch *s, const char *calls)
{
	assert_string_equal(s->calls.data ? s->calls.data : "", calls);
	strbuf_free(&s->calls);
}

/* The server had an NFS server of its own, which was so. */
static void had_nfs(bool running, bool enabled)
{
	assert_int_equal(strv_add(&world.packages, "nfs-kernel-server"), 0);
	if (running)
		assert_int_equal(strv_add(&world.running, "nfs-kernel"), 0);
	if (enabled)
		assert_int_equal(strv_add(&world.enabled, "nfs-kernel"), 0);
}

static void what_ran_before_runs_on_when_it_is_no_longer_wanted(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	had_nfs(true, true);
	before = world_text();
	run(s, &with_exports, &wants_kernel);
	assert_calls(s, "restart nfs-kernel; ");
	run(s, &with_exports, &wants_kernel);
	/* Its exports go, so it reads them again. */
	run(s, &without, &wants_nothing);
	assert_calls(s, "restart nfs-kernel; ");
	after = world_text();
	assert_string_equal(after, before);
	run(s, &without, &wants_nothing);
	assert_calls(s, "");
}

static void what_was_enabled_only_is_that_again(void **state)
{
	static const bool states[][2] = { { false, true }, { true, false } };
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		_cleanup_free_ char *before = NULL, *after = NULL, *undone = NULL, *wanted = NULL;
		struct changeset *c;

		strv_free(&world.running);
		strv_free(&world.enabled);
		strv_free(&world.packages);
		had_nfs(states[i][0], states[i][1]);
		before = world_text();
		run(s, &with_exports, &wants_kernel);
		assert_true(strv_has(&world.running, "nfs-kernel") && strv_has(&world.enabled, "nfs-kernel"));
		wanted = world_text();
		c = make(s, &without, &wants_nothing);
		assert_int_equal(c->n_services, 1);
		assert_int_equal(c->services[0].action, CHANGE_RELEASE);
		changeset_free(c);
		run(s, &without, &wants_nothing);
		after = world_text();
		assert_string_equal(after, before);
		/* And undo goes one back, to where muster wanted it. */
		assert_int_equal(apply_undo(&s->a), 0);
		undone = world_text();
		assert_string_equal(undone, wanted);
		run(s, &without, &wants_nothing);
	}
}

static void what_has_gone_with_its_package_is_not_missed(void **state)
{
	struct scratch *s = *state;

	had_nfs(true, true);
	run(s, &with_exports, &wants_kernel);
	strv_free(&world.running);
	strv_free(&world.enabled);
	strv_free(&world.packages);
	strbuf_free(&s->calls);
	run(s, &without, &wants_nothing);
	assert_calls(s, "");
}

static const char *enabled_meanwhile;
static const struct apply_wish *prepared_wish;
static const struct fileset *prepared_files;
static const struct changeset *shown;

static int prepare(void *data, struct changeset **ret)
{
	struct scratch *s = data;
	struct apply a = s->a;

	if (enabled_meanwhile && !strv_has(&world.enabled, enabled_meanwhile))
		assert_int_equal(strv_add(&world.enabled, enabled_meanwhile), 0);
	a.prepare = NULL;
	a.shown = shown;
	return changeset_make(&a, prepared_files, prepared_wish, ret);
}

static void run_prepared(struct scratch *s, const struct fileset *f, const struct apply_wish *w,
			 const struct apply_wish *later)
{
	struct changeset *c = make(s, f, w);

	shown = c;
	prepared_files = f;
	prepared_wish = later;
	s->a.prepare = prepare;
	assert_int_equal(apply_run(&s->a, c, "/answers.conf"), 0);
	s->a.prepare = NULL;
	changeset_free(c);
}

static void what_its_own_package_started_did_not_run_before(void **state)
{
	struct scratch *s = *state;

	run_prepared(s, &with_exports, &wants_kernel_and_package, &wants_kernel);
	assert_true(strv_has(&world.running, "nfs-kernel"));
	run(s, &without, &wants_nothing);
	assert_false(strv_has(&world.running, "nfs-kernel"));
	assert_false(strv_has(&world.enabled, "nfs-kernel"));
}

static void what_ran_before_is_known_after_the_packages_too(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	had_nfs(true, true);
	before = world_text();
	run_prepared(s, &with_exports, &wants_kernel, &wants_kernel);
	run(s, &without, &wants_nothing);
	after = world_text();
	assert_string_equal(after, before);
}

/* ---- rivals ---------------------------------------------------------------------------------------------------------------- */

static void a_rival_that_a_package_starts_is_stopped(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = world_text(), *after = NULL;
	struct changeset *c = make(s, &without, &wants_ganesha);

	/* It is shown beforehand. */
	assert_int_equal(c->n_services, 2);
	assert_int_equal(c->services[0].action, CHANGE_STOP);
	assert_string_equal(c->services[0].unit, "nfs-ganesha.service");
	changeset_free(c);
	run_prepared(s, &without, &wants_ganesha, &wants_ganesha_alone);
	assert_calls(s, "fetch nfs-ganesha; install nfs-ganesha; install nfs-ganesha-vfs; stop "
			"nfs-ganesha-packaged; start "
			"nfs-ganesha; ");
	assert_false(strv_has(&world.enabled, "nfs-ganesha-packaged"));
	c = make(s, &without, &wants_ganesha_alone);
	assert_true(changeset_empty(c));
	changeset_free(c);
	assert_int_equal(apply_undo(&s->a), 0);
	after = world_text();
	assert_string_equal(after, before);
}

/* Cut off at each point in turn, and recovered. How many points there were. */
static int cut_off_everywhere(struct scratch *s, const struct apply_wish *w)
{
	_cleanup_free_ char *before = world_text();

	for (int i = 1;; i++) {
		_cleanup_free_ char *after = NULL;
		struct changeset *c = make(s, &without, w);
		int r;

		s->a.stop_after = i;
		r = apply_run(&s->a, c, "/answers.conf");
		s->a.stop_after = 0;
		changeset_free(c);
		if (r == 0)
			return i - 1;
		assert_int_equal(apply_recover(&s->a), 1);
		after = world_text();
		assert_string_equal(after, before);
	}
}

static void cut_off_at_any_point_a_rival_is_as_before(void **state)
{
	assert_true(cut_off_everywhere(*state, &wants_ganesha) > 8);
}

/* The operator's own: it is not for muster to stop it. */
static void a_rival_that_ran_before_is_left_alone(void **state)
{
	struct scratch *s = *state;
	struct changeset *c;

	assert_int_equal(strv_add(&world.packages, "nfs-ganesha"), 0);
	assert_int_equal(strv_add(&world.running, "nfs-ganesha-packaged"), 0);
	c = make(s, &without, &wants_ganesha);
	assert_int_equal(c->n_services, 1);
	assert_string_equal(c->services[0].name, "nfs-ganesha");
	changeset_free(c);
}

/* With both enabled, only one of them would be up after the next start of the server. */
static void a_rival_that_is_enabled_only_is_disabled_and_enabled_again(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *undone = NULL, *with = NULL;
	struct apply_record *v;
	struct changeset *c;
	size_t n;

	assert_int_equal(strv_add(&world.packages, "nfs-ganesha"), 0);
	assert_int_equal(strv_add(&world.enabled, "nfs-ganesha-packaged"), 0);
	before = world_text();
	run_prepared(s, &without, &wants_ganesha_alone, &wants_ganesha_alone);
	assert_calls(s, "stop nfs-ganesha-packaged; start nfs-ganesha; ");
	assert_false(strv_has(&world.enabled, "nfs-ganesha-packaged"));
	c = make(s, &without, &wants_ganesha_alone);
	assert_true(changeset_empty(c));
	changeset_free(c);
	with = world_text();
	/* A plan without it gives the server its own back, and undo takes that back. */
	run(s, &without, &wants_nothing);
	after = world_text();
	assert_string_equal(after, before);
	assert_int_equal(apply_history(&s->a, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[1].deeds[1].name, "nfs-ganesha-packaged");
	assert_string_equal(v[1].deeds[1].what, "release");
	apply_records_free(v, n);
	assert_int_equal(apply_undo(&s->a), 0);
	undone = world_text();
	assert_string_equal(undone, with);
	free(after);
	assert_int_equal(apply_undo(&s->a), 0);
	after = world_text();
	assert_string_equal(after, before);
}

static void cut_off_at_any_point_an_enabled_rival_is_enabled_again(void **state)
{
	assert_int_equal(strv_add(&world.packages, "nfs-ganesha"), 0);
	assert_int_equal(strv_add(&world.enabled, "nfs-ganesha-packaged"), 0);
	assert_true(cut_off_everywhere(*state, &wants_ganesha_alone) > 6);
}

static void a_rival_that_a_package_only_enables_is_disabled(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(strv_add(&world.packages, "nfs-ganesha"), 0);
	enabled_meanwhile = "nfs-ganesha-packaged";
	run_prepared(s, &without, &wants_ganesha_alone, &wants_ganesha_alone);
	enabled_meanwhile = NULL;
	assert_calls(s, "stop nfs-ganesha-packaged; start nfs-ganesha; ");
	assert_false(strv_has(&world.enabled, "nfs-ganesha-packaged"));
}

/* ---- one for the other ------------------------------------------------------------------------------------------------------- */

static void what_ran_before_makes_room_and_comes_back(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *again = NULL;

	had_nfs(true, true);
	before = world_text();
	run(s, &with_exports, &wants_kernel);
	assert_calls(s, "restart nfs-kernel; ");
	run(s, &without, &wants_ganesha_alone);
	assert_calls(s, "stop nfs-kernel; start nfs-ganesha; ");
	run(s, &without, &wants_ganesha_alone);
	assert_calls(s, "");
	run(s, &without, &wants_nothing);
	assert_calls(s, "stop nfs-ganesha; start nfs-kernel; ");
	after = world_text();
	assert_string_equal(after, before);
	/* And by way of the first one again. */
	run(s, &with_exports, &wants_kernel);
	run(s, &without, &wants_ganesha_alone);
	run(s, &with_exports, &wants_kernel);
	assert_true(strv_has(&world.running, "nfs-kernel") && !strv_has(&world.running, "nfs-ganesha"));
	run(s, &without, &wants_nothing);
	again = world_text();
	assert_string_equal(again, before);
}

static void a_rival_stays_disabled_while_its_port_is_needed(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	assert_int_equal(strv_add(&world.packages, "nfs-ganesha"), 0);
	assert_int_equal(strv_add(&world.packages, "nfs-kernel-server"), 0);
	assert_int_equal(strv_add(&world.enabled, "nfs-ganesha-packaged"), 0);
	before = world_text();
	run(s, &without, &wants_ganesha_alone);
	run(s, &with_exports, &wants_kernel);
	assert_true(strv_has(&world.running, "nfs-kernel"));
	assert_false(strv_has(&world.enabled, "nfs-ganesha-packaged"));
	run(s, &without, &wants_nothing);
	after = world_text();
	assert_string_equal(after, before);
}

/* ---- what else undo finds ---------------------------------------------------------------------------------------------------- */

static void a_folder_of_keys_is_its_owners_again(void **state)
{
	const struct apply_wish wants_keys = { .keys = STRV("node01", "node02") };
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	prepare_server(s);
	put(s, "/var/lib/muster/keys/node01/ssh_host_ed25519_key", "private node01\n", 0600);
	put(s, "/var/lib/muster/keys/node01/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA node01\n", 0644);
	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/var/lib/muster/keys/node02", 0755), 0);
	assert_int_equal(fchownat(s->a.root_fd, "var/lib/muster/keys/node02", 1234, 1234, 0), 0);
	before = snapshot(s);
	run(s, &without, &wants_keys);
	assert_true(there(s, "/var/lib/muster/keys/node02/ssh_host_ed25519_key"));
	assert_int_equal(apply_undo(&s->a), 0);
	after = snapshot(s);
	assert_string_equal(after, before);
}

static void a_copy_from_a_package_that_somebody_changed_is_kept(void **state)
{
	static struct fileset_entry copies[] = { COPY_ENTRY("/srv/loader", "/usr/lib/loader") };
	static const struct fileset f = { copies, 1 };
	const struct apply_wish wish = { .packages = STRV("ipxe") };
	struct scratch *s = *state;
	struct changeset *c = make(s, &f, &wish);

	put(s, "/usr/lib/loader", "LOADER", 0644);
	assert_int_equal(apply_run(&s->a, c, "/answers.conf"), 0);
	changeset_free(c);
	put(s, "/srv/loader", "MINE", 0644);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_false(there(s, "/srv/loader"));
	assert_has(&s->steps, "/srv/loader was changed by somebody since; that version is kept in");
}

/* A folder that somebody has put in a file's place is his; the services of before do not wait for him. */
static void what_ran_before_runs_though_a_file_cannot_be_put_back(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	had_nfs(true, false);
	before = world_text();
	run(s, &with_exports, &wants_kernel);
	assert_int_equal(fs_unlink(s->a.root_fd, "/etc/exports.d/muster.exports"), 0);
	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/etc/exports.d/muster.exports", 0755), 0);
	strbuf_free(&s->calls);
	assert_int_equal(apply_undo(&s->a), -EISDIR);
	assert_has(&s->errors, "/etc/exports.d/muster.exports cannot be put back");
	assert_has(&s->errors, "Not everything could be taken back");
	after = world_text();
	assert_string_equal(after, before);
	assert_calls(s, "restart nfs-kernel; disable nfs-kernel; ");
	assert_false(there(s, APPLY_MANIFEST));
	/* And a further one finishes it. */
	assert_int_equal(apply_unfinished(&s->a), 1);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/etc/exports.d/muster.exports"), 0);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_NOT_APPLIED);
	assert_false(there(s, "/etc/exports.d"));
	free(after);
	after = world_text();
	assert_string_equal(after, before);
}

/* In a mount namespace of its own, which ends with the child. */
static void a_folder_with_a_mount_on_it_stays_and_the_rest_goes(void **state)
{
	static struct fileset_entry folders[] = { DIRECTORY_ENTRY("/srv/a", 0755),
						  DIRECTORY_ENTRY("/srv/b", 0755),
						  DIRECTORY_ENTRY("/srv/c", 0755) };
	static const struct fileset f = { folders, 3 };
	struct scratch *s = *state;
	_cleanup_free_ char *path = fs_join(s->root, "/srv/b");
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip(); /* only root can mount; run.sh, as root, counts what is left out as a failure */
	run(s, &f, &wants_nothing);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("tmpfs", path, "tmpfs", 0, "size=64k") < 0)
			_exit(3);
		if (apply_undo(&s->a) != 0)
			_exit(4);
		_exit(s->steps.data && strstr(s->steps.data, "/srv/b stays: something is mounted there") ? 0
													 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(there(s, "/srv/a"));
	assert_true(there(s, "/srv/b"));
	assert_false(there(s, "/srv/c"));
}

static int mount_on(struct scratch *s, const char *below)
{
	_cleanup_free_ char *path = fs_join(s->root, below);

	return mount("tmpfs", path, "tmpfs", 0, "size=64k");
}

/* Roots on a disk of their own are likely: all else goes, and what to do about them is said. */
static void uninstalling_goes_on_past_what_is_mounted(void **state)
{
	struct scratch *s = *state;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip(); /* only root can mount; run.sh, as root, counts what is left out as a failure */
	run(s, &without, &wants_nothing);
	put(s, "/var/lib/muster/roots/r-1/root.json", "{}", 0644);
	put(s, "/var/lib/muster/kernels/k-1/vmlinuz", "x", 0644);
	put(s, APPLY_LOGS "/musterd.log", "x", 0644);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount_on(s, "/var/lib/muster/roots") < 0 || mount_on(s, "/etc/muster") < 0)
			_exit(3);
		/* What was opened before is not of the new mounts. */
		close(s->a.root_fd);
		s->a.root_fd = fs_root_open(s->root);
		if (apply_uninstall(&s->a) >= 0)
			_exit(4);
		_exit(s->errors.data &&
				      strstr(s->errors.data,
					     "/var/lib/muster cannot be removed: something is "
					     "mounted on it or in it") &&
				      strstr(s->errors.data,
					     "/etc/muster cannot be removed: something is mounted")
			      ? 0
			      : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(there(s, "/var/lib/muster/roots/r-1"));
	assert_false(there(s, "/var/lib/muster/kernels"));
	assert_false(there(s, APPLY_LOGS));
	assert_false(there(s, APPLY_RUN));
	/* Unmounted. */
	assert_int_equal(apply_uninstall(&s->a), 0);
	assert_false(there(s, "/var/lib/muster"));
	assert_false(there(s, "/etc/muster"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_ran_before_runs_on_when_it_is_no_longer_wanted),
		TEST(what_was_enabled_only_is_that_again),
		TEST(what_has_gone_with_its_package_is_not_missed),
		TEST(what_its_own_package_started_did_not_run_before),
		TEST(what_ran_before_is_known_after_the_packages_too),
		TEST(a_rival_that_a_package_starts_is_stopped),
		TEST(cut_off_at_any_point_a_rival_is_as_before),
		TEST(a_rival_that_ran_before_is_left_alone),
		TEST(a_rival_that_is_enabled_only_is_disabled_and_enabled_again),
		TEST(cut_off_at_any_point_an_enabled_rival_is_enabled_again),
		TEST(a_rival_that_a_package_only_enables_is_disabled),
		TEST(what_ran_before_makes_room_and_comes_back),
		TEST(a_rival_stays_disabled_while_its_port_is_needed),
		TEST(a_folder_of_keys_is_its_owners_again),
		TEST(a_copy_from_a_package_that_somebody_changed_is_kept),
		TEST(a_folder_with_a_mount_on_it_stays_and_the_rest_goes),
		TEST(what_ran_before_runs_though_a_file_cannot_be_put_back),
		TEST(uninstalling_goes_on_past_what_is_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
