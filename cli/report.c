/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every verb needs: the backend opened, mistakes and failures said, one JSON document printed. */
#include "config.h"

#include "cli/cli.h"
#include "util/i18n.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void say(struct cli *c, const char *what, const char *text)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (c->events) {
		progress_tell(c, MUSTER_EVENT_ERROR, text);
		return;
	}
	progress_end(c);
	format_escape(&b, &c->err, text, "\n\t");
	fprintf(stderr, "%s%s%s%s\n", style_on(&c->err, COLOUR_RED), what, style_off(&c->err, COLOUR_RED),
		b.data ? b.data : "");
	strbuf_addf(&c->errors, "%s%s", c->errors.len ? "\n" : "", text);
	c->said = true;
}

void cli_error(struct cli *c, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	say(c, "muster: ", text ? text : "");
}

int cli_refuse(struct cli *c, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL, *what = NULL;
	const char *verb = c->verb ? c->verb->name : NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (asprintf(&what, "muster%s%s: ", verb ? " " : "", verb ? verb : "") < 0)
		what = NULL;
	say(c, what ? what : "muster: ", text ? text : "");
	fprintf(stderr, _("'muster %s%s--help' says more.\n"), verb ? verb : "", verb ? " " : "");
	return -MUSTER_E_REFUSED;
}

int cli_arguments(struct cli *c, int min, int max)
{
	if (c->argc < min)
		return cli_refuse(c, _("something is missing: muster %s %s"), c->verb->name, c->verb->args);
	if (c->argc > max)
		return cli_refuse(c, _("\"%s\" is too much here"), c->argv[max]);
	return 0;
}

int cli_print(struct strbuf *b)
{
	if (b->failed)
		return -ENOMEM;
	if (b->len)
		fwrite(b->data, 1, b->len, stdout);
	strbuf_reset(b);
	return 0;
}

json_t *cli_json_text(const char *text)
{
	static const struct style utf8 = { .utf8 = true };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	json_t *j = json_string(text);

	if (j)
		return j;
	format_escape(&b, &utf8, text, "\n\t");
	return b.data && !b.failed ? json_string(b.data) : NULL;
}

json_t *cli_json_texts(const struct strv *v)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < v->n; i++)
		if (json_array_append_new(list, cli_json_text(v->v[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

int cli_print_json(struct cli *c, json_t *doc)
{
	_cleanup_free_ char *text = doc ? json_dumps(doc, JSON_INDENT(2)) : NULL;

	json_decref(doc);
	if (!text)
		return -ENOMEM;
	printf("%s\n", text);
	c->printed = true;
	return 0;
}

static struct muster_config configure(const struct cli *c)
{
	if (c->inside)
		return *c->inside;
	return (struct muster_config){ .root = c->root, .host_file = c->host };
}

static int open_backend(struct cli *c, const struct muster_config *config, struct muster **ret)
{
	int r = muster_new(config, ret);

	/* A root that cannot be opened is a mistake in the command line. */
	c->refused = r < 0;
	return r;
}

int cli_open(struct cli *c, struct muster **ret)
{
	struct muster_config config = configure(c);

	config.on_event = progress_event;
	config.on_question = progress_question;
	config.data = c;
	config.cancel_fd = c->cancel_fd;
	return open_backend(c, &config, ret);
}

/* What a screen cannot show at once is said when the screen is gone. */
static void keep_event(void *data, const struct muster_event *e)
{
	struct cli *c = data;

	if (e->type == MUSTER_EVENT_ERROR) {
		strbuf_reset(&c->errors);
		strbuf_adds(&c->errors, e->text);
	}
}

/* The screen has asked. */
static void accept_question(void *data, struct muster_question *question)
{
	question->answer = question->type != MUSTER_QUESTION_TAKE_OVER;
}

int cli_open_screen(struct cli *c, struct muster **ret)
{
	struct muster_config config = configure(c);

	config.on_event = keep_event;
	config.on_question = accept_question;
	config.data = c;
	return open_backend(c, &config, ret);
}

int cli_close_screen(struct cli *c, int r)
{
	_cleanup_free_ char *text = NULL;

	if (r < 0 && r != -MUSTER_E_CANCELLED && c->errors.len && strbuf_take(&c->errors, &text, NULL) == 0)
		cli_error(c, "%s", text);
	return r;
}

static void print_mistake(struct cli *c, const struct plan_mistake *m)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	format_escape(&b, &c->err, m->file, "");
	if (m->line)
		strbuf_addf(&b, ":%u", m->line);
	strbuf_adds(&b, ": ");
	format_escape(&b, &c->err, m->text, "");
	fprintf(stderr, "%s\n", b.data ? b.data : "");
	c->said = true;
}

static int print_mistakes(struct cli *c, const struct plan_mistakes *m)
{
	json_t *list;

	if (!c->json) {
		for (size_t i = 0; i < m->n; i++)
			print_mistake(c, &m->v[i]);
		return 0;
	}
	list = json_array();
	for (size_t i = 0; i < m->n; i++)
		if (json_array_append_new(list, json_pack("{so si so}", "file", cli_json_text(m->v[i].file),
							  "line", (int)m->v[i].line, "text",
							  cli_json_text(m->v[i].text))) < 0) {
			json_decref(list);
			return -ENOMEM;
		}
	c->said = true;
	return cli_print_json(c, json_pack("{so}", "mistakes", list));
}

int cli_network(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct muster_network network;
	int r = cli_open(c, &m), r2;

	if (r == 0)
		r = muster_network(m, c->file, &network);
	if (r == 0)
		return 0;
	c->refused = r != -ENOMEM;
	if (!m || muster_mistakes(m)->n == 0)
		return r;
	r2 = print_mistakes(c, muster_mistakes(m));
	return r2 < 0 ? r2 : r;
}

int cli_plan(struct cli *c, struct muster *m, const struct plan **ret)
{
	int r = muster_plan(m, c->file, ret), r2;

	if (r == 0)
		return 0;
	/* Whatever is wrong with what was given, nothing was touched for it. */
	c->refused = r != -ENOMEM;
	if (muster_mistakes(m)->n == 0)
		return r;
	progress_end(c);
	r2 = print_mistakes(c, muster_mistakes(m));
	return r2 < 0 ? r2 : r;
}

static int add_warning(struct cli *c, json_t *list, const struct draft_mistake *w)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (list)
		return json_array_append_new(list, cli_json_text(w->text)) < 0 ? -ENOMEM : 0;
	format_escape(&b, &c->err, w->text, "");
	fprintf(stderr, "%swarning:%s %s.%s: %s\n", style_on(&c->err, COLOUR_YELLOW),
		style_off(&c->err, COLOUR_YELLOW), w->section, w->key, b.data ? b.data : "");
	return 0;
}

static bool was_said(const struct draft_mistake *said, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(said[i].text, text) == 0)
			return true;
	return false;
}

/* Why a kernel that was built here would not run there, where that was not said before. */
static int add_verdicts(struct cli *c, struct muster *m, const struct plan *p,
			const struct draft_mistake *said, size_t n_said, json_t *list)
{
	struct muster_check *v = NULL;
	size_t n = 0;
	int r = muster_kernel_fit(m, p, &v, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct draft_mistake w = { .section = "boot", .key = "kernel", .text = v[i].text };

		if (v[i].level != MUSTER_CHECK_PROBLEM || was_said(said, n_said, v[i].text))
			continue;
		if (!list)
			progress_end(c);
		r = add_warning(c, list, &w);
	}
	muster_checks_free(v, n);
	return r;
}

int cli_warnings(struct cli *c, struct muster *m, const struct plan *p, json_t *list)
{
	struct draft_mistake *v = NULL;
	size_t n = 0;
	int r = muster_warnings(m, p, &v, &n);

	if (r == 0 && n && !list)
		progress_end(c);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_warning(c, list, &v[i]);
	if (r == 0)
		r = add_verdicts(c, m, p, v, n, list);
	muster_draft_mistakes_free(v, n);
	return r;
}
