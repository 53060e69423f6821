/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step kind "packages", and the table of package drivers. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/spawn.h"
#include "util/strbuf.h"

static const struct package_driver *const drivers[] = {
	&package_driver_apt,
	&package_driver_dnf,
	&package_driver_zypper,
	&package_driver_none,
};

const struct package_driver *package_driver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

/* ---- before ------------------------------------------------------------------------------------------------------- */

static int refuse(struct apply *a, const struct strv *changed)
{
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;

	if (changed->n == 0)
		return 0;
	for (size_t i = 0; i < changed->n; i++)
		strbuf_addf(&list, "%s%s", i ? ", " : "", changed->v[i]);
	apply_error(a,
		    _("Installing what is needed would change packages that are there, and undo could not "
		      "bring those back: %s. Upgrade or remove them yourself, then begin again."),
		    list.data ? list.data : "");
	return -MUSTER_E_CONFLICT;
}

int apply_may_install(struct apply *a, const struct changeset *c)
{
	return refuse(a, &c->packages_changed);
}

int packages_foresee(struct apply *a, struct changeset *c)
{
	_cleanup_forecast_ struct package_forecast f = { 0 };
	int r = 0;

	if (!a->packages->quick || c->packages.n == 0 || a->packages->foresee(a, &c->packages, &f) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < f.added.n; i++)
		if (!strv_has(&c->packages, f.added.v[i]))
			r = strv_add(&c->packages_along, f.added.v[i]);
	for (size_t i = 0; r == 0 && i < f.changed.n; i++)
		r = strv_add(&c->packages_changed, f.changed.v[i]);
	return r;
}

/* `must`: to be told is what matters, and that it cannot be is an error. */
static int foresee(struct apply *a, const struct strv *packages, bool must, struct package_forecast *ret)
{
	int r = a->packages->foresee ? a->packages->foresee(a, packages, ret) : 0;

	if (r == 0)
		return refuse(a, &ret->changed);
	if (!must && r != -MUSTER_E_CANCELLED)
		return 0;
	if (r != -MUSTER_E_CANCELLED)
		apply_error(a,
			    _("%s does not say what installing these packages would change. See that it "
			      "works, then begin again."),
			    a->packages->name);
	return r;
}

int packages_fetch(struct apply *a, const struct strv *packages, struct strv *ret_endangered)
{
	_cleanup_forecast_ struct package_forecast early = { 0 }, f = { 0 };
	_cleanup_package_list_ struct package_list now = { 0 };
	int r = a->packages->wait ? a->packages->wait(a) : 0;

	/* Before anything is fetched in vain. It may know of packages only once they are fetched. */
	if (r == 0)
		r = foresee(a, packages, false, &early);
	if (r == 0 && a->packages->fetch)
		r = a->packages->fetch(a, packages);
	if (r == 0)
		r = foresee(a, packages, true, &f);
	if (r < 0 || !a->packages->endangered)
		return r;
	r = a->packages->list(a, &now);
	return r < 0 ? r : a->packages->endangered(a, &now, &f, ret_endangered);
}

static int packages_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	_cleanup_package_list_ struct package_list now = { 0 };
	_cleanup_free_ char *text = NULL;
	json_t *names = json_array();
	int r = a->packages->wait ? a->packages->wait(a) : 0;

	for (size_t i = 0; i < s->names->n; i++)
		json_array_append_new(names, json_string(s->names->v[i]));
	json_object_set_new(record, "names", names);
	/* Journals of before do not say of which packages only the configuration was there. */
	json_object_set_new(record, "configured", json_true());
	if (r == 0)
		r = a->packages->list(a, &now);
	if (r == 0)
		r = package_list_save(&now, &text);
	return r < 0 ? r : journal_save(j, text, strlen(text));
}

/* ---- done and undone ---------------------------------------------------------------------------------------------- */

static int packages_run(struct apply *a, const struct step *s, json_t *done)
{
	_cleanup_package_list_ struct package_list before = { 0 }, now = { 0 };
	_cleanup_strv_ struct strv added = STRV_INIT;
	struct apply mine;
	json_t *names;
	int r;

	r = a->packages->list(a, &before);
	if (r == 0)
		r = a->packages->install(a, s->names);
	/* Also of one that was cancelled meanwhile it is noted exactly what it brought. */
	mine = *a;
	mine.cancel_fd = -1;
	if (r == 0)
		r = a->packages->list(&mine, &now);
	a->said = mine.said;
	if (r == 0)
		r = package_added(a->packages, &before, &now, &added);
	if (r < 0)
		return r;
	names = json_array();
	for (size_t i = 0; i < added.n; i++)
		json_array_append_new(names, json_string(added.v[i]));
	return json_object_set_new(done, "added", names) < 0 ? -ENOMEM
							     : conffiles_note(a, s->conffiles, done);
}

static int list_before(struct journal *j, const json_t *record, struct package_list *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = journal_saved(j, (unsigned int)json_integer_value(json_object_get(record, "step")), &text,
			      NULL);

	return r < 0 ? r : package_list_load(text, ret);
}

static int read_names(const json_t *object, const char *key, struct strv *ret)
{
	json_t *v;
	size_t i;
	int r = 0;

	json_array_foreach (json_object_get(object, key), i, v)
		if (r == 0 && json_is_string(v))
			r = strv_add(ret, json_string_value(v));
	return r;
}

/* What this step brought: as it was noted; or, when it was cut off, what is there now and was not before. */
static int surplus(struct apply *a, struct journal *j, const json_t *record, const json_t *done,
		   struct strv *ret_remove, struct strv *ret_purge)
{
	_cleanup_package_list_ struct package_list before = { 0 }, now = { 0 };
	_cleanup_strv_ struct strv added = STRV_INIT;
	int r = list_before(j, record, &before);

	if (r == 0)
		r = a->packages->list(a, &now);
	if (r == 0)
		r = read_names(done, "added", &added);
	if (r < 0)
		return r;
	if (!json_is_true(json_object_get(record, "configured")))
		strv_free(&now.configured);
	return package_surplus(a->packages, &before, &now, done ? &added : NULL, ret_remove, ret_purge);
}

/* Nobody changes packages any more, and nothing is in the middle of being changed. */
static int come_to_rest(struct apply *a, const json_t *record)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = a->packages->wait ? a->packages->wait(a) : 0;

	if (r == 0)
		r = read_names(record, "names", &names);
	return r == 0 && a->packages->mend ? a->packages->mend(a, &names) : r;
}

static int packages_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	_cleanup_strv_ struct strv remove = STRV_INIT, purge = STRV_INIT;
	int r = conffiles_keep(a, j, done);

	if (r < 0 || !a->packages || !a->packages->install)
		return r;
	r = come_to_rest(a, record);
	if (r < 0)
		return r;
	r = surplus(a, j, record, done, &remove, &purge);
	if (r < 0) {
		apply_error(a, _("The packages that were installed cannot be listed: %s."),
			    muster_strerror(r));
		return r;
	}
	if (remove.n == 0 && purge.n == 0)
		return 0;
	apply_say(a, NC_("step", "packages"), _("removing %zu packages that muster had installed"),
		  MAX(remove.n, purge.n));
	return a->packages->remove(a, &remove, &purge);
}

const struct step_ops step_packages = {
	.kind = "packages",
	.before = packages_before,
	.run = packages_run,
	.undo = packages_undo,
};

/* ---- running a package manager ------------------------------------------------------------------------------------ */

static const char *const environment[] = { "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
					   /* Seconds for which zypper waits for another one. */
					   "ZYPP_LOCK_TIMEOUT=600", NULL };

static int words_and_names(const char *const *words, const struct strv *names, struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && words[i]; i++)
		r = strv_add(ret, words[i]);
	for (size_t i = 0; r == 0 && names && i < names->n; i++)
		r = strv_add(ret, names->v[i]);
	return r;
}

int package_quietly(struct apply *a, const char *const *words, const struct strv *names, int *ret_status,
		    char **ret_output)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct spawn s = {
		.env = environment,
		.timeout_ms = 5 * 60 * 1000,
		.cancel_fd = a->cancel_fd,
		.max_output = 64 * 1024 * 1024,
	};
	int r = words_and_names(words, names, &argv);

	s.argv = (const char *const *)argv.v;
	return r < 0 ? r : spawn_run(&s, ret_status, ret_output);
}

int package_lines(struct apply *a, const char *const *argv, struct strv *ret)
{
	_cleanup_free_ char *output = NULL;
	char *save = NULL;
	int status, r = package_quietly(a, argv, NULL, &status, &output);

	if (r == 0 && status != 0) {
		apply_error(a, _("%s failed: %s"), argv[0], last_lines(output, 1));
		return -MUSTER_E_COMMAND;
	}
	if (r < 0) {
		apply_error(a, "%s: %s.", argv[0], muster_strerror(r));
		return r;
	}
	for (char *line = strtok_r(output, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		r = strv_add(ret, line);
		if (r < 0)
			return r;
	}
	return 0;
}

static void on_line(void *data, const char *line)
{
	apply_say(data, NULL, "%s", line);
}

static void on_cancel(void *data)
{
	apply_note(data, _("The package manager is at work: it is let finish, then all is taken back."));
}

int package_run(struct apply *a, enum package_run how, const char *const *words, const struct strv *names,
		int *ret_status, char **ret_output)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct spawn s = {
		.env = environment,
		.timeout_ms = a->packages_ms ? (int)a->packages_ms : PACKAGES_MS,
		.cancel_fd = a->cancel_fd,
		.max_output = 16 * 1024 * 1024,
		.on_line = on_line,
		.data = a,
		.ends_with_us = how == PACKAGE_CANCEL,
		.lasting = how != PACKAGE_CANCEL,
		.on_cancel = on_cancel,
		.keep_fd = how == PACKAGE_LAST ? a->lock_fd : 0,
	};
	int r = words_and_names(words, names, &argv);

	s.argv = (const char *const *)argv.v;
	if (r == 0)
		r = spawn_run(&s, ret_status, ret_output);
	if (r == -ENOENT)
		apply_error(a, _("The program %s is not installed."), words[0]);
	else if (r < 0 && r != -MUSTER_E_CANCELLED)
		apply_error(a, "%s: %s.", words[0], muster_strerror(r));
	return r;
}
