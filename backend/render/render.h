/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a plan to files, one source file a service. Pure: same input, same bytes. */
#pragma once

#include "backend/plan/plan.h"
#include "backend/plan/profile.h"
#include "backend/render/fileset.h"

/* What rendering needs besides the plan. */
struct render_env {
	const struct profile_distro *distro;
	const char
		*generation; /* the root generation that the nodes boot: its id; "" when none is built yet */
	const char *initramfs;	    /* the initramfs's id; likewise */
	const char *kernel_release; /* of that generation; likewise */
	const char *libexecdir;	    /* where muster's helper programs lie, "/usr/libexec/muster" */
	const char *sbindir;	    /* where muster and musterd lie */
	bool with_network;	    /* false in the lab, which addresses its interface itself */
	bool units;		    /* systemd runs the services: render their unit files */
};

/* Renders all services of the plan into `f`, which was initialised by the caller. */
int render_all(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;

/* One function a service; render_all() goes through a const table of them. */
int render_dnsmasq(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_nfs_kernel(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_nfs_ganesha(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_hosts(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_musterd(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_network(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_ssh(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;

/* What one node boots; rendered for it by musterd when it asks. */
struct render_boot {
	const struct plan *plan;
	const struct plan_node *node;
	const char *generation, *initramfs; /* ids */
	const char *token;		    /* of this boot, 32 hexadecimal digits */
	const char *platform;		    /* "pcbios" or "efi": iPXE's ${platform} */
};

/* The iPXE script for one boot; owned. */
int render_ipxe(const struct render_boot *boot, char **ret) _must_check_;
/* The iPXE script for a machine that is not to boot from here: says why on its screen, and leaves to
 * its next boot device. `why` is one line. */
int render_ipxe_refusal(const char *why, char **ret) _must_check_;
