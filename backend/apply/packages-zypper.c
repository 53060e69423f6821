/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

#define ZYPPER_INSTALL "zypper", "--non-interactive", "install", "--no-recommends"

static int zypper_failed(struct apply *a, char *output)
{
	apply_error(a,
		    _("zypper cannot install what is needed: %s. See that `zypper install` works on this "
		      "server, then begin again."),
		    *output ? last_lines(output, 1) : _("it said nothing"));
	return -MUSTER_E_COMMAND;
}

/* "The following 2 NEW packages are going to be installed:" and so on; the names follow, further in. */
static int take_names(const char *heading, char *line, struct package_forecast *f)
{
	char *save = NULL;
	int r = 0;

	for (char *name = strtok_r(line, " ", &save); r == 0 && name; name = strtok_r(NULL, " ", &save)) {
		if (strstr(heading, "REMOVED"))
			r = strv_addf(&f->changed, _("%s (removed)"), name);
		else if (strstr(heading, "to be installed"))
			r = strv_add(&f->added, name);
		else
			r = strv_addf(&f->changed, _("%s (another version)"), name);
	}
	return r;
}

static int zypper_foresee(struct apply *a, const struct strv *packages, struct package_forecast *ret)
{
	static const char *const ask[] = { ZYPPER_INSTALL, "--dry-run", "--", NULL };
	_cleanup_free_ char *output = NULL;
	const char *heading = "";
	char *save = NULL;
	int status, r = package_quietly(a, ask, packages, &status, &output);

	if (r == 0 && status != 0)
		r = -MUSTER_E_COMMAND;
	for (char *line = r < 0 ? NULL : strtok_r(output, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (*line != ' ')
			heading = strncmp(line, "The following ", 14) == 0 && strstr(line, "going to ") ? line
													: "";
		else if (*heading)
			r = take_names(heading, line, ret);
	}
	return r;
}

static int zypper_fetch(struct apply *a, const struct strv *packages)
{
	static const char *const fetch[] = { ZYPPER_INSTALL, "--download-only", "--", NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_run(a, PACKAGE_CANCEL, fetch, packages, &status, &output);

	return r < 0 || status == 0 ? r : zypper_failed(a, output);
}

static int zypper_install(struct apply *a, const struct strv *packages)
{
	static const char *const install[] = { ZYPPER_INSTALL, "--", NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_run(a, PACKAGE_LAST, install, packages, &status, &output);

	return r < 0 || status == 0 ? r : zypper_failed(a, output);
}

const struct package_driver package_driver_zypper = {
	.name = "zypper",
	.list = rpm_list,
	.wait = rpm_wait,
	.foresee = zypper_foresee,
	.fetch = zypper_fetch,
	.install = zypper_install,
	.remove = rpm_remove,
	.base = rpm_base,
};
