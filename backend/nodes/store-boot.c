/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boots: how they begin, whose they are, and what their nodes report. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/nodes/store-internal.h"
#include "util/hash.h"

struct boot {
	int64_t node; /* the node's row */
	int64_t id;   /* 0: the node has no boot yet */
	enum node_stage stage;
	int64_t entered, began;
	bool by_dhcp, has_token, same_mac;
};

/* -ENOENT: there is no such node. `mac` NULL or "" compares as the same. */
static int newest_boot(struct store *s, const char *node, const char *mac, struct boot *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_BOOT_NEWEST, &q, "t", node);
	const char *known;

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	known = db_text(q, 6);
	*ret = (struct boot){
		.node = db_int(q, 0),
		.id = db_int(q, 1),
		.stage = store_stage_of(db_text(q, 2)),
		.entered = db_int(q, 3),
		.began = db_int(q, 4),
		.by_dhcp = db_int(q, 5) != 0,
		.has_token = *db_text(q, 7) != '\0',
		.same_mac = !mac || !*mac || !*known || strcmp(known, mac) == 0,
	};
	return 0;
}

/* Adds the first stage's row too. A lease that led nowhere makes room for the new boot, so that leases alone
 * never push the present boot out; beyond what is kept the oldest boot goes. */
static int begin_boot(struct store *s, int64_t now, const char *node, const char *mac, enum node_stage stage,
		      struct boot *b)
{
	bool replaced = b->id && b->stage == NODE_DHCP && !b->has_token;
	int r = 0;

	if (replaced)
		r = db_run(s->db, SQL_BOOT_DROP, "i", b->id);
	if (r == 0)
		r = db_run(s->db, SQL_BOOT_ADD, "itiit", b->node, mac ? mac : "", now,
			   (int64_t)(stage == NODE_DHCP), node_stage_text(stage));
	if (r < 0)
		return r;
	b->id = db_last_id(s->db);
	r = db_run(s->db, SQL_NODE_BOOT, "iii", b->node, b->id, (int64_t)(replaced ? 0 : 1));
	if (r == 0)
		r = db_run(s->db, SQL_BOOTS_PRUNE, "ii", b->node, (int64_t)STORE_BOOTS_KEPT);
	return r < 0 ? r : store_enter(s, now, node, b->id, stage);
}

/* How long it took until the boot was ready for the first time, and what is usual for its node. */
static int measure_boot(struct store *s, int64_t now, const char *node, int64_t boot)
{
	int r = db_run(s->db, SQL_BOOT_DURATION, "ii", boot, now);

	if (r < 0 || db_changes(s->db) == 0)
		return r;
	return db_run(s->db, SQL_NODE_MEDIAN, "t", node);
}

int store_node_changed(struct store *s, const char *node)
{
	return db_run(s->db, SQL_NODE_CHANGED, "t", node);
}

/* Ends a transaction that changed what is known of the node. */
static int end_changed(struct store *s, const char *node, int r)
{
	int changed = r >= 0 ? store_node_changed(s, node) : 0;

	return store_end(s, changed < 0 ? changed : r);
}

int store_enter(struct store *s, int64_t now, const char *node, int64_t boot, enum node_stage stage)
{
	const char *text = node_stage_text(stage);
	int r = db_run(s->db, SQL_BOOT_STAGE, "iti", boot, text, now);

	if (r == 0)
		r = db_run(s->db, SQL_STAGE_ADD, "iti", boot, text, now);
	if (r == 0)
		r = db_run(s->db, SQL_STAGES_PRUNE, "ii", boot, (int64_t)STORE_STAGES_KEPT);
	if (r == 0 && (stage == NODE_READY || stage == NODE_JOINED))
		r = measure_boot(s, now, node, boot);
	return r < 0 ? r : store_add_event(s, now, node, "stage", text);
}

static int learn_mac(struct store *s, const struct boot *b, const char *mac)
{
	return mac && *mac ? db_run(s->db, SQL_NODE_MAC, "it", b->node, mac) : 0;
}

/* The lease came before the boot's first request, its event after it: when exactly is not known any more. */
static int add_late_lease(struct store *s, int64_t now, const char *node, const struct boot *b)
{
	const char *text = node_stage_text(NODE_DHCP);
	int r = db_run(s->db, SQL_BOOT_BY_DHCP, "i", b->id);

	if (r == 0)
		r = db_run(s->db, SQL_STAGE_BEFORE, "iti", b->id, text, b->began);
	return r < 0 ? r : store_add_event(s, now, node, "stage", text);
}

/* Has the boot come to this stage at most? One that was shut down is over. */
static bool is_within(const struct boot *b, enum node_stage stage)
{
	return b->id && b->stage != NODE_OFF && b->stage <= stage;
}

static int dhcp(struct store *s, int64_t now, const char *node, const char *mac)
{
	struct boot b = { 0 };
	int r = newest_boot(s, node, mac, &b);

	if (r < 0)
		return r;
	r = learn_mac(s, &b, mac);
	if (r < 0)
		return r;
	if (is_within(&b, NODE_LOADER) && b.same_mac && b.by_dhcp && now - b.began < STORE_DHCP_MS)
		return 0;
	if (is_within(&b, NODE_KERNEL) && b.same_mac && !b.by_dhcp && b.has_token &&
	    now - b.began < STORE_LATE_MS)
		return add_late_lease(s, now, node, &b);
	return begin_boot(s, now, node, mac, NODE_DHCP, &b);
}

int store_dhcp(struct store *s, int64_t now, const char *node, const char *mac)
{
	int r = store_begin(s);

	return r < 0 ? r : end_changed(s, node, dhcp(s, now, node, mac));
}

static void token_hash(const char *token, char ret[HASH_TEXT])
{
	hash_text(token, strlen(token), ret);
}

static int boot_script(struct store *s, int64_t now, const char *node, const char *mac, const char *address,
		       const char *token, const char *generation)
{
	char hashed[HASH_TEXT];
	struct boot b = { 0 };
	int r = newest_boot(s, node, mac, &b);

	if (r == 0)
		r = learn_mac(s, &b, mac);
	if (r == 0)
		r = db_run(s->db, SQL_TOKENS_VOID, "i", b.node);
	if (r < 0)
		return r;
	if (!is_within(&b, NODE_LOADER) || !b.same_mac || now - b.entered >= STORE_LOADER_MS)
		r = begin_boot(s, now, node, mac, NODE_LOADER, &b);
	else if (b.stage != NODE_LOADER)
		r = store_enter(s, now, node, b.id, NODE_LOADER);
	if (r < 0)
		return r;
	token_hash(token, hashed);
	return db_run(s->db, SQL_BOOT_TOKEN, "itttt", b.id, mac ? mac : "", address, hashed, generation);
}

int store_boot(struct store *s, int64_t now, const char *node, const char *mac, const char *address,
	       const char *token, const char *generation)
{
	int r = store_begin(s);

	return r < 0 ? r : end_changed(s, node, boot_script(s, now, node, mac, address, token, generation));
}

int store_card(struct store *s, const char *node, const char *card)
{
	return db_run(s->db, SQL_CARD, "tt", node, card);
}

static bool may_enter(enum node_stage from, enum node_stage to)
{
	return to > from || from == NODE_FAILED || from == NODE_LOST || to == NODE_OFF;
}

/* The boot that goes on: where the newest one has no token and an older one has, the newest was only a lease;
 * it is taken back. */
static int reporting_boot(struct store *s, const char *node, struct boot *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	struct boot b = { 0 };
	int64_t lease;
	int r = newest_boot(s, node, NULL, &b);

	if (r == 0 && !b.id)
		r = -ENOENT;
	if (r < 0 || b.has_token) {
		if (r == 0)
			*ret = b;
		return r;
	}
	r = db_query(s->db, SQL_BOOT_PRESENT, &q, "i", b.node);
	if (r == 0)
		r = db_step(s->db, q);
	if (r < 0)
		return r;
	if (r > 0) {
		lease = b.id;
		b.id = db_int(q, 0);
		b.stage = store_stage_of(db_text(q, 1));
		b.entered = db_int(q, 2);
		b.has_token = true;
		r = db_run(s->db, SQL_NODE_BOOT, "iii", b.node, b.id, (int64_t)-1);
		if (r == 0)
			r = db_run(s->db, SQL_BOOT_DROP, "i", lease);
		if (r < 0)
			return r;
	}
	*ret = b;
	return 0;
}

static int stage(struct store *s, int64_t now, const char *node, enum node_stage to)
{
	struct boot b = { 0 };
	int r = reporting_boot(s, node, &b);

	if (r < 0)
		return r;
	if (b.stage == to)
		return 0;
	return may_enter(b.stage, to) ? store_enter(s, now, node, b.id, to) : -EINVAL;
}

int store_stage(struct store *s, int64_t now, const char *node, enum node_stage to)
{
	int r = store_begin(s);

	return r < 0 ? r : end_changed(s, node, stage(s, now, node, to));
}

static int keep_ssi(struct store *s, int64_t boot, const struct node_ssi *v)
{
	return db_run(s->db, SQL_SSI, "iiiiiiiiiiidtt", boot, (int64_t)v->node, (int64_t)v->session,
		      (int64_t)v->subsession, (int64_t)v->max_nodes, (int64_t)v->online, (int64_t)v->present,
		      (int64_t)v->possible, (int64_t)v->processors, (int64_t)v->memory_kb,
		      (int64_t)v->memory_free_kb, v->load, v->abi, v->stuck);
}

/* The one way back: a node was removed from the single system, or that was stopped. */
static bool has_left(const struct boot *b, const struct store_report *report)
{
	return b->stage == NODE_JOINED && report->stage == NODE_READY && report->ssi.known;
}

static int report_in(struct store *s, int64_t now, const char *node, const struct store_report *report)
{
	bool failed = report->stage == NODE_FAILED;
	/* A node's own share is what it had before: then it may see the merged machine only. */
	bool merged = report->stage == NODE_JOINED;
	struct boot b = { 0 };
	int r = reporting_boot(s, node, &b);

	if (r == 0)
		r = db_run(s->db, SQL_REPORT, "iitiiidti", b.id, now, report->kernel,
			   (int64_t)report->processors, (int64_t)report->memory_kb,
			   (int64_t)report->memory_free_kb, report->load,
			   report->version ? report->version : "", (int64_t)merged);
	if (r == 0 && report->ssi.known)
		r = keep_ssi(s, b.id, &report->ssi);
	if (r == 0 && *report->card)
		r = db_run(s->db, SQL_CARD, "tt", node, report->card);
	if (r == 0 && *report->cards)
		r = db_run(s->db, SQL_CARDS_KEEP, "tt", node, report->cards);
	if (r == 0 && (failed || b.stage == NODE_FAILED))
		r = db_run(s->db, SQL_REASON, "itt", b.id, failed ? report->reason : "",
			   failed ? report->log : "");
	if (r < 0 || b.stage == report->stage || !(may_enter(b.stage, report->stage) || has_left(&b, report)))
		return r;
	r = store_enter(s, now, node, b.id, report->stage);
	return r < 0 || !failed ? r : store_add_event(s, now, node, "failed", report->reason);
}

int store_report(struct store *s, int64_t now, const char *node, const struct store_report *report)
{
	int r = store_begin(s);

	return r < 0 ? r : end_changed(s, node, report_in(s, now, node, report));
}

void store_owner_free(struct store_owner *o)
{
	free(o->node);
	free(o->mac);
	free(o->address);
	free(o->generation);
	*o = (struct store_owner){ 0 };
}

int store_token(struct store *s, const char *token, struct store_owner *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	struct store_owner o = { 0 };
	char hashed[HASH_TEXT];
	int r;

	token_hash(token, hashed);
	r = db_query(s->db, SQL_TOKEN, &q, "t", hashed);
	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	o = (struct store_owner){
		db_dup(q, 0), db_dup(q, 1), db_dup(q, 2), db_dup(q, 3), store_stage_of(db_text(q, 4)),
		db_int(q, 5), db_int(q, 6), db_int(q, 7)
	};
	if (!o.node || !o.mac || !o.address || !o.generation) {
		store_owner_free(&o);
		return -ENOMEM;
	}
	*ret = o;
	return 0;
}

static int hand(struct store *s, int64_t now, const char *node, const char *token)
{
	char hashed[HASH_TEXT];
	int r;

	token_hash(token, hashed);
	r = db_run(s->db, SQL_HANDED, "ti", hashed, now);
	return r < 0 ? r : stage(s, now, node, NODE_KERNEL);
}

/* Whether the next changes are on the disk when they are made, with all before them: they are frames of one log. */
static int set_flushed(struct store *s, bool flushed)
{
	return db_exec(s->db, flushed ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

static int unflushed(struct store *s, int r)
{
	int err = set_flushed(s, false);

	return r < 0 ? r : err;
}

int store_hand(struct store *s, int64_t now, const char *node, const char *token)
{
	int r = set_flushed(s, true);

	if (r == 0)
		r = store_begin(s);
	return unflushed(s, r < 0 ? r : end_changed(s, node, hand(s, now, node, token)));
}

int store_delivered(struct store *s, int64_t now, const char *token)
{
	char hashed[HASH_TEXT];
	int r = set_flushed(s, true);

	token_hash(token, hashed);
	return unflushed(s, r < 0 ? r : db_run(s->db, SQL_DELIVERED, "ti", hashed, now));
}

struct silent {
	char *node;
	int64_t boot;
};

static int find_silent(struct store *s, int64_t before, struct silent **ret, size_t *ret_n)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	size_t size = 0;
	int r = db_query(s->db, SQL_SILENT, &q, "i", before);

	while (r >= 0 && (r = db_step(s->db, q)) > 0) {
		if (*ret_n == size) {
			size_t more = MAX(size * 2, (size_t)16);
			struct silent *v = reallocarray(*ret, more, sizeof(*v));

			if (!v)
				return -ENOMEM;
			*ret = v;
			size = more;
		}
		(*ret)[*ret_n] = (struct silent){ db_dup(q, 0), db_int(q, 1) };
		if (!(*ret)[(*ret_n)++].node)
			return -ENOMEM;
	}
	return r;
}

int store_expire(struct store *s, int64_t now, int64_t max_age)
{
	_cleanup_free_ struct silent *v = NULL;
	size_t n = 0;
	int r = find_silent(s, now - max_age, &v, &n);

	if (r == 0 && n > 0) {
		r = store_begin(s);
		if (r == 0) {
			for (size_t i = 0; r == 0 && i < n; i++) {
				r = store_enter(s, now, v[i].node, v[i].boot, NODE_LOST);
				if (r == 0)
					r = store_node_changed(s, v[i].node);
			}
			r = store_end(s, r);
		}
	}
	for (size_t i = 0; i < n; i++)
		free(v[i].node);
	return r < 0 ? r : (int)n;
}

int store_spoke(struct store *s, const char *node, bool *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_SPOKE, &q, "t", node);

	if (r == 0)
		r = db_step(s->db, q);
	if (r < 0)
		return r;
	*ret = r == 1 && store_stage_of(db_text(q, 0)) != NODE_OFF;
	return 0;
}
