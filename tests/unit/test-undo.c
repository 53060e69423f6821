/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking applies back: the last one, back to any of them, and all that there is. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "apply-plans.h"
#include "util/error.h"
#include "util/fs.h"

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
	/* Its unit is another again: a reload would not do. */
	assert_has(&s->calls, "stop dnsmasq; start dnsmasq; ");
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
	assert_true(did(&v[1], "remove", "folder", "/etc/exports.d"));
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

static void uninstalled_the_server_is_as_before_the_first_apply(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *w0 = NULL, *w1 = NULL;

	prepare_server(s);
	/* As every server has them. */
	put(s, "/run/others", "", 0644);
	put(s, "/var/lib/others", "", 0644);
	put(s, "/var/log/others", "", 0644);
	put(s, "/etc/systemd/system/others.service", "", 0644);
	put(s, "/etc/exports.d/others.exports", "", 0644);
	/* The scratch has them before the first apply, which a server has not. */
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/var/lib/muster"), 0);
	assert_int_equal(fs_remove_tree(s->a.root_fd, APPLY_RUN), 0);
	assert_int_equal(fs_remove_tree(s->a.root_fd, APPLY_WORK), 0);
	before = snapshot(s);
	w0 = world_text();
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_int_equal(apply_fileset(s, second, ARRAY_SIZE(second), &second_wish), 0);
	put(s, "/var/lib/muster/kernels/k-1/vmlinuz", "x", 0644);
	assert_int_equal(apply_uninstall(&s->a), 0);
	after = snapshot(s);
	w1 = world_text();
	assert_string_equal(after, before);
	assert_string_equal(w1, w0);
	/* What the snapshot leaves out. */
	assert_false(there(s, APPLY_JOURNAL));
	assert_false(there(s, APPLY_RUN));
	assert_false(there(s, APPLY_WORK));
}

static void uninstalling_loses_nothing_that_others_wrote(void **state)
{
	struct scratch *s = *state;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	put(s, "/etc/muster/dnsmasq.conf", "somebody's work\n", 0644);
	put(s, "/etc/muster/recipes/own.conf", "mine\n", 0644);
	put(s, "/var/lib/muster/kernels/k-1/vmlinuz", "x", 0644);
	assert_int_equal(apply_uninstall(&s->a), 0);
	assert_false(there(s, "/etc/muster/dnsmasq.conf"));
	assert_true(there(s, "/etc/muster/recipes/own.conf"));
	assert_false(there(s, "/var/lib/muster/kernels"));
	assert_true(there(s, APPLY_JOURNAL "/0001/kept"));
	assert_false(there(s, APPLY_MANIFEST));
}

/* The folder of keys is musterd's user's: whoever takes that over makes root change no other folder. */
static void a_link_among_the_keys_leads_undo_nowhere(void **state)
{
	struct scratch *s = *state;
	_cleanup_close_ int keys = -1, other = -1;
	struct stat st;

	prepare_server(s);
	put(s, APPLY_KEYS "/node01/note", "x", 0600);
	put(s, "/etc/other/file", "x", 0600);
	other = fs_open(s->a.root_fd, "/etc/other", O_RDONLY | O_DIRECTORY, 0);
	keys = fs_open(s->a.root_fd, APPLY_KEYS, O_RDONLY | O_DIRECTORY, 0);
	assert_int_equal(fchmodat(keys, "node01", 0701, 0), 0);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	assert_int_equal(fchmod(other, 0711), 0);
	assert_int_equal(renameat(keys, "node01", keys, "away"), 0);
	assert_int_equal(symlinkat("/etc/other", keys, "node01"), 0);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_int_equal(fstat(other, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
}

static void nothing_is_uninstalled_while_another_is_at_work(void **state)
{
	struct scratch *s = *state;
	_cleanup_close_ int lock = -1;

	prepare_server(s);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &first_wish), 0);
	lock = fs_open(s->a.root_fd, APPLY_LOCK, O_RDWR, 0);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(apply_uninstall(&s->a), -MUSTER_E_BUSY);
	assert_true(there(s, "/etc/muster/dnsmasq.conf"));
	assert_true(there(s, APPLY_JOURNAL "/0001/journal"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(undo_brings_every_byte_and_mode_back),
		TEST(the_history_has_every_apply_and_what_it_did),
		TEST(undo_goes_back_to_any_apply),
		TEST(undo_can_be_repeated_when_it_was_cut_off),
		TEST(what_others_wrote_since_is_not_lost),
		TEST(an_admin_changed_something_undo_still_finds_its_way),
		TEST(undo_leaves_services_alone_when_its_driver_does),
		TEST(uninstalled_the_server_is_as_before_the_first_apply),
		TEST(uninstalling_loses_nothing_that_others_wrote),
		TEST(nothing_is_uninstalled_while_another_is_at_work),
		TEST(a_link_among_the_keys_leads_undo_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
