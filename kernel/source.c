/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes into a kernel. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

static struct craft_want want_of(const struct kernel_source *s)
{
	return (struct craft_want){ s->name, s->description, s->place, s->sha256 };
}

static struct craft_want *wants_of(const struct kernel_recipe *r)
{
	struct craft_want *v = calloc(r->n_sources + 1, sizeof(*v));

	for (size_t i = 0; v && i < r->n_sources; i++)
		v[i] = want_of(&r->sources[i]);
	return v;
}

int kernel_source_check(const struct kernel_env *kernel_env, const struct kernel_recipe *recipe, size_t index,
			const char *place, const char *sha256, bool *ret_digest)
{
	const struct craft_env env = kernel_craft(kernel_env);
	const struct craft_want want = want_of(&recipe->sources[index]);

	return craft_input_check(&env, recipe->name, &want, place, sha256, ret_digest);
}

/* "NAME=PLACE" is about a source that there is; what has a slash before its "=" is a path. */
static int check_words(const struct kernel_recipe *recipe, const char *const *words)
{
	for (; words && *words; words++) {
		_cleanup_strbuf_ struct strbuf known = STRBUF_INIT;
		size_t n = strcspn(*words, "=/");
		bool found = (*words)[n] != '=';

		for (size_t i = 0; i < recipe->n_sources; i++) {
			found |= strlen(recipe->sources[i].name) == n &&
				 strncmp(recipe->sources[i].name, *words, n) == 0;
			strbuf_addf(&known, "%s%s", i ? ", " : "", recipe->sources[i].name);
		}
		if (found || access(*words, F_OK) == 0)
			continue;
		log_error(_("\"%s\" names no source; give NAME=PLACE, where NAME is one of these: %s"),
			  *words, known.data ? known.data : "");
		return -MUSTER_E_REFUSED;
	}
	return 0;
}

int kernel_inputs(const struct kernel_env *kernel_env, const struct kernel_recipe *recipe,
		  const struct kernel_wish *wish, struct craft_input **ret, size_t *ret_n)
{
	const struct craft_env env = kernel_craft(kernel_env);
	_cleanup_free_ struct craft_want *wants = wants_of(recipe);
	size_t max = recipe->n_sources + recipe->n_patches, n = 0;
	struct craft_input *v = calloc(max + 1, sizeof(*v));
	int r = v && wants ? check_words(recipe, wish->sources) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < recipe->n_sources; i++)
		r = craft_input_said(&env, recipe->name, wants, recipe->n_sources, i, wish->sources, &v[n++]);
	for (size_t i = 0; r == 0 && i < recipe->n_patches; i++) {
		const struct kernel_patch *p = &recipe->patches[i];

		if (!*p->file)
			continue;
		v[n].name = strdup(p->name);
		r = v[n].name ? craft_input_take(&env, &v[n], p->file, p->sha256) : -ENOMEM;
		n++;
	}
	if (r < 0) {
		craft_inputs_free(v, n);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}
