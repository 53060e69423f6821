/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's actions on nodes, asked for over the control socket. */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "backend/nodes/control.h"
#include "daemon/control.h"
#include "daemon/wake.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

#define POKED_MAX 3 /* one of them may just have died */

/* One node of a request: what is wanted of it, and what is said about it. */
struct job {
	struct daemon *d;
	const struct view *v;
	const struct node_state *node;
	const struct store_asker *who;
	const json_t *what; /* of the request */
	char *text;	    /* the sentence; owned */
	int64_t id;	    /* of an order */
};

static int say(struct job *j, int code, const char *fmt, ...) _printf_(3, 4);
static int say(struct job *j, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&j->text, fmt, ap) < 0)
		j->text = NULL;
	va_end(ap);
	return j->text ? code : -ENOMEM;
}

/* Whether it reports, so that it will hear of an action. */
static bool hears(const struct node_state *n)
{
	return n->stage == NODE_INITRAMFS || n->stage == NODE_ROOT || n->stage == NODE_READY ||
	       n->stage == NODE_JOINED || n->stage == NODE_FAILED;
}

/* Without it the node hears at its next report. */
static int poke_node(const struct view *v, const struct node_state *node)
{
	struct ip4 address;
	int r = ip4_parse(node->address, &address);

	if (r == 0)
		r = poke_send(v->plan->net.address, address);
	if (r < 0)
		log_debug("%s cannot be poked: %s", node->name, muster_strerror(r));
	return r;
}

static int poke(struct job *j)
{
	return poke_node(j->v, j->node);
}

/* With args (NULL for none) it is an order, whose outcome is kept. */
static int ask_agent(struct job *j, const char *what, const char *args)
{
	int64_t now = clock_wall_ms();
	struct store *s;
	int r;

	if (!hears(j->node))
		return say(j, -EHOSTDOWN, "It is %s and does not report, so it cannot be asked.",
			   node_stage_text(j->node->stage));
	s = daemon_store_lock(j->d);
	r = args ? store_order_add(s, now, j->node->name, what, args, j->who, &j->id)
		 : store_action_add(s, now, j->node->name, what, j->who);
	daemon_store_unlock(j->d);
	if (r < 0)
		return say(j, r, "It cannot be kept: %s.", muster_strerror(r));
	/* A lost one, too, costs no more than the wait that is told here. */
	poke(j);
	return say(j, 0, "Asked; it hears it within %d s.", j->d->interval);
}

static int reboot_node(struct job *j)
{
	return ask_agent(j, "reboot", NULL);
}

static int power_off(struct job *j)
{
	return ask_agent(j, "poweroff", NULL);
}

static int reset_node(struct job *j)
{
	return ask_agent(j, "reset", NULL);
}

static int wake(struct job *j)
{
	struct mac mac;
	int r;

	if (mac_parse(j->node->mac, &mac) < 0)
		return say(j, -ENODATA, "Its MAC address is not known yet.");
	r = wake_send(j->v->plan->net, mac);
	if (r < 0)
		return say(j, r, "The packet cannot be sent: %s.", muster_strerror(r));
	r = store_event(daemon_store_lock(j->d), clock_wall_ms(), j->node->name, "power",
			"wake: the packet was sent");
	daemon_store_unlock(j->d);
	return r < 0 ? say(j, r, "It was sent, and cannot be kept: %s.", muster_strerror(r))
		     : say(j, 0, "The packet was sent to %s.", j->node->mac);
}

static const struct {
	const char *word;
	int (*run)(struct job *j);
} powers[] = { { "reboot", reboot_node }, { "off", power_off }, { "reset", reset_node }, { "wake", wake } };

static int power(struct job *j)
{
	const char *word = json_string_value(json_object_get(j->what, "what"));

	for (size_t i = 0; word && i < ARRAY_SIZE(powers); i++)
		if (strcmp(powers[i].word, word) == 0)
			return powers[i].run(j);
	return say(j, -EINVAL, "There is no such action.");
}

/* ---- orders: actions with arguments, whose outcome is kept ------------------------------------------------------- */

static const char *const orders[] = { "ssi-prepare", "ssi-boot", "ssi-add",	  "ssi-remove",
				      "ssi-migrate", "ssi-stop", "ssi-scheduler", "ssi-probe" };

static int order(struct job *j)
{
	const char *word = json_string_value(json_object_get(j->what, "what"));
	const char *args = json_string_value(json_object_get(j->what, "args"));

	args = args ? args : "";
	/* The agent looks at them once more. */
	if (args[strspn(args, "0123456789,- ")] || strlen(args) >= WIRE_ARGS_MAX)
		return say(j, -EINVAL, "These are no arguments of an order.");
	for (size_t i = 0; word && i < ARRAY_SIZE(orders); i++)
		if (strcmp(orders[i], word) == 0)
			return ask_agent(j, word, args);
	return say(j, -EINVAL, "There is no such order.");
}

static int ask_report(struct job *j)
{
	int r = hears(j->node) ? poke(j) : -EHOSTDOWN;

	return say(j, r, r < 0 ? "It cannot be asked now." : "Asked.");
}

/* ---- what it boots next ----------------------------------------------------------------------------------------- */

/* The same letters as in the path that it is served by (routes.c). */
static bool is_id(const char *s)
{
	return *s && *s != '.' && strlen(s) <= 128 &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

static int check_root(struct job *j, const char *id, const char *initramfs)
{
	uint64_t size;

	if (!is_id(id) || (*initramfs && !is_id(initramfs)))
		return say(j, -EINVAL, "This is no root's id.");
	if (files_size_of_root(j->d, id, "vmlinuz", &size) < 0)
		return say(j, -ENOENT, "There is no root %s; `muster root list` names those that there are.",
			   id);
	if (strcmp(id, j->v->generation) != 0 &&
	    (!*initramfs || files_size_of_initramfs(j->d, initramfs, &size) < 0))
		return say(j, -ENOENT, "No initramfs is built for the root %s.", id);
	return 0;
}

static int next(struct job *j)
{
	const char *what = json_string_value(json_object_get(j->what, "what"));
	const char *initramfs = json_string_value(json_object_get(j->what, "initramfs"));
	bool always = json_is_true(json_object_get(j->what, "always"));
	struct store_next n = { .always = always };
	int r = 0;

	if (!what)
		return say(j, -EINVAL, "Name what it shall boot.");
	initramfs = initramfs ? initramfs : "";
	if (strncmp(what, "root:", 5) == 0)
		r = check_root(j, what + 5, initramfs);
	else if (strcmp(what, "memtest") == 0 && !files_has_memtest(j->d, false) &&
		 !files_has_memtest(j->d, true))
		r = say(j, -ENOENT, "The memory test is not on the server: install the package memtest86+.");
	else if (strcmp(what, "system") != 0 && strcmp(what, "disk") != 0 && strcmp(what, "memtest") != 0)
		r = say(j, -EINVAL, "It can boot system, disk, memtest or root:ID.");
	if (r < 0)
		return r;
	n.what = strdup(strcmp(what, "system") == 0 ? "" : what);
	n.initramfs = strdup(initramfs);
	r = n.what && n.initramfs ? 0 : -ENOMEM;
	if (r == 0) {
		r = store_next_set(daemon_store_lock(j->d), clock_wall_ms(), j->node->name, &n, j->who);
		daemon_store_unlock(j->d);
	}
	store_next_free(&n);
	if (r < 0)
		return say(j, r, "It cannot be kept: %s.", muster_strerror(r));
	if (strcmp(what, "system") == 0)
		return say(j, 0, "It boots the cluster's system.");
	return say(j, 0, "%s it boots %s.", always ? "From now on" : "Next time, once,", what);
}

/* ---- all nodes of a request ------------------------------------------------------------------------------------ */

static int run_for(struct job *j, const char *name, int (*run)(struct job *j))
{
	struct node_state node;
	int r = store_node(daemon_store_lock(j->d), clock_wall_ms(), name, &node);

	daemon_store_unlock(j->d);
	if (r < 0)
		return say(j, r, r == -ENOENT ? "There is no such node." : "It cannot be read.");
	j->node = &node;
	r = run(j);
	node_state_clear(&node);
	return r;
}

/* Owned; NULL: this user has none. */
static char *user_name(uid_t uid)
{
	struct passwd user, *found = NULL;
	char texts[4096];

	return getpwuid_r(uid, &user, texts, sizeof(texts), &found) == 0 && found ? strdup(found->pw_name)
										  : NULL;
}

static void run_all(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out,
		    int (*run)(struct job *j))
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	const json_t *nodes = json_object_get(what, "nodes");
	struct store_asker who = { .uid = (int64_t)p->uid };
	_cleanup_free_ char *user = NULL;
	json_t *results;

	if (!json_is_array(nodes) || json_array_size(nodes) == 0) {
		control_refuse(out, -EINVAL, "Name the nodes.");
		return;
	}
	/* Now, since it may take long where users come over the network, and then nobody holds the store. */
	who.name = user = user_name(p->uid);
	results = json_array();
	for (size_t i = 0; i < json_array_size(nodes); i++) {
		const char *name = json_string_value(json_array_get(nodes, i));
		struct job j = { .d = d, .v = v, .who = &who, .what = what };
		int r = run_for(&j, name ? name : "", run);

		if (json_array_append_new(results, json_pack("{s:s, s:i, s:s, s:I}", "name", name ? name : "",
							     "code", -r, "text", j.text ? j.text : "", "id",
							     (json_int_t)j.id)) < 0)
			out->failed = true;
		free(j.text);
	}
	control_line(out, json_pack("{s:o}", "results", results));
}

void control_power(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	run_all(d, p, what, out, power);
}

void control_next(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	run_all(d, p, what, out, next);
}

void control_order(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	run_all(d, p, what, out, order);
}

void control_poke(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	run_all(d, p, what, out, ask_report);
}

void control_poke_joined(struct daemon *d)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	struct node_state *nodes = NULL;
	size_t n = 0, poked = 0;
	int r = store_nodes(daemon_store_lock(d), clock_wall_ms(), NULL, &nodes, &n);

	daemon_store_unlock(d);
	if (r < 0)
		return;
	for (size_t i = 0; i < n && poked < POKED_MAX; i++)
		if (nodes[i].stage == NODE_JOINED)
			poked += poke_node(v, &nodes[i]) == 0;
	node_states_free(nodes, n);
}

static json_t *outcome_json(struct daemon *d, int64_t id)
{
	struct store_outcome o = { 0 };
	int r = store_outcome_get(daemon_store_lock(d), id, &o);
	json_t *j;

	daemon_store_unlock(d);
	j = json_pack("{s:I, s:s, s:i, s:s}", "id", (json_int_t)id, "state", r < 0 ? "dropped" : o.state,
		      "status", o.status, "output", o.output ? o.output : "");
	store_outcome_free(&o);
	return j;
}

void control_outcomes(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(what); i++)
		if (json_array_append_new(list,
					  outcome_json(d, json_integer_value(json_array_get(what, i)))) < 0)
			out->failed = true;
	control_line(out, json_pack("{s:o}", "outcomes", list));
}
