/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Actions on nodes, asked of musterd. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "backend/context.h"
#include "backend/plan/range.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define NAMED_MAX 12 /* nodes that a question names; of more it says how many */
#define NEXT_ROOT "root:"

int context_names(struct muster *m, const char *range, struct strv *ret)
{
	struct node_state *v;
	size_t n;
	int r = muster_status(m, range, &v, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = strv_add(ret, v[i].name);
	muster_status_free(v, n);
	return r;
}

void muster_results_free(struct muster_result *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].name);
		free(v[i].text);
	}
	free(v);
}

static int read_results(const json_t *list, struct muster_result **ret, size_t *ret_n)
{
	size_t n = json_array_size(list);
	struct muster_result *v = calloc(n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(o, "name"));
		const char *text = json_string_value(json_object_get(o, "text"));

		v[i] = (struct muster_result){ strdup(name ? name : ""),
					       -(int)json_integer_value(json_object_get(o, "code")),
					       muster_said(text ? text : "") };
		if (!v[i].name || !v[i].text) {
			muster_results_free(v, n);
			return -ENOMEM;
		}
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

json_t *context_names_json(const struct strv *names)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < names->n; i++)
		if (json_array_append_new(list, json_string(names->v[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int ask(struct muster *m, json_t *request, struct muster_result **ret, size_t *ret_n)
{
	json_t *answer = NULL;
	int r = context_ask_daemon(m, request, &answer);

	if (r < 0)
		return r;
	r = read_results(json_object_get(answer, "results"), ret, ret_n);
	json_decref(answer);
	return r;
}

static const struct {
	const char *word;
	bool asks;
} powers[] = {
	[MUSTER_POWER_REBOOT] = { "reboot", true },
	[MUSTER_POWER_OFF] = { "off", true },
	[MUSTER_POWER_WAKE] = { "wake", false },
	[MUSTER_POWER_RESET] = { "reset", true },
};

static int confirm(struct muster *m, const struct strv *names, enum muster_power what)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *question = NULL;

	for (size_t i = 0; i < MIN(names->n, (size_t)NAMED_MAX); i++)
		strbuf_addf(&b, "%s%s", i ? ", " : "", names->v[i]);
	if (names->n > NAMED_MAX)
		strbuf_addf(&b, _(" and %zu more"), names->n - NAMED_MAX);
	if (b.failed || asprintf(&question,
				 what == MUSTER_POWER_REBOOT  ? _("Restart %s?")
				 : what == MUSTER_POWER_RESET ? _("Reset %s at once, without a shutdown?")
							      : _("Switch off %s?"),
				 b.data ? b.data : "") < 0) {
		question = NULL;
		return -ENOMEM;
	}
	return context_ask(m, MUSTER_QUESTION_POWER, false, question) ? 0 : -MUSTER_E_CANCELLED;
}

int muster_power(struct muster *m, const char *range, enum muster_power what, struct muster_result **ret,
		 size_t *ret_n)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = context_names(m, range, &names);

	if (r == 0 && powers[what].asks)
		r = confirm(m, &names, what);
	if (r < 0)
		return r;
	return ask(m,
		   json_pack("{s:{s:s, s:o}}", "power", "what", powers[what].word, "nodes",
			     context_names_json(&names)),
		   ret, ret_n);
}

int muster_boot_next(struct muster *m, const char *range, const char *what, bool always,
		     struct muster_result **ret, size_t *ret_n)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *initramfs = NULL;
	int r = context_names(m, range, &names);

	if (r == 0 && strncmp(what, NEXT_ROOT, strlen(NEXT_ROOT)) == 0)
		r = context_initramfs(m, what + strlen(NEXT_ROOT), &initramfs);
	if (r < 0)
		return r;
	return ask(m,
		   json_pack("{s:{s:s, s:s, s:b, s:o}}", "next", "what", what, "initramfs",
			     initramfs ? initramfs : "", "always", always, "nodes",
			     context_names_json(&names)),
		   ret, ret_n);
}
