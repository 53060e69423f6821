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

static int save_installed(struct apply *a, struct journal *j)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r = a->packages->installed(a, &names);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++)
		strbuf_addf(&b, "%s\n", names.v[i]);
	return b.failed ? -ENOMEM : journal_save(j, b.data ? b.data : "", b.len);
}

static int packages_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	json_t *names = json_array();

	for (size_t i = 0; i < s->names->n; i++)
		json_array_append_new(names, json_string(s->names->v[i]));
	json_object_set_new(record, "names", names);
	return save_installed(a, j);
}

static int read_saved(struct journal *j, unsigned int step, struct strv *ret)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r = journal_saved(j, step, &text, NULL);

	for (char *line = r < 0 ? NULL : strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		r = strv_add(ret, line);
		if (r < 0)
			return r;
	}
	return r;
}

/* Both are sorted; what `now` has more. */
static int difference(struct strv *now, struct strv *before, struct strv *ret)
{
	size_t b = 0;
	int r = 0;

	strv_sort(now);
	strv_sort(before);
	for (size_t i = 0; r == 0 && i < now->n; i++) {
		int c = 1;

		while (b < before->n && (c = strcmp(before->v[b], now->v[i])) < 0)
			b++;
		if (b == before->n || c != 0)
			r = strv_add(ret, now->v[i]);
	}
	return r;
}

static int packages_run(struct apply *a, const struct step *s, json_t *done)
{
	_cleanup_strv_ struct strv before = STRV_INIT, now = STRV_INIT, added = STRV_INIT;
	json_t *names;
	int r;

	r = a->packages->installed(a, &before);
	if (r == 0)
		r = a->packages->install(a, s->names);
	if (r == 0)
		r = a->packages->installed(a, &now);
	if (r == 0)
		r = difference(&now, &before, &added);
	if (r < 0)
		return r;
	names = json_array();
	for (size_t i = 0; i < added.n; i++)
		json_array_append_new(names, json_string(added.v[i]));
	return json_object_set_new(done, "added", names) < 0 ? -ENOMEM : 0;
}

/* What this step brought: as it was noted; or, when it was cut off, what is there now and was not before. */
static int packages_added(struct apply *a, struct journal *j, const json_t *record, const json_t *done,
			  struct strv *ret)
{
	_cleanup_strv_ struct strv before = STRV_INIT, now = STRV_INIT;
	size_t i;
	json_t *v;
	int r = a->packages->installed(a, &now);

	if (r < 0)
		return r;
	if (!done) {
		r = read_saved(j, (unsigned int)json_integer_value(json_object_get(record, "step")), &before);
		return r < 0 ? r : difference(&now, &before, ret);
	}
	json_array_foreach (json_object_get(done, "added"), i, v)
		if (r == 0 && json_is_string(v) && strv_has(&now, json_string_value(v)))
			r = strv_add(ret, json_string_value(v));
	return r;
}

static int packages_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	_cleanup_strv_ struct strv added = STRV_INIT;
	int r;

	if (!a->packages || !a->packages->install)
		return 0;
	r = packages_added(a, j, record, done, &added);
	if (r < 0) {
		apply_error(a, _("The packages that were installed cannot be listed: %s."),
			    muster_strerror(r));
		return r;
	}
	if (added.n == 0)
		return 0;
	apply_say(a, NC_("step", "packages"), _("removing %zu packages that muster had installed"), added.n);
	return a->packages->remove(a, &added);
}

const struct step_ops step_packages = {
	.kind = "packages",
	.before = packages_before,
	.run = packages_run,
	.undo = packages_undo,
};

int package_list(struct apply *a, const char *const *argv, struct strv *ret)
{
	_cleanup_free_ char *output = NULL;
	struct strv words = STRV_INIT;
	char *save = NULL;
	int status, r = 0;

	for (size_t i = 0; r == 0 && argv[i]; i++)
		r = strv_add(&words, argv[i]);
	if (r == 0)
		r = package_quietly(a, &words, &status, &output);
	strv_free(&words);
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

static const char *const c_locale[] = { "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", NULL };

int package_quietly(struct apply *a, const struct strv *argv, int *ret_status, char **ret_output)
{
	const struct spawn s = {
		.argv = (const char *const *)argv->v,
		.env = c_locale,
		.timeout_ms = 5 * 60 * 1000,
		.cancel_fd = a->cancel_fd,
		.max_output = 64 * 1024 * 1024,
	};

	return spawn_run(&s, ret_status, ret_output);
}

int package_run(struct apply *a, const char *const *words, const struct strv *names, int *ret_status,
		char **ret_output)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && words[i]; i++)
		r = strv_add(&argv, words[i]);
	for (size_t i = 0; r == 0 && names && i < names->n; i++)
		r = strv_add(&argv, names->v[i]);
	if (r == 0)
		r = apply_spawn(a, &argv, c_locale, PACKAGES_MS, ret_status, ret_output);
	if (r == -ENOENT)
		apply_error(a, _("The program %s is not installed."), words[0]);
	else if (r < 0)
		apply_error(a, "%s: %s.", words[0], muster_strerror(r));
	return r;
}
