/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/poke.h"

#include <fcntl.h>
#include <sys/socket.h>

#define POKE_MS 1000 /* from one report that was asked for to the next */

void poke_open(struct poke *p, const struct conf *c, bool by_signal)
{
	const struct sockaddr_in own = { .sin_family = AF_INET,
					 .sin_port = htons(WIRE_POKE_PORT),
					 .sin_addr = c->address };
	/* Of a connected socket the kernel keeps off all that does not come from there; port 0 means any. */
	const struct sockaddr_in server = { .sin_family = AF_INET, .sin_addr = c->server };
	_cleanup_close_ int fd = -1;
	const int yes = 1;

	if (p->fd >= 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	/* A child of an agent before this one may be stuck, and hold the port. */
	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0 ||
	    connect(fd, (const struct sockaddr *)&server, sizeof(server)) < 0)
		return;
	if (by_signal && fcntl(fd, F_SETOWN, getpid()) < 0)
		return;
	if (fcntl(fd, F_SETFL, O_NONBLOCK | (by_signal ? O_ASYNC : 0)) < 0)
		return;
	p->fd = fd;
	fd = -1;
}

void poke_look(struct poke *p)
{
	char byte;

	while (p->fd >= 0 && recv(p->fd, &byte, sizeof(byte), 0) >= 0)
		p->wanted = true;
}

long long poke_left(const struct poke *p, long long left)
{
	return p->wanted ? MIN(left, p->last + POKE_MS - now_ms()) : left;
}

void poke_answered(struct poke *p)
{
	if (!p->wanted)
		return;
	p->wanted = false;
	p->last = now_ms();
}
