/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A kernel's tree: configuration, Kconfig, makefiles, and what compilers say. The input: .config, Kconfig, Makefile, a compiler's
 * words; "%%" between. */
#include "config.h"

#include <string.h>

#include "kernel/private.h"
#include "tests/fuzz/house.h"

static void as_config(const char *config)
{
	struct strv set = STRV_INIT, module = STRV_INIT, unset = STRV_INIT, value = STRV_INIT;
	struct craft_symbols s = { &set, &module, &unset, &value };
	_cleanup_free_ char *is = NULL, *after = NULL;
	struct craft_miss *misses = NULL;
	size_t n = 0;

	fuzz_need(strv_add(&set, "NET") == 0 && strv_add(&module, "E1000") == 0 &&
		  strv_add(&unset, "SMP") == 0);
	fuzz_need(strv_add(&value, "NR_CPUS=8") == 0);
	fuzz_need(craft_config_get(config, "NET", &is) == 0);
	fuzz_need(craft_config_apply(config, &s, &after) == 0);
	fuzz_need(craft_config_check(after, &s, &misses, &n) == 0);
	fuzz_need(n == 0);
	craft_misses_free(misses, n);
	strv_free(&set);
	strv_free(&module);
	strv_free(&unset);
	strv_free(&value);
}

FUZZ_TARGET(kconfig)
{
	struct craft_miss miss = { (char *)"NET", (char *)"y", (char *)"n" };
	_cleanup_free_ char *config = fuzz_cut_text(&data, &size), *says = NULL, *why = NULL, *builtin = NULL,
			    *version = NULL;
	struct fuzz_part kconfig = fuzz_cut(&data, &size), makefile = fuzz_cut(&data, &size);
	bool clang;

	house_quiet();
	says = fuzz_cut_text(&data, &size);
	fuzz_put("Kconfig", kconfig.data, kconfig.size);
	fuzz_put("Makefile", makefile.data, makefile.size);
	fuzz_put("net/Makefile", makefile.data, makefile.size);
	as_config(config);
	if (kernel_kconfig_explain(fuzz_dir_fd(), config, &miss, &why) == 0)
		fuzz_need(why);
	kernel_count_objects(fuzz_dir_fd(), config, "x86_64");
	fuzz_need(kernel_list_builtin(fuzz_dir_fd(), config, "x86_64", &builtin) == 0);
	if (kernel_compiler_parse(says, &clang, &version) == 0)
		fuzz_need(*version);
	kernel_versions_have("3.2-4.4", says);
	if (kernel_versions_valid(says))
		kernel_versions_have(says, "4.4.7");
	return 0;
}
