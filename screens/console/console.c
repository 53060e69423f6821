/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console as a whole: its connection to musterd, and what keeps its screens up to date. */
#include "config.h"

#include "screens/console/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "screens/console/private.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

#define RETRY_MS 1000
#define TICK_MS 1000 /* times that grow are shown in seconds */

static int replace(char **text, const char *with)
{
	char *copy = strdup(with ? with : "");

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

/* ---- what musterd tells --------------------------------------------------------------------------------------- */

/* The callbacks return nothing: what memory did not suffice for is shown as it was before. */
static void on_cluster(void *data, const struct muster_cluster *cluster)
{
	struct console *c = data;

	if (replace(&c->cluster, cluster->name) < 0 || replace(&c->domain, cluster->domain) < 0 ||
	    replace(&c->generation, cluster->generation) < 0)
		tui_notice(c->tui, STYLE_ERROR, _("There is no memory left."));
	if (cluster->all)
		model_gone_all(c->model);
}

static void on_node(void *data, const struct node_state *s)
{
	struct console *c = data;

	if (model_put(c->model, s) < 0)
		tui_notice(c->tui, STYLE_ERROR, _("There is no memory left."));
}

static void on_gone(void *data, const char *name)
{
	struct console *c = data;

	model_gone(c->model, name);
}

static void on_event(void *data, const struct muster_node_event *e)
{
	struct console *c = data;

	if (model_event(c->model, e->id, e->at, e->node, e->kind, e->text) < 0)
		tui_notice(c->tui, STYLE_ERROR, _("There is no memory left."));
}

static void on_synced(void *data)
{
	struct console *c = data;

	c->synced = true;
	c->changes++;
	tui_dirty(c->tui);
}

static const struct muster_feed_ops feed_ops = {
	.cluster = on_cluster,
	.node = on_node,
	.gone = on_gone,
	.event = on_event,
	.synced = on_synced,
};

/* ---- the connection --------------------------------------------------------------------------------------------- */

static int64_t retry(void *data);

static int lose(struct console *c, int why)
{
	if (c->feed) {
		c->from = muster_feed_where(c->feed);
		tui_unwatch(c->tui, muster_feed_fd(c->feed));
		muster_feed_free(TAKE_PTR(c->feed));
	}
	if (!c->lost)
		c->lost_at = clock_wall_ms();
	c->lost = why;
	tui_dirty(c->tui);
	return tui_timer(c->tui, RETRY_MS, retry, c, &c->retry_timer);
}

static int on_feed(int fd, void *data)
{
	struct console *c = data;
	int r = muster_feed_read(c->feed, &feed_ops, c);

	return r < 0 ? lose(c, r) : 0;
}

/* 0 whether or not there is somebody to connect to. */
static int connect_feed(struct console *c)
{
	int r = muster_feed_open(c->muster, c->from, &c->feed);

	if (r < 0)
		return lose(c, r);
	c->lost = 0;
	tui_dirty(c->tui);
	return tui_watch(c->tui, muster_feed_fd(c->feed), on_feed, c);
}

static int64_t retry(void *data)
{
	return connect_feed(data);
}

bool console_lost(const struct console *c, struct strbuf *text)
{
	if (!c->lost)
		return false;
	if (c->lost == -EACCES)
		strbuf_adds(text, _("musterd answers only to root and to its own group."));
	else
		strbuf_addf(text, _("musterd has not answered for %s; this is what it last knew."),
			    DURATION(clock_wall_ms() - c->lost_at));
	return true;
}

static int64_t tick(void *data)
{
	struct console *c = data;

	tui_dirty(c->tui);
	return TICK_MS;
}

/* ---- beginning and end -------------------------------------------------------------------------------------------- */

void console_end(struct console *c)
{
	if (!c)
		return;
	tui_timer_stop(c->tui, c->retry_timer);
	tui_timer_stop(c->tui, c->tick_timer);
	if (c->feed)
		tui_unwatch(c->tui, muster_feed_fd(c->feed));
	muster_feed_free(c->feed);
	model_free(c->model);
	free(c->cluster);
	free(c->domain);
	free(c->generation);
	free(c);
}

static int begin(struct console *c)
{
	int r = model_new(&c->model);

	if (r == 0 &&
	    (replace(&c->cluster, "") < 0 || replace(&c->domain, "") < 0 || replace(&c->generation, "") < 0))
		r = -ENOMEM;
	if (r == 0)
		r = connect_feed(c);
	if (r == 0)
		r = tui_timer(c->tui, TICK_MS, tick, c, &c->tick_timer);
	return r;
}

int console_begin(struct muster *m, struct tui *t, struct console **ret)
{
	struct console *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->muster = m;
	c->tui = t;
	r = begin(c);
	if (r < 0)
		console_end(c);
	else
		*ret = c;
	return r;
}

int console_run(struct muster *m)
{
	struct console *c = NULL;
	struct tui *t = NULL;
	int r = tui_open(STDIN_FILENO, STDOUT_FILENO, &t);

	if (r < 0)
		return r;
	r = console_begin(m, t, &c);
	if (r == 0)
		r = tui_push(t, &nodes_screen, c);
	if (r == 0)
		r = tui_run(t);
	/* The screens look into the console until they are closed. */
	tui_quit(t);
	console_end(c);
	tui_close(t);
	return r > 0 ? -MUSTER_E_CANCELLED : r;
}
