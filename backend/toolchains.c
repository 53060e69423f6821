/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facade's part for toolchains: the programs of an older release, in which kernels are built. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>

#include "backend/context.h"
#include "kernel/kernel.h"
#include "util/i18n.h"

int muster_toolchain_build(struct muster *m, const char *name, const struct muster_toolchain_wish *wish,
			   struct kernel_toolchain **ret)
{
	const struct kernel_toolchain_wish w = { .mirror = wish->mirror,
						 .release = wish->release,
						 .packages = wish->packages,
						 .keyring = wish->keyring,
						 .trust_unsigned = wish->trust_unsigned };
	struct kernel_env env;
	int r;

	context_kernel_env(m, &env);
	if (wish->trust_unsigned)
		context_note(
			m,
			_("The packages of %s are taken without a look at their signatures: whoever answers "
			  "for the mirror can put anything into the kernels that are built with them."),
			wish->release);
	r = kernel_toolchain_build(&env, name, &w, ret);
	if (r == 0)
		context_done(m);
	return r;
}

int muster_toolchain_list(struct muster *m, struct kernel_toolchain ***ret, size_t *ret_n)
{
	struct kernel_env env;

	context_kernel_env(m, &env);
	return kernel_toolchain_list(&env, ret, ret_n);
}

void muster_toolchain_free(struct kernel_toolchain *t)
{
	kernel_toolchain_free(t);
}

void muster_toolchains_free(struct kernel_toolchain **v, size_t n)
{
	kernel_toolchains_free(v, n);
}

int muster_toolchain_remove(struct muster *m, const char *name)
{
	_cleanup_(kernel_toolchain_freep) struct kernel_toolchain *t = NULL;
	_cleanup_free_ char *text = NULL;
	struct kernel_env env;
	int r;

	context_kernel_env(m, &env);
	r = kernel_toolchain_find(&env, name, &t);
	if (r == -ENOENT)
		context_error(
			m,
			_("There is no toolchain %s; `muster kernel toolchain list` names those that there "
			  "are."),
			name);
	if (r < 0)
		return r;
	if (asprintf(&text, _("Remove the toolchain %s?"), name) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (!context_ask(m, MUSTER_QUESTION_REMOVE_TOOLCHAIN, true, text))
		return -MUSTER_E_CANCELLED;
	return kernel_toolchain_remove(&env, name);
}
