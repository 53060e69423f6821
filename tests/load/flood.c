/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Floods an HTTP server from many addresses of this machine: so many connections held open that hardly move, and so many
 * requests a second that are garbage, for so many seconds. Prints what it did as lines "NAME NUMBER". The addresses must be
 * this machine's own (a loopback network, or "ip route add local NET dev lo").
 *
 *   flood --to ADDRESS:PORT --from FIRST-LAST --hold N --rate N --seconds N [--read PATH] [--until FILE]
 *
 * With --read a quarter of the held connections ask for PATH, and take a few bytes a second of the answer. With --until it goes
 * on after its seconds until there is FILE.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/load/endpoint.h"
#include "util/clock.h"
#include "util/ip.h"

#define SLOTS 8192
#define GARBAGE_AT_ONCE 6500 /* the server is slow then; what is not begun in time is not begun */
#define GARBAGE_MS 3000	     /* then it is given up */
#define TICK_MS 5
#define TRICKLE_MS 1000
#define REOPEN_A_TICK 10 /* 2,000 a second */
#define SMALL_BUFFER 4096

enum kind { FREE, HELD, READER, GARBAGE };

struct connection {
	enum kind kind;
	int fd;
	bool connected;
	int64_t born, moved;
	size_t sort; /* of garbage */
	int status;  /* the hundreds of the answer's; 0: none yet */
};

struct options {
	struct sockaddr_in to;
	struct ip4_range from;
	const char *read, *until;
	size_t hold;
	int64_t rate, seconds;
};

struct flood {
	struct options o;
	int epoll_fd;
	struct connection slots[SLOTS];
	size_t free[SLOTS], n_free;
	size_t held, garbage; /* open now */
	uint32_t next_from;
	uint64_t chance;
	int64_t now;
	/* counted */
	uint64_t held_sum, ticks, held_opened, held_closed, garbage_sent, answered[6], dropped, failed,
		skipped;
	size_t held_most;
	int64_t ran; /* ms */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t chance(struct flood *f) /* xorshift64 */
{
	f->chance ^= f->chance << 13;
	f->chance ^= f->chance >> 7;
	f->chance ^= f->chance << 17;
	return f->chance;
}

/* What garbage there is. "%r" is a random word of 32 hexadecimal digits. */
static const char *const garbage[] = {
	"GET /no/such/thing HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /boot/%r/node.cpio HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /boot.ipxe?mac=02-00-00-00-00-01&platform=pcbios HTTP/1.0\r\n\r\n",
	"POST /report HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %r\r\nContent-Length: "
	"12\r\n\r\nstage=failed",
	"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\nxxxxxxxxxxxx",
	"POST /report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n%r",
	"GET /roots/../../etc/muster/cluster.json HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /%2e%2e/%r HTTP/9.9\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03%r%r\r\n\r\n",
	"BREW /health HTTP/1.1\r\nHost: x\r\n%r\r\n\r\n",
	"%r%r%r%r\n%r\n\n\n",
	"GET /metrics HTTP/1.1\r\nHost: x\r\nRange: bytes=%r-\r\nX: %r\r\n\r\n",
	"GET /health HTTP/1.1\r\nContent-Length: -1\r\nContent-Length: %r\r\n\r\n",
};

static size_t write_garbage(struct flood *f, size_t sort, char *buf, size_t size)
{
	size_t n = 0;

	for (const char *p = garbage[sort]; *p && n + 40 < size; p++) {
		if (p[0] != '%' || p[1] != 'r') {
			buf[n++] = *p;
			continue;
		}
		n += (size_t)snprintf(buf + n, size - n, "%016llx%016llx", (unsigned long long)chance(f),
				      (unsigned long long)chance(f));
		p++;
	}
	return n;
}

/* ---- one connection ------------------------------------------------------------------------------------------- */

static void hang_up(struct flood *f, size_t i)
{
	struct connection *c = &f->slots[i];

	if (c->kind == GARBAGE) {
		f->garbage--;
		if (c->status)
			f->answered[c->status]++;
		else if (c->connected)
			f->dropped++;
		else
			f->failed++;
	} else {
		f->held--;
		f->held_closed += c->connected;
	}
	close(c->fd);
	c->kind = FREE;
	f->free[f->n_free++] = i;
}

static void dial(struct flood *f, enum kind kind)
{
	uint32_t span = f->o.from.last.n - f->o.from.first.n + 1;
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr = { htonl(f->o.from.first.n + f->next_from++ % span) } };
	const int one = 1, small = SMALL_BUFFER;
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	size_t i;
	int fd;

	if (f->n_free == 0)
		return;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		die("socket");
	/* The port is chosen with the whole connection, so that each address has all of them. */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0 ||
	    (kind == READER && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) < 0) ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0)
		die("bind");
	i = f->free[--f->n_free];
	f->slots[i] = (struct connection){ .kind = kind, .fd = fd, .born = f->now, .moved = f->now };
	f->slots[i].sort = chance(f) % ARRAY_SIZE(garbage);
	if (kind == GARBAGE)
		f->garbage++;
	else
		f->held++;
	e.data.u64 = i;
	if (epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
	if (connect(fd, (struct sockaddr *)&f->o.to, sizeof(f->o.to)) < 0 && errno != EINPROGRESS)
		hang_up(f, i);
}

static void connected(struct flood *f, struct connection *c)
{
	char buf[4096];
	size_t n = 0;

	c->connected = true;
	if (c->kind == GARBAGE) {
		n = write_garbage(f, c->sort, buf, sizeof(buf));
		f->garbage_sent++;
	} else if (c->kind == READER) {
		n = (size_t)snprintf(buf, sizeof(buf), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", f->o.read);
		f->held_opened++;
	} else {
		n = (size_t)snprintf(buf, sizeof(buf), "GET /health HTTP/1.1\r\nX-Slow: ");
		f->held_opened++;
	}
	if (send(c->fd, buf, n, MSG_NOSIGNAL) < 0)
		c->moved = f->now; /* its end will be told */
}

/* False: it has ended. A reader reads in its own time. */
static bool take(struct connection *c)
{
	char buf[4096];
	ssize_t n;

	if (c->kind == READER)
		return true;
	while ((n = recv(c->fd, buf, sizeof(buf), 0)) > 0)
		if (c->status == 0 && n >= 12 && memcmp(buf, "HTTP/1.", 7) == 0 && buf[9] >= '1' &&
		    buf[9] <= '5')
			c->status = buf[9] - '0';
	return n < 0 && errno == EAGAIN;
}

static void trickle(struct flood *f, size_t i)
{
	struct connection *c = &f->slots[i];
	char buf[16];
	bool ended = false;
	ssize_t n;

	if (!c->connected || f->now - c->moved < TRICKLE_MS)
		return;
	c->moved = f->now;
	if (c->kind == READER) {
		n = recv(c->fd, buf, sizeof(buf), 0);
		ended = n == 0 || (n < 0 && errno != EAGAIN);
	} else {
		ended = send(c->fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN;
	}
	if (ended)
		hang_up(f, i);
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static void look(struct flood *f)
{
	struct epoll_event events[512];
	int n = epoll_wait(f->epoll_fd, events, ARRAY_SIZE(events), TICK_MS);

	f->now = clock_mono_ms();
	for (int k = 0; k < n; k++) {
		size_t i = (size_t)events[k].data.u64;
		struct connection *c = &f->slots[i];
		uint32_t what = events[k].events;

		if (c->kind == FREE)
			continue;
		if (!c->connected && (what & EPOLLOUT) && !(what & (EPOLLERR | EPOLLHUP)))
			connected(f, c);
		if (!take(c) || (what & (EPOLLERR | EPOLLHUP)) || (c->kind == GARBAGE && c->status))
			hang_up(f, i);
	}
}

static void pass_time(struct flood *f)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct connection *c = &f->slots[i];

		if (c->kind == GARBAGE && f->now - c->born > GARBAGE_MS)
			hang_up(f, i);
		else if (c->kind == HELD || c->kind == READER)
			trickle(f, i);
	}
}

static void run(struct flood *f)
{
	int64_t began = clock_mono_ms(), swept = began;
	uint64_t asked = 0;

	for (f->now = began;
	     f->now - began < f->o.seconds * 1000 || (f->o.until && access(f->o.until, F_OK) < 0); look(f)) {
		uint64_t due = (uint64_t)((f->now - began) * f->o.rate / 1000);

		for (; asked < due; asked++) {
			if (f->garbage < GARBAGE_AT_ONCE)
				dial(f, GARBAGE);
			else
				f->skipped++;
		}
		for (int i = 0; i < REOPEN_A_TICK && f->held < f->o.hold; i++)
			dial(f, f->o.read && chance(f) % 4 == 0 ? READER : HELD);
		if (f->now - swept >= 100) {
			swept = f->now;
			pass_time(f);
			f->held_sum += f->held;
			f->held_most = MAX(f->held_most, f->held);
			f->ticks++;
		}
	}
	f->ran = f->now - began;
}

static void print(const struct flood *f)
{
	printf("seconds %lld\n", (long long)f->ran / 1000);
	printf("held_asked %zu\nheld_mean %llu\nheld_most %zu\nheld_opened %llu\nheld_closed_by_server "
	       "%llu\n",
	       f->o.hold, (unsigned long long)(f->ticks ? f->held_sum / f->ticks : 0), f->held_most,
	       (unsigned long long)f->held_opened, (unsigned long long)f->held_closed);
	printf("garbage_sent %llu\ngarbage_skipped %llu\ngarbage_failed %llu\ngarbage_dropped %llu\n",
	       (unsigned long long)f->garbage_sent, (unsigned long long)f->skipped,
	       (unsigned long long)f->failed, (unsigned long long)f->dropped);
	for (size_t i = 1; i < ARRAY_SIZE(f->answered); i++)
		printf("garbage_answered_%zuxx %llu\n", i, (unsigned long long)f->answered[i]);
}

static int64_t number(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < 0)
		die(text);
	return n;
}

static void read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },	   { "from", required_argument, NULL, 'f' },
		{ "hold", required_argument, NULL, 'h' },  { "rate", required_argument, NULL, 'r' },
		{ "read", required_argument, NULL, 'p' },  { "seconds", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' }, { 0 },
	};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 't')
			good = good && endpoint_parse(optarg, &o->to);
		else if (c == 'f')
			good = good && ip4_range_parse(optarg, &o->from) == 0;
		else if (c == 'h')
			o->hold = (size_t)number(optarg);
		else if (c == 'r')
			o->rate = number(optarg);
		else if (c == 's')
			o->seconds = number(optarg);
		else if (c == 'p')
			o->read = optarg;
		else if (c == 'u')
			o->until = optarg;
		else
			good = false;
	}
	if (good && o->to.sin_port && o->from.last.n && o->seconds)
		return;
	fprintf(stderr,
		"flood: --to ADDRESS:PORT --from FIRST-LAST --hold N --rate N --seconds N [--read PATH] "
		"[--until FILE]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static struct flood f = { .chance = 0x9e3779b97f4a7c15 };
	struct rlimit limit;

	read_options(argc, argv, &f.o);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			die("the limit of open files");
	}
	f.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (f.epoll_fd < 0)
		die("epoll");
	for (size_t i = 0; i < SLOTS; i++)
		f.free[f.n_free++] = SLOTS - 1 - i;
	run(&f);
	print(&f);
	return 0;
}
