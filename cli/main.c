/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_REFUSED = 2, /* nothing was touched */
};

/* The writing end of the pipe that a signal makes readable; a handler can reach nothing but a global. */
static int cancel_write = -1;

static void on_signal(int number)
{
	int saved = errno;
	ssize_t n = write(cancel_write, "", 1);

	/* A full pipe is readable, too. */
	(void)n;
	errno = saved;
}

void cli_catch_signals(struct cli *c, bool hangup_stops)
{
	const struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	cancel_write = fds[1];
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, hangup_stops ? &stop : &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	c->cancel_fd = fds[0];
}

static int run(struct cli *c)
{
	if (cli_value(c, "version")) {
		printf("%s\n", PACKAGE_STRING);
		return 0;
	}
	if (cli_value(c, "help")) {
		if (c->verb)
			help_verb(stdout, c->verb);
		else
			help_overview(stdout);
		return 0;
	}
	if (!c->verb) {
		if (!c->json)
			help_overview(stderr);
		c->said = !c->json;
		return c->json ? cli_refuse(c, _("name a verb")) : -MUSTER_E_REFUSED;
	}
	return c->verb->run(c);
}

/* In --json, a failure is a document, too, unless the verb printed its own. */
static void print_failure(struct cli *c, int error)
{
	if (!c->said)
		cli_error(c, "%s", muster_strerror(error));
	if (!c->json || c->printed)
		return;
	if (cli_print_json(c, json_pack("{so}", "error",
					cli_json_text(c->errors.data ? c->errors.data : ""))) < 0)
		fputs("muster: the error could not be printed\n", stderr);
}

static int exit_status(const struct cli *c, int r)
{
	if (r >= 0)
		return EXIT_DONE;
	return c->refused || r == -MUSTER_E_REFUSED || r == -MUSTER_E_ANSWERS ? EXIT_REFUSED : EXIT_FAILED;
}

/*
 * How characters are encoded and how wide they are, and the language of the texts. Nothing else of the locale: numbers keep
 * their points, whatever is written or rendered. The catalogues are UTF-8, and so must be what shows them.
 */
static void speak(void)
{
	const char *dir = secure_getenv("MUSTER_LOCALEDIR");

	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		return;
	setlocale(LC_MESSAGES, "");
	bindtextdomain(PACKAGE, dir ? dir : MUSTER_LOCALEDIR);
	textdomain(PACKAGE);
}

int cli_finish(struct cli *c, int r)
{
	int status;

	progress_end(c);
	if (r < 0)
		print_failure(c, r);
	status = exit_status(c, r);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			perror("muster: standard output");
		status = status == EXIT_DONE ? EXIT_FAILED : status;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct cli c = { .errors = STRBUF_INIT };
	int r, status;

	speak();
	style_init(&c.out, STDOUT_FILENO);
	style_init(&c.err, STDERR_FILENO);
	r = cli_parse(&c, argc, argv);
	if (r == 0)
		r = run(&c);
	status = cli_finish(&c, r);
	strbuf_free(&c.errors);
	return status;
}
