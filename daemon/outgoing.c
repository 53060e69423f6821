/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/outgoing.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Of the kernel's include/net/tcp_states.h, as the other header that has them is at odds with linux/tcp.h. */
enum { FIN_WAIT1 = 4, CLOSED = 7, LAST_ACK = 9, CLOSING = 11 };

/* SIOCOUTQ (tcp(7)) counts a FIN that is on its way as a byte. Whether there was one is not known of a connection that was
 * reset; the only byte that is left is likelier one than not, as an answer's last byte does not travel alone. */
static bool has_fin(unsigned int state)
{
	return state == FIN_WAIT1 || state == LAST_ACK || state == CLOSING || state == CLOSED;
}

bool outgoing_look(int fd, struct outgoing *ret)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int waits = 0;

	if (ioctl(fd, SIOCOUTQ, &waits) < 0 || waits < 0)
		return false;
	*ret = (struct outgoing){ .waits = (uint64_t)waits };
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return true;
	ret->waits -= waits > 0 && has_fin(info.tcpi_state);
	ret->acked = info.tcpi_bytes_acked;
	ret->ended = info.tcpi_state == CLOSED;
	return true;
}
