/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a node boots: its loader's script. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "agent/wire.h"
#include "backend/render/render.h"
#include "daemon/daemon.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"

#define KEYS "/var/lib/muster/keys"
#define KEY_FILE "ssh_host_ed25519_key"
#define KEY_MAX 16384

int boot_read_key(struct daemon *d, const char *node, const char *suffix, char **ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, KEYS "/%s/" KEY_FILE "%s", node, suffix) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return fs_read(d->root_fd, path, KEY_MAX, ret, NULL);
}

bool boot_wants_host_key(const struct plan *p)
{
	return p->root != PLAN_ROOT_INITRAMFS;
}

/* What the node shall boot this time. */
struct choice {
	struct store_next next;	   /* the wish; its texts back the pointers below */
	bool disk, memtest, other; /* other: a root that is not the cluster's */
	const char *generation, *initramfs, *platform;
};

static int choose(struct daemon *d, const struct view *v, const struct plan_node *n, const char *platform,
		  struct choice *ret)
{
	int r = store_next_get(daemon_store_lock(d), n->name, &ret->next);
	const char *what = ret->next.what;

	daemon_store_unlock(d);
	if (r < 0)
		return r;
	ret->disk = strcmp(what, "disk") == 0;
	ret->memtest = strcmp(what, "memtest") == 0;
	ret->other = strncmp(what, NEXT_ROOT, strlen(NEXT_ROOT)) == 0;
	ret->platform = platform;
	/* The cluster's own root boots with the initramfs that belongs to it now. */
	if (ret->other && strcmp(what + strlen(NEXT_ROOT), v->generation) != 0) {
		ret->generation = what + strlen(NEXT_ROOT);
		ret->initramfs = ret->next.initramfs;
	} else {
		ret->generation = ret->disk || ret->memtest ? "" : v->generation;
		ret->initramfs = v->initramfs;
	}
	return 0;
}

static void choice_free(struct choice *c)
{
	store_next_free(&c->next);
}

/* ---- the script ------------------------------------------------------------------------------------------- */

/* Finds the node that asks. NULL: *ret_why (owned) says in a sentence why it is none. */
static const struct plan_node *find_node(const struct view *v, struct mac mac, struct ip4 from,
					 char **ret_why)
{
	const struct plan *p = v->plan;
	bool by_address = p->ip_mode == PLAN_IP_RANGE && p->dhcp != PLAN_DHCP_PROXY;
	const struct plan_node *n = by_address ? view_by_address(v, from) : view_by_mac(v, mac);
	int len = 0;

	if (!n && by_address)
		len = asprintf(ret_why, "The address %s is none of cluster %s.", IP4(from), p->name);
	else if (!n)
		len = asprintf(ret_why, "The machine %s is no node of cluster %s.", MAC(mac), p->name);
	else if (p->dhcp != PLAN_DHCP_PROXY && n->address.n != from.n)
		len = asprintf(ret_why, "%s has the address %s in the plan, but this machine came from %s.",
			       n->name, IP4(n->address), IP4(from));
	else if (!daemon_is_there(p, from, mac))
		len = asprintf(ret_why, "The machine at %s is not %s, which it says it is.", IP4(from),
			       MAC(mac));
	else
		return n;
	if (len < 0)
		*ret_why = NULL;
	return NULL;
}

/* 0, or *ret_why (owned) says in a sentence what is missing. */
static int check_files(struct daemon *d, const struct view *v, const struct plan_node *n,
		       const struct choice *choice, char **ret_why)
{
	_cleanup_free_ char *key = NULL, *pub = NULL;
	char sum[HASH_TEXT];
	uint64_t size;
	int len = 0;

	if (choice->memtest) {
		if (files_has_memtest(d, strcmp(choice->platform, "efi") == 0))
			return 0;
		len = asprintf(ret_why, "The memory test is not on the server: install the package "
					"memtest86+ there.");
	} else if (choice->disk) {
		return 0;
	} else if (choice->other && files_size_of_root(d, choice->generation, "vmlinuz", &size) < 0)
		len = asprintf(ret_why, "The root %s, which it shall boot next, is not on the server.",
			       choice->generation);
	else if (!*choice->generation || files_size_of_root(d, choice->generation, "vmlinuz", &size) < 0)
		len = asprintf(ret_why,
			       "No root is built on the server yet: run \"muster root build\" there.");
	else if (v->plan->root == PLAN_ROOT_RAM && files_sum_of_root(d, choice->generation, sum, &size) < 0)
		len = asprintf(ret_why,
			       "The root %s has no whole checksum on the server: its root.json is missing or "
			       "damaged. Run \"muster root build\" there.",
			       choice->generation);
	else if (!*choice->initramfs || files_size_of_initramfs(d, choice->initramfs, &size) < 0)
		len = asprintf(ret_why, "The initramfs is missing on the server: run \"muster root build\".");
	else if (boot_wants_host_key(v->plan) &&
		 (boot_read_key(d, n->name, "", &key) < 0 || boot_read_key(d, n->name, ".pub", &pub) < 0))
		len = asprintf(ret_why,
			       "The ssh host key of %s is missing on the server: run \"muster apply\".",
			       n->name);
	else
		return 0;
	if (len < 0)
		*ret_why = NULL;
	return -ENOENT;
}

static void answer_script(struct http_answer *a, char *script)
{
	a->data = script;
	a->len = strlen(script);
	a->type = "text/plain";
	a->no_store = true;
	a->status = 200;
}

/* The machine shows `why` on its screen; status 200, or its loader would not read on. */
static void refuse(struct daemon *d, const struct http_request *q, const char *node, const char *why,
		   struct http_answer *a)
{
	char *script;

	atomic_fetch_add(&d->metrics.boots_refused, 1);
	daemon_refused(d, node, q->from, "%s", why);
	if (render_ipxe_refusal(why, &script) == 0)
		answer_script(a, script);
}

static int make_token(char ret[WIRE_TOKEN_LEN + 1])
{
	unsigned char bytes[WIRE_TOKEN_LEN / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + i * 2, 3, "%02x", bytes[i]);
	return 0;
}

static const char *platform_of(const struct http_request *q)
{
	const char *platform = q->query(q, "platform");

	return platform && strcmp(platform, "efi") == 0 ? "efi" : "pcbios";
}

static int make_script(struct daemon *d, const struct http_request *q, const struct view *v,
		       const struct plan_node *n, const struct choice *choice, struct mac mac, char **ret)
{
	char token[WIRE_TOKEN_LEN + 1];
	struct render_boot boot = {
		.plan = v->plan,
		.node = n,
		.generation = choice->generation,
		.initramfs = choice->initramfs,
		.token = token,
		.platform = choice->platform,
	};
	_cleanup_free_ char *script = NULL;
	struct store *s;
	int r = make_token(token);

	if (r == 0)
		r = choice->disk      ? render_ipxe_disk(&boot, &script)
		    : choice->memtest ? render_ipxe_memtest(&boot, &script)
				      : render_ipxe(&boot, &script);
	if (r < 0)
		return r;
	s = daemon_store_lock(d);
	r = store_boot(s, clock_wall_ms(), n->name, MAC(mac), IP4(q->from), token, choice->generation);
	daemon_store_unlock(d);
	if (r < 0)
		return r;
	boots_mark(&d->since, n->name, token, BOOT_SCRIPT, clock_mono_ms());
	*ret = TAKE_PTR(script);
	return 0;
}

/*
 * A node that reports is running, so whoever asks for its boot is no loader but one of its own users, who
 * would get its secrets and end its boot. A node that is shut down in order says so with its last report; after
 * the last report of one that lost its power, its loader waits until the next one would be overdue. The same after a start
 * of musterd, which may have been away for longer than that.
 */
static bool is_running(struct daemon *d, const char *node)
{
	bool before = false;
	int r = store_spoke(daemon_store_lock(d), node, &before);

	daemon_store_unlock(d);
	/* What cannot be known is no reason to give secrets away. */
	return r < 0 || heard_runs(&d->heard, node, before, (int64_t)d->interval * 1500, clock_mono_ms());
}

/* iPXE's busid in hexadecimal: one byte 01 for PCI, two of the maker's id, two of the model's (struct dhcp_netdev_desc in
 * its include/ipxe/dhcp.h). False: it names no PCI card; a loader that does not know its card sends zeros or nothing. */
static bool card_of(const struct http_request *q, char ret[sizeof("8086:100e")])
{
	const char *id = q->query(q, "card");

	if (!id || strlen(id) != 10 || strspn(id, "0123456789abcdef") != 10 || strncmp(id, "01", 2) != 0 ||
	    strncmp(id + 2, "0000", 4) == 0 || strncmp(id + 2, "ffff", 4) == 0)
		return false;
	snprintf(ret, sizeof("8086:100e"), "%.4s:%.4s", id + 2, id + 6);
	return true;
}

/* What it says serves the next kernel's check, also where this boot is refused for want of one. */
static void keep_card(struct daemon *d, const struct http_request *q, const char *node)
{
	char card[sizeof("8086:100e")];
	int r;

	if (!card_of(q, card))
		return;
	r = store_card(daemon_store_lock(d), node, card);
	daemon_store_unlock(d);
	if (r < 0)
		log_warning("the network card of %s is not kept: %s", node, muster_strerror(r));
}

void boot_script(struct daemon *d, const struct http_request *q, const char *part, struct http_answer *a)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	const char *text = q->query(q, "mac");
	_cleanup_(choice_free) struct choice choice = { 0 };
	_cleanup_free_ char *why = NULL;
	const struct plan_node *n = NULL;
	char *script = NULL;
	struct mac mac;
	int r;

	if (!text || mac_parse(text, &mac) < 0 || !mac_is_unicast(mac)) {
		a->status = 400;
		return;
	}
	n = find_node(v, mac, q->from, &why);
	if (!n) {
		if (why)
			refuse(d, q, NULL, why, a);
		return;
	}
	if (is_running(d, n->name)) {
		daemon_refused(d, n->name, q->from, "a boot of %s was asked for while it runs", n->name);
		if (render_ipxe_wait(
			    v->plan,
			    "This node was running a moment ago. Asking again until it is surely down.",
			    platform_of(q), &script) == 0)
			answer_script(a, script);
		return;
	}
	if (!limit_pass(&d->boots, q->from.n, clock_mono_ms())) {
		daemon_refused(d, n->name, q->from, "boots of %s were asked for too often", n->name);
		if (render_ipxe_wait(v->plan, "This node was booted too often just now. Asking again.",
				     platform_of(q), &script) == 0)
			answer_script(a, script);
		return;
	}
	keep_card(d, q, n->name);
	r = choose(d, v, n, platform_of(q), &choice);
	if (r == 0 && check_files(d, v, n, &choice, &why) < 0) {
		if (why)
			refuse(d, q, n->name, why, a);
		return;
	}
	if (r == 0)
		r = make_script(d, q, v, n, &choice, mac, &script);
	/* Nothing more is heard of a machine that starts from its disk than that its script has come. */
	if (r == 0 && choice.disk)
		r = boot_once(d, n->name, "disk", a);
	if (r < 0) {
		free(script);
		log_error("%s gets no script: %s", n->name, muster_strerror(r));
		refuse(d, q, n->name, "The server cannot keep this boot: see the log of musterd.", a);
		return;
	}
	log_info("%s (%s, %s) boots %s", n->name, MAC(mac), IP4(q->from),
		 *choice.next.what ? choice.next.what : choice.generation);
	answer_script(a, script);
}
