/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dhcp-event: what dnsmasq runs for every lease and every file (dhcp-script in dnsmasq(8)). It sends its words as one
 * datagram to musterd and ends with 0, always and at once: a daemon that is away or busy must not hold up DHCP.
 * The words, as dnsmasq gives them: "add|old|del MAC IP [HOST]", "tftp SIZE ADDRESS PATH". What a firmware or
 * loader asks for (DNSMASQ_VENDOR_CLASS begins with PXEClient or HTTPClient) is sent as "add" also where its
 * lease is an old one: a boot begins; another client's lease is always sent as "old".
 */
#include "config.h"

#include "daemon/dhcp_event.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool begins(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

/* Whether the lease is one of a boot, or only kept by a system that runs. */
static const char *action_of(const char *word)
{
	const char *class = getenv("DNSMASQ_VENDOR_CLASS");

	if (!class || (strcmp(word, "add") != 0 && strcmp(word, "old") != 0))
		return word;
	return begins(class, "PXEClient") || begins(class, "HTTPClient") ? "add" : "old";
}

int main(int argc, char **argv)
{
	const char *dir = getenv("MUSTER_RUN_DIR");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char message[EVENT_MAX];
	int fd, folder, len = 0;

	for (int i = 1; i < argc && len >= 0 && (size_t)len < sizeof(message); i++)
		len += snprintf(message + len, sizeof(message) - (size_t)len, "%s%s", i > 1 ? " " : "",
				i == 1 ? action_of(argv[i]) : argv[i]);
	if (len <= 0 || (size_t)len >= sizeof(message))
		return 0;
	/* Through the folder's descriptor: a socket's path has 107 bytes only. */
	folder = open(dir && *dir ? dir : RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/" EVENTS_SOCKET, folder);
	if (folder >= 0 && fd >= 0 &&
	    sendto(fd, message, (size_t)len, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 0; /* nobody listens, or too much has come in: an event is lost, no lease */
	return 0;
}
