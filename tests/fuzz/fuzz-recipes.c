/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The recipes of kernels and of a base's parts: each input is read as both. */
#include "config.h"

#include <string.h>

#include "backend/image/part.h"
#include "kernel/private.h"
#include "tests/fuzz/house.h"

FUZZ_TARGET(recipes)
{
	struct image_env env = { .root_fd = fuzz_dir_fd(), .root_path = fuzz_dir(), .profiles = fuzz_dir() };
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *k = NULL;
	_cleanup_free_ char *path = NULL;
	struct part *p = NULL;

	house_quiet();
	fuzz_put("parts/it.conf", data, size);
	fuzz_need(asprintf(&path, "%s/parts/it.conf", fuzz_dir()) > 0);
	if (kernel_recipe_parse(path, &k) == 0) {
		fuzz_need(kernel_versions_valid(k->gcc) || !*k->gcc);
		fuzz_need(kernel_versions_valid(k->clang) || !*k->clang);
		for (size_t i = 0; i < k->n_patches; i++)
			fuzz_need(!*k->patches[i].file || k->patches[i].file[0] == '/');
	}
	if (part_read(&env, "it", &p) == 0)
		part_free(p);
	return 0;
}
