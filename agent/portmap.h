/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stand-in for rpcbind while the root is mounted. The NFS client of kernels before 3.0 tells the rpcbind of its own machine of its
 * callback service, and waits 35 s for an answer where there is none. This one says yes to all, and keeps nothing (RFC 1057, appendix A;
 * RFC 1833).
 */
#pragma once

#include "agent/common.h"

#define PORTMAP_ANSWER_MAX 36

/* The answer to one request (RFC 5531): its length, or 0 where there is none to give. Pure. */
size_t portmap_answer(const unsigned char *request, size_t len, unsigned char answer[PORTMAP_ANSWER_MAX]);

/* Begins to answer on port 111 of the loopback; 0 where this kernel does not want it, or it cannot. */
pid_t portmap_begin(void);
void portmap_end(pid_t pid);
