/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the tests of the store: one in a folder of its own, with three nodes. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/nodes/store.h"
#include "util/fs.h"

#define T0 INT64_C(1700000000000)
#define TOKEN_A "0123456789abcdef0123456789abcdef"
#define TOKEN_B "fedcba9876543210fedcba9876543210"

struct fixture {
	char folder[32];
	char path[64];
	struct plan plan;
	struct store *store;
};

static inline void make_plan(struct plan *p, size_t n)
{
	p->ip_mode = PLAN_IP_MAC;
	p->nodes = calloc(n, sizeof(*p->nodes));
	assert_non_null(p->nodes);
	p->n_nodes = n;
	for (size_t i = 0; i < n; i++) {
		struct plan_node *node = &p->nodes[i];

		assert_true(asprintf(&node->name, "node%05zu", i + 1) > 0);
		node->address.n = 0x0a420000U + 11 + (uint32_t)i;
		node->mac = (struct mac){ { 0x52, 0x54, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
		node->has_mac = true;
	}
}

static inline void drop_plan(struct plan *p)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		free(p->nodes[i].name);
	free(p->nodes);
	*p = (struct plan){ 0 };
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->folder, sizeof(f->folder), "/tmp/muster-store.XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/mus ter%%?.db", f->folder);
	make_plan(&f->plan, 3);
	if (store_open(f->path, STORE_WRITE, &f->store) < 0 || store_sync(f->store, &f->plan) < 0)
		return -1;
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	_cleanup_close_ int root = fs_root_open(NULL);
	struct fixture *f = *state;
	int r;

	store_free(f->store);
	drop_plan(&f->plan);
	r = fs_remove_tree(root, f->folder);
	free(f);
	return r;
}

static inline struct node_state *get_states(struct store *s, int64_t now, size_t *n)
{
	struct node_state *v = NULL;

	assert_int_equal(store_nodes(s, now, NULL, &v, n), 0);
	return v;
}

/* The stages of the first node as "dhcp loader ", and its present one. */
static inline enum node_stage stages_of_first(struct store *s, char *buf, size_t size)
{
	size_t n, used = 0;
	struct node_state *v = get_states(s, T0, &n);
	enum node_stage stage = v[0].stage;

	buf[0] = '\0';
	for (size_t i = 0; i < v[0].n_stages; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s ",
					 node_stage_text(v[0].stages[i].stage));
	node_states_free(v, n);
	return stage;
}

static inline void report_as(struct store *s, int64_t now, const char *node, enum node_stage stage)
{
	struct store_report report = { .stage = stage,
				       .kernel = "6.1.0",
				       .version = "#1 SMP",
				       .reason = stage == NODE_FAILED ? "no root" : "",
				       .log = stage == NODE_FAILED ? "last words" : "",
				       .load = 0.5,
				       .memory_kb = 1000,
				       .memory_free_kb = 400,
				       .processors = 2 };

	assert_int_equal(store_report(s, now, node, &report), 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
