/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drivers that there are, and what package drivers share. Private to backend/apply/. */
#pragma once

#include "backend/apply/apply.h"

extern const struct package_driver package_driver_apt, package_driver_dnf, package_driver_zypper,
	package_driver_none;
extern const struct service_driver service_driver_systemd, service_driver_direct, service_driver_none;

#define PACKAGES_MS (60 * 60 * 1000) /* a slow mirror is slow */

/* Runs a program in the C locale, without its lines going anywhere. */
int package_quietly(struct apply *a, const struct strv *argv, int *ret_status,
		    char **ret_output) _must_check_;
/* The lines of a program's output. */
int package_list(struct apply *a, const char *const *argv, struct strv *ret) _must_check_;
/* Of the rpm family: all installed packages; and erasing exactly these. */
int rpm_installed(struct apply *a, struct strv *ret) _must_check_;
int rpm_remove(struct apply *a, const struct strv *packages) _must_check_;
/* Runs the package manager with the names behind its words. 0 and its status; why it could not run is emitted. */
int package_run(struct apply *a, const char *const *words, const struct strv *names, int *ret_status,
		char **ret_output) _must_check_;
