/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Applies, undos and uninstalls that are cut off at every call which changes the disk and at every step of a service or package
 * manager; then the recovery; then all is held against what was there before: bytes, modes, owners, extended attributes, times,
 * links, what runs, what is enabled, which packages are there.
 * Everything is on a tmpfs in a mount namespace of its own. Kills are tried at each point; of the other faults every Nth is, as it
 * stands with each test, and with MUSTER_FAULT_STRIDE=1 in the environment (tests/slow/15-fault.sh) each, too.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "backend/apply/journal.h"
#include "tests/fault/deed.h"
#include "tests/fault/faults.h"
#include "tests/fault/world.h"
#include "tests/unit/apply-plans.h"
#include "util/error.h"
#include "util/fs.h"

#define TMPFS_SIZE "72m" /* muster wants 64 MiB free before it begins */

static bool own_tmpfs;

/* ---- a server with a past ----------------------------------------------------------------------------------- */

static void attribute(struct scratch *s, const char *path, const char *value)
{
	_cleanup_close_ int fd = fs_open(s->a.root_fd, path, O_RDONLY, 0);

	assert_true(fd >= 0);
	if (fsetxattr(fd, "user.comment", value, strlen(value), 0) < 0)
		assert_int_equal(errno, ENOTSUP);
}

static void old_time(struct scratch *s, const char *path)
{
	const struct timespec times[2] = { { 1000000000, 123456789 }, { 1000000000, 123456789 } };
	_cleanup_close_ int fd = fs_open(s->a.root_fd, path, O_RDONLY, 0);

	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, times), 0);
}

static void prepare(struct scratch *s)
{
	s->a.services = &world_services;
	s->a.packages = &world_packages;
	world_reset();
	prepare_server(s);
	put(s, WORLD_WANTS "/ssh.service", "", 0644);
	put(s, WORLD_PARAMETER, "0\n", 0644);
	put(s, WORLD_CONFFILE, "the admin's of before\n", 0640);
	attribute(s, "/etc/hosts", "mine");
	attribute(s, "/etc/old.conf", "the admin's");
	attribute(s, WORLD_WANTS, "a folder's");
	old_time(s, "/etc/hosts");
	old_time(s, WORLD_CONFFILE);
	old_time(s, "/etc/old.conf");
}

static char *state_of(struct scratch *s)
{
	_cleanup_free_ char *tree = snapshot(s), *rest = world_describe();
	char *both;

	assert_true(asprintf(&both, "%s%s", tree, rest) > 0);
	return both;
}

/* The lines of `text` that `other` has not. */
static void show_lines(const char *sign, const char *text, const char *other)
{
	for (const char *p = text; *p; p += strcspn(p, "\n") + 1) {
		_cleanup_free_ char *line = strndup(p, strcspn(p, "\n") + 1);

		assert_non_null(line);
		if (!strstr(other, line))
			print_error("%s %s", sign, line);
	}
}

static void assert_state(struct scratch *s, const char *expected, const char *what, unsigned int at)
{
	_cleanup_free_ char *got = state_of(s);

	if (strcmp(got, expected) == 0)
		return;
	show_lines("is:    ", got, expected);
	show_lines("wanted:", expected, got);
	fail_msg("%s %u: it is not as before", what, at);
}

static struct changeset *changes(struct scratch *s, struct fileset_entry *v, size_t n,
				 const struct apply_wish *wish)
{
	const struct fileset f = { v, n };
	struct changeset *c;

	assert_int_equal(changeset_make(&s->a, &f, wish, &c), 0);
	return c;
}

/* The number of the newest apply that stands or was cut off; 0: none. */
static unsigned int newest(struct scratch *s)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	int r = journal_newest(&s->a, &j);

	assert_true(r == 0 || r == -ENOENT);
	return r == 0 ? j->number : 0;
}

/* Reading a thousand of them for the next one would be most of the work. */
static void forget_journals_after(struct scratch *s, unsigned int number)
{
	_cleanup_free_ unsigned int *v = NULL;
	size_t n;

	assert_int_equal(journal_list(s->a.root_fd, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%04u", APPLY_JOURNAL, v[i]);
		if (v[i] > number)
			assert_int_equal(fs_remove_tree(s->a.root_fd, path), 0);
	}
}

static unsigned int stride(unsigned int usual)
{
	const char *text = getenv("MUSTER_FAULT_STRIDE");
	unsigned long n = text ? strtoul(text, NULL, 10) : usual;

	return n > 0 && n < 10000 ? (unsigned int)n : usual;
}

static int run_apply(struct scratch *s, const struct changeset *c)
{
	return apply_run(&s->a, c, "answers.conf");
}

static int run_undo(struct scratch *s, const struct changeset *c)
{
	return apply_undo(&s->a);
}

static int run_recover(struct scratch *s, const struct changeset *c)
{
	int r = apply_recover(&s->a);

	return r < 0 ? r : 0;
}

static int run_uninstall(struct scratch *s, const struct changeset *c)
{
	return apply_uninstall(&s->a);
}

static const char *fault_name(enum fault kind)
{
	static const char *const names[] = {
		[FAULT_KILL] = "killed at point",     [FAULT_HALF] = "killed in the middle of point",
		[FAULT_POWER] = "without power at",   [FAULT_FULL_ONCE] = "no space at point",
		[FAULT_FULL] = "no space from point", [FAULT_IO] = "disk broken at point",
		[FAULT_READ_ONLY] = "read-only from", [FAULT_FILL] = "full from point",
	};

	return names[kind];
}

/* What muster itself says of its end must be true: nothing is left to recover, and it is all there or not at all. */
static void settle(struct scratch *s, const struct outcome *o, enum fault kind, unsigned int at,
		   unsigned int stood, const char *before)
{
	int r;

	/* A single fault does not keep it from taking back by itself. */
	if (!o->killed && !o->done && (kind == FAULT_FULL_ONCE || kind == FAULT_IO))
		assert_state(s, before, fault_name(kind), at);
	r = apply_recover(&s->a);
	if (r != 0 && r != 1)
		fail_msg("%s %u: the recovery fails with %d: %s", fault_name(kind), at, r,
			 s->errors.data ? s->errors.data : "");
	if (o->done && newest(s) == stood)
		fail_msg("%s %u: it is said to be done, and is not", fault_name(kind), at);
	assert_int_equal(apply_recover(&s->a), 0);
}

/* ---- applies ------------------------------------------------------------------------------------------------------- */

struct plan_case {
	struct fileset_entry *v;
	size_t n;
	const struct apply_wish *wish;
};
static const struct plan_case first_apply = { first, ARRAY_SIZE(first), &first_wish };
static const struct plan_case second_apply = { second, ARRAY_SIZE(second), &second_wish };

static void assert_nothing_to_do(struct scratch *s, const struct plan_case *p)
{
	struct apply_wish wish = *p->wish;
	_cleanup_(changeset_freep) struct changeset *c = NULL;

	wish.packages = (struct strv)STRV_INIT;
	c = changes(s, p->v, p->n, &wish);
	assert_true(changeset_empty(c));
}

static void sweep_apply(struct scratch *s, const struct plan_case *p, enum fault kind, unsigned int step)
{
	_cleanup_(changeset_freep) struct changeset *c = changes(s, p->v, p->n, p->wish);
	_cleanup_free_ char *before = state_of(s);
	const struct deed d = { run_apply, c };
	unsigned int stood = newest(s), n = 0;

	/* The first time it makes folders for its journals, too. */
	for (int i = 0; i < 2; i++) {
		n = deed_points(s, &d);
		assert_nothing_to_do(s, p);
		assert_int_equal(apply_undo(&s->a), 0);
		assert_state(s, before, "undone, points", n);
	}
	assert_true(n > 200);
	for (unsigned int at = 1; at <= n; at += step) {
		struct outcome o = deed_with_fault(s, &d, kind, at);

		settle(s, &o, kind, at, stood, before);
		if (newest(s) != stood) { /* the fault came after the last step */
			assert_nothing_to_do(s, p);
			assert_int_equal(apply_undo(&s->a), 0);
		}
		assert_state(s, before, fault_name(kind), at);
		forget_journals_after(s, stood);
	}
	print_message("          %s 1 to %u, every %u\n", fault_name(kind), n, step);
}

static void sweep_both(struct scratch *s, enum fault kind, unsigned int step)
{
	prepare(s);
	sweep_apply(s, &first_apply, kind, step);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	sweep_apply(s, &second_apply, kind, step);
}

static void killed_anywhere_an_apply_is_not_yet_or_can_be_taken_back(void **state)
{
	sweep_both(*state, FAULT_KILL, stride(1));
}

static void killed_inside_any_write_likewise(void **state)
{
	sweep_both(*state, FAULT_HALF, stride(1));
}

static void without_power_anywhere_likewise(void **state)
{
	sweep_both(*state, FAULT_POWER, stride(2));
}

static void without_space_for_one_call_it_takes_back_by_itself(void **state)
{
	sweep_both(*state, FAULT_FULL_ONCE, stride(4));
}

static void on_a_disk_that_breaks_for_one_call_it_takes_back_by_itself(void **state)
{
	sweep_both(*state, FAULT_IO, stride(4));
}

static void without_space_from_any_point_on_it_can_be_taken_back(void **state)
{
	sweep_both(*state, FAULT_FULL, stride(6));
}

static void read_only_from_any_point_on_it_can_be_taken_back(void **state)
{
	sweep_both(*state, FAULT_READ_ONLY, stride(6));
}

static void a_tmpfs_that_is_filled_at_any_point_likewise(void **state)
{
	if (!own_tmpfs)
		skip(); /* only root can mount; run.sh, as root, counts what is left out as a failure */
	sweep_both(*state, FAULT_FILL, stride(8));
}

/* ---- undo, recovery, uninstall ------------------------------------------------------------------------------------ */

static void apply_both(struct scratch *s, char **between)
{
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	*between = state_of(s);
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
}

static void sweep_undo(struct scratch *s, enum fault kind, unsigned int step)
{
	const struct deed d = { run_undo, NULL };
	_cleanup_free_ char *between = NULL;
	unsigned int n, applied;

	prepare(s);
	apply_both(s, &between);
	n = deed_points(s, &d);
	assert_true(n > 100);
	for (unsigned int at = 1; at <= n; at += step) {
		struct outcome o;

		assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
		applied = newest(s);
		o = deed_with_fault(s, &d, kind, at);
		if (!o.killed && !o.done && newest(s) == 1)
			fail_msg("%s %u: it is undone, and said to have failed", fault_name(kind), at);
		assert_true(apply_recover(&s->a) >= 0);
		if (newest(s) == applied) /* the undo had not begun */
			assert_int_equal(apply_undo(&s->a), 0);
		assert_state(s, between, fault_name(kind), at);
		forget_journals_after(s, 1);
	}
	print_message("          %s 1 to %u, every %u\n", fault_name(kind), n, step);
}

static void killed_anywhere_an_undo_goes_on(void **state)
{
	sweep_undo(*state, FAULT_KILL, stride(1));
}

static void killed_inside_any_write_an_undo_goes_on(void **state)
{
	sweep_undo(*state, FAULT_HALF, stride(1));
}

static void without_power_anywhere_an_undo_goes_on(void **state)
{
	sweep_undo(*state, FAULT_POWER, stride(2));
}

static void without_space_from_any_point_on_an_undo_goes_on_later(void **state)
{
	sweep_undo(*state, FAULT_FULL, stride(5));
}

/* The apply is killed, and then what takes it back is, too. */
static void sweep_recovery(struct scratch *s, const struct changeset *c, unsigned int cut, enum fault kind,
			   unsigned int step, const char *before)
{
	const struct deed apply = { run_apply, c }, recovery = { run_recover, NULL };

	for (unsigned int at = 1;; at += step) {
		struct outcome o = deed_with_fault(s, &apply, FAULT_KILL, cut);

		assert_true(o.killed);
		o = deed_with_fault(s, &recovery, kind, at);
		assert_true(apply_recover(&s->a) >= 0);
		assert_state(s, before, "recovery", at);
		forget_journals_after(s, 0);
		if (!o.killed)
			break;
	}
}

static void killed_anywhere_a_recovery_goes_on(void **state)
{
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	_cleanup_free_ char *before = NULL;
	struct deed d = { run_apply, NULL };
	unsigned int n = 0;

	prepare(s);
	c = changes(s, first, ARRAY_SIZE(first), &first_wish);
	before = state_of(s);
	d.c = c;
	for (int i = 0; i < 2; i++) {
		n = deed_points(s, &d);
		assert_int_equal(apply_undo(&s->a), 0);
	}
	for (unsigned int cut = n - 3; cut > 40; cut -= MIN(cut, n / 4)) {
		sweep_recovery(s, c, cut, FAULT_KILL, stride(5), before);
		sweep_recovery(s, c, cut, FAULT_POWER, stride(7), before);
	}
}

static void killed_anywhere_an_uninstall_can_be_said_again(void **state)
{
	static const enum fault kinds[] = { FAULT_KILL, FAULT_POWER };
	struct scratch *s = *state;
	const struct deed d = { run_uninstall, NULL };
	_cleanup_free_ char *before = NULL, *between = NULL;
	unsigned int n;

	prepare(s);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/run/muster"), 0);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/run/muster-apply"), 0);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/var/lib/muster"), 0);
	before = state_of(s);
	apply_both(s, &between);
	n = deed_points(s, &d);
	assert_state(s, before, "uninstalled, points", n);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (unsigned int at = 1; at <= n; at += stride(3)) {
			_cleanup_free_ char *ignored = NULL;
			struct outcome o;

			apply_both(s, &ignored);
			o = deed_with_fault(s, &d, kinds[k], at);
			assert_true(o.killed || o.done);
			assert_true(apply_recover(&s->a) >= 0);
			assert_int_equal(apply_uninstall(&s->a), 0);
			assert_state(s, before, fault_name(kinds[k]), at);
		}
}

/* ---- without a fault below, troubles beside --------------------------------------------------------------------------- */

static void assert_fails_and_is_as_before(struct scratch *s, const struct plan_case *p, int error,
					  const char *said)
{
	_cleanup_free_ char *before = state_of(s);
	int r = apply_fileset(s, p->v, p->n, p->wish);

	assert_int_equal(r, error);
	assert_has(&s->errors, said);
	assert_state(s, before, "error", (unsigned int)-error);
	assert_int_equal(apply_recover(&s->a), 0);
	strbuf_reset(&s->errors);
}

static void a_service_that_never_comes_up_puts_all_back(void **state)
{
	struct scratch *s = *state;

	prepare(s);
	world_keep_down("dnsmasq");
	assert_fails_and_is_as_before(s, &first_apply, -MUSTER_E_UNHEALTHY, "cannot bind to port 67");
}

static void a_package_manager_that_fails_half_way_puts_all_back(void **state)
{
	struct scratch *s = *state;

	prepare(s);
	world_refuse_package("ipxe");
	assert_fails_and_is_as_before(s, &first_apply, -MUSTER_E_COMMAND,
				      "the package manager cannot install ipxe");
}

static void a_daemon_that_refuses_its_configuration_puts_all_back(void **state)
{
	static struct fileset_entry v[] = {
		FILE_ENTRY("/etc/muster/dnsmasq.conf", "wrong\n", 0644, "dnsmasq"),
		FILE_ENTRY("/etc/old.conf", "muster's\n", 0600, NULL),
	};
	static const struct plan_case p = { v, ARRAY_SIZE(v), &first_wish };
	struct scratch *s = *state;

	prepare(s);
	assert_fails_and_is_as_before(s, &p, -MUSTER_E_REFUSED, "bad option at line 1");
}

static int run_with_folder_read_only(struct scratch *s, const struct changeset *c, const char *folder)
{
	_cleanup_free_ char *path = fs_join(s->root, folder);
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount(path, path, NULL, MS_BIND, NULL) < 0 ||
		    mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
			_exit(99);
		/* What was opened before is not of the new mount. */
		close(s->a.root_fd);
		s->a.root_fd = fs_root_open(s->root);
		_exit(apply_run(&s->a, c, "answers.conf") == 0 ? 0 : s->errors.len ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_folder_that_is_read_only_is_told_and_all_is_put_back(void **state)
{
	static const char *const folders[] = {
		"/etc", "/etc/systemd/system", "/var/lib/muster", "/run/muster-apply", "/var/lib", "/run"
	};
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	_cleanup_free_ char *before = NULL;

	if (!own_tmpfs)
		skip(); /* only root can mount; run.sh, as root, counts what is left out as a failure */
	prepare(s);
	c = changes(s, first, ARRAY_SIZE(first), &first_wish);
	before = state_of(s);
	for (unsigned int i = 0; i < ARRAY_SIZE(folders); i++) {
		assert_int_equal(run_with_folder_read_only(s, c, folders[i]), 1);
		assert_int_equal(apply_unfinished(&s->a), 0);
		assert_state(s, before, folders[i], i);
	}
}

/* ---- where it runs ------------------------------------------------------------------------------------------------------ */

/* False: this user may not; then it runs where TMPDIR is, without what needs mounts. */
static bool enter_tmpfs(char *folder)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mkdtemp(folder) && mount("fault", folder, "tmpfs", 0, "mode=0755,size=" TMPFS_SIZE) == 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(killed_anywhere_an_apply_is_not_yet_or_can_be_taken_back),
		TEST(killed_inside_any_write_likewise),
		TEST(without_power_anywhere_likewise),
		TEST(without_space_for_one_call_it_takes_back_by_itself),
		TEST(on_a_disk_that_breaks_for_one_call_it_takes_back_by_itself),
		TEST(without_space_from_any_point_on_it_can_be_taken_back),
		TEST(read_only_from_any_point_on_it_can_be_taken_back),
		TEST(a_tmpfs_that_is_filled_at_any_point_likewise),
		TEST(killed_anywhere_an_undo_goes_on),
		TEST(killed_inside_any_write_an_undo_goes_on),
		TEST(without_power_anywhere_an_undo_goes_on),
		TEST(without_space_from_any_point_on_an_undo_goes_on_later),
		TEST(killed_anywhere_a_recovery_goes_on),
		TEST(killed_anywhere_an_uninstall_can_be_said_again),
		TEST(a_service_that_never_comes_up_puts_all_back),
		TEST(a_package_manager_that_fails_half_way_puts_all_back),
		TEST(a_daemon_that_refuses_its_configuration_puts_all_back),
		TEST(a_folder_that_is_read_only_is_told_and_all_is_put_back),
	};
	char folder[] = "/tmp/muster-fault-XXXXXX";
	int r;

	own_tmpfs = enter_tmpfs(folder);
	if (own_tmpfs)
		setenv("TMPDIR", folder, 1);
	r = cmocka_run_group_tests_name("fault", tests, NULL, NULL);
	if (own_tmpfs && umount2(folder, MNT_DETACH) == 0)
		rmdir(folder);
	return r;
}
