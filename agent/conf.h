/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The node's personality, WIRE_NODE_CONF. Every value is checked before it is used or written anywhere. */
#pragma once

#include <netinet/in.h>

#include "agent/common.h"
#include "agent/wire.h"

enum conf_root {
	CONF_ROOT_RAM,
	CONF_ROOT_NFS,
	CONF_ROOT_DISK,
	CONF_ROOT_INITRAMFS,
};

#define CONF_FILE_MAX 65536 /* bytes of node.conf that are read at all */

struct conf {
	char node[64];	  /* a host label, RFC 1123 */
	char domain[254]; /* may be empty */
	uint8_t mac[6];
	struct in_addr address, gateway, dns, server; /* gateway, dns: 0 where there is none */
	unsigned prefix;
	uint16_t port;
	char token[WIRE_TOKEN_LEN + 1];
	char machine_id[33]; /* may be empty */
	enum conf_root root;
	char *root_path, *nfs_export; /* owned; NULL where not given */
	unsigned long long root_size;
	char root_sha256[65]; /* "" where not given; never for CONF_ROOT_RAM */
	bool dhcp;
	unsigned interval; /* seconds, 1..3600 */
};

/* Reads the text of a node.conf; unknown keys are left out, of a key given twice the last counts. -EINVAL with a
 * reason that names the line or the missing key; *ret is then untouched. */
int conf_parse(const char *text, size_t len, struct conf *ret, char **reason) _must_check_;
/* The same from a file. */
int conf_read(int at, const char *path, struct conf *ret, char **reason) _must_check_;
void conf_free(struct conf *c);
/* The word of a root mode, as in the file. */
const char *conf_root_name(enum conf_root root);
/* Seconds between reports; for an answer of the server as well. */
int conf_parse_interval(const char *value, unsigned *ret) _must_check_;
