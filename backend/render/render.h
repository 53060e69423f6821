/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a plan to files, one source file a service. Pure: same input, same bytes. */
#pragma once

#include "backend/plan/plan.h"
#include "backend/plan/profile.h"
#include "backend/render/fileset.h"

/* The paths that rendered files and other rooms share. All are as seen from the root. */
#define RENDER_ETC "/etc/muster"
#define RENDER_VAR "/var/lib/muster"
#define RENDER_DNSMASQ_CONF RENDER_ETC "/dnsmasq.conf"
#define RENDER_DNSMASQ_HOSTS RENDER_ETC "/dnsmasq.hosts"
#define RENDER_DNSMASQ_LEASES RENDER_VAR "/dnsmasq.leases"
#define RENDER_HOSTS RENDER_ETC "/hosts"
#define RENDER_CLUSTER RENDER_ETC "/cluster.json"
#define RENDER_GANESHA_CONF RENDER_ETC "/ganesha.conf"
#define RENDER_GATEWAY_NFT RENDER_ETC "/gateway.nft"
#define RENDER_KNOWN_HOSTS RENDER_ETC "/known_hosts"
#define RENDER_EXPORTS "/etc/exports.d/muster.exports"
#define RENDER_SSH_CONF "/etc/ssh/ssh_config.d/muster.conf"
#define RENDER_ROOTS RENDER_VAR "/roots"
#define RENDER_TFTP RENDER_VAR "/tftp"
#define RENDER_USER "muster" /* the system user that musterd runs as */

/* What rendering needs besides the plan. */
struct render_env {
	const struct profile_distro *distro;
	const char
		*generation; /* the root generation that the nodes boot: its id; "" when none is built yet */
	const char *initramfs;	    /* the initramfs's id; likewise */
	const char *kernel_release; /* of that generation; likewise */
	const char
		*prefix; /* put before the server's paths inside the files: the scratch root's absolute path
			       without a slash at its end; "" or NULL: "/" is the root */
	const char *libexecdir; /* where muster's helper programs lie, "/usr/libexec/muster" */
	const char *sbindir;	/* where muster and musterd lie */
	bool with_network;	/* false in the lab, which addresses its interface itself */
	bool units;		/* systemd runs the services: render their unit files */
};

/*
 * Renders all services of the plan into `f`, which was initialised by the caller. First it proves that every value is
 * safe in every place that it gets to, whoever made the plan: names are letters, digits, '-', '.' and '_', paths have
 * no control characters (what else they have is quoted as each format wants it). -EINVAL, logged, when one is not.
 * The functions below rely on that. /etc/muster/answers.conf and known_hosts are not made here.
 */
int render_all(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;

/* One function a service; render_all() goes through a const table of them. */
int render_dnsmasq(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_nfs_kernel(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_nfs_ganesha(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_hosts(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_musterd(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
/* Its units add the server's addresses; stopping muster-network.service removes only what starting it brought, but for
 * net.ipv4.ip_forward (network.c says how). */
int render_network(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;
int render_ssh(const struct plan *p, const struct render_env *env, struct fileset *f) _must_check_;

/*
 * The server's IPv6 address on the cluster's interface, "fd6d:7573:7465:HASH::1/64" with HASH made from the IPv4
 * network: a unique local prefix (RFC 4193) for router advertisements, without which iPXE waits 13 s for one. Returns
 * 1, or 0 where the plan advertises nothing (no DHCP service, or a proxy beside another server's) and buf is "".
 * The network unit gives the interface this address; whoever renders without it (the lab) has to.
 */
#define RENDER_IPV6_TEXT 48
int render_ipv6(const struct plan *p, char buf[RENDER_IPV6_TEXT]);

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
/* The iPXE script that starts the machine's own first disk. */
int render_ipxe_disk(const struct render_boot *boot, char **ret) _must_check_;
/* The iPXE script that starts the memory test; generation and initramfs are not looked at. */
int render_ipxe_memtest(const struct render_boot *boot, char **ret) _must_check_;
/* The iPXE script for a machine that is not to boot from here: says why on its screen, and leaves to
 * its next boot device. `why` is one line. */
int render_ipxe_refusal(const char *why, char **ret) _must_check_;
/* The iPXE script for a machine whose boot must wait: says why on its screen, and asks again in some seconds. */
int render_ipxe_wait(const struct plan *p, const char *why, const char *platform, char **ret) _must_check_;
