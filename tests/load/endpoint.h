/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the load goes: ADDRESS:PORT. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

/* Cuts `text` at its colon. False: it is none. */
bool endpoint_parse(char *text, struct sockaddr_in *ret);
