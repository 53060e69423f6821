/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the DHCP and TFTP server tells of the nodes: datagrams from dhcp-event. */
#pragma once

#include "daemon/daemon.h"

enum event_kind {
	EVENT_DHCP_ADD, /* a firmware or loader has its address */
	EVENT_DHCP_OLD, /* a lease is kept */
	EVENT_DHCP_DEL,
	EVENT_TFTP, /* a file was sent */
};

struct event {
	enum event_kind kind;
	struct mac mac; /* of DHCP */
	bool has_mac;
	struct ip4 address;
	const char *path; /* of TFTP; points into the message */
};

/* Reads one datagram; `message` is changed. Pure. -EINVAL: it is none, or not about IPv4 over Ethernet. */
int event_parse(char *message, struct event *ret) _must_check_;

/* The socket RUN_DIR/events.sock below the root, only for root and the given owner (-1: whoever runs this). */
int events_open(int root_fd, uid_t uid, gid_t gid) _must_check_;
/* Takes in what waits there, a bounded number at a time. */
void events_take(struct daemon *d, int fd);
