/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds a port: from /proc/net (proc(5)) to the socket's inode, and from there to the process. */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/fs.h"

#define TCP_LISTEN 0x0a

/* The socket on this port in a table of /proc/net; 0 where there is none. `own` is in network byte order. */
static unsigned long find_inode(const char *table, bool udp, unsigned int port, bool here_only, in_addr_t own)
{
	_cleanup_fclose_ FILE *f = fopen(table, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		char address[64];
		unsigned int local, state;
		unsigned long inode;
		bool any;

		if (sscanf(line,
			   " %*d: %63[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
			   address, &local, &state, &inode) != 4 ||
		    local != port || (!udp && state != TCP_LISTEN))
			continue;
		any = strspn(address, "0") == strlen(address);
		if (!here_only || any || (strlen(address) == 8 && strtoul(address, NULL, 16) == own))
			return inode;
	}
	return 0;
}

static bool holds(const char *pid, const char *wanted)
{
	_cleanup_free_ char *path = NULL;
	const struct dirent *e;
	bool found = false;
	DIR *d;

	if (asprintf(&path, "/proc/%s/fd", pid) < 0)
		return false;
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, wanted) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

/* "name (process 12)", owned; "another program" where it cannot be seen. */
static int name_owner(unsigned long inode, char **ret)
{
	_cleanup_free_ char *wanted = NULL;
	const struct dirent *e;
	char *owner = NULL;
	DIR *d = opendir("/proc");

	if (asprintf(&wanted, "socket:[%lu]", inode) < 0)
		wanted = NULL;
	while (d && wanted && !owner && (e = readdir(d))) {
		_cleanup_free_ char *path = NULL, *comm = NULL;
		_cleanup_close_ int fd = -1;

		if (!isdigit((unsigned char)e->d_name[0]) || !holds(e->d_name, wanted) ||
		    asprintf(&path, "/proc/%s/comm", e->d_name) < 0)
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fs_read_fd(fd, 64, &comm, NULL) < 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		if (asprintf(&owner, "%s (process %s)", comm, e->d_name) < 0)
			owner = NULL;
	}
	if (d)
		closedir(d);
	if (!owner)
		owner = strdup("another program");
	if (!owner)
		return -ENOMEM;
	*ret = owner;
	return 0;
}

static unsigned long port_inode(const struct apply *a, bool udp, unsigned int port, bool here_only)
{
	in_addr_t own = a->http_address ? inet_addr(a->http_address) : INADDR_NONE;
	unsigned long inode = find_inode(udp ? "/proc/net/udp" : "/proc/net/tcp", udp, port, here_only, own);

	return inode ? inode
		     : find_inode(udp ? "/proc/net/udp6" : "/proc/net/tcp6", udp, port, here_only, own);
}

bool ports_open(const struct apply *a, const struct service *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->ports) && s->ports[i].number; i++) {
		unsigned int port =
			s->ports[i].number == SERVICE_PORT_HTTP ? a->http_port : s->ports[i].number;

		if (port_inode(a, s->ports[i].udp, port, true))
			return true;
	}
	return false;
}

int ports_holder(const struct apply *a, const struct service *s, bool tcp_only, char **ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->ports) && s->ports[i].number; i++) {
		unsigned int port =
			s->ports[i].number == SERVICE_PORT_HTTP ? a->http_port : s->ports[i].number;
		_cleanup_free_ char *owner = NULL;
		unsigned long inode;
		int r;

		if (tcp_only && s->ports[i].udp)
			continue;
		inode = port_inode(a, s->ports[i].udp, port, tcp_only);
		if (!inode)
			continue;
		r = name_owner(inode, &owner);
		if (r < 0)
			return r;
		if (asprintf(ret,
			     "%s port %u, which %s needs, is held by %s. Stop that program%s, then begin "
			     "again.",
			     s->ports[i].udp ? "UDP" : "TCP", port, s->name, owner,
			     s->ports[i].number == SERVICE_PORT_HTTP ? ", or choose another http_port" : "") <
		    0)
			return -ENOMEM;
		return 0;
	}
	*ret = NULL;
	return 0;
}
