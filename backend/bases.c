/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facade's part for bases: roots for kernels that are older than the distribution. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "backend/context.h"
#include "util/i18n.h"

static int take_mode(struct muster *m, const char *word, enum plan_root *ret)
{
	static const struct {
		const char *word;
		enum plan_root mode;
	} modes[] = { { "initramfs", PLAN_ROOT_INITRAMFS }, { "nfs", PLAN_ROOT_NFS } };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(modes[i].word, word) == 0) {
			*ret = modes[i].mode;
			return 0;
		}
	context_error(m, _("a base is for the root mode initramfs or nfs, not \"%s\""), word);
	return -MUSTER_E_REFUSED;
}

static int build(struct muster *m, const struct image_env *env, const struct image_base_wish *wish,
		 struct image_generation **ret)
{
	_cleanup_close_ int here = -1;
	int r = context_go_outside(m, &here), back = 0;

	if (r == 0)
		r = image_base_build(env, wish, ret);
	if (here >= 0 && setns(here, CLONE_NEWNET) < 0)
		back = -errno;
	return r < 0 ? r : back;
}

int muster_base_build(struct muster *m, const struct muster_base_wish *wish, char **ret_id)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	_cleanup_free_ char *agent = NULL;
	struct image_base_wish w = { .profile = wish->profile,
				     .mode = PLAN_ROOT_INITRAMFS,
				     .sources = wish->sources,
				     .from = wish->from,
				     .mirror = wish->mirror,
				     .release = wish->release,
				     .keyring = wish->keyring,
				     .own = wish->own };
	struct image_env env;
	int r = context_host(m);

	if (r == 0 && wish->mode)
		r = take_mode(m, wish->mode, &w.mode);
	if (r == 0 && !w.profile && !m->plan)
		r = -EINVAL;
	if (r == 0 && !w.profile) {
		w.profile = m->plan->profile;
		w.mode = m->plan->root;
	}
	if (r == 0)
		r = context_image_env(m, &env, &agent);
	if (r == 0)
		r = build(m, &env, &w, &g);
	if (r < 0)
		return r;
	context_done(m);
	if (ret_id)
		*ret_id = TAKE_PTR(g->id);
	return 0;
}
