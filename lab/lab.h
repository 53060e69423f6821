/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A virtual cluster on this machine. Everything that runs for it lives in namespaces of its own (network, mounts,
 * process ids, host name), held by one process, the keeper: when that ends, the kernel ends all the rest, so a
 * lab never leaves anything running. Its folder holds
 *   root/             the scratch root below which muster is applied; node roots stay there between labs
 *   nodes/NAME/       a node's console (serial.log) and firmware variables
 *   id_ed25519        a key that opens the lab's nodes; `muster run` finds it in root/, too
 *   lab.json          what runs: the keeper, the nodes
 *   lab.lock          held while `up` and `down` work; marks the folder as a lab's
 * Functions return 0 or a negative code; the detail was emitted as an event.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "backend/muster.h"
#include "util/macro.h"

#define LAB_DIR_DEFAULT "/var/lib/muster/lab"
#define LAB_BARE_INTERFACE "eth1"

enum lab_firmware {
	LAB_BIOS, /* SeaBIOS and the card's own iPXE */
	LAB_UEFI, /* OVMF and its own PXE */
};

enum lab_accelerator {
	LAB_AUTO, /* KVM where a probe guest really runs, else software emulation */
	LAB_KVM,
	LAB_TCG,
};

struct lab_options {
	const char *dir;     /* of the lab; made when it is not there */
	const char *answers; /* up only */
	unsigned int nodes;  /* how many machines; 0: one for each node with a MAC address */
	enum lab_firmware firmware;
	enum lab_accelerator accelerator;
	unsigned int memory_mb;	 /* of a node; 0: what the root mode needs */
	unsigned int processors; /* of a node; 0: one */
	bool services_only;	 /* power no node on */
	void (*on_event)(void *data, const struct muster_event *event); /* may be NULL */
	void *data;
	int cancel_fd;	/* readable means stop; 0: none */
	int not_inside; /* a descriptor that what runs in the namespaces must not hold; 0 or negative: none */
};

/* Makes the lab, applies the answers in it, and powers the nodes on. It runs on after this returns; on
 * failure nothing is left running. -MUSTER_E_BUSY: a lab runs in this folder already. */
int lab_up(const struct lab_options *o) _must_check_;

/* Makes a lab of bare machines, for the wizard: a server with nothing set up on it, whose interface LAB_BARE_INTERFACE
 * leads to `nodes` machines (0: two) that ask for an address again and again. */
int lab_up_bare(const struct lab_options *o) _must_check_;

/* Runs fn in the lab's namespaces with the caller's standard streams, with what a context of the lab is configured
 * with; its events and questions are fn's to set. Returns what fn does. */
int lab_inside(const struct lab_options *o, int (*fn)(const struct muster_config *config, void *data),
	       void *data) _must_check_;

/* Ends everything that runs in the lab. purge: what the lab made in its folder is removed, too, and the folder when
 * nothing else is in it. A lab that does not run is fine. -MUSTER_E_REFUSED: purge of a folder that is no lab's.
 * -MUSTER_E_BUSY: another `up` or `down` is at work there. */
int lab_down(const struct lab_options *o, bool purge) _must_check_;

struct lab_node {
	char *name, *mac;
	pid_t pid; /* as seen in the lab; 0: powered off */
	bool running;
};

struct lab_state {
	char *cluster;		  /* "": of bare machines */
	char *root, *accelerator; /* root: the scratch root's path */
	pid_t keeper;		  /* 0: the lab is down */
	struct lab_node *nodes;
	size_t n_nodes;
};

/* -ENOENT: there is no lab in this folder. */
int lab_read(const char *dir, struct lab_state *ret) _must_check_;
void lab_state_free(struct lab_state *s);

/* Runs a command in the lab's namespaces with the caller's standard streams; *ret_status is its exit status. */
int lab_exec(const struct lab_options *o, const char *const *argv, int *ret_status) _must_check_;
/* Runs a command on a node through ssh, with the lab's own key and the node's known host key; no words: a login. */
int lab_ssh(const struct lab_options *o, const char *node, const char *const *words,
	    int *ret_status) _must_check_;
/* Powers a node on or off, as its switch would. */
int lab_power(const struct lab_options *o, const char *node, bool on) _must_check_;
