/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A changeset for reading, and as a document. */
#include "config.h"

#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

static const struct {
	const char *name, *text;
	enum colour colour;
} kinds[] = {
	[CHANGE_CREATE] = { "create", "create", COLOUR_GREEN },
	[CHANGE_MODIFY] = { "modify", "change", COLOUR_YELLOW },
	[CHANGE_ATTRIBUTES] = { "attributes", "mode or owner of", COLOUR_YELLOW },
	[CHANGE_REMOVE] = { "remove", "remove", COLOUR_RED },
};

static const char *const actions[] = {
	[CHANGE_START] = "start",
	[CHANGE_RESTART] = "restart",
	[CHANGE_STOP] = "stop",
	[CHANGE_RELEASE] = "release",
};

static const char *const owners[] = {
	[CHANGE_OURS] = NULL,
	[CHANGE_EDITED] = N_("somebody has changed it since muster wrote it"),
	[CHANGE_OTHERS] = N_("it is somebody else's: muster never wrote it"),
};

/* What a person must look at. */
static void format_owner(const struct style *s, const struct change *f, struct strbuf *out)
{
	if (owners[f->whose])
		strbuf_addf(out, "%s! %s%s\n", style_on(s, COLOUR_RED), i18n(owners[f->whose]),
			    style_off(s, COLOUR_RED));
}

static void format_file(const struct style *s, const struct change *f, bool diffs, struct strbuf *out)
{
	if (diffs && *f->diff) {
		format_owner(s, f, out);
		format_diff(out, s, f->diff);
		return;
	}
	strbuf_addf(out, "%s%s%s %s", style_on(s, kinds[f->kind].colour), kinds[f->kind].text,
		    style_off(s, kinds[f->kind].colour), f->directory ? "folder " : "");
	format_escape(out, s, f->path, "");
	if (f->kind == CHANGE_ATTRIBUTES && f->old_mode != f->new_mode)
		strbuf_addf(out, " (mode %04o to %04o)", (unsigned int)(f->old_mode & 07777),
			    (unsigned int)(f->new_mode & 07777));
	else if (f->kind == CHANGE_ATTRIBUTES)
		strbuf_adds(out, " (owner)");
	if (owners[f->whose])
		strbuf_addf(out, " (%s)", i18n(owners[f->whose]));
	strbuf_addc(out, '\n');
}

static void format_list(const struct style *s, const char *title, const struct strv *v, struct strbuf *out)
{
	if (v->n == 0)
		return;
	strbuf_addf(out, "%-10s", title);
	for (size_t i = 0; i < v->n; i++) {
		strbuf_addc(out, ' ');
		format_escape(out, s, v->v[i], "");
	}
	strbuf_addc(out, '\n');
}

/* An apply refuses these. */
static void format_changed_packages(const struct style *s, const struct strv *v, struct strbuf *out)
{
	for (size_t i = 0; i < v->n; i++) {
		strbuf_addf(out, "%s! ", style_on(s, COLOUR_RED));
		format_escape(out, s, v->v[i], "");
		strbuf_addf(out, ": %s%s\n", _("installing would change what is there; do it yourself first"),
			    style_off(s, COLOUR_RED));
	}
}

static void format_services(const struct style *s, const struct changeset *c, struct strbuf *out)
{
	for (size_t i = 0; i < c->n_services; i++) {
		strbuf_addf(out, "%-10s %s ", i ? "" : "services", actions[c->services[i].action]);
		format_escape(out, s, c->services[i].name, "");
		if (*c->services[i].unit) {
			strbuf_adds(out, " (");
			format_escape(out, s, c->services[i].unit, "");
			strbuf_addc(out, ')');
		}
		strbuf_addc(out, '\n');
	}
}

static void add_count(struct strbuf *out, size_t *parts, size_t n, const char *one, const char *many)
{
	if (n == 0)
		return;
	strbuf_addf(out, "%s%zu %s", (*parts)++ ? ", " : "", n, n == 1 ? one : many);
}

static void format_summary(const struct changeset *c, struct strbuf *out)
{
	size_t count[ARRAY_SIZE(kinds)] = { 0 }, parts = 0;

	for (size_t i = 0; i < c->n_files; i++)
		count[c->files[i].kind]++;
	add_count(out, &parts, count[CHANGE_CREATE], "file or folder to create",
		  "files and folders to create");
	add_count(out, &parts, count[CHANGE_MODIFY], "to change", "to change");
	add_count(out, &parts, count[CHANGE_ATTRIBUTES], "with another mode or owner",
		  "with another mode or owner");
	add_count(out, &parts, count[CHANGE_REMOVE], "to remove", "to remove");
	add_count(out, &parts, c->packages.n, "package", "packages");
	add_count(out, &parts, c->n_services, "service", "services");
	add_count(out, &parts, c->keys.n, "ssh host key", "ssh host keys");
	if (c->root_build)
		strbuf_adds(out, parts++ ? ", a node root" : "a node root");
	if (c->user)
		strbuf_adds(out, parts++ ? ", a user" : "a user");
	strbuf_adds(out, ".\n");
}

void changes_format(const struct style *s, const struct changeset *c, bool diffs, struct strbuf *out)
{
	for (size_t i = 0; i < c->n_files; i++)
		format_file(s, &c->files[i], diffs, out);
	if (c->n_files)
		strbuf_addc(out, '\n');
	format_list(s, "packages", &c->packages, out);
	format_list(s, "with them", &c->packages_along, out);
	format_changed_packages(s, &c->packages_changed, out);
	if (c->user)
		strbuf_addf(out, "%-10s muster\n", "user");
	if (c->root_build) {
		strbuf_addf(out, "%-10s ", "node root");
		format_escape(out, s, *c->root_id ? c->root_id : "to be built", "");
		strbuf_adds(out, *c->root_id ? " (to be built)\n" : "\n");
	}
	format_services(s, c, out);
	format_list(s, "ssh keys", &c->keys, out);
	format_summary(c, out);
}

/* ---- the document -------------------------------------------------------------------------------------- */

static json_t *file_json(const struct change *f)
{
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", (unsigned int)(f->new_mode & 07777));
	return json_pack("{so ss sb ss so so so}", "path", cli_json_text(f->path), "change",
			 kinds[f->kind].name, "directory", f->directory, "mode", mode, "service",
			 cli_json_text(f->service), "diff", cli_json_text(f->diff), "foreign",
			 f->whose == CHANGE_OURS     ? json_null()
			 : f->whose == CHANGE_EDITED ? json_string("edited")
						     : json_string("others"));
}

json_t *changes_json(const struct plan *p, const struct changeset *c)
{
	json_t *files = json_array(), *services = json_array();
	int bad = 0;

	for (size_t i = 0; i < c->n_files; i++)
		bad |= json_array_append_new(files, file_json(&c->files[i]));
	for (size_t i = 0; i < c->n_services; i++)
		bad |= json_array_append_new(services, json_pack("{so so ss}", "name",
								 cli_json_text(c->services[i].name), "unit",
								 cli_json_text(c->services[i].unit), "action",
								 actions[c->services[i].action]));
	if (bad) {
		json_decref(files);
		json_decref(services);
		return NULL;
	}
	return json_pack("{so sI sb so so so sb s{sb so} so}", "cluster", cli_json_text(p->name), "nodes",
			 (json_int_t)p->n_nodes, "empty", muster_changeset_empty(c), "files", files,
			 "packages", cli_json_texts(&c->packages), "packages_along",
			 cli_json_texts(&c->packages_along), "packages_changed",
			 cli_json_texts(&c->packages_changed), "services", services, "user", c->user, "root",
			 "build", c->root_build, "id", cli_json_text(c->root_id), "keys",
			 cli_json_texts(&c->keys));
}
