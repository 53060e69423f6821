/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/answers.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "backend/plan/mistakes.h"
#include "backend/plan/text.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

static const struct conf_key cluster_keys[] = { { "name" }, { "domain" }, { "profile" }, { NULL } };
static const struct conf_key boot_keys[] = {
	{ "kernel" }, { "root" }, { "generation" }, { "kernel_args", true }, { "packages", true }, { NULL },
};
static const struct conf_key network_keys[] = {
	{ "address" }, { "ip_mode" }, { "range" }, { "dhcp" }, { "gateway" }, { NULL },
};
static const struct conf_key nodes_keys[] = {
	{ "count" }, { "prefix" }, { "first_address" }, { "macs", true }, { "macs_file" }, { NULL },
};
static const struct conf_key node_keys[] = { { "mac" }, { "address" }, { "arch" }, { NULL } };
static const struct conf_key services_keys[] = {
	{ "dhcp" }, { "tftp" }, { "nfs" }, { "accounts" }, { "http_port" }, { NULL },
};
static const struct conf_key access_keys[] = {
	{ "ssh_keys", true },
	{ "ssh_keys_file" },
	{ "root_password_file" },
	{ NULL },
};

const struct conf_form answers_forms[] = {
	{ "cluster", false, cluster_keys }, { "boot", false, boot_keys },
	{ "network", true, network_keys },  { "nodes", false, nodes_keys },
	{ "node", true, node_keys },	    { "services", false, services_keys },
	{ "access", false, access_keys },   { NULL },
};

/* In this order: what a later section needs of the plan is there. */
static void (*const readers[])(struct answers *a) = {
	answers_cluster,  answers_boot,	  answers_network, answers_nodes,
	answers_services, answers_access, answers_single,
};

void answers_wrong(struct answers *a, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (plan_mistakes_vadd(a->mistakes, a->file, line, fmt, ap) < 0)
		a->error = -ENOMEM;
	va_end(ap);
}

void answers_wrong_in(struct answers *a, const char *file, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (plan_mistakes_vadd(a->mistakes, file, line, fmt, ap) < 0)
		a->error = -ENOMEM;
	va_end(ap);
}

void answers_set(struct answers *a, char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy) {
		a->error = -ENOMEM;
		return;
	}
	free(*to);
	*to = copy;
}

const struct conf_value *answers_value(const struct conf_section *s, const char *key)
{
	const struct conf_option *o = conf_option(s, key);

	return o && o->n == 1 && o->v[0].text && o->v[0].text[0] ? &o->v[0] : NULL;
}

int answers_choice(struct answers *a, const struct conf_section *s, const char *key, const char *const *names,
		   int otherwise)
{
	const struct conf_value *v = answers_value(s, key);
	const struct conf_option *o = conf_option(s, key);
	_cleanup_strv_ struct strv known = STRV_INIT;
	_cleanup_free_ char *list = NULL;

	if (!v && (!o || o->n == 0))
		return otherwise;
	for (int i = 0; names[i]; i++) {
		if (v && strcmp(v->text, names[i]) == 0)
			return i;
		if (strv_add(&known, names[i]) < 0)
			a->error = -ENOMEM;
	}
	list = text_list(&known, _("nothing"));
	if (list)
		answers_wrong(a, o->v[0].line, _("%s \"%s\" is not known; it is %s"), key, v ? v->text : "",
			      list);
	else
		a->error = -ENOMEM;
	return otherwise;
}

bool answers_bool(struct answers *a, const struct conf_section *s, const char *key, bool otherwise)
{
	static const char *const names[] = { "false", "true", NULL };

	return answers_choice(a, s, key, names, otherwise) == 1;
}

char *answers_path(struct answers *a, const char *value)
{
	const char *slash = strrchr(a->file, '/');
	char *path;

	if (value[0] == '/' || !slash)
		path = strdup(value);
	else if (asprintf(&path, "%.*s/%s", (int)(slash - a->file), a->file, value) < 0)
		path = NULL;
	if (!path)
		a->error = -ENOMEM;
	return path;
}

bool answers_load(struct answers *a, const struct conf_value *v, const char *key, char **ret_path, char **ret,
		  size_t *ret_len)
{
	_cleanup_free_ char *path = answers_path(a, v->text), *why = NULL;

	if (!path)
		return false;
	if (conf_load(path, ret, ret_len, &why) < 0) {
		if (why)
			answers_wrong(a, v->line, "%s: %s %s", key, path, why);
		else
			a->error = -ENOMEM;
		return false;
	}
	*ret_path = TAKE_PTR(path);
	return true;
}

/* ---- what sections there are ---------------------------------------------------------------------------- */

/* Sections without a name that are there twice, and those that are missing. */
static void check_sections(struct answers *a)
{
	const struct conf *c = a->conf;

	for (size_t i = 0; i < c->n_sections; i++) {
		const struct conf_section *s = &c->sections[i], *first = conf_section(c, s->form->name);

		if (s == first || strcmp(s->form->name, "node") == 0)
			continue;
		if (s->form->titled)
			answers_wrong(
				a, s->line,
				_("a second network section; one network is served, and line %u has it"),
				first->line);
		else
			answers_wrong(a, s->line,
				      _("the section \"%s\" was given in line %u already; join the two"),
				      s->form->name, first->line);
	}
	if (!conf_section(c, "cluster"))
		answers_wrong(
			a, a->last_line,
			_("the section cluster is missing; it needs at least: cluster { name = \"...\" }"));
	if (!conf_section(c, "network"))
		answers_wrong(a, a->last_line,
			      _("the section network is missing; write network \"INTERFACE\" { address = "
				"\"...\" }"));
}

static int plan_new(struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *p = calloc(1, sizeof(*p));
	char **texts[] = { &p->name,	   &p->domain,	  &p->profile,	     &p->kernel,
			   &p->generation, &p->interface, &p->interface_mac, &p->root_password };

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		*texts[i] = strdup("");
		if (!*texts[i])
			return -ENOMEM;
	}
	*ret = TAKE_PTR(p);
	return 0;
}

static unsigned int last_line_of(const char *text, size_t len)
{
	unsigned int lines = 1;

	for (size_t i = 0; i + 1 < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static int read_all(struct answers *a, const char *text, size_t len)
{
	int r = profile_distro_read(a->profiles_dir, a->host->family, &a->distro);

	if (r < 0 && r != -ENOENT)
		return r;
	r = conf_parse(a->file, text, len, answers_forms, a->mistakes, &a->conf);
	if (r == -MUSTER_E_FORMAT)
		return -MUSTER_E_ANSWERS;
	if (r < 0)
		return r;
	check_sections(a);
	for (size_t i = 0; i < ARRAY_SIZE(readers) && a->error == 0; i++)
		readers[i](a);
	return a->error;
}

int plan_read_text(const char *name, const char *text, size_t len, const struct host *host,
		   const char *profiles_dir, struct plan_mistakes *mistakes, struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct answers a = {
		.file = name,
		.host = host,
		.profiles_dir = profiles_dir,
		.mistakes = mistakes,
		.last_line = last_line_of(text, len),
	};
	size_t before = mistakes->n;
	int r = plan_new(&plan);

	if (r < 0)
		return r;
	a.plan = plan;
	r = read_all(&a, text, len);
	conf_free(a.conf);
	profile_distro_free(a.distro);
	plan_mistakes_sort(mistakes, name);
	if (r < 0)
		return r;
	if (mistakes->n > before)
		return -MUSTER_E_ANSWERS;
	*ret = TAKE_PTR(plan);
	return 0;
}

int plan_read(const char *path, const struct host *host, const char *profiles_dir,
	      struct plan_mistakes *mistakes, struct plan **ret)
{
	_cleanup_free_ char *text = NULL, *why = NULL;
	size_t len;
	int r = conf_load(path, &text, &len, &why);

	if (r == 0)
		return plan_read_text(path, text, len, host, profiles_dir, mistakes, ret);
	if (!why || plan_mistakes_add(mistakes, path, 0, _("the answer file %s"), why) < 0)
		return -ENOMEM;
	return r;
}
