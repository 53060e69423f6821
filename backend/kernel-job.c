/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A kernel being built by a job, and what it was asked for: so it can be gone on with, also by another wizard. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "backend/context.h"
#include "backend/job.h"
#include "util/fs.h"
#include "util/i18n.h"

#define ORDER_MAX (1UL << 20)

struct kernel_job {
	const char *recipe;
	const struct muster_kernel_wish *wish;
};

/* ---- what it was asked for ------------------------------------------------------------------------------------- */

/* A name that JSON cannot hold is not kept: the build is done all the same. */
static int keep_order(struct muster *m, const struct kernel_job *k, const char *id)
{
	const struct fs_attr attr = { .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	json_t *sources = json_array(), *doc;
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; k->wish->sources && k->wish->sources[i]; i++)
		json_array_append_new(sources, json_string(k->wish->sources[i]));
	doc = json_pack("{ss so ss si ss}", "recipe", k->recipe, "sources", sources, "cc",
			k->wish->cc ? k->wish->cc : "", "jobs", (int)k->wish->jobs, "id", id);
	text = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;
	json_decref(doc);
	return text ? fs_write(m->root_fd, JOB_KERNEL, text, strlen(text), &attr) : 0;
}

static int take_order(json_t *doc, struct kernel_order *o)
{
	const char *recipe, *cc, *id;
	json_t *sources, *source;
	int jobs, r = 0;
	size_t i;

	if (json_unpack(doc, "{ss so ss si ss}", "recipe", &recipe, "sources", &sources, "cc", &cc, "jobs",
			&jobs, "id", &id) < 0)
		return -ENOENT;
	o->recipe = strdup(recipe);
	o->cc = strdup(cc);
	o->id = strdup(id);
	o->jobs = jobs > 0 ? (unsigned int)jobs : 0;
	json_array_foreach (sources, i, source)
		if (r == 0 && json_string_value(source))
			r = strv_add(&o->sources, json_string_value(source));
	return o->recipe && o->cc && o->id ? r : -ENOMEM;
}

int muster_kernel_last(struct muster *m, struct kernel_order *ret)
{
	struct kernel_order o = { .sources = STRV_INIT };
	_cleanup_free_ char *text = NULL;
	json_t *doc;
	size_t len;
	int r = fs_read(m->root_fd, JOB_KERNEL, ORDER_MAX, &text, &len);

	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	doc = json_loadb(text, len, 0, NULL);
	r = doc ? take_order(doc, &o) : -ENOENT;
	json_decref(doc);
	if (r < 0)
		muster_kernel_order_clear(&o);
	else
		*ret = o;
	return r;
}

void muster_kernel_order_clear(struct kernel_order *o)
{
	free(o->recipe);
	free(o->cc);
	free(o->id);
	strv_free(&o->sources);
	*o = (struct kernel_order){ .sources = STRV_INIT };
}

/* ---- the work ----------------------------------------------------------------------------------------------------- */

static int work(struct muster *m, const void *data)
{
	_cleanup_(muster_kernel_freep) struct kernel_generation *g = NULL;
	const struct kernel_job *k = data;
	bool built;
	int r = keep_order(m, k, "");

	if (r == 0)
		r = muster_kernel_build(m, k->recipe, k->wish, &g, &built);
	if (r == 0)
		r = keep_order(m, k, g->id);
	if (r == 0)
		context_note(m, _("The kernel is %s."), g->id);
	return r;
}

int muster_kernel_job(struct muster *m, const char *recipe, const struct muster_kernel_wish *wish)
{
	return job_start_with(m, MUSTER_JOB_KERNEL, &(struct kernel_job){ recipe, wish }, work);
}
