/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iptables(8): the rules of its table filter as `iptables -S` lists them, for one packet. */
#include "config.h"

#include "backend/doctor-firewall.h"

#include <stdlib.h>
#include <string.h>

#include "util/strv.h"

#define DEPTH_MAX 32

bool packet_comes_by(const struct packet *p, const char *interface, char wildcard)
{
	size_t n = strlen(interface);

	if (n > 0 && interface[n - 1] == wildcard)
		return strncmp(p->interface, interface, n - 1) == 0;
	return strcmp(p->interface, interface) == 0;
}

enum holds packet_in_net(struct ip4 address, bool known, const char *net)
{
	struct ip4_net n = { .prefix = 32 };
	char first[64];

	if (strchr(net, '/')) {
		/* Its address need not be a host's. */
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(net, "/"), net);
		n.prefix = (unsigned int)strtoul(strchr(net, '/') + 1, NULL, 10);
		if (n.prefix > 32 || ip4_parse(first, &n.address) < 0)
			return HOLDS_NOT;
	} else if (ip4_parse(net, &n.address) < 0) {
		return HOLDS_NOT;
	}
	if (n.prefix == 0)
		return HOLDS;
	if (!known)
		return HOLDS_MAYBE;
	return ((address.n ^ n.address.n) >> (32 - n.prefix)) == 0 ? HOLDS : HOLDS_NOT;
}

enum holds holds_both(enum holds a, enum holds b)
{
	return a < b ? a : b;
}

enum holds holds_not(enum holds a)
{
	return a == HOLDS ? HOLDS_NOT : a == HOLDS_NOT ? HOLDS : HOLDS_MAYBE;
}

/* ---- conditions ------------------------------------------------------------------------------------------------------------- */

static enum holds by_interface(const struct packet *p, const char *value)
{
	return packet_comes_by(p, value, '+') ? HOLDS : HOLDS_NOT;
}

static enum holds by_outgoing(const struct packet *p, const char *value)
{
	return HOLDS_NOT;
}

static enum holds by_source(const struct packet *p, const char *value)
{
	return packet_in_net(p->from, p->from.n || p->from_nobody, value);
}

static enum holds by_destination(const struct packet *p, const char *value)
{
	return packet_in_net(p->to, p->to.n, value);
}

static enum holds by_protocol(const struct packet *p, const char *value)
{
	return strcmp(value, "all") == 0 || strcmp(value, p->udp ? "udp" : "tcp") == 0 ? HOLDS : HOLDS_NOT;
}

/* "67", "67:69", "67,69,8000:8100". */
static enum holds in_ports(unsigned int port, const char *value)
{
	while (port && *value) {
		char *end;
		unsigned long first = strtoul(value, &end, 10), last = first;

		if (*end == ':')
			last = strtoul(end + 1, &end, 10);
		if (first <= port && port <= last)
			return HOLDS;
		if (*end != ',')
			return *end ? HOLDS_MAYBE : HOLDS_NOT;
		value = end + 1;
	}
	return port ? HOLDS_NOT : HOLDS_MAYBE;
}

static enum holds by_port(const struct packet *p, const char *value)
{
	return in_ports(p->port, value);
}

static enum holds by_source_port(const struct packet *p, const char *value)
{
	return in_ports(p->source_port, value);
}

static enum holds by_state(const struct packet *p, const char *value)
{
	return strstr(value, "NEW") ? HOLDS : HOLDS_NOT;
}

/* To one of this server's addresses; DHCP's goes to everybody. */
static enum holds by_kind(const struct packet *p, const char *value)
{
	return strcmp(value, p->to.n == UINT32_MAX ? "BROADCAST" : "LOCAL") == 0 ? HOLDS : HOLDS_NOT;
}

static enum holds always(const struct packet *p, const char *value)
{
	return HOLDS;
}

static const struct {
	const char *option;
	enum holds (*holds)(const struct packet *p, const char *value);
} conditions[] = {
	{ "-i", by_interface },	       { "-o", by_outgoing },
	{ "-s", by_source },	       { "-d", by_destination },
	{ "-p", by_protocol },	       { "-m", always }, /* the options that the module brings say it */
	{ "--dport", by_port },	       { "--dports", by_port },
	{ "--sport", by_source_port }, { "--sports", by_source_port },
	{ "--state", by_state },       { "--ctstate", by_state },
	{ "--dst-type", by_kind },     { "--comment", always },
};

static enum holds holds_option(const struct packet *p, const char *option, const char *value, bool *ret_known)
{
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
		if (strcmp(conditions[i].option, option) == 0) {
			*ret_known = true;
			return conditions[i].holds(p, value);
		}
	*ret_known = false;
	return HOLDS_MAYBE;
}

/* ---- rules ------------------------------------------------------------------------------------------------------------------- */

/* A line's words; those in double quotes are one. */
static int split(const char *p, size_t len, struct strv *ret)
{
	const char *end = p + len;
	int r = 0;

	while (p < end && r == 0) {
		const char *from = p, *to;

		if (*p == ' ') {
			p++;
			continue;
		}
		if (*p == '"') {
			from = ++p;
			while (p < end && *p != '"')
				p += *p == '\\' && p + 1 < end ? 2 : 1;
			to = p++;
		} else {
			while (p < end && *p != ' ')
				p++;
			to = p;
		}
		r = strv_addf(ret, "%.*s", (int)(MIN(to, end) - from), from);
	}
	return r;
}

struct rule {
	enum holds holds;
	const char *target; /* "" for none */
	bool leaves;	    /* -g */
};

/* "-A CHAIN OPTION VALUE ... -j TARGET ..."; what comes after the target is the target's own. */
static struct rule read_rule(const struct packet *p, const struct strv *w)
{
	struct rule r = { HOLDS, "", false };
	bool negated = false;

	for (size_t i = 2; i + 1 < w->n; i++) {
		enum holds h;
		bool known;

		if (strcmp(w->v[i], "!") == 0) {
			negated = true;
			continue;
		}
		if (strcmp(w->v[i], "-j") == 0 || strcmp(w->v[i], "-g") == 0) {
			r.leaves = w->v[i][1] == 'g';
			r.target = w->v[i + 1];
			break;
		}
		if (*w->v[i] != '-') {
			/* The second value of an option that is not known here. */
			r.holds = holds_both(r.holds, HOLDS_MAYBE);
			continue;
		}
		h = holds_option(p, w->v[i], w->v[i + 1], &known);
		r.holds = holds_both(r.holds, negated ? holds_not(h) : h);
		negated = false;
		/* Another one may have no value: what follows is an option then. */
		if (known || (*w->v[i + 1] != '-' && strcmp(w->v[i + 1], "!") != 0))
			i++;
	}
	return r;
}

enum verdict { VERDICT_NONE, VERDICT_ACCEPT, VERDICT_DROP };

static enum verdict walk_chain(const char *rules, const char *chain, const struct packet *p, struct walk *w,
			       int depth);

static enum verdict take(const char *rules, const struct rule *r, const struct packet *p, struct walk *w,
			 int depth)
{
	if (strcmp(r->target, "ACCEPT") == 0)
		return VERDICT_ACCEPT;
	if (strcmp(r->target, "DROP") == 0 || strcmp(r->target, "REJECT") == 0)
		return VERDICT_DROP;
	/* LOG, MARK and the like are no chains: nothing is found in them. */
	return *r->target ? walk_chain(rules, r->target, p, w, depth + 1) : VERDICT_NONE;
}

static enum verdict walk_chain(const char *rules, const char *chain, const struct packet *p, struct walk *w,
			       int depth)
{
	enum verdict policy = VERDICT_NONE, end = VERDICT_NONE;
	bool left = false;

	for (const char *line = rules; *line && depth <= DEPTH_MAX; line += strcspn(line, "\n")) {
		_cleanup_strv_ struct strv words = STRV_INIT;
		struct rule r;

		line += *line == '\n';
		if (split(line, strcspn(line, "\n"), &words) < 0 || words.n < 3 ||
		    strcmp(words.v[1], chain) != 0)
			continue;
		if (strcmp(words.v[0], "-P") == 0)
			policy = strcmp(words.v[2], "DROP") == 0 ? VERDICT_DROP : VERDICT_ACCEPT;
		if (strcmp(words.v[0], "-A") != 0)
			continue;
		r = read_rule(p, &words);
		if (r.holds == HOLDS_NOT)
			continue;
		end = strcmp(r.target, "RETURN") == 0 ? VERDICT_NONE : take(rules, &r, p, w, depth);
		if (r.holds == HOLDS_MAYBE) {
			w->maybe_in |= end == VERDICT_ACCEPT;
			left |= strcmp(r.target, "RETURN") == 0 || r.leaves;
		} else if (end != VERDICT_NONE || r.leaves || strcmp(r.target, "RETURN") == 0) {
			break;
		}
		end = VERDICT_NONE;
	}
	if (end == VERDICT_NONE)
		return policy;
	/* It may have gone on before: by the policy, or in the chain that jumped here. */
	w->maybe_in |= left && (end == VERDICT_ACCEPT || policy == VERDICT_ACCEPT);
	return left && depth ? VERDICT_NONE : end;
}

enum passage iptables_judge(const char *rules, const struct packet *p)
{
	struct walk w = { 0 };

	if (walk_chain(rules, "INPUT", p, &w, 0) != VERDICT_DROP)
		return PASSAGE_OPEN;
	return w.maybe_in ? PASSAGE_UNSURE : PASSAGE_CLOSED;
}
