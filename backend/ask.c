/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking musterd one thing over its control socket. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "backend/context.h"
#include "backend/nodes/control.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define ANSWER_MS 10000 /* for an action on ten thousand nodes, each kept on its own */

int context_connect(struct muster *m, int *ret)
{
	_cleanup_close_ int folder = -1, fd = -1;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *name;

	/* Through the folder's descriptor: below the root, and a socket's path has 107 bytes only. */
	folder = fs_open_parent(m->root_fd, CONTROL_SOCKET, &name);
	if (folder < 0)
		return folder;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/%s", folder, name);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return errno == EAGAIN ? -EBUSY : -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static int wait_for(int fd, short events, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = MAX(end - clock_mono_ms(), (int64_t)0);
	int r = poll(&p, 1, (int)left);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -MUSTER_E_TIMEOUT : 0;
}

static int send_line(int fd, const char *text, size_t len, int64_t end)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		int r;

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return n == 0 ? -EIO : -errno;
		r = wait_for(fd, POLLOUT, end);
		if (r < 0)
			return r;
	}
	return 0;
}

static int receive_line(int fd, int64_t end, struct strbuf *b)
{
	char block[16384];

	for (;;) {
		ssize_t n = recv(fd, block, sizeof(block), 0);
		int r = 0;

		if (n > 0) {
			strbuf_add(b, block, (size_t)n);
			if (b->failed)
				return -ENOMEM;
			if (memchr(block, '\n', (size_t)n))
				return 0;
			if (b->len > CONTROL_LINE_MAX)
				return -MUSTER_E_FORMAT;
		} else if (n == 0) {
			return -ECONNRESET;
		} else if (errno == EAGAIN || errno == EINTR) {
			r = wait_for(fd, POLLIN, end);
		} else {
			r = -errno;
		}
		if (r < 0)
			return r;
	}
}

/* The answer's line as JSON; an answer {"error"} gives its code. */
static int read_answer(struct muster *m, const char *line, json_t **ret)
{
	json_t *answer = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	const char *why = NULL;
	int code = 0;

	if (!answer) {
		context_error(m, _("musterd's answer cannot be read; is it of another version?"));
		return -MUSTER_E_FORMAT;
	}
	if (json_unpack(answer, "{s:s, s?:i}", "error", &why, "code", &code) == 0) {
		_cleanup_free_ char *said = muster_said(why);

		context_error(m, "%s", said ? said : why);
		json_decref(answer);
		return code > 0 ? -code : -EIO;
	}
	*ret = answer;
	return 0;
}

static int request_line(json_t *request, char **ret)
{
	_cleanup_free_ char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;

	json_decref(request);
	return text && asprintf(ret, "%s\n", text) >= 0 ? 0 : -ENOMEM;
}

static int exchange(struct muster *m, const char *request, struct strbuf *answer)
{
	int64_t end = clock_mono_ms() + (m->patience_ms ? m->patience_ms : ANSWER_MS);
	_cleanup_close_ int fd = -1;
	int r = context_connect(m, &fd);

	if (r == 0)
		r = send_line(fd, request, strlen(request), end);
	return r < 0 ? r : receive_line(fd, end, answer);
}

static int no_answer(struct muster *m, int r)
{
	context_error(m, _("musterd does not answer (%s). `systemctl status musterd` says why."),
		      muster_strerror(r));
	return r;
}

int context_ask_daemon(struct muster *m, json_t *request, json_t **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *line = NULL;
	int r = request_line(request, &line);

	if (r < 0)
		return r;
	r = exchange(m, line, &b);
	return r < 0 ? no_answer(m, r) : read_answer(m, b.data, ret);
}

void muster_patience(struct muster *m, int ms)
{
	m->patience_ms = ms;
}

/* ---- without waiting -------------------------------------------------------------------------------------------- */

struct muster_asking {
	struct muster *muster;
	int fd;
	struct strbuf answer;
};

int context_ask_begin(struct muster *m, json_t *request, struct muster_asking **ret)
{
	_cleanup_(muster_asking_freep) struct muster_asking *a = calloc(1, sizeof(*a));
	_cleanup_free_ char *line = NULL;
	int r;

	if (a)
		a->fd = -1;
	r = request_line(request, &line);
	if (r < 0 || !a)
		return -ENOMEM;
	a->muster = m;
	r = context_connect(m, &a->fd);
	/* Its time is up at once: a line this short always has room in a fresh socket. */
	if (r == 0)
		r = send_line(a->fd, line, strlen(line), 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(a);
	return 0;
}

int context_ask_work(struct muster_asking *a, json_t **ret)
{
	struct strbuf *b = &a->answer;
	bool whole = b->len > 0 && memchr(b->data, '\n', b->len);
	int r = whole ? 0 : receive_line(a->fd, 0, b);
	size_t len;

	if (r < 0)
		return r == -MUSTER_E_TIMEOUT ? 1 : r;
	r = read_answer(a->muster, b->data, ret);
	len = strcspn(b->data, "\n") + 1;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
	return r;
}

int muster_asking_fd(const struct muster_asking *a)
{
	return a->fd;
}

void muster_asking_free(struct muster_asking *a)
{
	if (!a)
		return;
	closep(&a->fd);
	strbuf_free(&a->answer);
	free(a);
}
