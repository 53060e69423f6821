/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/strbuf.h"

/* What is said to every apt-get. It never upgrades what is named and there already, nor removes anything. The seconds are
 * for another apt-get that was quicker in taking dpkg's locks (apt 2.6: by itself it does not wait at all). */
#define APT_INSTALL                                                                                 \
	"apt-get", "install", "-y", "--no-install-recommends", "--no-upgrade", "--no-remove", "-o", \
		"Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=600"

/* The first is held by apt-get from its beginning to its end, the second by dpkg. apt-get does not wait for the third. */
static int apt_wait(struct apply *a)
{
	static const char *const locks[] = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock",
					     "/var/cache/apt/archives/lock", NULL };

	return package_wait(a, locks);
}

static int apt_list(struct apply *a, struct package_list *ret)
{
	static const char *const argv[] = { "dpkg-query", "-W", "-f",
					    "${db:Status-Status} ${binary:Package}\n", NULL };
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = package_lines(a, argv, &lines);

	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		const char *name = strchr(lines.v[i], ' ');

		if (!name || strncmp(lines.v[i], "not-installed ", 14) == 0)
			continue;
		r = strv_add(strncmp(lines.v[i], "config-files ", 13) == 0 ? &ret->configured
									   : &ret->installed,
			     name + 1);
	}
	return r;
}

/* ---- what it would do --------------------------------------------------------------------------------------------- */

/* As apt names the file of a package: these two characters of the version are written as their numbers. */
static int add_archive(struct strv *archives, const char *name, const char *version, const char *arch)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_addf(&b, "%.*s_", (int)strcspn(name, ":"), name);
	for (const char *p = version; *p; p++)
		if (*p == ':' || *p == '_')
			strbuf_addf(&b, "%%%02x", (unsigned int)*p);
		else
			strbuf_addc(&b, *p);
	strbuf_addf(&b, "_%s.deb", arch);
	return b.failed ? -ENOMEM : strv_add(archives, b.data);
}

/* "Inst NAME (VERSION ORIGIN [ARCH])" is a new one; of one that is there, its version comes before: "Inst NAME [OLD] (...)". */
static int take_install(char *line, struct package_forecast *f)
{
	char *name = line + 5, *rest = strchr(name, ' '), *version, *arch;
	int r;

	if (!rest)
		return 0;
	*rest++ = '\0';
	if (*rest == '[')
		return strv_addf(&f->changed, _("%s (another version)"), name);
	r = strv_add(&f->added, name);
	version = strchr(rest, '(');
	arch = version ? strchr(version, '[') : NULL;
	if (r < 0 || !arch)
		return r;
	*arch++ = '\0';
	version++;
	version[strcspn(version, " ")] = '\0';
	arch[strcspn(arch, "]")] = '\0';
	return add_archive(&f->archives, name, version, arch);
}

static int take_removal(char *line, struct package_forecast *f)
{
	char *name = line + 5;

	name[strcspn(name, " ")] = '\0';
	return strv_addf(&f->changed, _("%s (removed)"), name);
}

/* Says nothing, and needs no rights: -s locks nothing. */
static int apt_foresee(struct apply *a, const struct strv *packages, struct package_forecast *ret)
{
	static const char *const simulate[] = {
		"apt-get", "-s", "install", "-y", "--no-install-recommends", "--no-upgrade", "--", NULL
	};
	_cleanup_free_ char *output = NULL;
	char *save = NULL;
	int status, r = package_quietly(a, simulate, packages, &status, &output);

	if (r == 0 && status != 0)
		r = -MUSTER_E_COMMAND;
	for (char *line = r < 0 ? NULL : strtok_r(output, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "Inst ", 5) == 0)
			r = take_install(line, ret);
		else if (strncmp(line, "Remv ", 5) == 0 || strncmp(line, "Purg ", 5) == 0)
			r = take_removal(line, ret);
	}
	return r;
}

/* ---- installing --------------------------------------------------------------------------------------------------- */

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

static int apt_failed(struct apply *a, char *output)
{
	apply_error(a,
		    _("apt-get cannot install what is needed: %s. See that `apt-get update` and `apt-get "
		      "install` work on "
		      "this server, then begin again."),
		    apt_reason(output));
	return -MUSTER_E_COMMAND;
}

static int apt_fetch(struct apply *a, const struct strv *packages)
{
	static const char *const fetch[] = { APT_INSTALL, "--download-only", "--", NULL };
	static const char *const update[] = { "apt-get", "update", NULL };
	_cleanup_free_ char *output = NULL, *ignored = NULL;
	int status, r;

	r = package_run(a, PACKAGE_CANCEL, fetch, packages, &status, &output);
	/* A server that was never asked to update knows of no packages, or of ones that are gone by now. */
	if (r == 0 && status != 0 &&
	    (strstr(output, "Unable to locate package") || strstr(output, "404  Not Found"))) {
		apply_say(a, NC_("step", "packages"), _("fetching the list of packages first"));
		r = package_run(a, PACKAGE_CANCEL, update, NULL, &status, &ignored);
		free(output);
		output = NULL;
		if (r == 0)
			r = package_run(a, PACKAGE_CANCEL, fetch, packages, &status, &output);
	}
	return r < 0 || status == 0 ? r : apt_failed(a, output);
}

/* Nothing is fetched any more: what is not here, is not installed. */
static int apt_install(struct apply *a, const struct strv *packages)
{
	static const char *const install[] = { APT_INSTALL, "--no-download", "--", NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_run(a, PACKAGE_LAST, install, packages, &status, &output);

	return r < 0 || status == 0 ? r : apt_failed(a, output);
}

/* ---- removing ----------------------------------------------------------------------------------------------------- */

/* Unlike apt-get, dpkg does not wait where another one was quicker. */
static int dpkg_run(struct apply *a, const char *const *words, const struct strv *packages, int *ret_status,
		    char **ret_output)
{
	int64_t end = clock_mono_ms() + apply_patience_ms(a);
	int status, r;

	for (;;) {
		_cleanup_free_ char *output = NULL;

		r = apt_wait(a);
		if (r == 0)
			r = package_run(a, PACKAGE_ALONE, words, packages, &status, &output);
		if (r < 0)
			return r;
		if (status == 0 || !strstr(output, "locked by another process") || clock_mono_ms() > end) {
			*ret_status = status;
			*ret_output = TAKE_PTR(output);
			return 0;
		}
		r = apply_pause(a, 500);
		if (r < 0)
			return r;
	}
}

/* What dpkg is in the middle of, as text: "" for nothing. */
static int apt_audit(struct apply *a, char **ret)
{
	static const char *const audit[] = { "dpkg", "--audit", NULL };
	int status, r = package_quietly(a, audit, NULL, &status, ret);

	if (r == -ENOENT) {
		*ret = strdup("");
		return *ret ? 0 : -ENOMEM;
	}
	if (r < 0)
		apply_error(a, "%s: %s.", audit[0], muster_strerror(r));
	return r;
}

/* Of a package whose unpacking was cut off dpkg does not know what lies on the disk, so it is unpacked again first. That this
 * fails is no error by itself: what is to be removed may be what cannot be installed. */
static int apt_mend(struct apply *a, const struct strv *packages)
{
	static const char *const configure[] = { "dpkg", "--force-confold", "--configure", "-a", NULL };
	static const char *const install[] = { APT_INSTALL, "--no-download", "--", NULL };
	_cleanup_free_ char *broken = NULL, *still = NULL, *configured = NULL, *installed = NULL;
	int status, r = apt_audit(a, &broken);

	if (r < 0 || !*broken)
		return r;
	apply_say(a, NC_("step", "packages"), _("finishing what dpkg was interrupted in"));
	r = dpkg_run(a, configure, NULL, &status, &configured);
	if (r == 0)
		r = apt_audit(a, &still);
	if (r == 0 && *still && packages->n)
		r = package_run(a, PACKAGE_LAST, install, packages, &status, &installed);
	return r;
}

/* Those that are no longer installed; dpkg has said of the others why they stay. */
static int without_installed(struct apply *a, const struct strv *packages, struct strv *ret)
{
	_cleanup_package_list_ struct package_list now = { 0 };
	int r = apt_list(a, &now);

	for (size_t i = 0; r == 0 && i < packages->n; i++)
		if (!strv_has(&now.installed, packages->v[i]))
			r = strv_add(ret, packages->v[i]);
	return r;
}

/* Whether each of them that is still there is one that others need: dpkg names these. */
static int only_needed_stay(struct apply *a, const struct strv *packages, bool purged, const char *output,
			    bool *ret)
{
	_cleanup_package_list_ struct package_list now = { 0 };
	int r = apt_list(a, &now);

	*ret = true;
	for (size_t i = 0; r == 0 && i < packages->n; i++) {
		const char *package = packages->v[i];
		_cleanup_free_ char *said = NULL;

		if (!strv_has(&now.installed, package) && !(purged && strv_has(&now.configured, package)))
			continue;
		if (asprintf(&said, "dependency problems prevent removal of %s:", package) < 0) {
			said = NULL;
			return -ENOMEM;
		}
		*ret = *ret && strstr(output, said) != NULL;
	}
	return r;
}

/* dpkg takes away exactly what it is told to, and refuses where something else needs it by now. */
static int dpkg_remove(struct apply *a, const char *const *words, const struct strv *packages, bool purge,
		       bool *ret_some_stay)
{
	_cleanup_free_ char *output = NULL;
	bool needed;
	int status, r;

	if (packages->n == 0)
		return 0;
	r = dpkg_run(a, words, packages, &status, &output);
	if (r < 0 || status == 0)
		return r;
	r = only_needed_stay(a, packages, purge, output, &needed);
	if (r < 0)
		return r;
	if (needed && strstr(output, "dependency problems prevent removal")) {
		*ret_some_stay = true;
		return 0;
	}
	apply_error(a,
		    _("dpkg cannot remove the packages that were installed: %s. Mend that, then run `muster "
		      "undo` again."),
		    *output ? last_lines(output, 1) : _("it said nothing"));
	return -MUSTER_E_COMMAND;
}

static int apt_remove(struct apply *a, const struct strv *packages, const struct strv *purge)
{
	/* One whose unpacking was cut off would have to be installed again first, or to be forced. */
	static const char *const remove[] = { "dpkg", "--force-remove-reinstreq", "--remove", "--", NULL };
	static const char *const forget[] = { "dpkg", "--force-remove-reinstreq", "--purge", "--", NULL };
	_cleanup_strv_ struct strv removed = STRV_INIT;
	bool some_stay = false;
	int r = dpkg_remove(a, remove, packages, false, &some_stay);

	if (r == 0)
		r = without_installed(a, purge, &removed);
	if (r == 0)
		r = dpkg_remove(a, forget, &removed, true, &some_stay);
	if (r == 0 && some_stay)
		apply_note(a, _("some packages stay, because others that were installed since need them"));
	return r;
}

const struct package_driver package_driver_apt = {
	.name = "apt",
	.quick = true,
	.list = apt_list,
	.wait = apt_wait,
	.mend = apt_mend,
	.foresee = apt_foresee,
	.fetch = apt_fetch,
	.endangered = apt_endangered,
	.install = apt_install,
	.remove = apt_remove,
};
