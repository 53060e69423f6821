/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drivers that there are, and what package drivers share. Private to backend/apply/. */
#pragma once

#include "backend/apply/apply.h"

extern const struct package_driver package_driver_apt, package_driver_dnf, package_driver_zypper,
	package_driver_none;
extern const struct service_driver service_driver_systemd, service_driver_direct, service_driver_none;

#define PACKAGES_MS (60 * 60 * 1000) /* a slow mirror is slow */

/* Runs a program in the C locale, without its lines going anywhere. */
int package_quietly(struct apply *a, const char *const *words, const struct strv *names, int *ret_status,
		    char **ret_output) _must_check_;
/* The lines of a program's output. */
int package_lines(struct apply *a, const char *const *argv, struct strv *ret) _must_check_;
/* Of apt: as .endangered of its driver. */
int apt_endangered(struct apply *a, const struct package_list *now, const struct package_forecast *f,
		   struct strv *ret) _must_check_;
/* Of the rpm family: all installed packages; erasing exactly these; a name without its version; waiting for rpm's lock. */
int rpm_list(struct apply *a, struct package_list *ret) _must_check_;
int rpm_remove(struct apply *a, const struct strv *packages, const struct strv *purge) _must_check_;
size_t rpm_base(const char *package);
int rpm_wait(struct apply *a) _must_check_;

enum package_run {
	PACKAGE_CANCEL, /* ends when it is cancelled, and with muster */
	PACKAGE_LAST, /* comes to its end whatever happens to muster, which takes the cancel up afterwards */
	PACKAGE_ALONE, /* likewise, and does not hold muster's lock: what it starts may live on with its descriptors */
};
/* Runs the package manager with the names behind its words. 0 and its status; why it could not run is emitted. */
int package_run(struct apply *a, enum package_run how, const char *const *words, const struct strv *names,
		int *ret_status, char **ret_output) _must_check_;

/* ---- package-wait.c ---------------------------------------------------------------------------------------------- */

/* Waits until no process has a lock (fcntl(2)) on any of these files, and says who has one. -MUSTER_E_TIMEOUT (emitted). */
int package_wait(struct apply *a, const char *const *files) _must_check_;

/* ---- package-sets.c ---------------------------------------------------------------------------------------------- */

#define _cleanup_package_list_ _cleanup_(package_list_free)
#define _cleanup_forecast_ _cleanup_(package_forecast_free)
void package_list_free(struct package_list *l);
void package_forecast_free(struct package_forecast *f);
/* As lines of text, and back; the text is written into. */
int package_list_save(const struct package_list *l, char **ret) _must_check_;
int package_list_load(char *text, struct package_list *ret) _must_check_;
/* What is in `now` and is not of before. A package that was there in another version is of before. */
int package_added(const struct package_driver *d, const struct package_list *before,
		  const struct package_list *now, struct strv *ret) _must_check_;
/* What to remove, and whose configuration, so that it is as before. `added`: what package_added() said then; NULL: it was cut off. */
int package_surplus(const struct package_driver *d, const struct package_list *before,
		    const struct package_list *now, const struct strv *added, struct strv *ret_remove,
		    struct strv *ret_purge) _must_check_;
