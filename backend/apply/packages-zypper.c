/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

static int zypper_install(struct apply *a, const struct strv *packages)
{
	static const char *const install[] = { "zypper",  "--non-interactive",
					       "install", "--no-recommends",
					       "--",	  NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_run(a, install, packages, &status, &output);

	if (r < 0 || status == 0)
		return r;
	apply_error(a,
		    _("zypper cannot install what is needed: %s. See that `zypper install` works on this "
		      "server, then begin again."),
		    *output ? last_lines(output, 1) : _("it said nothing"));
	return -MUSTER_E_COMMAND;
}

const struct package_driver package_driver_zypper = {
	.name = "zypper",
	.installed = rpm_installed,
	.install = zypper_install,
	.remove = rpm_remove,
};
