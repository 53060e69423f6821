/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search for another DHCP server beside a screen: a child asks, and what it hears comes back over a pipe. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "backend/apply/dhcp-probe.h"
#include "backend/context.h"
#include "util/fs.h"
#include "util/log.h"

struct muster_dhcp_look {
	pid_t pid;
	int fd;
};

static int ask(struct muster *m, const char *interface, struct dhcp_offer *ret)
{
	const struct host *h;
	const struct host_interface *i;
	struct ip4 own = { 0 };
	int r = muster_host(m, &h);

	if (r < 0)
		return r;
	i = host_interface_find(h, interface);
	if (!i)
		return -ENODEV;
	/* What this server itself answers there is no other server's. */
	if (i->n_addresses)
		own = i->addresses[0].address;
	return dhcp_probe(i->name, own, -1, ret);
}

/* The child's whole life. */
_Noreturn static void look(struct muster *m, const char *interface, int fd)
{
	struct muster_dhcp_other other = { 0 };
	struct dhcp_offer offer;

	/* The screen's handlers would tell the screen of this process's signals. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	m->config.on_event = NULL;
	log_set_sink(NULL, NULL);
	for (int i = 0; i <= 2; i++)
		if (dup2(open("/dev/null", O_RDWR), i) < 0)
			_exit(1);
	other.result = ask(m, interface, &offer);
	if (other.result > 0) {
		other.server = offer.server;
		other.address = offer.address;
		other.mac = offer.mac;
	}
	_exit(fs_write_all(fd, &other, sizeof(other)) == 0 ? 0 : 1);
}

int muster_dhcp_look_begin(struct muster *m, const char *interface, struct muster_dhcp_look **ret)
{
	struct muster_dhcp_look *l;
	int fds[2];

	/* Facts of another machine say nothing about this one's wires. */
	if (m->config.host_file)
		return -MUSTER_E_UNSUPPORTED;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		free(l);
		return -errno;
	}
	l->pid = fork();
	if (l->pid == 0)
		look(m, interface, fds[1]);
	close(fds[1]);
	l->fd = fds[0];
	if (l->pid < 0 || fcntl(l->fd, F_SETFL, O_NONBLOCK) < 0) {
		muster_dhcp_look_end(l);
		return -EAGAIN;
	}
	*ret = l;
	return 0;
}

int muster_dhcp_look_fd(const struct muster_dhcp_look *l)
{
	return l->fd;
}

int muster_dhcp_look_read(struct muster_dhcp_look *l, struct muster_dhcp_other *ret)
{
	/* Written in one piece, which a pipe keeps whole: pipe(7), PIPE_BUF. */
	ssize_t n = read(l->fd, ret, sizeof(*ret));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n == (ssize_t)sizeof(*ret) ? 1 : -EIO;
}

void muster_dhcp_look_end(struct muster_dhcp_look *l)
{
	if (!l)
		return;
	close(l->fd);
	if (l->pid > 0) {
		kill(l->pid, SIGKILL);
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(l);
}
