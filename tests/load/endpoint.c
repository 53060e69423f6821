/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/load/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "util/ip.h"

bool endpoint_parse(char *text, struct sockaddr_in *ret)
{
	char *colon = strchr(text, ':');
	struct ip4 a;

	if (!colon)
		return false;
	*colon = '\0';
	if (ip4_parse(text, &a) < 0)
		return false;
	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)),
				     .sin_addr = { htonl(a.n) } };
	return true;
}
