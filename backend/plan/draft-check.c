/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers checked while they are being written. There is no second set of rules: they are laid out as the file that they
 * would become, that is read as any answer file, and each mistake's line says which value it is about.
 */
#include "config.h"

#include "backend/plan/draft.h"

#include <errno.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/strbuf.h"

struct found {
	struct draft_mistake *v;
	size_t n;
};

void draft_mistakes_free(struct draft_mistake *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		free(v[i].text);
	free(v);
}

static int add(struct found *f, struct draft_place p, const char *text)
{
	struct draft_mistake *v = reallocarray(f->v, f->n + 1, sizeof(*v));
	char *copy = strdup(text);

	if (v)
		f->v = v;
	if (!v || !copy) {
		free(copy);
		return -ENOMEM;
	}
	v[f->n++] = (struct draft_mistake){ p.section, p.key, p.index, copy };
	return 0;
}

static int add_unfit(void *data, struct draft_place place, const char *why)
{
	return add(data, place, why);
}

static bool is_unfit(const struct found *f, size_t n_unfit, struct draft_place p)
{
	for (size_t i = 0; i < n_unfit; i++)
		if (f->v[i].index == p.index && strcmp(f->v[i].key, p.key) == 0 &&
		    strcmp(f->v[i].section, p.section) == 0)
			return true;
	return false;
}

/* A mistake in a file that the answers name is one of the value that names it. */
static int add_of_file(struct found *f, const struct draft *d, const struct draft_env *env,
		       const struct plan_mistake *m)
{
	const struct {
		const char *value;
		struct draft_place place;
	} files[] = {
		{ d->macs_file, { "nodes", "macs_file", -1 } },
		{ d->ssh_keys_file, { "access", "ssh_keys_file", -1 } },
	};
	struct answers a = { .file = env->path };
	struct draft_place place = { "", "", -1 };
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = answers_path(&a, files[i].value);

		if (!path)
			return -ENOMEM;
		if (*files[i].value && strcmp(path, m->file) == 0)
			place = files[i].place;
	}
	if (asprintf(&text, _("%s, line %u: %s"), m->file, m->line, m->text) < 0)
		text = NULL;
	return text ? add(f, place, text) : -ENOMEM;
}

static int add_mistake(struct found *f, size_t n_unfit, const struct draft *d, const struct draft_env *env,
		       const struct draft_places *places, const struct plan_mistake *m)
{
	struct draft_place place = { "", "", -1 };

	if (strcmp(m->file, env->path) != 0)
		return add_of_file(f, d, env, m);
	if (m->line > 0 && m->line <= places->n)
		place = places->v[m->line - 1];
	return is_unfit(f, n_unfit, place) ? 0 : add(f, place, m->text);
}

int draft_check(const struct draft *d, const struct draft_env *env, struct draft_mistake **ret, size_t *ret_n,
		struct plan **ret_plan)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *text = NULL;
	struct draft_places places = { 0 };
	struct found found = { 0 };
	size_t n_unfit;
	int r;

	r = draft_lay_out(d, &text, &places, add_unfit, &found);
	n_unfit = found.n;
	if (r == 0)
		r = plan_read_text(env->path, text, strlen(text), env->host, env->profiles_dir, &mistakes,
				   &plan);
	if (r == -MUSTER_E_ANSWERS)
		r = 0;
	for (size_t i = 0; r == 0 && i < mistakes.n; i++)
		r = add_mistake(&found, n_unfit, d, env, &places, &mistakes.v[i]);
	free(places.v);
	if (r < 0) {
		draft_mistakes_free(found.v, found.n);
		return r;
	}
	*ret = found.v;
	*ret_n = found.n;
	if (ret_plan)
		*ret_plan = found.n == 0 ? TAKE_PTR(plan) : NULL;
	return 0;
}
