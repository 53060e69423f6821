/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The document of `muster host --json`. Written whole; of one that came from elsewhere only `distribution` and
 * `interfaces` are required, and keys that are not known here are passed over. */
#include "config.h"

#include "backend/host/host.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>

#include "backend/host/private.h"
#include "util/error.h"
#include "util/strbuf.h"

#define MAX_INTERFACES 4096

static void decrefp(json_t **j)
{
	json_decref(*j);
}

#define _cleanup_json_ _cleanup_(decrefp)

/* ---- writing ------------------------------------------------------------------------------------------- */

/* JSON is UTF-8; the kernel and os-release(5) promise no encoding. */
static json_t *text(const char *s)
{
	json_t *j = json_string(s);
	_cleanup_free_ char *copy = NULL;

	if (j)
		return j;
	copy = strdup(s);
	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return copy ? json_string(copy) : NULL;
}

static json_t *interface_json(const struct host_interface *i)
{
	static const struct mac zero;
	_cleanup_json_ json_t *addresses = json_array();

	for (size_t k = 0; k < i->n_addresses; k++)
		if (json_array_append_new(addresses, json_string(IP4_NET(i->addresses[k]))) < 0)
			return NULL;
	return json_pack("{so ss so so so sb sb si sb sb so sO}", "name", text(i->name), "mac",
			 mac_compare(i->mac, zero) == 0 ? "" : MAC(i->mac), "driver", text(i->driver),
			 "vendor", text(i->vendor), "model", text(i->model), "link", i->link, "up", i->up,
			 "speed", i->speed, "default_route", i->default_route, "wireless", i->wireless,
			 "master", text(i->master), "addresses", addresses);
}

static json_t *host_json(const struct host *h)
{
	_cleanup_json_ json_t *interfaces = json_array(), *daemons = json_object();

	for (size_t i = 0; i < h->n_interfaces; i++)
		if (json_array_append_new(interfaces, interface_json(&h->interfaces[i])) < 0)
			return NULL;
	for (size_t i = 0; i < h->n_daemons; i++) {
		const struct host_daemon *d = &h->daemons[i];

		if (json_object_set_new(daemons, d->name, d->path ? text(d->path) : json_null()) < 0)
			return NULL;
	}
	return json_pack("{s{so so so so so} sO so so so so sI si sO}", "distribution", "id",
			 text(h->distribution), "version", text(h->version), "family", text(h->family),
			 "codename", text(h->codename), "pretty", text(h->pretty), "interfaces", interfaces,
			 "package_manager", text(h->package_manager), "service_manager",
			 text(h->service_manager), "architecture", text(h->architecture), "kernel",
			 text(h->kernel), "memory_kb", (json_int_t)h->memory_kb, "processors", h->processors,
			 "daemons", daemons);
}

int host_to_json(const struct host *h, char **ret)
{
	_cleanup_json_ json_t *j = host_json(h);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *dump = j ? json_dumps(j, JSON_INDENT(2)) : NULL;

	if (!dump)
		return -ENOMEM;
	strbuf_adds(&b, dump);
	strbuf_addc(&b, '\n');
	return strbuf_take(&b, ret, NULL);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* Where the reader is, and the first thing that was wrong. */
struct reader {
	char *why;  /* owned */
	char *path; /* owned: the object being read, "interfaces[1]."; "" at the top */
};

static int _printf_(3, 4) wrong(struct reader *rd, const char *key, const char *fmt, ...)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	va_list ap;

	strbuf_addf(&b, "%s%s: ", rd->path, key);
	va_start(ap, fmt);
	strbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	return strbuf_take(&b, &rd->why, NULL) < 0 ? -ENOMEM : -MUSTER_E_FORMAT;
}

static int _printf_(2, 3) enter(struct reader *rd, const char *fmt, ...)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	va_list ap;
	char *path;
	int r;

	va_start(ap, fmt);
	strbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	r = strbuf_take(&b, &path, NULL);
	if (r < 0)
		return r;
	free(rd->path);
	rd->path = path;
	return 0;
}

/* An absent or null key leaves *field as it is. */
static int read_text(struct reader *rd, const json_t *o, const char *key, char **field)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return wrong(rd, key, "this must be a string");
	return host_set(field, json_string_value(v));
}

static int read_bool(struct reader *rd, const json_t *o, const char *key, bool *field)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_boolean(v))
		return wrong(rd, key, "this must be true or false");
	*field = json_is_true(v);
	return 0;
}

static int read_number(struct reader *rd, const json_t *o, const char *key, long long max, long long *field)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return wrong(rd, key, "this must be a whole number from 0 to %lld", max);
	*field = json_integer_value(v);
	return 0;
}

static int read_int(struct reader *rd, const json_t *o, const char *key, int *field)
{
	long long n = *field;
	int r = read_number(rd, o, key, INT_MAX, &n);

	if (r == 0)
		*field = (int)n;
	return r;
}

static int read_addresses(struct reader *rd, const json_t *o, struct host_interface *i)
{
	const json_t *list = json_object_get(o, "addresses"), *v;
	size_t k;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return wrong(rd, "addresses", "this must be a list like [\"10.66.0.1/24\"]");
	i->addresses = calloc(json_array_size(list) + 1, sizeof(*i->addresses));
	if (!i->addresses)
		return -ENOMEM;
	json_array_foreach (list, k, v) {
		const char *s = json_string_value(v);

		if (!s || ip4_net_parse(s, &i->addresses[i->n_addresses]) < 0)
			return wrong(
				rd, "addresses",
				"entry %zu is not an IPv4 address with its prefix, like \"10.66.0.1/24\"",
				k + 1);
		i->n_addresses++;
	}
	return 0;
}

static int read_interface(struct reader *rd, const json_t *o, struct host_interface *i)
{
	_cleanup_free_ char *mac = NULL;
	int r;

	if (host_set(&i->driver, "") < 0 || host_set(&i->vendor, "") < 0 || host_set(&i->model, "") < 0 ||
	    host_set(&i->master, "") < 0)
		return -ENOMEM;
	r = read_text(rd, o, "name", &i->name);
	if (r == 0 && (!i->name || !host_interface_name_valid(i->name)))
		r = wrong(rd, "name", "%s",
			  i->name ? "this is no interface's name: 1 to 15 characters, no space, '/' or ':'"
				  : "it is missing");
	if (r == 0)
		r = read_text(rd, o, "mac", &mac);
	if (r == 0 && mac && *mac && mac_parse(mac, &i->mac) < 0)
		r = wrong(rd, "mac", "this is no MAC address like \"52:54:00:66:00:01\"");
	if (r == 0)
		r = read_text(rd, o, "driver", &i->driver);
	if (r == 0)
		r = read_text(rd, o, "vendor", &i->vendor);
	if (r == 0)
		r = read_text(rd, o, "model", &i->model);
	if (r == 0)
		r = read_bool(rd, o, "link", &i->link);
	/* One with a link is up, whether the document says it or not. */
	i->up = i->link;
	if (r == 0)
		r = read_bool(rd, o, "up", &i->up);
	if (r == 0)
		r = read_int(rd, o, "speed", &i->speed);
	if (r == 0)
		r = read_bool(rd, o, "default_route", &i->default_route);
	if (r == 0)
		r = read_bool(rd, o, "wireless", &i->wireless);
	if (r == 0)
		r = read_text(rd, o, "master", &i->master);
	return r == 0 ? read_addresses(rd, o, i) : r;
}

static int read_interfaces(struct reader *rd, const json_t *doc, struct host *h)
{
	const json_t *list = json_object_get(doc, "interfaces"), *o;
	size_t k;

	if (!json_is_array(list))
		return wrong(rd, "interfaces", "%s",
			     list ? "this must be a list of objects" : "it is missing");
	if (json_array_size(list) > MAX_INTERFACES)
		return wrong(rd, "interfaces", "these are more than %d", MAX_INTERFACES);
	h->interfaces = calloc(json_array_size(list) + 1, sizeof(*h->interfaces));
	if (!h->interfaces)
		return -ENOMEM;
	json_array_foreach (list, k, o) {
		struct host_interface *i = &h->interfaces[h->n_interfaces];
		int r = enter(rd, "interfaces[%zu]", k);

		if (r == 0 && !json_is_object(o))
			return wrong(rd, "", "this must be an object");
		if (r == 0)
			r = enter(rd, "interfaces[%zu].", k);
		/* Counted before it is whole: what was read of it is freed with the rest. */
		h->n_interfaces++;
		if (r == 0)
			r = read_interface(rd, o, i);
		for (size_t j = 0; r == 0 && j < h->n_interfaces - 1; j++)
			if (strcmp(h->interfaces[j].name, i->name) == 0)
				r = wrong(rd, "name", "\"%s\" is there twice", i->name);
		if (r < 0)
			return r;
	}
	host_sort(h);
	return enter(rd, "%s", "");
}

static int read_distribution(struct reader *rd, const json_t *doc, struct host *h)
{
	const json_t *o = json_object_get(doc, "distribution");
	int r;

	if (!json_is_object(o))
		return wrong(rd, "distribution", "%s", o ? "this must be an object" : "it is missing");
	r = enter(rd, "distribution.");
	if (r == 0 && !json_is_string(json_object_get(o, "id")))
		r = wrong(rd, "id", "%s",
			  json_object_get(o, "id") ? "this must be a string" : "it is missing");
	if (r == 0)
		r = read_text(rd, o, "id", &h->distribution);
	if (r == 0)
		r = read_text(rd, o, "version", &h->version);
	if (r == 0)
		r = host_set(&h->family, os_release_family(h->distribution, ""));
	if (r == 0)
		r = read_text(rd, o, "family", &h->family);
	if (r == 0)
		r = read_text(rd, o, "codename", &h->codename);
	if (r == 0)
		r = read_text(rd, o, "pretty", &h->pretty);
	return r == 0 ? enter(rd, "%s", "") : r;
}

static int read_daemons(struct reader *rd, json_t *doc, struct host *h)
{
	json_t *o = json_object_get(doc, "daemons"), *v;
	const char *name;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return wrong(rd, "daemons", "this must be an object of programs and their paths");
	h->daemons = calloc(json_object_size(o) + 1, sizeof(*h->daemons));
	if (!h->daemons)
		return -ENOMEM;
	json_object_foreach (o, name, v) {
		struct host_daemon *d = &h->daemons[h->n_daemons++];
		const char *path = json_string_value(v);

		if (host_set(&d->name, name) < 0)
			return -ENOMEM;
		if (!json_is_null(v) && (!path || *path != '/')) {
			int r = enter(rd, "daemons.");

			return r < 0 ? r : wrong(rd, name, "this must be an absolute path, or null");
		}
		if (path && host_set(&d->path, path) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool one_of(const char *s, const char *const *choices)
{
	for (; *choices; choices++)
		if (strcmp(s, *choices) == 0)
			return true;
	return false;
}

/* What a document that says nothing of them most likely means: the family's package manager, and systemd, which all
 * three run. */
static int read_managers(struct reader *rd, const json_t *doc, struct host *h)
{
	static const char *const packages[] = { "apt", "dnf", "zypper", "none", NULL };
	static const char *const services[] = { "systemd", "none", NULL };
	static const char *const families[] = { "debian", "redhat", "suse", NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && families[i]; i++)
		if (strcmp(families[i], h->family) == 0) {
			r = host_set(&h->package_manager, packages[i]);
			if (r == 0)
				r = host_set(&h->service_manager, "systemd");
		}
	if (r == 0)
		r = read_text(rd, doc, "package_manager", &h->package_manager);
	if (r == 0 && !one_of(h->package_manager, packages))
		r = wrong(rd, "package_manager", "this must be \"apt\", \"dnf\", \"zypper\" or \"none\"");
	if (r == 0)
		r = read_text(rd, doc, "service_manager", &h->service_manager);
	if (r == 0 && !one_of(h->service_manager, services))
		r = wrong(rd, "service_manager", "this must be \"systemd\" or \"none\"");
	return r;
}

static int read_document(struct reader *rd, json_t *doc, struct host *h)
{
	struct utsname here;
	long long memory = 0;
	int r;

	r = read_distribution(rd, doc, h);
	if (r == 0)
		r = read_interfaces(rd, doc, h);
	if (r == 0)
		r = read_managers(rd, doc, h);
	if (r == 0)
		r = read_text(rd, doc, "architecture", &h->architecture);
	/* Without a word on it, the other machine is one like this. */
	if (r == 0 && !*h->architecture && uname(&here) == 0) {
		free(h->architecture);
		h->architecture = strdup(here.machine);
		r = h->architecture ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = read_text(rd, doc, "kernel", &h->kernel);
	if (r == 0)
		r = read_number(rd, doc, "memory_kb", LLONG_MAX, &memory);
	if (r == 0)
		r = read_int(rd, doc, "processors", &h->processors);
	h->memory_kb = (unsigned long long)memory;
	return r == 0 ? read_daemons(rd, doc, h) : r;
}

int host_from_json(const char *json, size_t len, struct host **ret, char **ret_why)
{
	_cleanup_(host_freep) struct host *h = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_json_ json_t *doc = NULL;
	struct reader rd = { 0 };
	json_error_t e;
	int r;

	r = host_new(&h);
	if (r == 0)
		r = enter(&rd, "%s", "");
	if (r < 0)
		return r;
	doc = json_loadb(json, len, JSON_REJECT_DUPLICATES, &e);
	if (!doc)
		r = asprintf(&rd.why, "line %d: %s", e.line, e.text) < 0 ? -ENOMEM : -MUSTER_E_FORMAT;
	else if (!json_is_object(doc))
		r = wrong(&rd, "the document", "this must be an object");
	else
		r = read_document(&rd, doc, h);
	path = rd.path;
	if (r < 0) {
		if (ret_why && r == -MUSTER_E_FORMAT)
			*ret_why = TAKE_PTR(rd.why);
		free(rd.why);
		return r;
	}
	*ret = TAKE_PTR(h);
	return 0;
}
