/* SPDX-License-Identifier: GPL-3.0-or-later */
/* musterd: serves what nodes boot, takes their reports, keeps their state. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/wire.h"
#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/events.h"
#include "daemon/rights.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"

#define STATE_DIR "/var/lib/muster/state"
#define DATABASE STATE_DIR "/muster.db"
#define CHECK_S 5 /* how often silent nodes are looked for */
/* 4.5 intervals: three reports may get lost, and the fourth be late, before a node counts as lost. */
#define LOST_MS(interval) ((int64_t)(interval)*4500)
/* A node that has not heard of an action by then is in trouble, and must not restart when it is out of it. */
#define ACTION_MS(interval) ((int64_t)(interval)*10000)
#define INTERVAL_MAX 3600

struct options {
	const char *root, *user;
	int interval;
};

static const char usage[] = "Usage: musterd [OPTION]...\n"
			    "Serve what the nodes of the cluster boot, and take their reports.\n\n"
			    "      --root DIR     work below DIR\n"
			    "      --user NAME    become this user once everything is open (muster)\n"
			    "      --interval S   seconds between a node's reports (10)\n"
			    "      --debug        say more\n"
			    "      --version      print the version\n"
			    "      --help         print this\n";

static int read_interval(const char *text, int *ret)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 1 || n > INTERVAL_MAX)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

/* 0: go on; otherwise the exit status + 1. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "user", required_argument, NULL, 'u' },
		{ "interval", required_argument, NULL, 'i' },
		{ "debug", no_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			o->root = optarg;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'i':
			if (read_interval(optarg, &o->interval) == 0)
				break;
			fprintf(stderr, "musterd: --interval wants a number of seconds from 1 to %d\n",
				INTERVAL_MAX);
			return 3;
		case 'd':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'v':
			puts("musterd " PACKAGE_VERSION);
			return 1;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			return 3;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "musterd: unexpected argument %s; see musterd --help\n", argv[optind]);
	return 3;
}

/* The folder is the user's, who may have put another's file there under that name: a link is not followed, and a file of two names is
 * left alone. */
static int give_file(int dir, const char *name, const struct rights *rights)
{
	_cleanup_close_ int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EPERM;
	return fchownat(fd, "", rights->uid, rights->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* The database's folder, and what lies in it, become the user's: an earlier run may have been another one's. */
static int prepare_state(int root_fd, const struct rights *rights)
{
	static const char *const files[] = { DATABASE, DATABASE "-wal", DATABASE "-shm" };
	_cleanup_close_ int dir = -1;
	int r = fs_mkdir_all(root_fd, STATE_DIR, 0700);

	if (r == 0)
		dir = fs_open(root_fd, STATE_DIR, O_RDONLY | O_DIRECTORY, 0);
	if (r == 0 && dir < 0)
		r = dir;
	if (r == 0 && rights->is_root && rights->has_user) {
		if (fchown(dir, rights->uid, rights->gid) < 0)
			r = -errno;
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
			r = give_file(dir, strrchr(files[i], '/') + 1, rights);
	}
	if (r < 0)
		log_error(STATE_DIR ": %s", muster_strerror(r));
	return r;
}

static int open_store(struct daemon *d, const char *root)
{
	_cleanup_free_ char *path = fs_join(root, DATABASE);
	int r = path ? store_open(path, STORE_WRITE, &d->store) : -ENOMEM;

	if (r == 0)
		r = store_sync(d->store, d->view->plan);
	if (r == -MUSTER_E_FORMAT)
		log_error(DATABASE
			  " holds the nodes' history only: move it away, and musterd begins a new one");
	else if (r < 0)
		log_error(DATABASE " cannot be used: %s", muster_strerror(r));
	return r;
}

/* Starts to serve on the socket; takes it over. */
static int serve(struct daemon *d, int listen_fd, struct http **ret)
{
	struct http_config config = {
		.listen_fd = listen_fd,
		.body_max = WIRE_REPORT_MAX,
		.handle = routes_handle,
		.count = routes_count,
		.is_node = daemon_is_node,
		.gate = &d->gate,
		.data = d,
	};

	return http_start(&config, ret);
}

/* Takes the new cluster.json where it is good; where it is not, what was goes on. */
static void reload(struct daemon *d, struct http **http, struct control *control)
{
	const struct plan *was = d->view->plan, *p;
	struct http *other = NULL;
	struct view *v = NULL;
	bool moved = false;
	int fd, r = view_load(d->root_fd, &v);

	if (r < 0) {
		log_error("reload: the old plan stays");
		return;
	}
	p = v->plan;
	moved = p->net.address.n != was->net.address.n || p->http_port != was->http_port;
	if (moved) {
		fd = http_listen(p->net.address, p->http_port);
		r = fd < 0 ? fd : serve(d, fd, &other);
	}
	if (r == 0) {
		r = store_sync(daemon_store_lock(d), p);
		daemon_store_unlock(d);
	}
	if (r < 0) {
		http_stop(other);
		view_unref(v);
		log_error("reload: the old plan stays: %s", muster_strerror(r));
		return;
	}
	log_info("reload: %zu nodes, root %s", p->n_nodes, *v->generation ? v->generation : "none");
	heard_renew(&d->heard, clock_mono_ms());
	daemon_set_view(d, v);
	control_reloaded(control);
	if (moved) {
		http_stop(*http);
		*http = other;
	}
	malloc_trim(0);
}

static void expire(struct daemon *d, int64_t started)
{
	int n = store_action_expire(daemon_store_lock(d), clock_wall_ms(), ACTION_MS(d->interval));

	daemon_store_unlock(d);
	if (n < 0)
		log_warning("old wishes cannot be given up: %s", muster_strerror(n));

	daemon_refusals_tell(d);
	/* After a pause of our own every node looks silent: first let each of them speak. */
	if (clock_mono_ms() - started < LOST_MS(d->interval))
		return;
	n = store_expire(daemon_store_lock(d), clock_wall_ms(), LOST_MS(d->interval));
	daemon_store_unlock(d);
	if (n > 0)
		log_warning("%d nodes are lost", n);
}

static int open_timer(int interval)
{
	/* A short interval, as tests have it, is looked after more often. */
	long ms = MIN(CHECK_S * 1000L, interval * 1000L);
	struct itimerspec every = {
		.it_interval = { ms / 1000, ms % 1000 * 1000000 },
		.it_value = { ms / 1000, ms % 1000 * 1000000 },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 && timerfd_settime(fd, 0, &every, NULL) < 0) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

/* Until it is told to end. */
static int run(struct daemon *d, struct http **http, struct control *control, int signal_fd, int events_fd)
{
	_cleanup_close_ int timer = open_timer(d->interval);
	int64_t started = clock_mono_ms();
	struct pollfd p[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = events_fd, .events = POLLIN },
		{ .fd = timer, .events = POLLIN },
		{ .fd = control_fd(control), .events = POLLIN },
	};

	if (timer < 0)
		return timer;
	for (;;) {
		struct signalfd_siginfo info;
		uint64_t times;

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return -errno;
		if (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			if (info.ssi_signo != SIGHUP)
				return 0;
			reload(d, http, control);
		}
		events_take(d, events_fd);
		if (read(timer, &times, sizeof(times)) == (ssize_t)sizeof(times))
			expire(d, started);
		control_work(control);
	}
}

/* What needs root comes first; then the rights go, and only then a byte from the network is read. */
static int start_and_run(struct daemon *d, const struct options *o, int signal_fd)
{
	_cleanup_close_ int events_fd = -1, listen_fd = -1, control_socket = -1;
	_cleanup_(control_freep) struct control *control = NULL;
	struct rights rights;
	struct http *http = NULL;
	int r = view_load(d->root_fd, &d->view);

	if (r < 0)
		return r;
	rights_find(o->user, &rights);
	r = prepare_state(d->root_fd, &rights);
	if (r < 0)
		return r;
	events_fd = events_open(d->root_fd, rights.is_root ? rights.uid : (uid_t)-1,
				rights.is_root ? rights.gid : (gid_t)-1);
	if (events_fd < 0)
		return events_fd;
	control_socket = control_listen(d->root_fd, rights.is_root ? rights.gid : (gid_t)-1);
	if (control_socket < 0)
		return control_socket;
	listen_fd = http_listen(d->view->plan->net.address, d->view->plan->http_port);
	if (listen_fd < 0)
		return listen_fd;
	r = rights_drop(&rights);
	if (r == 0)
		r = open_store(d, o->root);
	if (r == 0)
		r = control_new(d, TAKE_FD(control_socket), &control);
	heard_renew(&d->heard, clock_mono_ms());
	if (r == 0)
		r = serve(d, TAKE_FD(listen_fd), &http);
	if (r < 0)
		return r;
	log_info("serves %zu nodes on %s port %u", d->view->plan->n_nodes, IP4(d->view->plan->net.address),
		 d->view->plan->http_port);
	r = run(d, &http, control, signal_fd, events_fd);
	http_stop(http);
	log_info("ends");
	return r;
}

static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
	static struct daemon d = {
		.store_lock = PTHREAD_MUTEX_INITIALIZER,
		.view_lock = PTHREAD_MUTEX_INITIALIZER,
		.document_lock = PTHREAD_MUTEX_INITIALIZER,
		.handing.lock = PTHREAD_MUTEX_INITIALIZER,
		.processes.lock = PTHREAD_MUTEX_INITIALIZER,
		.teller.lock = PTHREAD_MUTEX_INITIALIZER,
		.heard.lock = PTHREAD_MUTEX_INITIALIZER,
		.since.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct options o = { .root = "/", .user = "muster", .interval = WIRE_INTERVAL_DEFAULT };
	_cleanup_close_ int signal_fd = -1;
	int r;

	log_set_level(LOG_LEVEL_INFO);
	r = read_options(argc, argv, &o);
	if (r > 0)
		return r - 1;
	/* Memory that large documents took goes back to the system, and few threads share it. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	umask(0077);
	log_set_rate(RATE_LOG, BURST_LOG);
	if (daemon_limits_init(&d) < 0) {
		log_error("the system gives no random numbers");
		return EXIT_FAILURE;
	}
	signal_fd = catch_signals();
	d.interval = o.interval;
	d.root_fd = fs_root_open(o.root);
	if (signal_fd < 0 || d.root_fd < 0) {
		log_error("%s: %s", o.root, muster_strerror(d.root_fd < 0 ? d.root_fd : signal_fd));
		return EXIT_FAILURE;
	}
	r = start_and_run(&d, &o, signal_fd);
	processes_want(&d.processes, false, false);
	free(d.teller.node);
	heard_free(&d.heard);
	boots_free(&d.since);
	document_unref(d.document);
	store_free(d.store);
	view_unref(d.view);
	close(d.root_fd);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
