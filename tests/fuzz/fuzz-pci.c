/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The indexes of a kernel's modules, and the ids of cards that are looked up in them. The input: a card, modules.alias,
 * modules.builtin, modules.builtin.modinfo with newlines for its NULs, another kernel's modules.alias; "%%" between.
 */
#include "config.h"

#include <string.h>

#include "kernel/private.h"
#include "tests/fuzz/house.h"

FUZZ_TARGET(pci)
{
	static const char *const files[] = { "modules.alias", "modules.builtin", "modules.builtin.modinfo" };
	_cleanup_(kernel_drivers_freep) struct kernel_drivers *d = NULL;
	_cleanup_free_ char *card = fuzz_cut_text(&data, &size), *others = NULL, *driver = NULL,
			    *wanted = NULL;
	bool built_in;
	int r;

	house_quiet();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct fuzz_part part = fuzz_cut(&data, &size);
		_cleanup_free_ char *text = fuzz_text(part.data, part.size);

		for (size_t k = 0; i == 2 && k < part.size; k++)
			text[k] = text[k] == '\n' ? '\0' : text[k];
		fuzz_put(files[i], text, part.size);
	}
	others = fuzz_cut_text(&data, &size);
	fuzz_need(kernel_drivers_read(fuzz_dir_fd(), "/", &d) == 0);
	r = kernel_driver_of(d, card, others, &driver, &built_in, &wanted);
	fuzz_need((r == 0) == kernel_is_card(card));
	fuzz_need(r < 0 || !driver || !wanted);
	kernel_lists_module(others, card);
	return 0;
}
