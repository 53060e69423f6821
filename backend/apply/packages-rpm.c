/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dnf and zypper share: the database of installed packages, and erasing. */
#include "config.h"

#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

int rpm_installed(struct apply *a, struct strv *ret)
{
	static const char *const argv[] = { "rpm", "-qa", "--queryformat", "%{NAME}\n", NULL };

	return package_list(a, argv, ret);
}

/* rpm erases all of them or none, and refuses where something else needs one: then each goes alone, until none does. */
int rpm_remove(struct apply *a, const struct strv *packages)
{
	static const char *const erase[] = { "rpm", "-e", "--", NULL };
	_cleanup_free_ char *output = NULL;
	bool removed = true;
	int status, r;

	r = package_run(a, erase, packages, &status, &output);
	if (r < 0 || status == 0)
		return r;
	if (!strstr(output, "is needed by")) {
		apply_error(a,
			    _("rpm cannot remove the packages that were installed: %s. Mend that, then run "
			      "`muster undo` "
			      "again."),
			    *output ? last_lines(output, 1) : _("it said nothing"));
		return -MUSTER_E_COMMAND;
	}
	while (removed) {
		removed = false;
		for (size_t i = 0; i < packages->n; i++) {
			struct strv one = { &packages->v[i], 1 };
			_cleanup_free_ char *ignored = NULL;

			r = package_run(a, erase, &one, &status, &ignored);
			if (r < 0)
				return r;
			removed = removed || status == 0;
		}
	}
	apply_note(a, _("some packages stay, because others that were installed since need them"));
	return 0;
}
