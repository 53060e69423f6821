/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that are being written: the table of their values, and reading them from a file that may be wrong. */
#include "config.h"

#include "backend/plan/draft.h"

#include <errno.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "util/error.h"
#include "util/i18n.h"

#define AT(member) offsetof(struct draft, member)

const struct draft_field draft_fields[] = {
	{ "cluster", "name", .always = true, .offset = AT(name),
	  .comment = "a short word: lower-case letters and digits" },
	{ "cluster", "domain", .offset = AT(domain), .example = "\"cluster.lan\"",
	  .comment = "the nodes' names end in it; the cluster's name and .lan unless it is given" },
	{ "cluster", "profile", .offset = AT(profile), .example = "\"plain\"",
	  .comment = "the kind of cluster" },

	{ "boot", "kernel", .offset = AT(kernel), .example = "\"distro\"",
	  .comment = "distro: the distribution's own; or the path of a built one" },
	{ "boot", "root", .offset = AT(root), .example = "\"ram\"",
	  .comment = "where a node's system is: ram, nfs or initramfs" },
	{ "boot", "generation", .offset = AT(generation), .example = "\"\"",
	  .comment = "one of 'muster root list'; \"\" is the newest" },
	{ "boot", "packages", .list = true, .offset = AT(packages), .example = "{\"openmpi-bin\"}",
	  .comment = "what your programs need on the nodes" },
	{ "boot", "kernel_args", .list = true, .offset = AT(kernel_args), .example = "{\"console=ttyS0\"}",
	  .comment = "further words for the nodes' kernel" },

	{ "network", "address", .always = true, .offset = AT(address),
	  .comment = "this server's address there" },
	{ "network", "ip_mode", .offset = AT(ip_mode), .example = "\"mac\"",
	  .comment = "mac: bound to each machine's MAC address; range: any machine may join" },
	{ "network", "range", .offset = AT(range), .example = "\"10.66.0.100-10.66.0.199\"",
	  .comment = "the nodes' addresses, for ip_mode range" },
	{ "network", "dhcp", .offset = AT(dhcp), .example = "\"authoritative\"",
	  .comment = "proxy: another DHCP server gives the addresses" },
	{ "network", "gateway", .bare = true, .offset = AT(gateway), .example = "false",
	  .comment = "true: the nodes reach the outside through this server" },

	{ "nodes", "count", .bare = true, .offset = AT(count), .example = "16",
	  .comment = "how many nodes there are" },
	{ "nodes", "prefix", .offset = AT(prefix), .example = "\"node\"", .comment = "node01, node02, ..." },
	{ "nodes", "first_address", .offset = AT(first_address), .example = "\"10.66.0.11\"",
	  .comment = "of the first node; the others follow" },
	{ "nodes", "macs", .list = true, .offset = AT(macs), .example = "{\"52:54:00:66:00:01\"}",
	  .comment = "the machines' MAC addresses, in the order of the nodes" },
	{ "nodes", "macs_file", .offset = AT(macs_file), .example = "\"macs.txt\"",
	  .comment = "or a file with one a line" },

	{ "services", "dhcp", .offset = AT(dhcp_service), .example = "\"dnsmasq\"",
	  .comment = "dnsmasq or none" },
	{ "services", "tftp", .offset = AT(tftp), .example = "\"dnsmasq\"", .comment = "the same as dhcp" },
	{ "services", "nfs", .offset = AT(nfs), .example = "\"none\"",
	  .comment = "none, kernel or ganesha; root nfs needs one" },
	{ "services", "accounts", .offset = AT(accounts), .example = "\"files\"",
	  .comment = "files or none" },
	{ "services", "http_port", .bare = true, .offset = AT(http_port), .example = "8066",
	  .comment = "where musterd gives the nodes their files" },

	{ "access", "ssh_keys", .list = true, .offset = AT(ssh_keys), .example = "{\"ssh-ed25519 ...\"}",
	  .comment = "who may log in to the nodes as root: public keys" },
	{ "access", "ssh_keys_file", .offset = AT(ssh_keys_file), .example = "\"keys.pub\"",
	  .comment = "or a file with such lines" },
	{ "access", "root_password_file", .offset = AT(root_password_file), .example = "\"root.hash\"",
	  .comment = "a file with a password's hash, as mkpasswd prints it" },
	{ NULL },
};

char *const *draft_text(const struct draft *d, const struct draft_field *f)
{
	return (char *const *)(const void *)((const char *)d + f->offset);
}

const struct strv *draft_list(const struct draft *d, const struct draft_field *f)
{
	return (const struct strv *)(const void *)((const char *)d + f->offset);
}

static char **text_of(struct draft *d, const struct draft_field *f)
{
	return (char **)(void *)((char *)d + f->offset);
}

static struct strv *list_of(struct draft *d, const struct draft_field *f)
{
	return (struct strv *)(void *)((char *)d + f->offset);
}

static int set(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static void node_clear(struct draft_node *n)
{
	free(n->name);
	free(n->mac);
	free(n->address);
	free(n->arch);
}

void draft_free(struct draft *d)
{
	if (!d)
		return;
	for (const struct draft_field *f = draft_fields; f->section; f++) {
		if (f->list)
			strv_free(list_of(d, f));
		else
			free(*text_of(d, f));
	}
	for (size_t i = 0; i < d->n_nodes; i++)
		node_clear(&d->nodes[i]);
	free(d->nodes);
	free(d->interface);
	free(d);
}

int draft_new(struct draft **ret)
{
	_cleanup_(draft_freep) struct draft *d = calloc(1, sizeof(*d));
	int r = d ? set(&d->interface, "") : -ENOMEM;

	for (const struct draft_field *f = draft_fields; r == 0 && f->section; f++)
		if (!f->list)
			r = set(text_of(d, f), "");
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

int draft_add_node(struct draft *d, const char *name, const char *mac, const char *address, const char *arch)
{
	struct draft_node n = { strdup(name), strdup(mac), strdup(address), strdup(arch) };
	struct draft_node *v = d->nodes;

	/* Grows by doubling: the array is full whenever its length is a power of two. */
	if ((d->n_nodes & (d->n_nodes - 1)) == 0)
		v = reallocarray(v, d->n_nodes ? d->n_nodes * 2 : 1, sizeof(*v));
	if (v)
		d->nodes = v;
	if (!v || !n.name || !n.mac || !n.address || !n.arch) {
		node_clear(&n);
		return -ENOMEM;
	}
	v[d->n_nodes++] = n;
	return 0;
}

void draft_drop_node(struct draft *d, size_t at)
{
	struct draft_node *v;
	size_t size = 1;

	node_clear(&d->nodes[at]);
	memmove(&d->nodes[at], &d->nodes[at + 1], (d->n_nodes - at - 1) * sizeof(*d->nodes));
	d->n_nodes--;
	/* draft_add_node() goes by the length: at a power of two it takes the array to be full. */
	while (size < d->n_nodes)
		size *= 2;
	v = reallocarray(d->nodes, size, sizeof(*v));
	if (v)
		d->nodes = v;
}

int draft_copy(const struct draft *d, struct draft **ret)
{
	_cleanup_(draft_freep) struct draft *c = NULL;
	int r = draft_new(&c);

	if (r == 0)
		r = set(&c->interface, d->interface);
	for (const struct draft_field *f = draft_fields; r == 0 && f->section; f++) {
		if (!f->list)
			r = set(text_of(c, f), *draft_text(d, f));
		for (size_t i = 0; r == 0 && f->list && i < draft_list(d, f)->n; i++)
			r = strv_add(list_of(c, f), draft_list(d, f)->v[i]);
	}
	for (size_t i = 0; r == 0 && i < d->n_nodes; i++)
		r = draft_add_node(c, d->nodes[i].name, d->nodes[i].mac, d->nodes[i].address,
				   d->nodes[i].arch);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static const char *value_text(const struct conf_section *s, const char *key)
{
	const struct conf_value *v = answers_value(s, key);

	return v ? v->text : "";
}

static int take_section(struct draft *d, const struct conf_section *s)
{
	const char *name = s->form->name;
	int r = 0;

	if (strcmp(name, "node") == 0)
		return s->bad ? 0
			      : draft_add_node(d, s->title, value_text(s, "mac"), value_text(s, "address"),
					       value_text(s, "arch"));
	if (strcmp(name, "network") == 0 && !s->bad && !*d->interface)
		r = set(&d->interface, s->title);
	for (const struct draft_field *f = draft_fields; r == 0 && f->section; f++) {
		const struct conf_option *o = strcmp(f->section, name) == 0 ? conf_option(s, f->key) : NULL;

		if (!o)
			continue;
		/* Where a section is there twice, its first value counts. */
		if (!f->list && o->n == 1 && !**text_of(d, f))
			r = set(text_of(d, f), o->v[0].text);
		for (size_t i = 0; r == 0 && f->list && i < o->n; i++)
			r = strv_add(list_of(d, f), o->v[i].text);
	}
	return r;
}

int draft_parse(const char *text, size_t len, struct draft **ret)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_(draft_freep) struct draft *d = NULL;
	_cleanup_(conf_freep) struct conf *c = NULL;
	int r = draft_new(&d);

	if (r == 0)
		r = conf_parse("answers", text, len, answers_forms, &mistakes, &c);
	if (r == -MUSTER_E_FORMAT)
		r = 0;
	for (size_t i = 0; r == 0 && c && i < c->n_sections; i++)
		r = take_section(d, &c->sections[i]);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

int draft_load(const char *path, struct draft **ret)
{
	_cleanup_free_ char *text = NULL, *why = NULL;
	size_t len = 0;
	int r = conf_load(path, &text, &len, &why);

	/* An empty file is answers that say nothing yet. */
	if (r == -MUSTER_E_ANSWERS && !text && why && strcmp(why, _("is empty")) == 0)
		return draft_new(ret);
	return r < 0 ? r : draft_parse(text, len, ret);
}
