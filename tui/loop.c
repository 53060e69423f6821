/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tui/private.h"
#include "util/clock.h"

/* The one terminal of the process. */
static struct tui *opened;

int tui_open(int in, int out, struct tui **ret)
{
	struct tui *t;
	int r;

	if (opened)
		return -EBUSY;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	r = term_open(t, in, out);
	if (r < 0) {
		term_close(t);
		free(t);
		return r;
	}
	t->dirty = true;
	*ret = opened = t;
	return 0;
}

void tui_close(struct tui *t)
{
	if (!t)
		return;
	screens_close(t);
	term_close(t);
	free(t->watches);
	free(t->timers);
	free(t->notice);
	free(t);
	opened = NULL;
}

void tui_dirty(struct tui *t)
{
	t->dirty = true;
}

bool tui_ending(const struct tui *t)
{
	return t->ending != 0;
}

void tui_size(const struct tui *t, int *ret_rows, int *ret_columns)
{
	*ret_rows = t->rows;
	*ret_columns = t->columns;
}

bool tui_colours(const struct tui *t)
{
	return t->colours;
}

/* ---- descriptors and timers -------------------------------------------------------------------------------- */

int tui_watch(struct tui *t, int fd, tui_watch_cb *cb, void *data)
{
	struct tui_watch *w = NULL;

	for (size_t i = 0; i < t->n_watches && !w; i++)
		if (t->watches[i].fd < 0)
			w = &t->watches[i];
	if (!w) {
		w = reallocarray(t->watches, t->n_watches + 1, sizeof(*w));
		if (!w)
			return -ENOMEM;
		t->watches = w;
		w = &t->watches[t->n_watches++];
	}
	*w = (struct tui_watch){ .fd = fd, .cb = cb, .data = data };
	return 0;
}

void tui_unwatch(struct tui *t, int fd)
{
	for (size_t i = 0; i < t->n_watches; i++)
		if (t->watches[i].fd == fd)
			t->watches[i].fd = -1;
}

int tui_timer(struct tui *t, int64_t ms, tui_timer_cb *cb, void *data, unsigned int *ret)
{
	struct tui_timer *v = NULL;

	for (size_t i = 0; i < t->n_timers && !v; i++)
		if (t->timers[i].id == 0)
			v = &t->timers[i];
	if (!v) {
		v = reallocarray(t->timers, t->n_timers + 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		t->timers = v;
		v = &t->timers[t->n_timers++];
	}
	/* Wrapped around, it would be "none". */
	if (++t->last_timer == 0)
		t->last_timer++;
	*v = (struct tui_timer){ .id = t->last_timer, .at = clock_mono_ms() + ms, .cb = cb, .data = data };
	*ret = t->last_timer;
	return 0;
}

void tui_timer_stop(struct tui *t, unsigned int timer)
{
	for (size_t i = 0; timer && i < t->n_timers; i++)
		if (t->timers[i].id == timer)
			t->timers[i].id = 0;
}

/* The callback may add and stop timers, so that nothing but the number is sure after it. */
static int run_timers(struct tui *t)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < t->n_timers; i++) {
		unsigned int id = t->timers[i].id;
		int64_t next;

		if (id == 0 || t->timers[i].at > now)
			continue;
		next = t->timers[i].cb(t->timers[i].data);
		if (next < 0)
			return (int)next;
		if (t->timers[i].id != id)
			continue;
		if (next == 0)
			t->timers[i].id = 0;
		t->timers[i].at = now + next;
	}
	return 0;
}

static int patience(const struct tui *t)
{
	int64_t now = clock_mono_ms(), least = term_patience(t);

	for (size_t i = 0; i < t->n_timers; i++) {
		int64_t left = MAX(t->timers[i].at - now, (int64_t)0);

		if (t->timers[i].id && (least < 0 || left < least))
			least = left;
	}
	return (int)MIN(least, (int64_t)INT32_MAX);
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

bool loop_signals(struct tui *t, unsigned int signals)
{
	if (signals & SIGNAL_HANGUP)
		t->ending = TUI_END_HANGUP;
	else if (signals & SIGNAL_TERMINATE)
		t->ending = TUI_END_TERMINATED;
	if (signals & SIGNAL_STOP)
		term_suspend(t);
	/* Stopped by SIGSTOP, a shell has changed the terminal without our knowing. */
	if (signals & (SIGNAL_RESIZE | SIGNAL_CONTINUE))
		term_resize(t);
	return signals & (SIGNAL_RESIZE | SIGNAL_STOP | SIGNAL_CONTINUE);
}

int loop_wait_key(struct tui *t)
{
	struct pollfd fds[] = { { .fd = t->in, .events = POLLIN }, { .fd = signals_fd(), .events = POLLIN } };

	if (t->ending)
		return -ECANCELED;
	if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
		return -ECANCELED;
	if (fds[1].revents && loop_signals(t, signals_read()))
		return t->ending ? -ECANCELED : 1;
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		t->ending = TUI_END_HANGUP;
	if (t->ending)
		return -ECANCELED;
	return fds[0].revents ? 0 : loop_wait_key(t);
}

static int read_keys(struct tui *t)
{
	struct tui_event e;
	int r = 0;

	while (r >= 0 && !t->ending && !t->quit && term_event(t, &e)) {
		r = screens_event(t, &e);
		screens_sweep(t);
	}
	return r;
}

static int run_watches(struct tui *t, const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		/* An earlier callback may have taken it out, or another in. */
		if (!fds[i].revents || i >= t->n_watches || fds[i].fd < 0 || t->watches[i].fd != fds[i].fd)
			continue;
		r = t->watches[i].cb(fds[i].fd, t->watches[i].data);
		if (r < 0)
			return r;
		screens_sweep(t);
	}
	return 0;
}

static int turn(struct tui *t, struct pollfd *fds, size_t n)
{
	int r;

	fds[0] = (struct pollfd){ .fd = t->in, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = signals_fd(), .events = POLLIN };
	for (size_t i = 2; i < n; i++)
		fds[i] = (struct pollfd){ .fd = t->watches[i - 2].fd, .events = POLLIN };
	if (poll(fds, n, patience(t)) < 0) {
		if (errno != EINTR)
			return -errno;
		return 0;
	}
	if (fds[1].revents && loop_signals(t, signals_read()))
		t->dirty = true;
	if (t->ending)
		return 0;
	r = read_keys(t);
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		t->ending = TUI_END_HANGUP;
	if (r >= 0)
		r = run_watches(t, fds + 2, n - 2);
	if (r >= 0)
		r = run_timers(t);
	screens_sweep(t);
	return r;
}

int tui_run(struct tui *t)
{
	_cleanup_free_ struct pollfd *fds = NULL;
	size_t size = 0;
	int r = 0;

	/* What curses has read ahead is not seen by poll(2). */
	r = read_keys(t);
	while (r >= 0 && !t->ending && !t->quit) {
		if (t->dirty)
			screens_draw(t);
		if (size < t->n_watches + 2) {
			struct pollfd *more = reallocarray(fds, t->n_watches + 2, sizeof(*fds));

			if (!more)
				return -ENOMEM;
			fds = more;
			size = t->n_watches + 2;
		}
		r = turn(t, fds, t->n_watches + 2);
	}
	return r < 0 ? r : t->ending;
}
