/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hostile values at every field, through the answers and past them: each arrives as exactly itself, as the reader of
 * the rendered file takes it, or nothing is rendered and a sentence names the field. MUSTER_PROPERTY_SEED plays a run
 * again, MUSTER_PROPERTY_ROUNDS says how many random values each field gets beside the fixed ones.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/host/host.h"
#include "backend/plan/draft.h"
#include "backend/render/render.h"
#include "render-plan.h"
#include "render-readers.h"
#include "render-values.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/strbuf.h"

/* ---- what it is compared with ---------------------------------------------------------------------------------------------- */

/* Every `harmless` in the words is the value now. */
static char *with_value(const char *word, const char *harmless, const char *value)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char *ret;

	for (const char *at; (at = strstr(word, harmless)); word = at + strlen(harmless)) {
		strbuf_add(&b, word, (size_t)(at - word));
		strbuf_adds(&b, value);
	}
	strbuf_adds(&b, word);
	assert_int_equal(strbuf_take(&b, &ret, NULL), 0);
	return ret;
}

static void assert_word(const char *where, const char *harmless_word, const char *word,
			const struct value_field *field, const char *value)
{
	_cleanup_free_ char *expected = with_value(harmless_word, field->harmless, value);

	if (strcmp(expected, word) != 0)
		fail_msg("%s of %s: its reader takes \"%.200s\" for \"%.200s\"", where, field->name, word,
			 expected);
}

static void assert_words(const char *where, const struct strv *harmless, const struct strv *got,
			 const struct value_field *field, const char *value)
{
	if (harmless->n != got->n)
		fail_msg("%s of %s \"%.200s\": its reader sees %zu words, not %zu", where, field->name, value,
			 got->n, harmless->n);
	for (size_t i = 0; i < got->n; i++)
		assert_word(where, harmless->v[i], got->v[i], field, value);
}

static void compare_entry(const struct fileset_entry *a, const struct fileset_entry *b,
			  const struct value_field *field, const char *value)
{
	_cleanup_strv_ struct strv harmless = STRV_INIT, got = STRV_INIT;

	assert_string_equal(a->path, b->path);
	assert_int_equal(a->kind, b->kind);
	if (a->source)
		assert_word(a->path, a->source, b->source, field, value);
	if (!a->data)
		return;
	assert_int_equal(reader_words(a->path, a->data, a->len, &harmless), 0);
	if (reader_words(b->path, b->data, b->len, &got) != 0)
		fail_msg("%s with the %s \"%.200s\" would be refused by its reader", b->path, field->name,
			 value);
	assert_words(a->path, &harmless, &got, field, value);
}

static void assert_readable(const struct fileset *f)
{
	for (size_t i = 0; i < f->n; i++) {
		_cleanup_strv_ struct strv words = STRV_INIT;

		if (f->v[i].data)
			assert_int_equal(reader_words(f->v[i].path, f->v[i].data, f->v[i].len, &words), 0);
	}
}

/* ---- past the answers: into the plan itself ----------------------------------------------------------------------------------- */

static char said[512];
static size_t refused, arrived;

static void hear(void *data, enum log_level level, const char *text)
{
	snprintf(said, sizeof(said), "%s", text);
	/* No more of the value than tells which it is, and nothing that a terminal would take for itself. */
	assert_true(strlen(text) < 200);
	for (const char *s = text; *s; s++)
		assert_true(*s >= ' ' && *s <= '~');
}

static void try_scripts(const struct plan *p, const struct plan *harmless, const struct value_field *field,
			const char *value);

static void try_value(const struct value_field *field, const char *value, unsigned int kind)
{
	_cleanup_(fileset_free) struct fileset a = FILESET_INIT, b = FILESET_INIT;
	struct plan harmless, p;
	struct plan_node harmless_node, n;
	const char *arg = fields[9].harmless;
	int r;

	assert_string_equal(arg, "zqarg=1");
	values_harmless();
	values_plan(&harmless, &harmless_node, kind);
	harmless.kernel_args.v = (char **)&arg;
	assert_int_equal(render_values(&harmless, &a), 0);
	*field->at = value;
	values_plan(&p, &n, kind);
	said[0] = '\0';
	log_set_sink(hear, NULL);
	r = render_values(&p, &b);
	log_set_sink(NULL, NULL);
	if (r < 0) {
		assert_int_equal(r, -EINVAL);
		assert_int_equal(b.n, 0);
		if (!strstr(said, field->name))
			fail_msg("the %s \"%.200s\" is refused by \"%s\"", field->name, value, said);
		refused++;
		return;
	}
	/* "" stands for none where it is taken: other lines are rendered then. */
	if (!*value) {
		assert_readable(&b);
		return;
	}
	arrived++;
	assert_int_equal(a.n, b.n);
	for (size_t i = 0; i < a.n; i++)
		compare_entry(&a.v[i], &b.v[i], field, value);
	try_scripts(&p, &harmless, field, value);
}

static int script(const struct plan *p, unsigned int which, char **ret)
{
	const struct render_boot boot = {
		.plan = p,
		.node = &p->nodes[0],
		.generation = values.built,
		.initramfs = values.initramfs,
		.token = values.token,
		.platform = values.platform,
	};

	return which == 0   ? render_ipxe(&boot, ret)
	       : which == 1 ? render_ipxe_disk(&boot, ret)
			    : render_ipxe_memtest(&boot, ret);
}

static void try_scripts(const struct plan *p, const struct plan *harmless, const struct value_field *field,
			const char *value)
{
	for (unsigned int which = 0; which < 3; which++) {
		_cleanup_strv_ struct strv a = STRV_INIT, b = STRV_INIT;
		_cleanup_free_ char *from = NULL, *to = NULL;

		/* What a plan says that was rendered is fit for a script, too. */
		assert_int_equal(script(p, which, &to), 0);
		*field->at = field->harmless;
		assert_int_equal(script(harmless, which, &from), 0);
		*field->at = value;
		assert_int_equal(reader_ipxe(from, &a), 0);
		assert_int_equal(reader_ipxe(to, &b), 0);
		assert_words("the boot script", &a, &b, field, value);
	}
}

static void try_both(const struct value_field *field, const char *value, unsigned int kind)
{
	_cleanup_free_ char *longer = NULL;

	try_value(field, value, kind);
	assert_true(asprintf(&longer, "%s%s", field->before, value) >= 0);
	try_value(field, longer, kind);
}

static void what_a_plan_holds_arrives_or_is_refused(void **state)
{
	for (size_t i = 0; i < n_fields; i++) {
		size_t before = arrived;

		for (size_t k = 0; values_fixed[k]; k++)
			try_both(&fields[i], values_fixed[k], (unsigned int)k % VALUES_KINDS);
		for (size_t k = 0; k < values_rounds(); k++) {
			_cleanup_free_ char *value = values_random();

			try_both(&fields[i], value, (unsigned int)k % VALUES_KINDS);
		}
		/* A renderer that refuses everything would pass, too. */
		if (arrived == before)
			fail_msg("no %s was taken", fields[i].name);
	}
	print_message("# %zu values were refused, %zu arrived\n", refused, arrived);
}

/* ---- through the answers --------------------------------------------------------------------------------------------------------- */

static struct host_interface interfaces[] = {
	{ .name = (char *)"eth1", .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x57 } }, .link = true },
};
static const struct host server = {
	.family = (char *)"debian",
	.distribution = (char *)"debian",
	.version = (char *)"12",
	.codename = (char *)"bookworm",
	.interfaces = interfaces,
	.n_interfaces = ARRAY_SIZE(interfaces),
};

static struct draft *make_draft(void)
{
	static const char text[] = "cluster { name = \"krg\" }\n"
				   "network \"eth1\" { address = \"10.66.0.1/24\" }\n"
				   "nodes { count = 2\n macs = {\"52:54:00:66:00:01\"} }\n"
				   "access { ssh_keys = {\"" VALUES_KEY "\"} }\n";
	struct draft *d;

	assert_int_equal(draft_parse(text, strlen(text), &d), 0);
	return d;
}

static void put_value(struct draft *d, const struct draft_field *f, const char *value)
{
	if (f->list) {
		struct strv *list = (struct strv *)draft_list(d, f);

		assert_int_equal(strv_add(list, value), 0);
	} else {
		char **text = (char **)draft_text(d, f);

		free(*text);
		*text = strdup(value);
		assert_non_null(*text);
	}
}

static void assert_same_draft(const struct draft *a, const struct draft *b)
{
	for (const struct draft_field *f = draft_fields; f->section; f++) {
		if (f->list) {
			const struct strv *x = draft_list(a, f), *y = draft_list(b, f);

			assert_int_equal(x->n, y->n);
			for (size_t i = 0; i < x->n; i++)
				assert_string_equal(x->v[i], y->v[i]);
		} else if (strcmp(*draft_text(a, f), *draft_text(b, f)) != 0) {
			fail_msg("%s.%s: \"%.200s\" is read back as \"%.200s\"", f->section, f->key,
				 *draft_text(a, f), *draft_text(b, f));
		}
	}
}

static size_t mistaken, planned;

static void try_answers(const struct draft_field *f, const char *value)
{
	const struct draft_env env = { &server, MUSTER_SRCDIR "/profiles", "/nonexistent/answers.conf" };
	_cleanup_(draft_freep) struct draft *d = make_draft(), *back = NULL;
	_cleanup_(fileset_free) struct fileset files = FILESET_INIT;
	_cleanup_(plan_freep) struct plan *p = NULL;
	_cleanup_free_ char *text = NULL;
	struct draft_mistake *mistakes = NULL;
	size_t n = 0;
	int r;

	put_value(d, f, value);
	r = draft_format(d, &text);
	if (r < 0) {
		/* Not UTF-8, or with control characters: no such file is written. */
		assert_int_equal(r, -EILSEQ);
	} else {
		assert_int_equal(draft_parse(text, strlen(text), &back), 0);
		assert_same_draft(d, back);
	}
	assert_int_equal(draft_check(d, &env, &mistakes, &n, &p), 0);
	assert_true((n == 0) == (p != NULL));
	for (size_t i = 0; i < n; i++)
		assert_true(mistakes[i].text && strlen(mistakes[i].text) > 10);
	draft_mistakes_free(mistakes, n);
	mistaken += n > 0;
	if (!p)
		return;
	/* What the answers let in is rendered, always. */
	planned++;
	values_harmless();
	if (render_values(p, &files) != 0)
		fail_msg("%s.%s = \"%.200s\" is right, but not rendered", f->section, f->key, value);
	assert_readable(&files);
}

static void what_the_answers_hold_is_rendered_or_refused(void **state)
{
	for (const struct draft_field *f = draft_fields; f->section; f++) {
		for (size_t k = 0; values_fixed[k]; k++)
			try_answers(f, values_fixed[k]);
		for (size_t k = 0; k < values_rounds() / 4; k++) {
			_cleanup_free_ char *value = values_random();

			try_answers(f, value);
		}
	}
	assert_true(mistaken > 0 && planned > 0);
	print_message("# %zu answers were refused, %zu were right\n", mistaken, planned);
}

/* ---- through a file that somebody wrote by hand ------------------------------------------------------------------------------- */

#define PLACE "zq0place0zq"

static char answers_path[] = "/tmp/muster-property-XXXXXX";

/* The answers with the value in the place of that word, in quotes, whatever bytes it has. */
static void write_answers(const char *text, const char *value)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *at = strstr(text, PLACE);
	_cleanup_close_ int fd = open(answers_path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_non_null(at);
	strbuf_add(&b, text, (size_t)(at - text));
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_addc(&b, '\\');
		strbuf_addc(&b, *p);
	}
	strbuf_adds(&b, at + strlen(PLACE));
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, b.data, b.len), 0);
}

static void try_file(const struct draft_field *f, const char *text, const char *value)
{
	_cleanup_(fileset_free) struct fileset files = FILESET_INIT;
	struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_(plan_freep) struct plan *p = NULL;
	int r;

	write_answers(text, value);
	r = plan_read(answers_path, &server, MUSTER_SRCDIR "/profiles", &mistakes, &p);
	if (r < 0) {
		assert_int_equal(r, -MUSTER_E_ANSWERS);
		assert_true(mistakes.n > 0);
	}
	for (size_t i = 0; i < mistakes.n; i++) {
		const struct plan_mistake *m = &mistakes.v[i];

		/* A line, and a sentence that is no longer for a longer value. */
		if (!m->line || strlen(m->text) < 10 || strlen(m->text) > 1500)
			fail_msg("%s.%s \"%.200s\", line %u: %.2000s", f->section, f->key, value, m->line,
				 m->text);
	}
	mistaken += r < 0;
	planned += r == 0;
	plan_mistakes_free(&mistakes);
	if (r < 0)
		return;
	values_harmless();
	if (render_values(p, &files) != 0)
		fail_msg("%s.%s = \"%.200s\" is right, but not rendered", f->section, f->key, value);
	assert_readable(&files);
}

static void what_a_file_holds_is_rendered_or_refused_with_its_line(void **state)
{
	int fd = mkstemp(answers_path);

	assert_true(fd >= 0);
	close(fd);
	mistaken = planned = 0;
	for (const struct draft_field *f = draft_fields; f->section; f++) {
		_cleanup_(draft_freep) struct draft *d = make_draft();
		_cleanup_free_ char *text = NULL;

		put_value(d, f, PLACE);
		assert_int_equal(draft_format(d, &text), 0);
		/* One that is written without quotes where it is a word: its quotes are put around it. */
		if (f->bare) {
			_cleanup_free_ char *quoted = with_value(text, PLACE, "\"" PLACE "\"");

			free(text);
			text = TAKE_PTR(quoted);
		}
		for (size_t k = 0; values_fixed[k]; k++)
			try_file(f, text, values_fixed[k]);
		for (size_t k = 0; k < values_rounds() / 4; k++) {
			_cleanup_free_ char *value = values_random();

			try_file(f, text, value);
		}
	}
	unlink(answers_path);
	assert_true(mistaken > 0 && planned > 0);
	print_message("# %zu files were refused, %zu were right\n", mistaken, planned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_plan_holds_arrives_or_is_refused),
		cmocka_unit_test(what_the_answers_hold_is_rendered_or_refused),
		cmocka_unit_test(what_a_file_holds_is_rendered_or_refused_with_its_line),
	};

	values_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
