/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nftables(8): its rules as `nft -j list ruleset` tells them, libnftables-json(5), for one packet. */
#include "config.h"

#include "backend/doctor-firewall.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

#define DEPTH_MAX 16 /* nftables itself allows no deeper jumps (NFT_JUMP_STACK_SIZE) */

/* What a chain says of the packet. */
enum verdict { VERDICT_NONE, VERDICT_ACCEPT, VERDICT_DROP, VERDICT_RETURN, VERDICT_MAYBE_RETURN };

struct nft {
	const json_t *all;
	const struct packet *p;
	const char *family, *table;
	bool maybe_in;	 /* a rule that may hold lets it in */
	bool maybe_left; /* before its verdict, a rule that may hold left the first chain */
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* The chain, rule, set or map is in this family's table of this name. */
static bool in_table(const json_t *o, const char *family, const char *table)
{
	return o && strcmp(text_of(o, "family"), family) == 0 && strcmp(text_of(o, "table"), table) == 0;
}

/* ---- what a condition compares with -------------------------------------------------------------------------------------- */

static enum holds is_value(const struct nft *n, const json_t *left, const json_t *right);

static enum holds any_of(const struct nft *n, const json_t *left, const json_t *list)
{
	enum holds best = HOLDS_NOT;
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		enum holds h = is_value(n, left, v);

		best = MAX(best, h);
	}
	return best;
}

/* A set or map with a name: its elements. */
static const json_t *named(const struct nft *n, const char *name)
{
	const json_t *o;
	size_t i;

	json_array_foreach (n->all, i, o) {
		const json_t *set = json_object_get(o, "set"), *map = json_object_get(o, "map");

		set = set ? set : map;
		if (in_table(set, n->family, n->table) && strcmp(text_of(set, "name"), name) == 0)
			return json_object_get(set, "elem");
	}
	return NULL;
}

static enum holds is_number(const json_t *right, unsigned int number)
{
	const json_t *range = json_object_get(right, "range");

	if (json_is_integer(right))
		return json_integer_value(right) == (json_int_t)number ? HOLDS : HOLDS_NOT;
	if (json_is_array(range) && json_is_integer(json_array_get(range, 0)))
		return json_integer_value(json_array_get(range, 0)) <= (json_int_t)number &&
				       (json_int_t)number <= json_integer_value(json_array_get(range, 1))
			       ? HOLDS
			       : HOLDS_NOT;
	return HOLDS_MAYBE;
}

static enum holds is_port(const json_t *right, unsigned int port)
{
	return port ? is_number(right, port) : HOLDS_MAYBE;
}

static enum holds is_word(const json_t *right, const char *word, unsigned int number)
{
	if (json_is_string(right))
		return strcmp(json_string_value(right), word) == 0 ? HOLDS : HOLDS_NOT;
	return is_number(right, number);
}

static enum holds is_address(const json_t *right, struct ip4 address, bool known)
{
	const json_t *prefix = json_object_get(right, "prefix");
	char net[64];

	if (prefix) {
		snprintf(net, sizeof(net), "%.40s/%d", text_of(prefix, "addr"),
			 (int)json_integer_value(json_object_get(prefix, "len")));
		return packet_in_net(address, known, net);
	}
	return json_is_string(right) ? packet_in_net(address, known, json_string_value(right)) : HOLDS_MAYBE;
}

static enum holds is_meta(const struct packet *p, const char *key, const json_t *right)
{
	if (strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0) {
		if (!json_is_string(right))
			return HOLDS_MAYBE;
		return packet_comes_by(p, json_string_value(right), '*') ? HOLDS : HOLDS_NOT;
	}
	if (strcmp(key, "l4proto") == 0)
		return is_word(right, p->udp ? "udp" : "tcp", p->udp ? 17 : 6);
	if (strcmp(key, "nfproto") == 0)
		return is_word(right, "ipv4", 2);
	return HOLDS_MAYBE;
}

static enum holds is_payload(const struct packet *p, const json_t *payload, const json_t *right)
{
	const char *protocol = text_of(payload, "protocol"), *field = text_of(payload, "field");

	if (strcmp(protocol, "ip") == 0) {
		if (strcmp(field, "saddr") == 0)
			return is_address(right, p->from, p->from.n || p->from_nobody);
		if (strcmp(field, "daddr") == 0)
			return is_address(right, p->to, p->to.n);
		return strcmp(field, "protocol") == 0
			       ? is_word(right, p->udp ? "udp" : "tcp", p->udp ? 17 : 6)
			       : HOLDS_MAYBE;
	}
	if (strcmp(protocol, "th") != 0 && strcmp(protocol, p->udp ? "udp" : "tcp") != 0)
		return *protocol ? HOLDS_NOT : HOLDS_MAYBE; /* of another protocol */
	if (strcmp(field, "dport") == 0)
		return is_port(right, p->port);
	return strcmp(field, "sport") == 0 ? is_port(right, p->source_port) : HOLDS_MAYBE;
}

/* What kind of address it goes to: one of this server's, but for DHCP's, which goes to everybody. */
static enum holds is_fib(const struct packet *p, const json_t *fib, const char *kind)
{
	const char *flag = json_string_value(json_array_get(json_object_get(fib, "flags"), 0));

	if (strcmp(text_of(fib, "result"), "type") != 0 || !flag || strcmp(flag, "daddr") != 0 ||
	    json_array_size(json_object_get(fib, "flags")) != 1)
		return HOLDS_MAYBE;
	return strcmp(kind, p->to.n == UINT32_MAX ? "broadcast" : "local") == 0 ? HOLDS : HOLDS_NOT;
}

static enum holds is_concat(const struct nft *n, const json_t *left, const json_t *right)
{
	const json_t *values = json_object_get(right, "concat"), *v;
	enum holds all = HOLDS;
	size_t i;

	if (json_array_size(values) != json_array_size(left))
		return HOLDS_MAYBE;
	json_array_foreach (left, i, v)
		all = holds_both(all, is_value(n, v, json_array_get(values, i)));
	return all;
}

/* Is this part of the packet this value, or one of these? */
static enum holds is_value(const struct nft *n, const json_t *left, const json_t *right)
{
	const char *text = json_string_value(right);
	const json_t *o;

	if (text && *text == '@') {
		o = named(n, text + 1);
		return o ? any_of(n, left, o) : HOLDS_NOT;
	}
	if (json_is_array(right))
		return any_of(n, left, right);
	if ((o = json_object_get(right, "set")))
		return is_value(n, left, o);
	if ((o = json_object_get(right, "elem")))
		return is_value(n, left, json_object_get(o, "val"));
	if ((o = json_object_get(left, "concat")))
		return is_concat(n, o, right);
	if ((o = json_object_get(left, "meta")))
		return is_meta(n->p, text_of(o, "key"), right);
	if ((o = json_object_get(left, "payload")))
		return is_payload(n->p, o, right);
	if ((o = json_object_get(left, "fib")))
		return is_fib(n->p, o, text ? text : "");
	o = json_object_get(left, "ct");
	/* The first packet of a conversation that nobody translated. */
	if (o && strcmp(text_of(o, "key"), "status") == 0)
		return HOLDS_NOT;
	if (o && strcmp(text_of(o, "key"), "state") == 0)
		return text && strcmp(text, "new") == 0 ? HOLDS : HOLDS_NOT;
	return HOLDS_MAYBE;
}

static enum holds is_match(const struct nft *n, const json_t *match)
{
	const char *op = text_of(match, "op");
	enum holds h = is_value(n, json_object_get(match, "left"), json_object_get(match, "right"));

	if (strcmp(op, "!=") == 0)
		return holds_not(h);
	return strcmp(op, "==") == 0 || strcmp(op, "in") == 0 ? h : HOLDS_MAYBE;
}

/* ---- through the chains ---------------------------------------------------------------------------------------------------- */

static enum verdict walk_chain(struct nft *n, const char *chain, int depth);

/* A statement of a rule that holds for sure or maybe: the verdict, where it is one. */
static enum verdict take(struct nft *n, const json_t *e, int depth, bool *ret_goto)
{
	const json_t *o;

	if (json_object_get(e, "accept"))
		return VERDICT_ACCEPT;
	if (json_object_get(e, "drop") || json_object_get(e, "reject"))
		return VERDICT_DROP;
	if (json_object_get(e, "return"))
		return VERDICT_RETURN;
	*ret_goto = (o = json_object_get(e, "goto")) != NULL;
	if (o || (o = json_object_get(e, "jump")))
		return walk_chain(n, text_of(o, "target"), depth + 1);
	return VERDICT_NONE;
}

/* What may hold decides nothing, but whether it lets in or leaves the chain is remembered. */
static enum verdict take_if(struct nft *n, enum holds h, const json_t *e, int depth)
{
	bool leaves = false;
	enum verdict r = h == HOLDS_NOT ? VERDICT_NONE : take(n, e, depth, &leaves);

	if (r == VERDICT_NONE && leaves)
		r = VERDICT_RETURN;
	if (h != HOLDS_MAYBE)
		return r;
	n->maybe_in |= r == VERDICT_ACCEPT;
	return r == VERDICT_RETURN ? VERDICT_MAYBE_RETURN : VERDICT_NONE;
}

/* `vmap`: the first key that the packet has gives the verdict. */
static enum verdict take_map(struct nft *n, enum holds h, const json_t *vmap, int depth)
{
	const json_t *data = json_object_get(vmap, "data"), *set = json_object_get(data, "set"), *v;
	const char *name = json_string_value(data);
	enum verdict end = VERDICT_NONE;
	size_t i;

	if (name && *name == '@')
		set = named(n, name + 1);
	json_array_foreach (set, i, v) {
		enum holds key =
			holds_both(h, is_value(n, json_object_get(vmap, "key"), json_array_get(v, 0)));
		enum verdict r = take_if(n, key, json_array_get(v, 1), depth);

		if (key == HOLDS)
			return r;
		if (r == VERDICT_MAYBE_RETURN)
			end = r;
	}
	return end;
}

/* What a rule may have besides conditions and a verdict, and that changes neither. */
static bool is_neutral(const json_t *e)
{
	static const char *const names[] = { "counter", "log", "mangle", "notrack", "ct helper", "comment" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (json_object_get(e, names[i]))
			return true;
	return json_is_string(e);
}

static enum verdict walk_rule(struct nft *n, const json_t *expressions, int depth)
{
	enum holds h = HOLDS;
	const json_t *e;
	size_t i;

	json_array_foreach (expressions, i, e) {
		const json_t *match = json_object_get(e, "match"), *vmap = json_object_get(e, "vmap");
		enum verdict r;

		if (h == HOLDS_NOT)
			return VERDICT_NONE;
		if (match) {
			h = holds_both(h, is_match(n, match));
		} else if (vmap) {
			r = take_map(n, h, vmap, depth);
			if (r != VERDICT_NONE)
				return r;
		} else if (json_object_get(e, "accept") || json_object_get(e, "drop") ||
			   json_object_get(e, "reject") || json_object_get(e, "return") ||
			   json_object_get(e, "jump") || json_object_get(e, "goto")) {
			return take_if(n, h, e, depth);
		} else if (!is_neutral(e)) {
			h = holds_both(h, HOLDS_MAYBE);
		}
	}
	return VERDICT_NONE;
}

static enum verdict walk_chain(struct nft *n, const char *chain, int depth)
{
	bool left = false;
	const json_t *o;
	size_t i;

	if (depth > DEPTH_MAX)
		return VERDICT_NONE;
	json_array_foreach (n->all, i, o) {
		const json_t *rule = json_object_get(o, "rule");
		enum verdict r;

		if (!in_table(rule, n->family, n->table) || strcmp(text_of(rule, "chain"), chain) != 0)
			continue;
		r = walk_rule(n, json_object_get(rule, "expr"), depth);
		left |= r == VERDICT_MAYBE_RETURN;
		if (r == VERDICT_RETURN)
			return VERDICT_NONE;
		if (r == VERDICT_NONE || r == VERDICT_MAYBE_RETURN)
			continue;
		if (!left || !depth) {
			n->maybe_left |= left;
			return r;
		}
		/* It may have gone on in the chain before. */
		n->maybe_in |= r == VERDICT_ACCEPT;
		return VERDICT_NONE;
	}
	return VERDICT_NONE;
}

/* Rules of iptables with its own modules are told as {"xt": ...}, without what they say. */
static bool is_iptables(const json_t *all, const char *family, const char *table)
{
	const json_t *o, *e;
	size_t i, k;

	if (strcmp(family, "ip") != 0)
		return false;
	json_array_foreach (all, i, o) {
		const json_t *rule = json_object_get(o, "rule");

		if (!in_table(rule, family, table))
			continue;
		json_array_foreach (json_object_get(rule, "expr"), k, e)
			if (json_object_get(e, "xt"))
				return true;
	}
	return false;
}

/* All that comes in and could be dropped goes through it. */
static bool is_gate(const json_t *chain)
{
	const char *family = text_of(chain, "family"), *hook = text_of(chain, "hook");

	return (strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0) &&
	       (strcmp(hook, "input") == 0 || strcmp(hook, "prerouting") == 0) &&
	       strcmp(text_of(chain, "type"), "nat") != 0;
}

enum passage nft_judge(const json_t *all, const struct packet *p, struct gate *ret, bool *ret_iptables)
{
	enum passage worst = PASSAGE_OPEN;
	const json_t *o;
	size_t i;

	json_array_foreach (all, i, o) {
		const json_t *chain = json_object_get(o, "chain");
		struct nft n = { .all = all, .p = p };
		enum passage here;
		enum verdict r;
		bool drops;

		if (!chain || !is_gate(chain))
			continue;
		n.family = text_of(chain, "family");
		n.table = text_of(chain, "table");
		if (is_iptables(all, n.family, n.table)) {
			*ret_iptables = true;
			continue;
		}
		r = walk_chain(&n, text_of(chain, "name"), 0);
		drops = strcmp(text_of(chain, "policy"), "drop") == 0;
		if (r == VERDICT_ACCEPT || (r == VERDICT_NONE && !drops))
			here = PASSAGE_OPEN;
		else
			here = n.maybe_in || (n.maybe_left && !drops) ? PASSAGE_UNSURE : PASSAGE_CLOSED;
		if (here > worst)
			*ret = (struct gate){ n.family, n.table, text_of(chain, "name") };
		worst = MAX(worst, here);
	}
	return worst;
}
