/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan as data: every node has its name and address, every choice is made. Part of the public
 * contract: backend/muster.h includes it. Strings are owned by the plan and never NULL unless said. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/ip.h"
#include "util/strv.h"

/* Bytes of all kernel_args with a blank after each: x86's COMMAND_LINE_SIZE is 2048, and muster has words of its own. */
#define PLAN_KERNEL_ARGS_MAX 1500

enum plan_ip_mode {
	PLAN_IP_MAC,   /* each address is bound to a MAC address */
	PLAN_IP_RANGE, /* any machine may join; its address makes its name */
};

enum plan_dhcp {
	PLAN_DHCP_AUTHORITATIVE,
	PLAN_DHCP_PROXY, /* another DHCP server gives the addresses */
};

enum plan_root {
	PLAN_ROOT_RAM,	     /* squashfs over HTTP, overlay in memory */
	PLAN_ROOT_NFS,	     /* squashfs on a shared read-only export, overlay in memory */
	PLAN_ROOT_INITRAMFS, /* the whole root is the initramfs */
};

enum plan_nfs {
	PLAN_NFS_NONE,
	PLAN_NFS_KERNEL,
	PLAN_NFS_GANESHA,
};

struct plan_node {
	char *name; /* RFC 1123 label, lower case, unique */
	struct ip4 address;
	struct mac mac;	     /* meaningful when has_mac */
	bool has_mac;	     /* false: not collected yet, or range mode */
	char *arch;	     /* "x86_64" */
	unsigned int line;   /* in the answer file; 0 for a node made from `count` */
	unsigned int ssi_id; /* its number in the single system image, unique; 0: there is none */
};

struct plan {
	/* cluster */
	char *name, *domain, *profile;
	/* boot */
	char *kernel; /* "distro", "distro-cloud", a recipe of kernel/, the id of what was built by one, or an absolute path */
	enum plan_root root;
	char *generation; /* a root generation's id chosen in the answers; "" for the newest of the recipe */
	struct strv kernel_args;  /* further words for the nodes' kernel command line */
	struct strv packages;	  /* further packages in the node root */
	unsigned int ssi_session; /* of the single system image that the nodes form; 0: none */
	/* network: the one interface that faces the nodes */
	char *interface;     /* its name on the server */
	char *interface_mac; /* the MAC address that the answers name it by; "" where they give its name, and in a
				 plan read from JSON */
	struct ip4_net net;   /* the server's address in it */
	bool address_present; /* the interface had this address already when the facts were read */
	enum plan_ip_mode ip_mode;
	struct ip4_range range; /* of ip_mode range; {0,0} where none is given */
	enum plan_dhcp dhcp;
	bool gateway; /* the server routes and masquerades for the nodes */
	/* nodes, in the order of their numbers, then named ones that no number covers */
	struct plan_node *nodes;
	size_t n_nodes;
	/* services */
	bool dhcp_service; /* false: services.dhcp = "none" */
	enum plan_nfs nfs;
	unsigned int http_port; /* musterd's */
	/* access */
	struct strv ssh_keys; /* lines as in authorized_keys(5) */
	char *root_password;  /* crypt(5) hash; "" for none */
};

struct plan_mistake {
	char *file;	   /* as the caller named it */
	unsigned int line; /* from 1; 0: the file as a whole */
	char *text;	   /* one sentence: what is wrong, what would be right */
};

struct plan_mistakes {
	struct plan_mistake *v;
	size_t n;
};

#define PLAN_MISTAKES_INIT \
	{                  \
		NULL, 0    \
	}
