/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON that musterd and muster read back: cluster.json, a plan, the facts about a server, kernel.json and its kin. */
#include "config.h"

#include <string.h>

#include "backend/host/host.h"
#include "backend/image/image.h"
#include "backend/plan/plan.h"
#include "kernel/kernel.h"
#include "tests/fuzz/house.h"
#include "util/log.h"

static void as_view(const char *text, size_t len)
{
	_cleanup_(view_unrefp) struct view *v = NULL;

	if (view_parse(text, len, "cluster.json", &v) < 0)
		return;
	for (size_t i = 0; i < v->plan->n_nodes; i++) {
		const struct plan_node *n = &v->plan->nodes[i];

		if (n->has_mac)
			fuzz_need(view_by_mac(v, n->mac));
		if (n->address.n)
			fuzz_need(view_by_address(v, n->address));
	}
}

static void as_plan(const char *text, size_t len)
{
	_cleanup_(plan_freep) struct plan *p = NULL, *back = NULL;
	_cleanup_free_ char *out = NULL;

	if (plan_from_json(text, len, &p) < 0)
		return;
	fuzz_need(plan_to_json(p, &out) == 0);
	fuzz_need(plan_from_json(out, strlen(out), &back) == 0);
}

static void as_host(const char *text, size_t len)
{
	_cleanup_(host_freep) struct host *h = NULL, *back = NULL;
	_cleanup_free_ char *why = NULL, *out = NULL;
	int r = host_from_json(text, len, &h, &why);

	fuzz_need(r == 0 || (why && *why));
	if (r < 0)
		return;
	fuzz_need(host_to_json(h, &out) == 0);
	fuzz_need(host_from_json(out, strlen(out), &back, NULL) == 0);
}

/* Under the id that it gives itself, as it lies on the disk. */
static void as_facts(const char *text, size_t len)
{
	struct kernel_env env = { .root_fd = fuzz_dir_fd(), .root_path = fuzz_dir() };
	struct image_env image = { .root_fd = fuzz_dir_fd(), .root_path = fuzz_dir() };
	struct kernel_toolchain *t;
	struct image_generation *i;
	struct kernel_generation *k;

	fuzz_put("var/lib/muster/kernels/it/kernel.json", text, len);
	fuzz_put("var/lib/muster/kernels/it/vmlinuz", "x", 1);
	fuzz_put("var/lib/muster/toolchains/it/toolchain.json", text, len);
	fuzz_put("var/lib/muster/roots/it-1/root.json", text, len);
	fuzz_put("var/lib/muster/roots/it-1/vmlinuz", "x", 1);
	fuzz_put("var/lib/muster/roots/it-1/root.squashfs", "x", 1);
	if (kernel_find(&env, "it", &k) == 0)
		kernel_generation_free(k);
	if (kernel_toolchain_find(&env, "it", &t) == 0)
		kernel_toolchain_free(t);
	if (image_root_find(&image, "it-1", &i) == 0)
		image_generation_free(i);
}

FUZZ_TARGET(cluster)
{
	_cleanup_free_ char *text = fuzz_text(data, size);

	house_quiet();
	as_view(text, size);
	as_plan(text, size);
	as_host(text, size);
	as_facts(text, size);
	return 0;
}
