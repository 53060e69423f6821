/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that asked for an address, as data. Part of the public contract: backend/muster.h includes it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/ip.h"

enum machine_firmware {
	MACHINE_UNKNOWN, /* it did not say: a running system, mostly */
	MACHINE_BIOS,
	MACHINE_UEFI,
	MACHINE_OTHER, /* an architecture that muster does not boot */
};

struct machine {
	struct mac mac;
	char *vendor; /* of its network card, by the MAC address; "" when unknown */
	enum machine_firmware firmware;
	int arch; /* option 93 as it came (RFC 4578, IANA "Processor Architecture Types"); -1: none */
	bool network_boot; /* it asked as firmware or a boot loader does, by option 60 "PXEClient" or 77 "iPXE" */
	char hostname[64];   /* that it sent, in printable ASCII; "" for none */
	char uuid[37];	     /* of option 97, as SMBIOS shows it; "" for none */
	int64_t first, last; /* when it was seen, ms since the epoch */
	unsigned int times;  /* how often */
};
