/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The doctor beside a screen: a child looks, and its findings come back over a pipe as one JSON document. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "backend/context.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/strbuf.h"

struct muster_doctor_run {
	pid_t pid;
	int fd;
	struct strbuf said;
};

static json_t *checks_json(const struct muster_check *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:s*, s:s*}", "name", v[i].name,
							  "level", (int)v[i].level, "text", v[i].text,
							  "remedy", v[i].remedy, "command", v[i].command)) <
		    0)
			return NULL;
	return list;
}

/* The child's whole life. */
_Noreturn static void look(struct muster *m, const char *answers, const char *interface, int fd)
{
	struct muster_check *v = NULL;
	json_t *list = NULL;
	char *text = NULL;
	size_t n = 0;

	/* The screen's handlers would tell the screen of this process's signals. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	m->config.on_event = NULL;
	m->config.on_question = NULL;
	log_set_sink(NULL, NULL);
	for (int i = 0; i <= 2; i++)
		if (dup2(open("/dev/null", O_RDWR), i) < 0)
			_exit(1);
	if (muster_doctor(m, answers, interface, &v, &n) == 0)
		list = checks_json(v, n);
	if (list)
		text = json_dumps(list, JSON_COMPACT);
	_exit(text && fs_write_all(fd, text, strlen(text)) == 0 ? 0 : 1);
}

int muster_doctor_begin(struct muster *m, const char *answers, const char *interface,
			struct muster_doctor_run **ret)
{
	struct muster_doctor_run *d = calloc(1, sizeof(*d));
	int fds[2];

	if (!d)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		free(d);
		return -errno;
	}
	d->pid = fork();
	if (d->pid == 0)
		look(m, answers, interface, fds[1]);
	close(fds[1]);
	d->fd = fds[0];
	if (d->pid < 0 || fcntl(d->fd, F_SETFL, O_NONBLOCK) < 0) {
		muster_doctor_end(d);
		return -EAGAIN;
	}
	*ret = d;
	return 0;
}

int muster_doctor_fd(const struct muster_doctor_run *d)
{
	return d->fd;
}

void muster_doctor_end(struct muster_doctor_run *d)
{
	if (!d)
		return;
	close(d->fd);
	if (d->pid > 0) {
		kill(d->pid, SIGKILL);
		while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	strbuf_free(&d->said);
	free(d);
}

/* The names are static in the doctor's own table: here they are owned by nobody else, so they are kept for good. */
static const char *keep_name(const char *name)
{
	static const char *kept[64];

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (!kept[i])
			kept[i] = strdup(name);
		if (kept[i] && strcmp(kept[i], name) == 0)
			return kept[i];
	}
	return "";
}

static char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? strdup(text) : NULL;
}

static int parse(const struct muster_doctor_run *d, struct muster_check **ret, size_t *ret_n)
{
	json_t *list = json_loadb(d->said.data ? d->said.data : "", d->said.len, 0, NULL);
	size_t n = json_array_size(list);
	struct muster_check *v = n ? calloc(n, sizeof(*v)) : NULL;

	for (size_t i = 0; v && i < n; i++) {
		const json_t *o = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(o, "name"));

		v[i] = (struct muster_check){
			.name = keep_name(name ? name : ""),
			.level = (enum muster_check_level)json_integer_value(json_object_get(o, "level")),
			.text = text_of(o, "text"),
			.remedy = text_of(o, "remedy"),
			.command = text_of(o, "command"),
		};
		if (!v[i].text)
			v[i].text = strdup("");
	}
	json_decref(list);
	if (!v)
		return -MUSTER_E_FORMAT;
	*ret = v;
	*ret_n = n;
	return 1;
}

int muster_doctor_read(struct muster_doctor_run *d, struct muster_check **ret, size_t *ret_n)
{
	char block[4096];
	ssize_t n;

	while ((n = read(d->fd, block, sizeof(block))) > 0)
		strbuf_add(&d->said, block, (size_t)n);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return d->said.failed ? -ENOMEM : parse(d, ret, ret_n);
}
