/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan as musterd keeps it. Addresses and choices are texts, as in the answers. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "backend/plan/plan.h"
#include "util/error.h"

static const char *const ip_modes[] = { "mac", "range", NULL };
static const char *const dhcps[] = { "authoritative", "proxy", NULL };
static const char *const roots[] = { "ram", "nfs", "initramfs", NULL };
static const char *const nfss[] = { "none", "kernel", "ganesha", NULL };

#define _cleanup_json_ _cleanup_(json_decrefp)

/* ---- to JSON --------------------------------------------------------------------------------------------- */

static json_t *strv_json(const struct strv *s)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < s->n; i++) {
		if (json_array_append_new(a, json_string(s->v[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *node_json(const struct plan_node *n)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:s, s:s, s:s}", "name", n->name, "address", IP4(n->address), "arch", n->arch);

	if (!j || (n->ssi_id && json_object_set_new(j, "ssi_id", json_integer(n->ssi_id)) < 0) ||
	    (n->has_mac && json_object_set_new(j, "mac", json_string(MAC(n->mac))) < 0) ||
	    (n->line && json_object_set_new(j, "line", json_integer(n->line)) < 0))
		return NULL;
	return TAKE_PTR(j);
}

static json_t *nodes_json(const struct plan *p)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < p->n_nodes; i++) {
		if (json_array_append_new(a, node_json(&p->nodes[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

int plan_to_json(const struct plan *p, char **ret)
{
	_cleanup_json_ json_t *j = NULL;
	char range[2 * IP4_TEXT + 1] = "";
	char *text;

	if (p->range.last.n)
		snprintf(range, sizeof(range), "%s-%s", IP4(p->range.first), IP4(p->range.last));
	/* A NULL of a "o" value makes json_pack() fail and free the others. */
	j = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:b, s:s, s:s, s:s, s:b, s:o, s:b, s:s, "
		"s:i, s:o, s:s}",
		"name", p->name, "domain", p->domain, "profile", p->profile, "kernel", p->kernel, "root",
		roots[p->root], "generation", p->generation, "kernel_args", strv_json(&p->kernel_args),
		"packages", strv_json(&p->packages), "interface", p->interface, "address", IP4_NET(p->net),
		"address_present", p->address_present, "ip_mode", ip_modes[p->ip_mode], "range", range,
		"dhcp", dhcps[p->dhcp], "gateway", p->gateway, "nodes", nodes_json(p), "dhcp_service",
		p->dhcp_service, "nfs", nfss[p->nfs], "http_port", (int)p->http_port, "ssh_keys",
		strv_json(&p->ssh_keys), "root_password", p->root_password);
	if (j && p->ssi_session && json_object_set_new(j, "ssi_session", json_integer(p->ssi_session)) < 0)
		return -ENOMEM;
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

/* ---- from JSON ------------------------------------------------------------------------------------------- */

static int get_text(const json_t *j, const char *key, char **ret)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_string(v))
		return -MUSTER_E_FORMAT;
	*ret = strdup(json_string_value(v));
	return *ret ? 0 : -ENOMEM;
}

static int get_bool(const json_t *j, const char *key, bool *ret)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_boolean(v))
		return -MUSTER_E_FORMAT;
	*ret = json_is_true(v);
	return 0;
}

static int get_number(const json_t *j, const char *key, json_int_t min, json_int_t max, unsigned int *ret)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return -MUSTER_E_FORMAT;
	*ret = (unsigned int)json_integer_value(v);
	return 0;
}

static int get_choice(const json_t *j, const char *key, const char *const *names, unsigned int *ret)
{
	const char *text = json_string_value(json_object_get(j, key));

	for (unsigned int i = 0; text && names[i]; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -MUSTER_E_FORMAT;
}

static int get_strv(const json_t *j, const char *key, struct strv *ret)
{
	const json_t *a = json_object_get(j, key), *v;
	size_t i;
	int r;

	if (!json_is_array(a))
		return -MUSTER_E_FORMAT;
	json_array_foreach ((json_t *)a, i, v) {
		if (!json_is_string(v))
			return -MUSTER_E_FORMAT;
		r = strv_add(ret, json_string_value(v));
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_net(const json_t *j, struct plan *p)
{
	const char *net = json_string_value(json_object_get(j, "address"));
	const char *range = json_string_value(json_object_get(j, "range"));

	if (!net || ip4_net_parse(net, &p->net) < 0)
		return -MUSTER_E_FORMAT;
	if (!range || (*range && ip4_range_parse(range, &p->range) < 0))
		return -MUSTER_E_FORMAT;
	return 0;
}

static int get_node(const json_t *j, struct plan_node *n)
{
	const char *address = json_string_value(json_object_get(j, "address"));
	const json_t *mac = json_object_get(j, "mac");
	int r = get_text(j, "name", &n->name);

	if (r == 0)
		r = get_text(j, "arch", &n->arch);
	if (r == 0 && (!address || ip4_parse(address, &n->address) < 0))
		r = -MUSTER_E_FORMAT;
	if (r == 0 && mac) {
		if (!json_is_string(mac) || mac_parse(json_string_value(mac), &n->mac) < 0)
			return -MUSTER_E_FORMAT;
		n->has_mac = true;
	}
	if (r == 0 && json_object_get(j, "line"))
		r = get_number(j, "line", 0, INT_MAX, &n->line);
	if (r == 0 && json_object_get(j, "ssi_id"))
		r = get_number(j, "ssi_id", 1, 254, &n->ssi_id);
	return r;
}

static int get_nodes(const json_t *j, struct plan *p)
{
	const json_t *a = json_object_get(j, "nodes"), *v;
	size_t i;
	int r;

	if (!json_is_array(a))
		return -MUSTER_E_FORMAT;
	p->nodes = calloc(json_array_size(a) + 1, sizeof(*p->nodes));
	if (!p->nodes)
		return -ENOMEM;
	json_array_foreach ((json_t *)a, i, v) {
		r = get_node(v, &p->nodes[p->n_nodes++]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_choices(const json_t *j, struct plan *p)
{
	unsigned int root, ip_mode, dhcp, nfs;

	if (get_choice(j, "root", roots, &root) < 0 || get_choice(j, "ip_mode", ip_modes, &ip_mode) < 0 ||
	    get_choice(j, "dhcp", dhcps, &dhcp) < 0 || get_choice(j, "nfs", nfss, &nfs) < 0)
		return -MUSTER_E_FORMAT;
	p->root = (enum plan_root)root;
	p->ip_mode = (enum plan_ip_mode)ip_mode;
	p->dhcp = (enum plan_dhcp)dhcp;
	p->nfs = (enum plan_nfs)nfs;
	return 0;
}

static int get_all(const json_t *j, struct plan *p)
{
	const struct {
		const char *key;
		char **to;
	} texts[] = {
		{ "name", &p->name },
		{ "domain", &p->domain },
		{ "profile", &p->profile },
		{ "kernel", &p->kernel },
		{ "generation", &p->generation },
		{ "interface", &p->interface },
		{ "root_password", &p->root_password },
	};
	const struct {
		const char *key;
		bool *to;
	} bools[] = {
		{ "address_present", &p->address_present },
		{ "gateway", &p->gateway },
		{ "dhcp_service", &p->dhcp_service },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = get_text(j, texts[i].key, texts[i].to);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(bools); i++)
		r = get_bool(j, bools[i].key, bools[i].to);
	if (r == 0)
		r = get_number(j, "http_port", 1, 65535, &p->http_port);
	if (r == 0 && json_object_get(j, "ssi_session"))
		r = get_number(j, "ssi_session", 1, 254, &p->ssi_session);
	if (r == 0)
		r = get_choices(j, p);
	if (r == 0)
		r = get_net(j, p);
	if (r == 0)
		r = get_strv(j, "kernel_args", &p->kernel_args);
	if (r == 0)
		r = get_strv(j, "packages", &p->packages);
	if (r == 0)
		r = get_strv(j, "ssh_keys", &p->ssh_keys);
	return r == 0 ? get_nodes(j, p) : r;
}

int plan_from_json(const char *text, size_t len, struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *p = calloc(1, sizeof(*p));
	_cleanup_json_ json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int r;

	if (!p)
		return -ENOMEM;
	if (!json_is_object(j))
		return -MUSTER_E_FORMAT;
	r = get_all(j, p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}
