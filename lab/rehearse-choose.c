/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which nodes a rehearsal tries. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lab/rehearse.h"
#include "util/i18n.h"

static bool is_any(const struct plan *p, const struct plan_node *n)
{
	return p->ip_mode == PLAN_IP_RANGE;
}

static bool is_named(const struct plan *p, const struct plan_node *n)
{
	return n->line > 0;
}

static bool is_counted(const struct plan *p, const struct plan_node *n)
{
	return true;
}

/* The first that fits. */
static const struct kind {
	const char *name;
	bool (*is)(const struct plan *p, const struct plan_node *n);
} kinds[] = {
	{ N_("any machine"), is_any },
	{ N_("named"), is_named },
	{ N_("counted"), is_counted },
};

static const struct kind *kind_of(const struct plan *p, const struct plan_node *n)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(kinds) && !kinds[i].is(p, n))
		i++;
	return &kinds[i];
}

/* Without its MAC address nobody knows it, and it is given no address. */
static bool can_boot(const struct plan *p, const struct plan_node *n)
{
	return p->ip_mode == PLAN_IP_RANGE || n->has_mac;
}

struct choice {
	const struct plan *plan;
	struct lab_try *v;
	size_t n;
};

void lab_tries_free(struct lab_try *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].node);
		free(v[i].machine);
		free(v[i].mac);
		free(v[i].reason);
		for (size_t k = 0; k < v[i].n_evidence; k++) {
			free(v[i].evidence[k].title);
			strv_free(&v[i].evidence[k].lines);
		}
		free(v[i].evidence);
	}
	free(v);
}

static int add(struct choice *c, const struct plan_node *n, enum lab_firmware firmware)
{
	struct lab_try *v = reallocarray(c->v, c->n + 1, sizeof(*v)), *t;
	bool any = c->plan->ip_mode == PLAN_IP_RANGE;
	/* QEMU's own prefix 52:54:00, then "m". */
	struct mac mac = { { 0x52, 0x54, 0x00, 0x6d, 0xff, (uint8_t)(c->n + 1) } };

	if (!v)
		return -ENOMEM;
	c->v = v;
	t = &v[c->n];
	*t = (struct lab_try){ .kind = kind_of(c->plan, n)->name, .firmware = firmware };
	for (size_t i = 0; i < NODE_STAGE_COUNT; i++)
		t->stage_ms[i] = -1;
	t->node = strdup(any ? "" : n->name);
	t->mac = strdup(MAC(any ? mac : n->mac));
	t->reason = strdup("");
	if (asprintf(&t->machine, "%s-%s", any ? "any" : n->name, firmware == LAB_UEFI ? "uefi" : "bios") < 0)
		t->machine = NULL;
	c->n++;
	return t->node && t->mac && t->reason && t->machine ? 0 : -ENOMEM;
}

/* The number of the node's tries so far. */
static size_t tries_of(const struct choice *c, const char *node)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += strcmp(c->v[i].node, node) == 0;
	return n;
}

/* The first of this kind that was not tried yet, else the first. */
static const struct plan_node *first_of(const struct choice *c, const struct kind *k)
{
	const struct plan_node *first = NULL;

	for (size_t i = 0; i < c->plan->n_nodes; i++) {
		const struct plan_node *n = &c->plan->nodes[i];

		if (kind_of(c->plan, n) != k || !can_boot(c->plan, n))
			continue;
		first = first ? first : n;
		if (tries_of(c, n->name) == 0)
			return n;
	}
	return first;
}

static int choose_by_kind(struct choice *c, const bool *firmware)
{
	int r = 0;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (int f = LAB_BIOS; r == 0 && f <= LAB_UEFI; f++) {
			const struct plan_node *n = firmware[f] ? first_of(c, &kinds[k]) : NULL;

			if (n)
				r = add(c, n, (enum lab_firmware)f);
		}
	return r;
}

static int choose_named(struct choice *c, const struct strv *only, const bool *firmware)
{
	int r = 0;

	for (int f = LAB_BIOS; f <= LAB_UEFI; f++)
		for (size_t i = 0; firmware[f] && i < c->plan->n_nodes; i++) {
			const struct plan_node *n = &c->plan->nodes[i];

			if (r == 0 && strv_has(only, n->name) && can_boot(c->plan, n))
				r = add(c, n, (enum lab_firmware)f);
		}
	return r;
}

static int note_rest(const struct plan *p, const struct strv *only, struct strv *notes)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_nodes; i++)
		n += !can_boot(p, &p->nodes[i]) && (!only || strv_has(only, p->nodes[i].name));
	if (n == 0)
		return 0;
	return strv_addf(notes,
			 ngettext("%zu node has no MAC address in the answers yet, and cannot be tried.",
				  "%zu nodes have no MAC address in the answers yet, and cannot be tried.",
				  n),
			 n);
}

int lab_choose(const struct plan *p, const struct strv *only, bool bios, bool uefi, struct lab_try **ret,
	       size_t *ret_n, struct strv *ret_notes)
{
	const bool firmware[] = { [LAB_BIOS] = bios, [LAB_UEFI] = uefi };
	struct choice c = { .plan = p };
	int r;

	/* Which name a machine of a range gets is its address's, not its own. */
	if (only && p->ip_mode == PLAN_IP_MAC)
		r = choose_named(&c, only, firmware);
	else
		r = choose_by_kind(&c, firmware);
	if (r == 0)
		r = note_rest(p, only, ret_notes);
	if (r < 0) {
		lab_tries_free(c.v, c.n);
		return r;
	}
	*ret = c.v;
	*ret_n = c.n;
	return 0;
}
