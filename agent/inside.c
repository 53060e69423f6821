/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/inside.h"
#include "agent/command.h"
#include "agent/probe.h"
#include "agent/processes.h"
#include "agent/scheduler.h"
#include "agent/ssi.h"
#include "agent/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define SOCKET "run/muster/ssi.sock"
#define REQUEST_MAX (WIRE_ARGS_MAX + 64) /* a word before them */
#define REQUEST_MS 5000
#define ANSWER_MS 1000 /* of a ping */
#define IDLE_MS 1000
#define MERGED_MS 1200 /* below the time that a report has for it */
#define OUTPUT_MAX (4 * COMMAND_OUTPUT_MAX)

/* "@1", "@2" stand for the request's arguments, of which the last ones may lack. */
static const struct command {
	const char *word;
	const char *argv[8];
	int arguments, timeout_ms, may_lack;
	int (*call)(int at, const char *args, int out);
} commands[] = {
	{ "ping", { NULL }, 0, 0, 0, NULL },
	{ "add", { "krgadm", "nodes", "add", "-n", "@1" }, 1, INSIDE_CLUSTER_MS, 0, NULL },
	{ "remove", { "krgadm", "nodes", "del", "-n", "@1" }, 1, INSIDE_CLUSTER_MS, 0, NULL },
	{ "allow", { "krgcapset", "-k", "@1", "-e", "+CAN_MIGRATE" }, 1, 10000, 0, NULL },
	{ "migrate", { "migrate", "@1", "@2" }, 2, 30000, 0, NULL },
	{ "scheduler", { NULL }, 2, SCHEDULER_MS, 1, scheduler_set },
	{ "probe", { NULL }, 1, PROBE_MS, 0, probe_run },
	{ "merged", { NULL }, 0, MERGED_MS, 0, NULL },
	{ "ps", { NULL }, 1, PROCESSES_LOOK_MS, 0, NULL }, /* "1": with the kernel's own threads */
};

/* A socket's address has room for little; through the descriptor the path is always short. */
static void socket_address(int at, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" SOCKET, at);
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/* ---- the container's side ----------------------------------------------------------------------------------- */

/* Reads until the newline, or `max` - 1 bytes; false when it does not come in time. */
static bool read_line(int fd, char *buf, size_t max, long long deadline)
{
	size_t len = 0;

	while (len < max - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, (int)MAX(deadline - now_ms(), 0LL)) <= 0)
			return false;
		n = read(fd, buf + len, max - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		buf[len] = '\0';
		if (strchr(buf, '\n')) {
			*strchr(buf, '\n') = '\0';
			return true;
		}
	}
	return false;
}

/* Words of digits, and the lists that krgadm takes: nothing that begins as an option. */
static bool is_argument(const char *s)
{
	return *s >= '0' && *s <= '9' && s[strspn(s, "0123456789,-")] == '\0';
}

static int run_request(int at, char *line, struct text *out)
{
	const char *args[2] = { NULL }, *argv[8] = { NULL };
	char *save = NULL, *word = strtok_r(line, " ", &save), *arg;
	const struct command *c = NULL;
	char joined[REQUEST_MAX];
	int n = 0;

	for (size_t i = 0; word && i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].word, word) == 0)
			c = &commands[i];
	while ((arg = strtok_r(NULL, " ", &save))) {
		if (n == (int)ARRAY_SIZE(args) || !is_argument(arg))
			n = -1;
		if (n < 0)
			break;
		args[n++] = arg;
	}
	if (!c || n > c->arguments || n < c->arguments - c->may_lack) {
		text_addf(out, "this is no command that runs in the container\n");
		return COMMAND_MISSING;
	}
	if (strcmp(c->word, "merged") == 0)
		return ssi_merged(at, c->timeout_ms, out);
	if (c->call) {
		snprintf(joined, sizeof(joined), "%s%s%s", args[0], n > 1 ? " " : "", n > 1 ? args[1] : "");
		return command_call(at, c->call, joined, now_ms() + c->timeout_ms, out);
	}
	if (!c->argv[0])
		return n ? processes_list(at, c->timeout_ms, *args[0] == '1', out) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(argv) && c->argv[i]; i++)
		argv[i] = c->argv[i][0] == '@' ? args[c->argv[i][1] - '1'] : c->argv[i];
	return command_run(at, argv, now_ms() + c->timeout_ms, NULL, out);
}

static void answer(int at, int fd)
{
	_cleanup_text_ struct text out = { 0 };
	char line[REQUEST_MAX], status[16];
	int r;

	if (!read_line(fd, line, sizeof(line), now_ms() + REQUEST_MS))
		return;
	r = run_request(at, line, &out);
	snprintf(status, sizeof(status), "%d\n", r);
	if (write_all(fd, status, strlen(status)) == 0 && !out.failed && out.len > 0 &&
	    write_all(fd, out.s, out.len) < 0)
		return;
}

int inside_serve(int at, bool (*stop)(void))
{
	_cleanup_close_ int fd = open_socket();
	struct sockaddr_un sa;

	socket_address(at, &sa);
	if (unlinkat(at, SOCKET, 0) < 0 && errno != ENOENT)
		return -errno;
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || fchmodat(at, SOCKET, 0600, 0) < 0 ||
	    listen(fd, 8) < 0)
		return -errno;
	while (!stop || !stop()) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int client;

		/* As the container's process 1: its orphans are buried here. */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (poll(&p, 1, stop ? 50 : IDLE_MS) <= 0)
			continue;
		client = accept(fd, NULL, NULL);
		if (client < 0)
			continue;
		fcntl(client, F_SETFD, FD_CLOEXEC);
		/* Each has a process of its own: one that adds nodes takes minutes. */
		if (fork() == 0) {
			close(fd);
			answer(at, client);
			_exit(0);
		}
		close(client);
	}
	return 0;
}

/* The operator's own, for what the single system shall run: it goes on by itself, and nobody waits for it. */
static void run_own(int at)
{
	int null;

	if (faccessat(at, INSIDE_OWN, X_OK, 0) < 0 || fork() != 0)
		return;
	null = open("/dev/null", O_RDWR);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	setsid();
	execl("/" INSIDE_OWN, "/" INSIDE_OWN, (char *)NULL);
	_exit(COMMAND_MISSING);
}

int inside_init_main(void)
{
	_cleanup_close_ int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	/* Before it was isolated the node may not have had it. What is missing is told when it is wanted. */
	steps_mount("/config", "configfs");
	r = at < 0 ? -errno : 0;
	if (r == 0) {
		run_own(at);
		r = inside_serve(at, NULL);
	}
	fprintf(stderr, "muster: the container's part cannot run: %s\n", strerror(-r));
	return 1;
}

int inside_helper_main(void)
{
	char *const argv[] = { (char *)"krginit", (char *)"-s", (char *)"--", (char *)"/" INSIDE_INIT, NULL };
	static const char *const places[] = { "/sbin/krginit",		 "/bin/krginit",
					      "/usr/sbin/krginit",	 "/usr/bin/krginit",
					      "/usr/local/sbin/krginit", "/usr/local/bin/krginit" };

	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 && errno != EBUSY)
		fprintf(stderr, "muster: the container's /proc does not mount: %s\n", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		execv(places[i], argv);
	fprintf(stderr, "muster: krginit does not run: %s\n", strerror(errno));
	return 1;
}

/* ---- the node's side ---------------------------------------------------------------------------------------- */

static int read_answer(int fd, long long deadline, struct text *out)
{
	_cleanup_text_ struct text t = { 0 };
	unsigned long long status;
	char *end;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char buf[1024];
		ssize_t n;

		if (poll(&p, 1, (int)MAX(deadline - now_ms(), 0LL)) <= 0) {
			text_addf(out, "the container did not answer in time\n");
			return COMMAND_TIMEOUT;
		}
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		if (t.len < OUTPUT_MAX)
			text_add(&t, buf, (size_t)n);
	}
	end = t.s ? strchr(t.s, '\n') : NULL;
	if (!end)
		return COMMAND_MISSING;
	*end = '\0';
	if (parse_number(t.s, 255, &status) < 0)
		return COMMAND_MISSING;
	text_addf(out, "%s", end + 1);
	return (int)status;
}

int inside_ask(int at, const char *word, const char *args, long long deadline, struct text *out)
{
	_cleanup_close_ int fd = open_socket();
	_cleanup_text_ struct text request = { 0 };
	struct sockaddr_un sa;

	socket_address(at, &sa);
	text_addf(&request, "%s %s\n", word, args);
	if (fd < 0 || request.failed || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    write_all(fd, request.s, request.len) < 0) {
		text_addf(out, "the single system's container does not answer on this node\n");
		return COMMAND_MISSING;
	}
	return read_answer(fd, deadline, out);
}

bool inside_answers(int at)
{
	_cleanup_text_ struct text said = { 0 };

	return inside_ask(at, "ping", "", now_ms() + ANSWER_MS, &said) == 0;
}
