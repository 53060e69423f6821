/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket's connections: who may, what waits, what is too much. */
#include "config.h"

#include "daemon/control.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "backend/nodes/control.h"
#include "daemon/dhcp_event.h"
#include "daemon/run_dir.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

#define PIECE 65536	      /* bytes that are read at a time */
#define QUEUE_LOW (64 * 1024) /* a follower gets more once fewer bytes than that wait for it */
#define LISTENER CONTROL_CLIENTS_MAX
#define TIMER (CONTROL_CLIENTS_MAX + 1)

struct client {
	int fd; /* -1: the place is free */
	struct control_peer peer;
	struct strbuf in, out;
	size_t sent;   /* of out */
	int64_t moved; /* when it last took something, or nothing waited */
	bool writable; /* epoll tells when it is */
};

struct control {
	struct daemon *daemon;
	int listen_fd, epoll_fd, timer_fd;
	bool ticking;
	struct client clients[CONTROL_CLIENTS_MAX];
};

int control_listen(int root_fd, gid_t gid)
{
	const char *name = strrchr(CONTROL_SOCKET, '/') + 1;
	_cleanup_close_ int fd = run_dir_socket(root_fd, name, SOCK_STREAM, 0660, (uid_t)-1, gid);

	if (fd < 0)
		return fd;
	return listen(fd, CONTROL_CLIENTS_MAX) < 0 ? -errno : TAKE_FD(fd);
}

static int watch(struct control *c, int op, int fd, uint32_t events, uint32_t place)
{
	struct epoll_event e = { .events = events, .data = { .u32 = place } };

	return epoll_ctl(c->epoll_fd, op, fd, &e) < 0 ? -errno : 0;
}

int control_new(struct daemon *d, int listen_fd, struct control **ret)
{
	_cleanup_(control_freep) struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(listen_fd);
		return -ENOMEM;
	}
	c->daemon = d;
	c->listen_fd = listen_fd;
	for (size_t i = 0; i < ARRAY_SIZE(c->clients); i++)
		c->clients[i].fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll_fd < 0 || c->timer_fd < 0)
		return -errno;
	r = watch(c, EPOLL_CTL_ADD, c->listen_fd, EPOLLIN, LISTENER);
	if (r == 0)
		r = watch(c, EPOLL_CTL_ADD, c->timer_fd, EPOLLIN, TIMER);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

/* Closing takes it out of the epoll set, too. */
static void drop(struct client *k)
{
	closep(&k->fd);
	strbuf_free(&k->in);
	strbuf_free(&k->out);
	*k = (struct client){ .fd = -1 };
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(c->clients); i++)
		drop(&c->clients[i]);
	closep(&c->listen_fd);
	closep(&c->timer_fd);
	closep(&c->epoll_fd);
	free(c);
}

int control_fd(const struct control *c)
{
	return c->epoll_fd;
}

/* ---- the clock: runs while there is anyone --------------------------------------------------------------------- */

static void set_timer(struct control *c)
{
	struct itimerspec every = { 0 };
	bool wanted = false;

	for (size_t i = 0; i < ARRAY_SIZE(c->clients); i++)
		wanted |= c->clients[i].fd >= 0;
	if (wanted == c->ticking)
		return;
	if (wanted)
		every.it_interval.tv_nsec = every.it_value.tv_nsec = CONTROL_BATCH_MS * 1000000L;
	if (timerfd_settime(c->timer_fd, 0, &every, NULL) < 0)
		log_error("the control socket's clock: %s", strerror(errno));
	c->ticking = wanted;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static size_t waiting(const struct client *k)
{
	return k->out.len - k->sent;
}

/* False: the client is dropped. */
static bool flush(struct control *c, struct client *k)
{
	while (waiting(k) > 0) {
		ssize_t n = send(k->fd, k->out.data + k->sent, waiting(k), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			drop(k);
			return false;
		}
		k->sent += (size_t)n;
		k->moved = clock_mono_ms();
	}
	if (waiting(k) == 0) {
		/* What a long answer took is given back. */
		if (k->out.size > QUEUE_LOW * 4)
			strbuf_free(&k->out);
		strbuf_reset(&k->out);
		k->sent = 0;
		k->moved = clock_mono_ms();
	} else if (k->sent > QUEUE_LOW) {
		/* A reader that is always a little behind keeps no memory for what it has taken. */
		memmove(k->out.data, k->out.data + k->sent, waiting(k));
		k->out.len -= k->sent;
		k->sent = 0;
	}
	return true;
}

static bool want_writable(struct control *c, struct client *k)
{
	bool wanted = waiting(k) > 0 || (k->peer.follow.on && k->peer.follow.more);

	if (wanted == k->writable)
		return true;
	k->writable = wanted;
	if (watch(c, EPOLL_CTL_MOD, k->fd, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN,
		  (uint32_t)(k - c->clients)) == 0)
		return true;
	drop(k);
	return false;
}

/* Sends what can be sent, and one piece of what a follower has not got: the next one when it has taken that. */
static bool serve(struct control *c, struct client *k)
{
	if (!flush(c, k))
		return false;
	if (k->peer.follow.on && k->peer.follow.more && waiting(k) < QUEUE_LOW) {
		control_follow(c->daemon, &k->peer.follow, &k->out);
		if (!flush(c, k))
			return false;
	}
	if (k->peer.looks && waiting(k) < QUEUE_LOW) {
		processes_add(&c->daemon->processes, &k->peer.seen, &k->out);
		if (!flush(c, k))
			return false;
	}
	if (k->out.failed || waiting(k) > CONTROL_QUEUE_MAX) {
		log_warning("a control connection is closed: it reads too slowly");
		drop(k);
		return false;
	}
	return want_writable(c, k);
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

/* Answers every whole line; what is left of one stays. */
static void take_lines(struct control *c, struct client *k)
{
	size_t from = 0;
	char *end;

	while (from < k->in.len && (end = memchr(k->in.data + from, '\n', k->in.len - from))) {
		size_t len = (size_t)(end - k->in.data) - from;

		if (len > 0 && waiting(k) <= CONTROL_QUEUE_MAX)
			control_answer(c->daemon, &k->peer, k->in.data + from, len, &k->out);
		from += len + 1;
	}
	if (from == 0)
		return;
	memmove(k->in.data, k->in.data + from, k->in.len - from);
	k->in.len -= from;
	k->in.data[k->in.len] = '\0';
	if (k->in.len == 0)
		strbuf_free(&k->in);
}

static void take(struct control *c, struct client *k)
{
	char block[PIECE];
	ssize_t n = recv(k->fd, block, sizeof(block), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(k);
		return;
	}
	strbuf_add(&k->in, block, (size_t)n);
	if (!k->in.failed)
		take_lines(c, k);
	if (k->in.failed || k->in.len > CONTROL_REQUEST_MAX) {
		drop(k);
		return;
	}
	serve(c, k);
}

/* ---- coming ----------------------------------------------------------------------------------------------- */

static bool is_of_group(int fd, gid_t group)
{
	gid_t groups[256];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* The socket's mode keeps others off; this holds also where its folder or mode were changed. */
static bool may(int fd, uid_t *ret_uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	*ret_uid = who.uid;
	return who.uid == 0 || who.uid == geteuid() || who.gid == getegid() || is_of_group(fd, getegid());
}

static void refuse(int fd, int code, const char *why)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	control_refuse(&b, code, "%s", why);
	if (!b.failed && send(fd, b.data, b.len, MSG_NOSIGNAL) < 0)
		log_debug("a control connection was refused in silence");
}

static void come(struct control *c)
{
	_cleanup_close_ int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid = (uid_t)-1;
	size_t i = 0;

	if (fd < 0)
		return;
	if (!may(fd, &uid)) {
		log_warning("user %u may not use the control socket", (unsigned int)uid);
		refuse(fd, -EPERM, "Only root and the group of musterd may ask it.");
		return;
	}
	while (i < ARRAY_SIZE(c->clients) && c->clients[i].fd >= 0)
		i++;
	if (i == ARRAY_SIZE(c->clients)) {
		refuse(fd, -EBUSY, "Too many programs are connected to musterd already.");
		return;
	}
	if (watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)i) < 0)
		return;
	c->clients[i] = (struct client){ .peer = { .uid = uid }, .moved = clock_mono_ms() };
	c->clients[i].fd = TAKE_FD(fd);
}

/* Nodes are asked for their processes as long as anybody looks. */
static void tell_wanted(struct control *c)
{
	bool looks = false, kernel = false;

	for (size_t i = 0; i < ARRAY_SIZE(c->clients); i++) {
		const struct client *k = &c->clients[i];

		looks |= k->fd >= 0 && k->peer.looks;
		kernel |= k->fd >= 0 && k->peer.kernel;
	}
	processes_want(&c->daemon->processes, looks, kernel);
}

/* ---- all of it -------------------------------------------------------------------------------------------- */

static void tick(struct control *c)
{
	int64_t now = clock_mono_ms();
	uint64_t times;

	if (read(c->timer_fd, &times, sizeof(times)) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(c->clients); i++) {
		struct client *k = &c->clients[i];

		if (k->fd < 0)
			continue;
		if (waiting(k) > 0 && now - k->moved > CONTROL_STALL_MS) {
			log_warning("a control connection is closed: it does not read");
			drop(k);
			continue;
		}
		k->peer.follow.more = true;
		serve(c, k);
	}
}

void control_work(struct control *c)
{
	struct epoll_event events[CONTROL_CLIENTS_MAX + 2];
	int n = epoll_wait(c->epoll_fd, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < n; i++) {
		uint32_t place = events[i].data.u32;

		if (place == LISTENER) {
			come(c);
		} else if (place == TIMER) {
			tick(c);
		} else if (c->clients[place].fd >= 0) {
			if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				take(c, &c->clients[place]);
			else
				serve(c, &c->clients[place]);
		}
	}
	set_timer(c);
	tell_wanted(c);
}

void control_reloaded(struct control *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->clients); i++)
		c->clients[i].peer.follow.told = false;
}
