/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shipped data about a distribution (profiles/distro/FAMILY.conf, libconfuse syntax): which packages a
 * service needs, how node roots are made, where the loaders lie.
 */
#pragma once

#include "util/macro.h"
#include "util/strv.h"

struct profile_service {
	char *name; /* "dnsmasq", "nfs-kernel", "nfs-ganesha", "root-build", "loaders" */
	char *unit; /* the distribution's own unit; "" where muster brings its own */
	struct strv packages;
	struct strv programs; /* installed means: all of these are found */
	struct strv files;    /* and all of these exist */
};

struct profile_kernel {
	char *name; /* "distro", "distro-cloud" */
	char *package;
	char *description;
};

struct profile_release {
	char *version, *codename; /* VERSION_ID and VERSION_CODENAME of os-release(5) */
};

struct profile_distro {
	char *family;
	struct profile_service *services;
	size_t n_services;
	struct profile_kernel *kernels;
	size_t n_kernels;
	struct profile_release *releases;
	size_t n_releases;
	struct strv root_packages;	  /* of an ordinary node root, besides the kernel */
	struct strv exclude;		  /* paths left out of node roots (dpkg path-exclude patterns) */
	char *loader_bios, *loader_efi64; /* absolute paths on the server */
	char *busybox;			  /* absolute path of a static busybox on the server */
};

/* -ENOENT: there is none for this family. -MUSTER_E_FORMAT: logged with file and line. */
int profile_distro_read(const char *profiles_dir, const char *family,
			struct profile_distro **ret) _must_check_;
void profile_distro_free(struct profile_distro *p);
DEFINE_CLEANUP(struct profile_distro *, profile_distro_free)

const struct profile_service *profile_service_find(const struct profile_distro *p, const char *name);
const struct profile_kernel *profile_kernel_find(const struct profile_distro *p, const char *name);
/* The codename of a release, for facts that do not have it; NULL where the profile does not know it either. */
const char *profile_codename(const struct profile_distro *p, const char *version);

/* What a base of this kind of cluster is built of (profiles/cluster/NAME.conf). -ENOENT: there is no such kind. */
int profile_parts(const char *profiles_dir, const char *cluster, struct strv *ret) _must_check_;
