/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a node boots: its loader's script, and the personality that only it may have. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>

#include "agent/wire.h"
#include "backend/image/image.h"
#include "backend/render/render.h"
#include "daemon/daemon.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/strbuf.h"

#define KEYS "/var/lib/muster/keys"
#define KEY_FILE "ssh_host_ed25519_key"
#define KEY_MAX 16384
#define NEXT_ROOT "root:"
/* Beyond so many nodes the names of the others come from the server's DNS instead of each node's own file. */
#define HOSTS_MAX 512

/* Reads a node's host key, or its public half (suffix ".pub"). */
static int read_key(struct daemon *d, const char *node, const char *suffix, char **ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, KEYS "/%s/" KEY_FILE "%s", node, suffix) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return fs_read(d->root_fd, path, KEY_MAX, ret, NULL);
}

/* A node whose whole root is the initramfs runs no sshd. */
static bool wants_host_key(const struct plan *p)
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
	else if (!*choice->initramfs || files_size_of_initramfs(d, choice->initramfs, &size) < 0)
		len = asprintf(ret_why, "The initramfs is missing on the server: run \"muster root build\".");
	else if (wants_host_key(v->plan) &&
		 (read_key(d, n->name, "", &key) < 0 || read_key(d, n->name, ".pub", &pub) < 0))
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
	/* Nothing more is heard of a machine that starts from its disk. */
	if (r == 0 && choice->disk)
		r = store_next_used(s, clock_wall_ms(), n->name, "disk");
	daemon_store_unlock(d);
	if (r == 0)
		*ret = TAKE_PTR(script);
	return r;
}

/*
 * A node that reports is running, so whoever asks for its boot is no loader but one of its own users, who
 * would get its secrets and end its boot. A node that is shut down in order says so with its last report; after
 * the last report of one that lost its power, its loader waits until the next one would be overdue.
 */
static bool is_running(struct daemon *d, const char *node)
{
	struct store *s = daemon_store_lock(d);
	int64_t last = 0, age;
	int r = store_last_report(s, node, &last);

	daemon_store_unlock(d);
	age = clock_wall_ms() - last;
	return r == 0 && age >= 0 && age < (int64_t)d->interval * 1500;
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
	keep_card(d, q, n->name);
	r = choose(d, v, n, platform_of(q), &choice);
	if (r == 0 && check_files(d, v, n, &choice, &why) < 0) {
		if (why)
			refuse(d, q, n->name, why, a);
		return;
	}
	if (r == 0)
		r = make_script(d, q, v, n, &choice, mac, &script);
	if (r < 0) {
		log_error("%s gets no script: %s", n->name, muster_strerror(r));
		refuse(d, q, n->name, "The server cannot keep this boot: see the log of musterd.", a);
		return;
	}
	log_info("%s (%s, %s) boots %s", n->name, MAC(mac), IP4(q->from),
		 *choice.next.what ? choice.next.what : choice.generation);
	answer_script(a, script);
}

/* ---- the personality --------------------------------------------------------------------------------------- */

static void add_word(struct strbuf *b, const char *key, const char *value)
{
	strbuf_addf(b, "%s=%s\n", key, value);
}

/* Stable for the node, and another one than any other's: machine-id(5) wants 32 hexadecimal digits. */
static void machine_id(const struct plan *p, const char *node, char ret[HASH_TEXT])
{
	_cleanup_free_ char *text = NULL;
	int len = asprintf(&text, "muster machine-id\n%s\n%s\n%s\n", p->name, p->domain, node);

	if (len < 0) {
		text = NULL;
		len = 0;
	}
	hash_text(text, (size_t)len, ret);
	ret[32] = '\0';
}

static void add_sha256(struct daemon *d, struct strbuf *b, const char *generation)
{
	const struct image_env env = { .root_fd = d->root_fd };
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;

	if (image_root_find(&env, generation, &g) == 0 && strlen(g->sha256) == HASH_TEXT - 1)
		add_word(b, WIRE_KEY_ROOT_SHA256, g->sha256);
}

/* Where the root is, as its mode wants it. */
static void root_words(struct daemon *d, struct strbuf *b, const struct plan *p, const char *generation)
{
	uint64_t size = 0;

	add_word(b, WIRE_KEY_ROOT, plan_root_name(p->root));
	if (p->root == PLAN_ROOT_RAM)
		strbuf_addf(b, WIRE_KEY_ROOT_PATH "=/roots/%s/root.squashfs\n", generation);
	if (p->root == PLAN_ROOT_NFS) {
		strbuf_addf(b, WIRE_KEY_ROOT_PATH "=%s/root.squashfs\n", generation);
		strbuf_addf(b, WIRE_KEY_NFS_EXPORT "=%s:" IMAGE_ROOTS "\n", IP4(p->net.address));
	}
	if (files_size_of_root(d, generation, "root.squashfs", &size) < 0)
		size = 0;
	strbuf_addf(b, WIRE_KEY_ROOT_SIZE "=%" PRIu64 "\n", size);
	/* What is mounted over the network is not read whole. */
	if (p->root == PLAN_ROOT_RAM)
		add_sha256(d, b, generation);
}

static int node_conf(struct daemon *d, const struct plan *p, const struct store_owner *o, const char *token,
		     char **ret)
{
	const char *server = IP4(p->net.address);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char id[HASH_TEXT];

	machine_id(p, o->node, id);
	add_word(&b, WIRE_KEY_NODE, o->node);
	add_word(&b, WIRE_KEY_DOMAIN, p->domain);
	add_word(&b, WIRE_KEY_MAC, o->mac);
	add_word(&b, WIRE_KEY_ADDRESS, o->address);
	strbuf_addf(&b, WIRE_KEY_PREFIX "=%u\n", p->net.prefix);
	add_word(&b, WIRE_KEY_GATEWAY, p->gateway ? server : "");
	add_word(&b, WIRE_KEY_DNS, p->dhcp_service ? server : "");
	add_word(&b, WIRE_KEY_SERVER, server);
	strbuf_addf(&b, WIRE_KEY_PORT "=%u\n", p->http_port);
	add_word(&b, WIRE_KEY_TOKEN, token);
	add_word(&b, WIRE_KEY_MACHINE_ID, id);
	root_words(d, &b, p, o->generation);
	/* A bound address is the node's for ever; one from a pool, or another server's, must be kept. */
	add_word(&b, WIRE_KEY_DHCP, p->ip_mode == PLAN_IP_RANGE || p->dhcp == PLAN_DHCP_PROXY ? "1" : "0");
	strbuf_addf(&b, WIRE_KEY_INTERVAL "=%d\n", d->interval);
	return strbuf_take(&b, ret, NULL);
}

static void host_line(struct strbuf *b, const struct plan *p, const char *address, const char *name)
{
	strbuf_addf(b, "%s\t%s.%s %s\n", address, name, p->domain, name);
}

static int hosts_text(const struct plan *p, const struct store_owner *o, char **ret)
{
	bool all = p->n_nodes <= HOSTS_MAX || !p->dhcp_service;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	host_line(&b, p, IP4(p->net.address), "server");
	host_line(&b, p, o->address, o->node);
	for (size_t i = 0; all && i < p->n_nodes; i++)
		if (p->nodes[i].address.n && strcmp(p->nodes[i].name, o->node) != 0)
			host_line(&b, p, IP4(p->nodes[i].address), p->nodes[i].name);
	return strbuf_take(&b, ret, NULL);
}

static int keys_text(const struct plan *p, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < p->ssh_keys.n; i++)
		strbuf_addf(&b, "%s\n", p->ssh_keys.v[i]);
	return strbuf_take(&b, ret, NULL);
}

static int make_personality(struct daemon *d, const struct plan *p, const struct store_owner *o,
			    const char *token, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *conf = NULL, *keys = NULL, *hosts = NULL, *key = NULL, *pub = NULL;
	struct image_personality parts;
	int r = node_conf(d, p, o, token, &conf);

	if (r == 0)
		r = hosts_text(p, o, &hosts);
	if (r == 0)
		r = keys_text(p, &keys);
	if (r == 0 && wants_host_key(p))
		r = read_key(d, o->node, "", &key);
	if (r == 0 && wants_host_key(p))
		r = read_key(d, o->node, ".pub", &pub);
	if (r < 0)
		return r;
	parts = (struct image_personality){
		.node_conf = conf,
		.authorized_keys = keys,
		.hosts = hosts,
		.shadow = *p->root_password ? p->root_password : NULL,
		.ssh_key = key,
		.ssh_key_pub = pub,
	};
	return image_personality(&parts, ret, ret_len);
}

/* Whose boot it is, where this token at this address may have the personality now: from the script on until
 * the node's first report. -EPERM otherwise, with an event. */
static int find_owner(struct daemon *d, const char *token, struct ip4 from, struct store_owner *ret)
{
	struct store_owner o = { 0 };
	struct ip4 address;
	struct store *s;
	int r = -ENOENT;

	if (token_is_one(token)) {
		s = daemon_store_lock(d);
		r = store_token(s, token, &o);
		daemon_store_unlock(d);
	}
	if (r == -ENOENT) {
		daemon_refused(d, NULL, from, "%s asked for a personality of no present boot", IP4(from));
		return -EPERM;
	}
	if (r < 0)
		return r;
	if (ip4_parse(o.address, &address) < 0 || address.n != from.n) {
		daemon_refused(d, o.node, from, "%s asked for the personality of %s", IP4(from), o.node);
		r = -EPERM;
	} else if (o.stage != NODE_LOADER && o.stage != NODE_KERNEL) {
		daemon_refused(d, o.node, from, "%s asked for its personality after it had booted", o.node);
		r = -EPERM;
	}
	if (r < 0)
		store_owner_free(&o);
	else
		*ret = o;
	return r;
}

/* The root that it was to boot once is the one that it boots now. */
static int use_root(struct store *s, const struct store_owner *o)
{
	_cleanup_free_ char *what = NULL;

	if (asprintf(&what, NEXT_ROOT "%s", o->generation) < 0) {
		what = NULL;
		return -ENOMEM;
	}
	return store_next_used(s, clock_wall_ms(), o->node, what);
}

void boot_personality(struct daemon *d, const struct http_request *q, const char *token,
		      struct http_answer *a)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	struct store_owner o = { 0 };
	struct store *s;
	int r = find_owner(d, token, q->from, &o);

	if (r < 0) {
		a->status = r == -EPERM ? 403 : 500;
		return;
	}
	r = make_personality(d, v->plan, &o, token, &a->data, &a->len);
	if (r == 0) {
		s = daemon_store_lock(d);
		r = store_stage(s, clock_wall_ms(), o.node, NODE_KERNEL);
		if (r == 0)
			r = use_root(s, &o);
		daemon_store_unlock(d);
	}
	if (r < 0) {
		log_error("%s gets no personality: %s", o.node, muster_strerror(r));
		free(TAKE_PTR(a->data));
		a->len = 0;
	}
	store_owner_free(&o);
	a->status = r == 0 ? 200 : 500;
	a->type = "application/octet-stream";
	a->no_store = true;
}

/* ---- the memory test --------------------------------------------------------------------------------------- */

static void memtest(struct daemon *d, const struct http_request *q, const char *token, bool efi,
		    struct http_answer *a)
{
	struct store_owner o = { 0 };
	struct store *s;
	int r = find_owner(d, token, q->from, &o);

	if (r == 0) {
		s = daemon_store_lock(d);
		r = store_next_used(s, clock_wall_ms(), o.node, "memtest");
		daemon_store_unlock(d);
		store_owner_free(&o);
	}
	if (r < 0)
		a->status = r == -EPERM ? 403 : 500;
	else
		files_memtest(d, q, efi, a);
}

void boot_memtest_bios(struct daemon *d, const struct http_request *q, const char *token,
		       struct http_answer *a)
{
	memtest(d, q, token, false, a);
}

void boot_memtest_efi(struct daemon *d, const struct http_request *q, const char *token,
		      struct http_answer *a)
{
	memtest(d, q, token, true, a);
}
