/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

static int dnf_install(struct apply *a, const struct strv *packages)
{
	static const char *const install[] = { "dnf", "install", "-y", "--setopt=install_weak_deps=False",
					       "--",  NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_run(a, install, packages, &status, &output);

	if (r < 0 || status == 0)
		return r;
	apply_error(a,
		    _("dnf cannot install what is needed: %s. See that `dnf install` works on this server, "
		      "then begin again."),
		    *output ? last_lines(output, 1) : _("it said nothing"));
	return -MUSTER_E_COMMAND;
}

const struct package_driver package_driver_dnf = {
	.name = "dnf",
	.installed = rpm_installed,
	.install = dnf_install,
	.remove = rpm_remove,
};
