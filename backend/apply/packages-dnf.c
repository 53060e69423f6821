/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

#define DNF_INSTALL "dnf", "install", "-y", "--setopt=install_weak_deps=False"

static int dnf_failed(struct apply *a, char *output)
{
	apply_error(a,
		    _("dnf cannot install what is needed: %s. See that `dnf install` works on this server, "
		      "then begin again."),
		    *output ? last_lines(output, 1) : _("it said nothing"));
	return -MUSTER_E_COMMAND;
}

/* A line of the table below one of its headings: " NAME ARCH VERSION ...". What a package replaces is further to the right, and so is
 * the rest of a line that was too long. */
static int take_row(const char *heading, char *line, struct package_forecast *f)
{
	char *name = line + strspn(line, " ");
	bool replaced = strncmp(name, "replacing ", 10) == 0;

	if (replaced)
		name += 10 + strspn(name + 10, " ");
	else if (name != line + 1)
		return 0;
	name[strcspn(name, " ")] = '\0';
	if (strncmp(heading, "Upgrading", 9) == 0 || strncmp(heading, "Downgrading", 11) == 0 ||
	    strncmp(heading, "Reinstalling", 12) == 0)
		return replaced ? 0 : strv_addf(&f->changed, _("%s (another version)"), name);
	if (replaced || strncmp(heading, "Removing", 8) == 0)
		return strv_addf(&f->changed, _("%s (removed)"), name);
	return strncmp(heading, "Installing", 10) == 0 ? strv_add(&f->added, name) : 0;
}

static int dnf_foresee(struct apply *a, const struct strv *packages, struct package_forecast *ret)
{
	static const char *const ask[] = { "dnf", "install", "--assumeno", "--setopt=install_weak_deps=False",
					   "--",  NULL };
	_cleanup_free_ char *output = NULL;
	const char *heading = "";
	char *save = NULL;
	int status, r = package_quietly(a, ask, packages, &status, &output);

	/* That it did not do it is an error to dnf. */
	if (r == 0 && status != 0 && !strstr(output, "Operation aborted"))
		r = -MUSTER_E_COMMAND;
	for (char *line = r < 0 ? NULL : strtok_r(output, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (*line != ' ')
			heading = line[strlen(line) - 1] == ':' ? line : "";
		else
			r = take_row(heading, line, ret);
	}
	return r;
}

static int dnf_fetch(struct apply *a, const struct strv *packages)
{
	static const char *const fetch[] = { DNF_INSTALL, "--downloadonly", "--", NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_run(a, PACKAGE_CANCEL, fetch, packages, &status, &output);

	return r < 0 || status == 0 ? r : dnf_failed(a, output);
}

static int dnf_install(struct apply *a, const struct strv *packages)
{
	static const char *const install[] = { DNF_INSTALL, "--", NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_run(a, PACKAGE_LAST, install, packages, &status, &output);

	return r < 0 || status == 0 ? r : dnf_failed(a, output);
}

const struct package_driver package_driver_dnf = {
	.name = "dnf",
	.list = rpm_list,
	.wait = rpm_wait,
	.foresee = dnf_foresee,
	.fetch = dnf_fetch,
	.install = dnf_install,
	.remove = rpm_remove,
	.base = rpm_base,
};
