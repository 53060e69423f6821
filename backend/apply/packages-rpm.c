/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dnf and zypper share: the database of installed packages, and erasing. */
#include "config.h"

#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

/* Kernels and keys are there in several versions, libraries in several architectures: the name alone would mean all of them. A key
 * has no architecture. */
#define EXACT_NAME "%{NAME}-%{VERSION}-%{RELEASE}%|ARCH?{.%{ARCH}}:{}|\n"

/* rpm's own lock is held while packages are changed, whoever has asked for it: dnf, zypper or rpm. The place depends on the
 * release. */
int rpm_wait(struct apply *a)
{
	static const char *const locks[] = { "/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock",
					     NULL };

	return package_wait(a, locks);
}

int rpm_list(struct apply *a, struct package_list *ret)
{
	static const char *const argv[] = { "rpm", "-qa", "--queryformat", EXACT_NAME, NULL };

	return package_lines(a, argv, &ret->installed);
}

/* NAME of NAME-VERSION-RELEASE.ARCH: neither version nor release has a "-". */
size_t rpm_base(const char *package)
{
	size_t n = strlen(package);

	for (int dashes = 0; n > 0; n--)
		if (package[n - 1] == '-' && ++dashes == 2)
			return n - 1;
	return strlen(package);
}

/* rpm erases all of them or none, and refuses where something else needs one: then each goes alone, until none does. Configuration
 * that nobody has changed goes with them; what was changed rpm keeps as .rpmsave. */
int rpm_remove(struct apply *a, const struct strv *packages, const struct strv *purge)
{
	static const char *const erase[] = { "rpm", "-e", "--", NULL };
	_cleanup_free_ char *output = NULL;
	bool removed = true;
	int status, r;

	if (packages->n == 0)
		return 0;
	r = package_run(a, PACKAGE_LAST, erase, packages, &status, &output);
	if (r < 0 || status == 0)
		return r;
	if (!strstr(output, "is needed by")) {
		apply_error(a,
			    _("rpm cannot remove the packages that were installed: %s. Mend that, then run "
			      "`muster "
			      "undo` "
			      "again."),
			    *output ? last_lines(output, 1) : _("it said nothing"));
		return -MUSTER_E_COMMAND;
	}
	while (removed) {
		removed = false;
		for (size_t i = 0; i < packages->n; i++) {
			struct strv one = { &packages->v[i], 1 };
			_cleanup_free_ char *ignored = NULL;

			r = package_run(a, PACKAGE_LAST, erase, &one, &status, &ignored);
			if (r < 0)
				return r;
			removed = removed || status == 0;
		}
	}
	apply_note(a, _("some packages stay, because others that were installed since need them"));
	return 0;
}
