/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>

#include "apply-common.h"
#include "backend/apply/journal.h"
#include "util/error.h"
#include "util/fs.h"

#define J1 APPLY_JOURNAL "/0001/journal"

static json_t *a_step(const char *path)
{
	return json_pack("{s:s, s:s, s:{s:b}}", "kind", "file", "path", path, "old", "exists", 0);
}

/* A journal of two steps, the first done. */
static void write_one(struct scratch *s, const char *end)
{
	_cleanup_(journal_freep) struct journal *j = NULL;

	assert_int_equal(journal_create(&s->a, "answers.conf", &j), 0);
	assert_int_equal(journal_next(j), 1);
	assert_int_equal(journal_save(j, "old\0bytes", 9), 0);
	assert_int_equal(journal_step(j, a_step("/a")), 0);
	assert_int_equal(journal_done(j, json_pack("{s:s}", "extra", "x")), 0);
	assert_int_equal(journal_step(j, a_step("/b")), 0);
	if (end)
		assert_int_equal(journal_end(j, end), 0);
}

static void what_is_written_is_read(void **state)
{
	struct scratch *s = *state;
	_cleanup_(journal_freep) struct journal *j = NULL;
	_cleanup_free_ char *saved = NULL;
	size_t len;

	write_one(s, NULL);
	assert_int_equal(journal_read(&s->a, 1, &j), 0);
	assert_int_equal(j->state, JOURNAL_UNFINISHED);
	assert_string_equal(json_string_value(json_object_get(j->header, "answers")), "answers.conf");
	assert_string_equal(json_string_value(json_object_get(j->header, "services")), "mock");
	assert_int_equal(strlen(json_string_value(json_object_get(j->header, "when"))), 20);
	assert_int_equal(json_array_size(j->steps), 2);
	assert_int_equal(json_object_size(j->done), 1);
	assert_string_equal(json_string_value(json_object_get(json_object_get(j->done, "1"), "extra")), "x");
	assert_int_equal(journal_saved(j, 1, &saved, &len), 0);
	assert_int_equal(len, 9);
	assert_memory_equal(saved, "old\0bytes", 9);
}

static void its_end_is_the_last_one_written(void **state)
{
	struct scratch *s = *state;
	_cleanup_(journal_freep) struct journal *j = NULL, *k = NULL, *l = NULL;

	write_one(s, "applied");
	assert_int_equal(journal_newest(&s->a, &j), 0);
	assert_int_equal(j->state, JOURNAL_APPLIED);
	assert_int_equal(journal_undo_begins(j), 0);
	assert_int_equal(journal_newest(&s->a, &k), 0);
	assert_int_equal(k->state, JOURNAL_UNFINISHED);
	assert_int_equal(journal_end(k, "undone"), 0);
	assert_int_equal(journal_newest(&s->a, &l), -ENOENT);
}

static void a_line_that_was_cut_off_does_not_count(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *whole = NULL;
	size_t lines = 0;

	write_one(s, "applied");
	whole = get(s, J1);
	for (const char *p = whole; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 5);
	/* Cut off at every byte: it is read, and what is appended then is read, too. */
	for (size_t len = 0; len < strlen(whole); len++) {
		_cleanup_free_ char *part = strndup(whole, len);
		_cleanup_(journal_freep) struct journal *j = NULL, *again = NULL;
		bool has_header = memchr(part, '\n', len);

		put(s, J1, part, 0600);
		assert_int_equal(journal_read(&s->a, 1, &j), 0);
		assert_int_equal(j->state, has_header ? JOURNAL_UNFINISHED : JOURNAL_UNDONE);
		if (!has_header)
			continue;
		assert_int_equal(journal_end(j, "undone"), 0);
		assert_int_equal(journal_read(&s->a, 1, &again), 0);
		assert_int_equal(again->state, JOURNAL_UNDONE);
		assert_int_equal(json_array_size(again->steps), json_array_size(j->steps));
	}
	assert_null(s->errors.data);
}

static void a_damaged_one_stops_everything(void **state)
{
	static const char *const wrong[] = {
		"{\"version\":1}\nrubbish\n{\"end\":\"applied\"}\n",
		"{\"version\":2}\n",
		"[]\n{}\n",
		"{\"version\":1}\n{\"step\":2,\"kind\":\"file\"}\n{\"done\":2}\n",
		"{\"version\":1}\n{\"step\":1}\n{\"done\":1}\n",
		"{\"version\":1}\n{\"end\":\"maybe\"}\n",
		"{\"version\":1}\n{\"done\":\"x\"}\n",
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct journal *j = NULL;

		put(s, J1, wrong[i], 0600);
		assert_int_equal(journal_newest(&s->a, &j), -MUSTER_E_FORMAT);
		assert_null(j);
	}
	assert_non_null(strstr(s->errors.data, "/0001/journal is damaged in line 2"));
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_FORMAT);
	assert_int_equal(apply_recover(&s->a), -MUSTER_E_FORMAT);
}

/* Whatever a hand or a newer muster wrote there, undo does not guess. */
static void an_unknown_step_is_not_guessed_at(void **state)
{
	struct scratch *s = *state;

	put(s, J1, "{\"version\":1,\"when\":\"w\",\"who\":\"r\"}\n{\"step\":1,\"kind\":\"firewall\"}\n",
	    0600);
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_UNSUPPORTED);
	assert_non_null(strstr(s->errors.data, "firewall"));
	put(s, J1, "{\"version\":1,\"when\":\"w\",\"who\":\"r\"}\n{\"step\":1,\"kind\":\"file\"}\n", 0600);
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_FORMAT);
}

static void damaged_old_bytes_are_never_put_back(void **state)
{
	static struct fileset_entry v[] = { FILE_ENTRY("/etc/x", "new\n", 0644, NULL) };
	struct scratch *s = *state;
	_cleanup_free_ char *now = NULL, *damaged = NULL;
	size_t n;

	put(s, "/etc/x", "old\n", 0644);
	assert_int_equal(apply_fileset(s, v, 1, NULL), 0);
	assert_true(there(s, APPLY_JOURNAL "/0001/old/1"));
	put(s, APPLY_JOURNAL "/0001/old/1", "bad\n", 0600);
	assert_int_equal(apply_undo(&s->a), -MUSTER_E_FORMAT);
	now = get(s, "/etc/x");
	assert_string_equal(now, "new\n");
	/* Mended, it can be repeated. */
	put(s, APPLY_JOURNAL "/0001/old/1", "old\n", 0600);
	assert_int_equal(apply_recover(&s->a), 1);
	damaged = get(s, "/etc/x");
	assert_string_equal(damaged, "old\n");
	n = s->errors.len;
	assert_int_equal(apply_recover(&s->a), 0);
	assert_int_equal(s->errors.len, n);
}

static void numbers_go_up_and_other_names_do_not_matter(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ unsigned int *v = NULL;
	size_t n;

	put(s, APPLY_JOURNAL "/0009/journal", "{\"version\":1}\n{\"end\":\"undone\"}\n", 0600);
	put(s, APPLY_JOURNAL "/0010.broken/journal", "x\n", 0600);
	put(s, APPLY_JOURNAL "/lost+found/x", "x\n", 0600);
	write_one(s, "applied");
	assert_true(there(s, APPLY_JOURNAL "/0010/journal"));
	assert_int_equal(journal_list(s->a.root_fd, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0], 9);
	assert_int_equal(v[1], 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read),
		TEST(its_end_is_the_last_one_written),
		TEST(a_line_that_was_cut_off_does_not_count),
		TEST(a_damaged_one_stops_everything),
		TEST(an_unknown_step_is_not_guessed_at),
		TEST(damaged_old_bytes_are_never_put_back),
		TEST(numbers_go_up_and_other_names_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
