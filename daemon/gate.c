/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/gate.h"

#include <sys/socket.h>

#include "daemon/outgoing.h"
#include "util/log.h"
#include "util/macro.h"

const char *const gate_reason_labels[GATE_REASON_COUNT] = {
#define X(name, label) [GATE_##name] = (label),
	GATE_REASONS(X)
#undef X
};

void gate_init(struct gate *g, const uint64_t secret[2])
{
	*g = (struct gate){ .used = 0 };
	pthread_mutex_init(&g->lock, NULL);
	limit_init(&g->requests, secret[0], RATE_REQUESTS, BURST_REQUESTS);
	limit_init(&g->strangers, secret[1], RATE_STRANGERS, BURST_STRANGERS);
}

static void count(struct gate *g, enum gate_reason why)
{
	atomic_fetch_add(&g->counts[why], 1);
}

/* Whoever reads it sees its end. What waits in the system to be sent is thrown away, or a peer that takes nothing would
 * keep that memory. */
static void shut(int fd)
{
	const struct linger none = { .l_onoff = 1, .l_linger = 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) < 0 || shutdown(fd, SHUT_RDWR) < 0)
		log_debug("a connection had ended by itself");
}

static bool counts(const struct gate_place *p)
{
	return p->state != GATE_FREE && !p->ended;
}

static bool is_own(const struct gate_place *p, struct ip4 from, enum gate_kind kind)
{
	return p->from.n == from.n && (p->kind == GATE_AGENT) == (kind == GATE_AGENT);
}

/* How many count of this address, in each of its places, so that nobody has to look for them all. */
static void set_own(struct gate *g, struct ip4 from, enum gate_kind kind)
{
	unsigned int own = 0;

	for (size_t i = 0; i < ARRAY_SIZE(g->places); i++)
		own += counts(&g->places[i]) && is_own(&g->places[i], from, kind);
	for (size_t i = 0; i < ARRAY_SIZE(g->places); i++)
		if (is_own(&g->places[i], from, kind))
			g->places[i].own = own;
}

static void end(struct gate *g, struct gate_place *p, enum gate_reason why)
{
	p->ended = true;
	set_own(g, p->from, p->kind);
	count(g, why);
	shut(p->fd);
}

/* ---- who gives way -------------------------------------------------------------------------------------------- */

struct census {
	size_t all, strangers, own;
};

static struct census take_census(const struct gate *g, struct ip4 from, enum gate_kind kind)
{
	struct census c = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(g->places); i++) {
		const struct gate_place *p = &g->places[i];

		if (!counts(p))
			continue;
		c.all++;
		c.strangers += p->kind == GATE_STRANGER;
		c.own += is_own(p, from, kind);
	}
	return c;
}

/* The one that has waited longest, of this kind or one that counts for less. */
static struct gate_place *longest_waiting(struct gate *g, enum gate_kind most)
{
	struct gate_place *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(g->places); i++) {
		struct gate_place *p = &g->places[i];

		if (counts(p) && p->state == GATE_WAITS && p->kind <= most &&
		    (!found || p->since < found->since))
			found = p;
	}
	return found;
}

/* The oldest answer to a stranger. */
static struct gate_place *strangers_answer(struct gate *g)
{
	struct gate_place *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(g->places); i++) {
		struct gate_place *p = &g->places[i];

		if (counts(p) && p->kind == GATE_STRANGER && (!found || p->since < found->since))
			found = p;
	}
	return found;
}

/* One of an address that holds at least two more than whoever comes would have then. */
static struct gate_place *of_the_greediest(struct gate *g, enum gate_kind most, size_t own)
{
	struct gate_place *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(g->places); i++) {
		struct gate_place *p = &g->places[i];

		if (counts(p) && p->own > own + 1 && p->kind <= most && (!found || p->own > found->own))
			found = p;
	}
	return found;
}

static bool make_room(struct gate *g, enum gate_kind kind, const struct census *c)
{
	struct gate_place *p = longest_waiting(g, GATE_STRANGER);

	if (!p && kind != GATE_STRANGER)
		p = strangers_answer(g);
	if (!p && kind != GATE_STRANGER)
		p = longest_waiting(g, kind);
	if (!p)
		p = of_the_greediest(g, kind, c->own);
	if (!p)
		return false;
	end(g, p, GATE_DISPLACED);
	return true;
}

/* ---- coming and going ----------------------------------------------------------------------------------------- */

/* No address is as large. */
#define OF_AGENT (UINT64_C(1) << 32)

static bool is_in_rate(struct gate *g, struct ip4 from, enum gate_kind kind, int64_t now)
{
	return limit_pass(&g->requests, from.n | (kind == GATE_AGENT ? OF_AGENT : 0), now) &&
	       (kind != GATE_STRANGER || limit_pass(&g->strangers, 0, now));
}

bool gate_admit(struct gate *g, struct ip4 from, enum gate_kind kind, int64_t now)
{
	static const size_t most[] = {
		[GATE_STRANGER] = CONNECTIONS_STRANGER,
		[GATE_NODE] = CONNECTIONS_NODE,
		[GATE_AGENT] = CONNECTIONS_AGENT,
	};
	struct census c;
	bool may = true;

	if (!is_in_rate(g, from, kind, now)) {
		count(g, GATE_RATE);
		return false;
	}
	pthread_mutex_lock(&g->lock);
	c = take_census(g, from, kind);
	if (c.own >= most[kind]) {
		count(g, GATE_ADDRESS);
		may = false;
	} else if (c.all >= CONNECTIONS || (kind == GATE_STRANGER && c.strangers >= CONNECTIONS_STRANGERS)) {
		may = make_room(g, kind, &c);
		if (!may)
			count(g, GATE_FULL);
	}
	pthread_mutex_unlock(&g->lock);
	return may;
}

struct gate_place *gate_enter(struct gate *g, int fd, struct ip4 from, enum gate_kind kind, int64_t now)
{
	struct gate_place *p = NULL;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < ARRAY_SIZE(g->places) && !p; i++)
		if (g->places[i].state == GATE_FREE)
			p = &g->places[i];
	if (p) {
		*p = (struct gate_place){ .state = GATE_WAITS,
					  .fd = fd,
					  .from = from,
					  .kind = kind,
					  .since = now,
					  .deadline = now + REQUEST_MS };
		set_own(g, from, kind);
		g->used++;
	} else {
		count(g, GATE_FULL);
		shut(fd);
	}
	pthread_mutex_unlock(&g->lock);
	return p;
}

void gate_leave(struct gate *g, struct gate_place *p)
{
	struct gate_place was;

	if (!p)
		return;
	pthread_mutex_lock(&g->lock);
	if (p->requests == 0 && !p->ended)
		count(g, GATE_NO_REQUEST);
	was = *p;
	*p = (struct gate_place){ GATE_FREE };
	set_own(g, was.from, was.kind);
	g->used--;
	pthread_mutex_unlock(&g->lock);
}

bool gate_request(struct gate *g, struct gate_place *p, int64_t now)
{
	bool may;

	if (!p)
		return false;
	/* The first one was paid for when the connection came in. */
	may = p->requests++ == 0 || is_in_rate(g, p->from, p->kind, now);
	if (!may)
		count(g, GATE_RATE);
	return may;
}

static void set_state(struct gate_place *p, enum gate_state state, int64_t now, int64_t ms)
{
	p->state = state;
	p->since = p->moved = now;
	p->deadline = now + ms;
}

/* Bytes that the system has of it, and the other end has not. */
static uint64_t unsent(const struct gate_place *p)
{
	struct outgoing o;

	return outgoing_look(p->fd, &o) ? o.waits : 0;
}

/* Nothing of its answer arrives. What the library has written says nothing of that: the system takes megabytes. */
static bool is_idle(struct gate_place *p, int64_t now)
{
	struct outgoing o;

	if (!outgoing_look(p->fd, &o))
		return false;
	if (o.waits == 0 || o.waits != p->waits || o.acked != p->acked)
		p->moved = now;
	p->waits = o.waits;
	p->acked = o.acked;
	return now - p->moved >= IDLE_MS;
}

static int64_t time_for(uint64_t len)
{
	return ANSWER_MS + (int64_t)(len / ANSWER_PACE);
}

void gate_answer(struct gate *g, struct gate_place *p, uint64_t len, int64_t within, int64_t now)
{
	if (!p)
		return;
	pthread_mutex_lock(&g->lock);
	set_state(p, GATE_ANSWERS, now, within > 0 ? MIN(within, time_for(len)) : time_for(len));
	pthread_mutex_unlock(&g->lock);
}

void gate_wait(struct gate *g, struct gate_place *p, int64_t now)
{
	uint64_t left;

	if (!p)
		return;
	pthread_mutex_lock(&g->lock);
	left = unsent(p);
	if (left > 0)
		set_state(p, GATE_DRAINS, now, time_for(left));
	else
		set_state(p, GATE_WAITS, now, REQUEST_MS);
	pthread_mutex_unlock(&g->lock);
}

static void sweep_one(struct gate *g, struct gate_place *p, int64_t now)
{
	if (p->state == GATE_DRAINS && unsent(p) == 0)
		set_state(p, GATE_WAITS, now, REQUEST_MS);
	if (now >= p->deadline || (p->state != GATE_WAITS && is_idle(p, now)))
		end(g, p, p->state == GATE_WAITS ? GATE_SLOW_REQUEST : GATE_SLOW_ANSWER);
}

size_t gate_sweep(struct gate *g, int64_t now)
{
	size_t used;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; g->used > 0 && i < ARRAY_SIZE(g->places); i++)
		if (counts(&g->places[i]))
			sweep_one(g, &g->places[i], now);
	used = g->used;
	pthread_mutex_unlock(&g->lock);
	return used;
}

size_t gate_connections(struct gate *g)
{
	size_t used;

	pthread_mutex_lock(&g->lock);
	used = g->used;
	pthread_mutex_unlock(&g->lock);
	return used;
}
