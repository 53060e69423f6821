/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/portmap.h"
#include "agent/basis.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#define PORT 111
#define PROGRAM 100000
#define VERSION_FIRST 2
#define VERSION_LAST 4
#define HEAD 24 /* bytes of a call before its credentials */

enum { CALL, REPLY };
enum { SUCCESS, PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL };
enum { PROC_NULL, PROC_SET, PROC_UNSET, PROC_GETPORT };

static uint32_t word(const unsigned char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return ntohl(n);
}

static size_t put(unsigned char *answer, size_t len, uint32_t n)
{
	n = htonl(n);
	memcpy(answer + len, &n, sizeof(n));
	return len + sizeof(n);
}

size_t portmap_answer(const unsigned char *request, size_t len, unsigned char answer[PORTMAP_ANSWER_MAX])
{
	uint32_t version, procedure;
	size_t n;

	/* xid, CALL, version of RPC, program, its version, procedure */
	if (len < HEAD || word(request + 4) != CALL || word(request + 8) != 2)
		return 0;
	version = word(request + 16);
	procedure = word(request + 20);
	n = put(answer, 0, word(request));
	n = put(answer, n, REPLY);
	n = put(answer, n, 0); /* accepted, */
	n = put(answer, n, 0); /* with no verifier */
	n = put(answer, n, 0);
	if (word(request + 12) != PROGRAM)
		return put(answer, n, PROG_UNAVAIL);
	if (version < VERSION_FIRST || version > VERSION_LAST) {
		n = put(answer, n, PROG_MISMATCH);
		n = put(answer, n, VERSION_FIRST);
		return put(answer, n, VERSION_LAST);
	}
	if (procedure > PROC_GETPORT)
		return put(answer, n, PROC_UNAVAIL);
	n = put(answer, n, SUCCESS);
	if (procedure == PROC_NULL)
		return n;
	/* Done; of a port, or an address, that there is none. */
	return put(answer, n, procedure != PROC_GETPORT);
}

static _Noreturn void serve(int fd)
{
	unsigned char request[1024], answer[PORTMAP_ANSWER_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&from, &from_len);
		size_t len = n > 0 ? portmap_answer(request, (size_t)n, answer) : 0;

		if (len && sendto(fd, answer, len, 0, (struct sockaddr *)&from, from_len) < 0)
			continue;
	}
}

pid_t portmap_begin(void)
{
	const struct sockaddr_in own = { .sin_family = AF_INET,
					 .sin_port = htons(PORT),
					 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	_cleanup_close_ int fd = -1;
	struct utsname u;
	pid_t pid;

	if (uname(&u) < 0 || strtoul(u.release, NULL, 10) >= 3)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		return 0;
	pid = fork();
	if (pid == 0)
		serve(fd);
	return MAX(pid, 0);
}

void portmap_end(pid_t pid)
{
	if (pid > 0 && !basis_end_child(pid))
		log_line("the stand-in for rpcbind cannot be ended");
}
