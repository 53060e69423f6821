/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

static int apt_installed(struct apply *a, struct strv *ret)
{
	static const char *const argv[] = { "dpkg-query", "-W", "-f",
					    "${db:Status-Status} ${binary:Package}\n", NULL };
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = package_list(a, argv, &lines);

	for (size_t i = 0; r == 0 && i < lines.n; i++)
		if (strncmp(lines.v[i], "not-installed ", 14) != 0 &&
		    strncmp(lines.v[i], "config-files ", 13) != 0 && strchr(lines.v[i], ' '))
			r = strv_add(ret, strchr(lines.v[i], ' ') + 1);
	return r;
}

/* The line that says why: apt's begin with "E: ". */
static const char *apt_reason(char *output)
{
	char *e = strncmp(output, "E: ", 3) == 0 ? output : strstr(output, "\nE: ");

	if (!e)
		return *output ? last_lines(output, 1) : "it said nothing";
	e += *e == '\n' ? 4 : 3;
	e[strcspn(e, "\n")] = '\0';
	return e;
}

static int apt_install(struct apply *a, const struct strv *packages)
{
	static const char *const install[] = {
		"apt-get", "install", "-y", "--no-install-recommends", "--no-remove", "-o",
		"Dpkg::Options::=--force-confold",
		/* Seconds for another apt, such as a nightly upgrade, to end. */
		"-o", "DPkg::Lock::Timeout=300", "--", NULL
	};
	static const char *const update[] = { "apt-get", "update", NULL };
	_cleanup_free_ char *output = NULL, *ignored = NULL;
	int status, r;

	r = package_run(a, install, packages, &status, &output);
	/* A server that was never asked to update knows of no packages, or of ones that are gone by now. */
	if (r == 0 && status != 0 &&
	    (strstr(output, "Unable to locate package") || strstr(output, "404  Not Found"))) {
		apply_say(a, NC_("step", "packages"), _("fetching the list of packages first"));
		r = package_run(a, update, NULL, &status, &ignored);
		free(output);
		output = NULL;
		if (r == 0)
			r = package_run(a, install, packages, &status, &output);
	}
	if (r < 0 || status == 0)
		return r;
	apply_error(a,
		    _("apt-get cannot install what is needed: %s. See that `apt-get update` and `apt-get "
		      "install` work on "
		      "this server, then begin again."),
		    apt_reason(output));
	return -MUSTER_E_COMMAND;
}

/* dpkg takes away exactly what it is told to, and refuses where something else needs it by now. */
static int apt_remove(struct apply *a, const struct strv *packages)
{
	/* One whose unpacking was cut off would have to be installed again first, or to be forced. */
	static const char *const purge[] = { "dpkg", "--force-remove-reinstreq", "--purge", "--", NULL };
	_cleanup_free_ char *output = NULL;
	int status, r;

	r = package_run(a, purge, packages, &status, &output);
	if (r < 0 || status == 0)
		return r;
	if (strstr(output, "dependency problems prevent removal")) {
		apply_note(a, _("some packages stay, because others that were installed since need them"));
		return 0;
	}
	apply_error(a,
		    _("dpkg cannot remove the packages that were installed: %s. Mend that, then run `muster "
		      "undo` again."),
		    *output ? last_lines(output, 1) : _("it said nothing"));
	return -MUSTER_E_COMMAND;
}

const struct package_driver package_driver_apt = {
	.name = "apt",
	.installed = apt_installed,
	.install = apt_install,
	.remove = apt_remove,
};
