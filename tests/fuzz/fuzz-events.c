/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the DHCP server tells: its words go through dhcp-event, as arguments and environment, and what comes out of that is
 * read as musterd reads it. The input: a word a line; the last may be "class=TEXT", what the client calls itself.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/events.h"
#include "tests/fuzz/house.h"

int dhcp_event_main(int argc, char **argv);
#define main dhcp_event_main
#include "daemon/dhcp_event.c" /* NOLINT */
#undef main

#define WORDS 12

static int hear(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/" EVENTS_SOCKET, fuzz_dir());
	fuzz_need(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	fuzz_need(setenv("MUSTER_RUN_DIR", fuzz_dir(), 1) == 0);
	return fd;
}

static void look_at(char *message)
{
	struct event e;

	if (event_parse(message, &e) < 0)
		return;
	fuzz_need(e.kind == EVENT_TFTP || e.has_mac);
	if (e.kind == EVENT_TFTP)
		for (const char *p = e.path; *p; p++)
			fuzz_need((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
}

FUZZ_TARGET(events)
{
	_cleanup_free_ char *text = fuzz_text(data, size),
			    *raw = fuzz_text(data, MIN(size, (size_t)EVENT_MAX));
	char *argv[WORDS + 1] = { (char *)"dhcp-event" }, message[EVENT_MAX + 1];
	static int fd = -1;
	int argc = 1;
	ssize_t n;

	house_quiet();
	if (fd < 0)
		fd = hear();
	unsetenv("DNSMASQ_VENDOR_CLASS");
	for (char *line = text, *end; line && argc < WORDS; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		if (strncmp(line, "class=", 6) == 0)
			fuzz_need(setenv("DNSMASQ_VENDOR_CLASS", line + 6, 1) == 0);
		else
			argv[argc++] = line;
	}
	fuzz_need(dhcp_event_main(argc, argv) == 0);
	n = recv(fd, message, EVENT_MAX, 0);
	fuzz_need(n >= 0 || errno == EAGAIN);
	if (n >= 0) {
		message[n] = '\0';
		look_at(message);
	}
	look_at(raw);
	return 0;
}
