/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply-common.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"

static struct changeset *changes(struct scratch *s, struct fileset_entry *v, size_t n, int expected)
{
	static const struct apply_wish nothing;
	const struct fileset f = { v, n };
	struct changeset *c = NULL;

	assert_int_equal(changeset_make(&s->a, &f, &nothing, &c), expected);
	return c;
}

static const struct change *change_of(const struct changeset *c, const char *path)
{
	for (size_t i = 0; i < c->n_files; i++)
		if (strcmp(c->files[i].path, path) == 0)
			return &c->files[i];
	return NULL;
}

static void make_link(struct scratch *s, const char *to, const char *path)
{
	_cleanup_free_ char *real = fs_join(s->root, path);

	assert_int_equal(symlink(to, real), 0);
}

static void a_new_file_is_shown_with_its_folders(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/deep/er/x.conf", "one\n", 0640, "dnsmasq") };
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = changes(s, v, 1, 0);
	const struct change *x = change_of(c, "/etc/deep/er/x.conf");

	assert_string_equal(c->files[0].path, "/etc");
	assert_true(c->files[0].directory);
	assert_int_equal(change_of(c, "/etc/deep/er")->kind, CHANGE_CREATE);
	assert_int_equal(x->kind, CHANGE_CREATE);
	assert_string_equal(x->diff,
			    "--- a/etc/deep/er/x.conf\n+++ b/etc/deep/er/x.conf\n@@ -0,0 +1 @@\n+one\n");
	assert_string_equal(x->service, "dnsmasq");
	assert_int_equal(x->new_mode, 0640);
	assert_null(x->old_data);
	assert_non_null(change_of(c, APPLY_MANIFEST));
	assert_false(changeset_empty(c));
	assert_false(there(s, "/etc"));
}

static void a_change_is_a_unified_diff(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/x", "one\n$(reboot)\n`two`", 0644, NULL) };
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = NULL;

	put(s, "/etc/x", "one\ntwo\n", 0644);
	c = changes(s, v, 1, 0);
	assert_int_equal(change_of(c, "/etc/x")->kind, CHANGE_MODIFY);
	assert_string_equal(change_of(c, "/etc/x")->diff,
			    "--- a/etc/x\n+++ b/etc/x\n@@ -1,2 +1,3 @@\n one\n-two\n+$(reboot)\n+`two`\n"
			    "\\ No newline at end of file\n");
	assert_string_equal(change_of(c, "/etc/x")->old_data, "one\ntwo\n");
}

static void it_is_known_whose_files_are_replaced(void **state)
{
	static struct fileset_entry first[] = {
		FILE_ENTRY("/etc/ours", "one\n", 0644, NULL),
		FILE_ENTRY("/etc/edited", "one\n", 0644, NULL),
		FILE_ENTRY("/etc/dropped", "one\n", 0644, NULL),
		FILE_ENTRY("/etc/kept", "one\n", 0644, NULL),
		BLOCK_ENTRY("/etc/hosts", "10.66.0.11 node01\n"),
		BLOCK_ENTRY("/etc/lines", "mine\n"),
	};
	static struct fileset_entry second[] = {
		FILE_ENTRY("/etc/ours", "two\n", 0644, NULL),
		FILE_ENTRY("/etc/edited", "two\n", 0644, NULL),
		FILE_ENTRY("/etc/others", "two\n", 0644, NULL),
		FILE_ENTRY("/etc/kept", "one\n", 0600, NULL),
		BLOCK_ENTRY("/etc/hosts", "10.66.0.12 node02\n"),
		BLOCK_ENTRY("/etc/lines", "new\n"),
	};
	static const struct apply_wish nothing;
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	_cleanup_free_ char *lines = NULL, *edited = NULL;
	struct scratch *s = *state;

	put(s, "/etc/hosts", "127.0.0.1 localhost\n", 0644);
	assert_int_equal(apply_fileset(s, first, ARRAY_SIZE(first), &nothing), 0);
	put(s, "/etc/edited", "by somebody\n", 0644);
	put(s, "/etc/dropped", "by somebody\n", 0644);
	put(s, "/etc/others", "by somebody\n", 0644);
	lines = get(s, "/etc/lines");
	edited = strdup(lines);
	memcpy(strstr(edited, "mine"), "MINE", 4);
	put(s, "/etc/lines", edited, 0644);
	c = changes(s, second, ARRAY_SIZE(second), 0);
	assert_int_equal(change_of(c, "/etc/ours")->whose, CHANGE_OURS);
	assert_int_equal(change_of(c, "/etc/edited")->whose, CHANGE_EDITED);
	assert_int_equal(change_of(c, "/etc/others")->whose, CHANGE_OTHERS);
	assert_int_equal(change_of(c, "/etc/dropped")->kind, CHANGE_REMOVE);
	assert_int_equal(change_of(c, "/etc/dropped")->whose, CHANGE_EDITED);
	assert_int_equal(change_of(c, "/etc/kept")->whose, CHANGE_OURS);
	/* Around the block everybody writes; in it nobody but muster. */
	assert_int_equal(change_of(c, "/etc/hosts")->whose, CHANGE_OURS);
	assert_int_equal(change_of(c, "/etc/lines")->whose, CHANGE_EDITED);
	assert_int_equal(change_of(c, APPLY_MANIFEST)->whose, CHANGE_OURS);
}

static void a_mode_alone_is_a_change_of_attributes(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/x", "one\n", 0600, NULL) };
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	struct stat st, after;

	put(s, "/etc/x", "one\n", 0644);
	assert_int_equal(fs_stat(s->a.root_fd, "/etc/x", &st), 0);
	c = changes(s, v, 1, 0);
	assert_int_equal(change_of(c, "/etc/x")->kind, CHANGE_ATTRIBUTES);
	assert_string_equal(change_of(c, "/etc/x")->diff, "");
	assert_int_equal(change_of(c, "/etc/x")->old_mode, 0644);
	assert_int_equal(apply_run(&s->a, c, ""), 0);
	assert_int_equal(fs_stat(s->a.root_fd, "/etc/x", &after), 0);
	assert_int_equal(after.st_mode & 07777, 0600);
	assert_int_equal(after.st_ino, st.st_ino);
	assert_int_equal(apply_undo(&s->a), 0);
	assert_int_equal(fs_stat(s->a.root_fd, "/etc/x", &after), 0);
	assert_int_equal(after.st_mode & 07777, 0644);
}

static void bytes_that_are_no_text_are_not_shown(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/srv/x", "a\0b", 0644, NULL) };
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = changes(s, v, 1, 0);

	assert_string_equal(change_of(c, "/srv/x")->diff, "Binary files a/srv/x and b/srv/x differ\n");
	assert_int_equal(change_of(c, "/srv/x")->new_len, 3);
}

static void foreign_folders_keep_their_modes(void **state)
{
	static struct fileset_entry v[] = { DIRECTORY_ENTRY("/etc/ssh", 0700),
					    DIRECTORY_ENTRY("/etc/muster", 0700) };
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = NULL;

	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/etc/ssh", 0755), 0);
	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/etc/muster", 0755), 0);
	c = changes(s, v, 2, 0);
	assert_null(change_of(c, "/etc/ssh"));
	assert_int_equal(change_of(c, "/etc/muster")->kind, CHANGE_ATTRIBUTES);
}

static void only_plain_files_and_folders_are_touched(void **state)
{
	static struct fileset_entry file[] = { FILE_ENTRY("/etc/x", "one\n", 0644, NULL) };
	static struct fileset_entry block[] = { BLOCK_ENTRY("/etc/x", "one\n") };
	static struct fileset_entry below[] = { FILE_ENTRY("/etc/x/y", "one\n", 0644, NULL) };
	struct scratch *s = *state;

	put(s, "/etc/real", "real\n", 0644);
	make_link(s, "real", "/etc/x");
	changes(s, file, 1, -MUSTER_E_CONFLICT);
	changes(s, block, 1, -MUSTER_E_CONFLICT);
	assert_int_equal(fs_unlink(s->a.root_fd, "/etc/x"), 0);
	make_link(s, "nowhere", "/etc/x");
	changes(s, file, 1, -MUSTER_E_CONFLICT);
	assert_int_equal(fs_unlink(s->a.root_fd, "/etc/x"), 0);
	put(s, "/etc/x/inside", "", 0644);
	changes(s, file, 1, -MUSTER_E_CONFLICT);
	assert_int_equal(fs_remove_tree(s->a.root_fd, "/etc/x"), 0);
	put(s, "/etc/x", "a file\n", 0644);
	changes(s, below, 1, -MUSTER_E_CONFLICT);
	assert_non_null(strstr(s->errors.data, "/etc/x is a file, where muster wants a folder."));
}

/* Somebody's large disk is elsewhere. */
static void a_folder_may_be_a_link_to_one(void **state)
{
	static struct fileset_entry v[] = { DIRECTORY_ENTRY("/srv/muster", 0755),
					    FILE_ENTRY("/srv/muster/x", "one\n", 0644, NULL) };
	struct scratch *s = *state;

	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/data/big", 0755), 0);
	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/srv", 0755), 0);
	make_link(s, "/data/big", "/srv/muster");
	assert_int_equal(apply_fileset(s, v, 2, NULL), 0);
	assert_true(there(s, "/data/big/x"));
	assert_int_equal(apply_undo(&s->a), 0);
	assert_true(there(s, "/srv/muster"));
	assert_false(there(s, "/data/big/x"));
}

static void blocks_leave_every_other_byte(void **state)
{
	static const struct {
		const char *before, *block, *after;
	} cases[] = {
		{ "", "x\n", "# muster begin\nx\n# muster end\n" },
		{ "a", "x\n", "a\n# muster begin\nx\n# muster end\n" },
		{ "a\n\n", "x", "a\n\n# muster begin\nx\n# muster end\n" },
		{ "a\r\n# muster begin\nold\n# muster end\nb", "x\n",
		  "a\r\n# muster begin\nx\n# muster end\nb" },
		{ "# muster begin\n# muster end\n", "x\n", "# muster begin\nx\n# muster end\n" },
		{ "# muster begin\nno end\n", "x\n",
		  "# muster begin\nno end\n# muster begin\nx\n# muster end\n" },
		{ "# muster end\na\n", "x\n", "# muster end\na\n# muster begin\nx\n# muster end\n" },
		{ " # muster begin\n# muster end \n", "x\n",
		  " # muster begin\n# muster end \n# muster begin\nx\n# muster end\n" },
		{ "a\n# muster begin\nx\n# muster end\nb\n", NULL, "a\nb\n" },
		{ "a\n# muster begin\nx\n# muster end", NULL, "a\n" },
		{ "a\nb", NULL, "a\nb" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL, *inside = NULL;
		size_t len, inside_len;

		assert_int_equal(block_set(cases[i].before, strlen(cases[i].before), cases[i].block,
					   cases[i].block ? strlen(cases[i].block) : 0, &text, &len),
				 0);
		assert_string_equal(text, cases[i].after);
		assert_int_equal(len, strlen(text));
		assert_int_equal(block_get(text, len, &inside, &inside_len), cases[i].block ? 0 : -ENOENT);
		if (cases[i].block)
			assert_string_equal(inside, "x\n");
	}
}

static void a_block_that_is_not_wanted_any_more_goes_alone(void **state)
{
	static struct fileset_entry v[] = { BLOCK_ENTRY("/etc/hosts", "x\n"),
					    BLOCK_ENTRY("/etc/new", "x\n") };
	struct scratch *s = *state;
	_cleanup_free_ char *hosts = NULL;
	_cleanup_(changeset_freep) struct changeset *c = NULL;

	put(s, "/etc/hosts", "localhost\n", 0644);
	assert_int_equal(apply_fileset(s, v, 2, NULL), 0);
	c = changes(s, v, 0, 0);
	assert_int_equal(change_of(c, "/etc/hosts")->kind, CHANGE_MODIFY);
	assert_int_equal(change_of(c, "/etc/new")->kind, CHANGE_REMOVE);
	assert_int_equal(apply_run(&s->a, c, ""), 0);
	hosts = get(s, "/etc/hosts");
	assert_string_equal(hosts, "localhost\n");
	assert_false(there(s, "/etc/new"));
	assert_true(there(s, "/etc"));
}

static void folders_of_others_stay_when_muster_goes(void **state)
{
	static struct fileset_entry v[] = { DIRECTORY_ENTRY("/etc/exports.d", 0755),
					    DIRECTORY_ENTRY("/etc/ours", 0755),
					    FILE_ENTRY("/etc/exports.d/x", "x\n", 0644, NULL) };
	struct scratch *s = *state;
	_cleanup_(changeset_freep) struct changeset *c = NULL;

	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/etc/exports.d", 0755), 0);
	assert_int_equal(apply_fileset(s, v, 3, NULL), 0);
	c = changes(s, v, 0, 0);
	assert_null(change_of(c, "/etc/exports.d"));
	assert_int_equal(change_of(c, "/etc/exports.d/x")->kind, CHANGE_REMOVE);
	assert_int_equal(change_of(c, "/etc/ours")->kind, CHANGE_REMOVE);
	assert_int_equal(apply_run(&s->a, c, ""), 0);
	assert_true(there(s, "/etc/exports.d"));
	assert_false(there(s, "/etc/ours"));
}

static void a_damaged_manifest_is_not_believed(void **state)
{
	static const char *const wrong[] = { "",
					     "{",
					     "[]",
					     "{\"files\":{}}",
					     "{\"files\":[],\"services\":[]}",
					     "{\"files\":{\"/a/../../etc\":{}},\"services\":[]}",
					     "{\"files\":{\"etc\":{}},\"services\":[]}",
					     "{\"files\":{\"/etc/..\":{}},\"services\":[]}",
					     "{\"files\":{\"/etc/x\":1},\"services\":[]}" };
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		put(s, APPLY_MANIFEST, wrong[i], 0600);
		changes(s, NULL, 0, -MUSTER_E_FORMAT);
	}
	assert_non_null(strstr(s->errors.data, APPLY_MANIFEST));
}

static void private_keys_are_never_shown(void **state)
{
	struct scratch *s = *state;
	const struct apply_wish wish = { .keys = { (char *[]){ (char[]){ "node01" }, NULL }, 1 } },
				nothing = { 0 };
	const struct fileset none = { 0 };
	_cleanup_(changeset_freep) struct changeset *c = NULL;

	fake_program(s, "ssh-keygen",
		     "while [ $# -gt 0 ]; do case $1 in -f) f=$2;; esac; shift; done\n"
		     "echo secret >\"$f\"; echo \"ssh-ed25519 AAAA x\" >\"$f.pub\"");
	assert_int_equal(apply_fileset(s, NULL, 0, &wish), 0);
	assert_int_equal(changeset_make(&s->a, &none, &nothing, &c), 0);
	assert_string_equal(change_of(c, APPLY_KEYS "/node01/ssh_host_ed25519_key")->diff, "");
	for (size_t i = 0; i < c->n_files; i++)
		assert_null(strstr(c->files[i].diff, "secret"));
}

static void without_a_driver_services_and_packages_are_left_alone(void **state)
{
	struct scratch *s = *state;
	const struct apply_wish wish = { .services = { (char *[]){ (char[]){ "dnsmasq" }, NULL }, 1 },
					 .packages = { (char *[]){ (char[]){ "ipxe" }, NULL }, 1 } };
	const struct fileset none = { 0 };
	_cleanup_(changeset_freep) struct changeset *c = NULL;

	s->a.services = service_driver_find("none");
	s->a.packages = package_driver_find("none");
	assert_int_equal(changeset_make(&s->a, &none, &wish, &c), 0);
	assert_int_equal(c->n_services, 0);
	assert_int_equal(c->packages.n, 0);
	assert_false(c->user);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

/* ---- secrets ---- */

static char *hidden(const char *text)
{
	char *s;
	size_t len;

	assert_int_equal(secrets_hide(text, strlen(text), &s, &len), 0);
	assert_int_equal(strlen(s), len);
	return s;
}

static void passwords_are_not_shown_but_their_change_is(void **state)
{
	static const char one[] = "\"root_password\": \"$6$salt$abcdefghij./KLM\",\n\"next\": 1\n";
	static const char other[] = "\"root_password\": \"$6$salt$abcdefghij./KLN\",\n\"next\": 1\n";
	_cleanup_free_ char *a = hidden(one), *b = hidden(other),
			    *c = hidden("root:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6:1\n");
	_cleanup_free_ char *diff = NULL;

	assert_null(strstr(a, "$6$"));
	assert_null(strstr(a, "KLM"));
	assert_ptr_equal(strstr(a, "\"root_password\": \"(a secret, "), a);
	assert_non_null(strstr(a, ")\",\n\"next\": 1\n"));
	assert_string_not_equal(a, b);
	assert_null(strstr(c, "j9T"));
	assert_non_null(strstr(c, "root:(a secret, "));
	assert_int_equal(diff_make("/x", one, strlen(one), other, strlen(other), &diff), 0);
	assert_null(strstr(diff, "KL"));
	assert_non_null(strstr(diff, "-\"root_password\": \"(a secret, "));
	assert_non_null(strstr(diff, "+\"root_password\": \"(a secret, "));
}

static void what_is_no_password_is_shown_as_it_is(void **state)
{
	static const char *const texts[] = { "",
					     "$",
					     "$$",
					     "$6",
					     "$6$",
					     "$PATH and ${HOME}",
					     "$6$no-third-part",
					     "cost: 5$ a node",
					     "$(id)$x$y",
					     "a\n$\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		_cleanup_free_ char *same = hidden(texts[i]);

		assert_string_equal(same, texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_are_not_shown_but_their_change_is),
		cmocka_unit_test(what_is_no_password_is_shown_as_it_is),
		TEST(a_new_file_is_shown_with_its_folders),
		TEST(a_change_is_a_unified_diff),
		TEST(it_is_known_whose_files_are_replaced),
		TEST(a_mode_alone_is_a_change_of_attributes),
		TEST(bytes_that_are_no_text_are_not_shown),
		TEST(foreign_folders_keep_their_modes),
		TEST(only_plain_files_and_folders_are_touched),
		TEST(a_folder_may_be_a_link_to_one),
		TEST(blocks_leave_every_other_byte),
		TEST(a_block_that_is_not_wanted_any_more_goes_alone),
		TEST(folders_of_others_stay_when_muster_goes),
		TEST(a_damaged_manifest_is_not_believed),
		TEST(private_keys_are_never_shown),
		TEST(without_a_driver_services_and_packages_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
