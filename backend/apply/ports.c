/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds a port: from /proc/net (proc(5)) to the socket's inode, and from there to the process. */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/apply/ports.h"
#include "backend/apply/step.h"
#include "util/fs.h"
#include "util/i18n.h"

#define TCP_LISTEN 0x0a

/* The socket on this port in a table of /proc/net; 0 where there is none. `own` is in network byte order. */
static unsigned long find_inode(int proc_fd, const char *table, bool udp, unsigned int port, bool here_only,
				in_addr_t own)
{
	int fd = openat(proc_fd, table, O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
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

static DIR *open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

static bool holds(int proc_fd, const char *pid, const char *wanted)
{
	_cleanup_free_ char *path = NULL;
	const struct dirent *e;
	bool found = false;
	DIR *d;

	if (asprintf(&path, "%s/fd", pid) < 0)
		return false;
	d = open_folder(proc_fd, path);
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
static int name_owner(int proc_fd, unsigned long inode, char **ret)
{
	_cleanup_free_ char *wanted = NULL;
	const struct dirent *e;
	char *owner = NULL;
	DIR *d = open_folder(proc_fd, ".");

	if (asprintf(&wanted, "socket:[%lu]", inode) < 0)
		wanted = NULL;
	while (d && wanted && !owner && (e = readdir(d))) {
		_cleanup_free_ char *path = NULL, *comm = NULL;
		_cleanup_close_ int fd = -1;

		if (!isdigit((unsigned char)e->d_name[0]) || !holds(proc_fd, e->d_name, wanted) ||
		    asprintf(&path, "%s/comm", e->d_name) < 0)
			continue;
		fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fs_read_fd(fd, 64, &comm, NULL) < 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		if (asprintf(&owner, _("%s (process %s)"), comm, e->d_name) < 0)
			owner = NULL;
	}
	if (d)
		closedir(d);
	if (!owner)
		owner = strdup(_("another program"));
	if (!owner)
		return -ENOMEM;
	*ret = owner;
	return 0;
}

static unsigned long either_inode(int proc_fd, bool udp, unsigned int port, bool here_only, in_addr_t own)
{
	unsigned long inode = find_inode(proc_fd, udp ? "net/udp" : "net/tcp", udp, port, here_only, own);

	return inode ? inode : find_inode(proc_fd, udp ? "net/udp6" : "net/tcp6", udp, port, here_only, own);
}

static unsigned long port_inode(const struct apply *a, bool udp, unsigned int port, bool here_only)
{
	in_addr_t own = a->http_address ? inet_addr(a->http_address) : INADDR_NONE;
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return either_inode(proc, udp, port, here_only, own);
}

int port_owner(int proc_fd, bool udp, unsigned int port, in_addr_t own, char **ret)
{
	unsigned long inode = either_inode(proc_fd, udp, port, own != INADDR_ANY, own);

	*ret = NULL;
	return inode ? name_owner(proc_fd, inode, ret) : 0;
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
		_cleanup_close_ int proc = -1;
		_cleanup_free_ char *owner = NULL;
		unsigned long inode;
		int r;

		if (tcp_only && s->ports[i].udp)
			continue;
		inode = port_inode(a, s->ports[i].udp, port, tcp_only);
		if (!inode)
			continue;
		proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = name_owner(proc, inode, &owner);
		if (r < 0)
			return r;
		if (asprintf(ret,
			     s->ports[i].number == SERVICE_PORT_HTTP
				     ? _("%s port %u, which %s needs, is held by %s. Stop that program, or "
					 "choose another http_port, then begin again.")
				     : _("%s port %u, which %s needs, is held by %s. Stop that program, then "
					 "begin again."),
			     s->ports[i].udp ? "UDP" : "TCP", port, s->name, owner) < 0)
			return -ENOMEM;
		return 0;
	}
	*ret = NULL;
	return 0;
}
