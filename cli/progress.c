/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events and questions of the backend. On a terminal each step is one line on standard error, drawn again in place
 * until it is done; elsewhere each step is a plain line when it begins and one when it ends.
 */
#include "config.h"

#include "cli/cli.h"
#include "util/i18n.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define NAME_WIDTH 10
#define MAX_COLUMNS 100

static void forget_lines(struct progress *p)
{
	for (size_t i = 0; i < PROGRESS_LINES; i++) {
		free(p->lines[i]);
		p->lines[i] = NULL;
	}
	p->n_lines = 0;
}

static void forget_step(struct progress *p)
{
	free(p->name);
	free(p->text);
	p->name = p->text = NULL;
	forget_lines(p);
}

/* "◐ services   text ...   62 %": the right side stands at the terminal's edge, at most MAX_COLUMNS wide. */
static void draw(struct cli *c, enum node_stage sign, const char *text, const char *right)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT, left = STRBUF_INIT, clean = STRBUF_INIT;
	struct progress *p = &c->progress;
	int columns = MIN(c->err.columns, MAX_COLUMNS) - 1, room;
	enum colour colour = stage_colour(sign);

	room = columns - 2 - NAME_WIDTH - 2 - format_width(&c->err, right) - 1;
	format_escape(&clean, &c->err, text, "");
	if (room > 0)
		format_cut(&left, &c->err, clean.data ? clean.data : "", room);
	strbuf_addf(&b, "\r\x1b[K%s%s%s %-*s  %s", style_on(&c->err, colour), stage_sign(&c->err, sign),
		    style_off(&c->err, colour), NAME_WIDTH, p->name ? p->name : "",
		    left.data ? left.data : "");
	for (int n = room - (left.data ? format_width(&c->err, left.data) : 0) + 1; n > 0 && *right; n--)
		strbuf_addc(&b, ' ');
	strbuf_addf(&b, "%s", right);
	if (!b.failed)
		fputs(b.data, stderr);
	p->drawn = true;
}

static void draw_progress(struct cli *c, const char *text)
{
	char right[16] = "";

	if (!c->progress.name)
		return;
	if (c->progress.percent >= 0)
		snprintf(right, sizeof(right), "%d %%", c->progress.percent);
	draw(c, NODE_KERNEL, text ? text : c->progress.text, right);
}

void progress_end(struct cli *c)
{
	if (c->progress.drawn)
		fputs("\n", stderr);
	c->progress.drawn = false;
	forget_step(&c->progress);
}

static bool plain(const struct cli *c)
{
	return !c->err.terminal && !c->json;
}

static void print_plain(struct cli *c, const char *before, const char *text)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	format_escape(&b, &c->err, text, "\n\t");
	fprintf(stderr, "%s%s\n", before, b.data ? b.data : "");
}

static void on_step(struct cli *c, const char *name, const char *text)
{
	struct progress *p = &c->progress;

	progress_end(c);
	p->name = strdup(name);
	p->text = strdup(text);
	p->percent = -1;
	if (c->err.terminal) {
		draw_progress(c, NULL);
	} else if (plain(c)) {
		fprintf(stderr, "%s: ", name);
		print_plain(c, "", text);
	}
}

static void on_line(struct cli *c, const char *line)
{
	struct progress *p = &c->progress;
	char **slot = &p->lines[p->n_lines++ % PROGRESS_LINES];

	free(*slot);
	*slot = strdup(line);
	if (c->debug)
		print_plain(c, "  ", line);
	else if (c->err.terminal && *line)
		draw_progress(c, line);
}

static void on_done(struct cli *c, const char *name, int64_t ms)
{
	struct progress *p = &c->progress;

	if (c->err.terminal && p->name) {
		draw(c, NODE_READY, p->text ? p->text : "", SECONDS(ms));
		fputs("\n", stderr);
		p->drawn = false;
	} else if (plain(c)) {
		fprintf(stderr, "%s: done, %s\n", name, SECONDS(ms));
	}
	forget_step(p);
}

/* The last lines of what failed stand before the sentence about it. */
static void on_error(struct cli *c, const char *text)
{
	struct progress *p = &c->progress;

	if (c->err.terminal && p->name)
		draw(c, NODE_FAILED, p->text ? p->text : "", "");
	if (p->drawn)
		fputs("\n", stderr);
	p->drawn = false;
	for (size_t i = 0; i < PROGRESS_LINES && !c->debug; i++) {
		const char *line = p->lines[(p->n_lines + i) % PROGRESS_LINES];

		if (line)
			print_plain(c, "    ", line);
	}
	forget_step(p);
	cli_error(c, "%s", text);
}

static void on_note(struct cli *c, const char *before, const char *text)
{
	/* The step's line is drawn again by what comes next. */
	if (c->progress.drawn)
		fputs("\r\x1b[K", stderr);
	print_plain(c, before, text);
	if (c->progress.drawn)
		draw_progress(c, NULL);
}

/* For another process, which shows it. */
static void print_event(struct cli *c, const struct muster_event *event)
{
	_cleanup_free_ char *line = NULL;

	if (muster_event_encode(event, &line) == 0)
		fputs(line, stdout);
	fflush(stdout);
	c->said |= event->type == MUSTER_EVENT_ERROR;
}

void progress_tell(struct cli *c, enum muster_event_type type, const char *text)
{
	struct muster_event e = { .type = type };

	e.text = text;
	print_event(c, &e);
}

void progress_event(void *cli, const struct muster_event *event)
{
	struct cli *c = cli;

	if (c->events) {
		print_event(c, event);
		return;
	}
	switch (event->type) {
	case MUSTER_EVENT_STEP:
		on_step(c, event->step.name, event->step.text);
		break;
	case MUSTER_EVENT_PROGRESS: {
		int percent = event->progress.permille < 0 ? -1 : event->progress.permille / 10;

		if (percent != c->progress.percent) {
			c->progress.percent = percent;
			if (c->err.terminal)
				draw_progress(c, NULL);
		}
		break;
	}
	case MUSTER_EVENT_LINE:
		on_line(c, event->text);
		break;
	case MUSTER_EVENT_DONE:
		on_done(c, event->done.name, event->done.ms);
		break;
	case MUSTER_EVENT_ERROR:
		on_error(c, event->text);
		break;
	case MUSTER_EVENT_WARNING:
		on_note(c, _("warning: "), event->text);
		break;
	case MUSTER_EVENT_NOTE:
		if (!c->json || c->err.terminal)
			on_note(c, "", event->text);
		break;
	}
}

/* False when the person wants to stop instead of answering. */
static bool wait_for_line(struct cli *c)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = c->cancel_fd > 0 ? c->cancel_fd : -1, .events = POLLIN },
	};

	while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		if (errno != EINTR)
			return false;
	return !fds[1].revents;
}

/* 1 yes, 0 no, -1 something else. */
static int read_answer(const char *line, bool preset)
{
	size_t len = strcspn(line, "\r\n");

	if (len == 0)
		return preset;
	if (strncasecmp(line, "yes", MAX(len, (size_t)1)) == 0 && len <= 3)
		return 1;
	return strncasecmp(line, "no", len) == 0 && len <= 2 ? 0 : -1;
}

void progress_question(void *cli, struct muster_question *question)
{
	_cleanup_free_ char *line = NULL;
	struct cli *c = cli;
	size_t size = 0;
	int answer;

	if (c->yes || !isatty(STDIN_FILENO) || !c->err.terminal) {
		/* That is said by --take-over alone. */
		question->answer = question->type != MUSTER_QUESTION_TAKE_OVER;
		c->refused |= !question->answer;
		return;
	}
	progress_end(c);
	do {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

		format_escape(&b, &c->err, question->text, "\n");
		fprintf(stderr, "%s [%s] ", b.data ? b.data : "", question->answer ? "Y/n" : "y/N");
		fflush(stderr);
		if (!wait_for_line(c) || getline(&line, &size, stdin) < 0) {
			fputs("\n", stderr);
			question->answer = false;
			c->refused = true;
			return;
		}
		answer = read_answer(line, question->answer);
	} while (answer < 0);
	question->answer = answer;
	/* A no leaves everything as it was. */
	c->refused = !answer;
}
