/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From archives to the folders of a build: the first source becomes "tree", each other one has its own name. */
#include "config.h"

#include <errno.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define CLEAN_MS (10 * 60 * 1000)

int kernel_step_unpack(struct kernel_work *w, const struct craft_input *inputs, size_t n)
{
	struct craft_env env = kernel_craft(w->env);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = craft_input_ready(&env, &inputs[i]);
	for (size_t i = 0; r == 0 && i < w->recipe->n_sources; i++) {
		int64_t newest = 0;

		r = craft_tree(&env, &inputs[i], w->folder_fd, w->host_folder,
			       i == 0 ? "tree" : inputs[i].name, w->uid, w->gid, &newest);
		if (i == 0)
			w->epoch = newest;
	}
	if (r == 0)
		r = kernel_work_open_tree(w);
	if (r == 0 && (!fs_exists(w->tree_fd, "/Makefile") ||
		       (!fs_exists(w->tree_fd, "/Kconfig") && !fs_exists(w->tree_fd, "/arch")))) {
		log_error(_("%s is no kernel's tree: it has no Makefile and Kconfig at its top"),
			  inputs[0].place);
		return -MUSTER_E_FORMAT;
	}
	/* Somebody may have built in it. */
	if (r == 0 && inputs[0].folder)
		kernel_work_step(w, NC_("step", "copy"), inputs[0].place);
	if (r == 0 && inputs[0].folder)
		r = kernel_work_make(w, NULL, CLEAN_MS, "mrproper", NULL);
	return r;
}
