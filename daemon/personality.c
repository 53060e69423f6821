/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A node's personality, which holds its secrets: handed once to each boot, at the boot's own address. A delivery that broke
 * off may be repeated for a short time; one that has come to its end may not, whoever asks. What the node's loader does then is to
 * ask for another script: that is another boot, with another token, and ends this one.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/wire.h"
#include "backend/image/image.h"
#include "daemon/daemon.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/strbuf.h"

/* Beyond so many nodes the names of the others come from the server's DNS instead of each node's own file. */
#define HOSTS_MAX 512

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

/* Size and sum are those of the build: a node takes no file that is another by now, and gets no root without them. */
static int add_sum(struct daemon *d, struct strbuf *b, const char *generation)
{
	char sum[HASH_TEXT];
	uint64_t size;
	int r = files_sum_of_root(d, generation, sum, &size);

	if (r < 0) {
		log_error("the root %s has no whole checksum in its root.json", generation);
		return r;
	}
	add_word(b, WIRE_KEY_ROOT_SHA256, sum);
	strbuf_addf(b, WIRE_KEY_ROOT_SIZE "=%" PRIu64 "\n", size);
	return 0;
}

/* Where the root is, as its mode wants it. */
static int root_words(struct daemon *d, struct strbuf *b, const struct plan *p, const char *generation)
{
	uint64_t size = 0;

	add_word(b, WIRE_KEY_ROOT, plan_root_name(p->root));
	if (p->root == PLAN_ROOT_RAM) {
		strbuf_addf(b, WIRE_KEY_ROOT_PATH "=/roots/%s/root.squashfs\n", generation);
		return add_sum(d, b, generation);
	}
	if (p->root == PLAN_ROOT_NFS) {
		strbuf_addf(b, WIRE_KEY_ROOT_PATH "=%s/root.squashfs\n", generation);
		strbuf_addf(b, WIRE_KEY_NFS_EXPORT "=%s:" IMAGE_ROOTS "\n", IP4(p->net.address));
	}
	/* What is mounted over the network is not read whole. */
	if (files_size_of_root(d, generation, "root.squashfs", &size) < 0)
		size = 0;
	strbuf_addf(b, WIRE_KEY_ROOT_SIZE "=%" PRIu64 "\n", size);
	return 0;
}

static int node_conf(struct daemon *d, const struct plan *p, const struct store_owner *o, const char *token,
		     char **ret)
{
	const char *server = IP4(p->net.address);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char id[HASH_TEXT];
	int r;

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
	r = root_words(d, &b, p, o->generation);
	if (r < 0)
		return r;
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
	if (r == 0 && boot_wants_host_key(p))
		r = boot_read_key(d, o->node, "", &key);
	if (r == 0 && boot_wants_host_key(p))
		r = boot_read_key(d, o->node, ".pub", &pub);
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

/* ---- whose it is ---------------------------------------------------------------------------------------------- */

/* Why this boot may not have it, or its memory test, any more (behind "it asked for its personality"); NULL: it may. */
static const char *why_too_late(struct daemon *d, const struct store_owner *o, const char *token)
{
	const int64_t now = clock_mono_ms(), wall = clock_wall_ms();

	if (o->stage != NODE_LOADER && o->stage != NODE_KERNEL)
		return "after it had booted";
	if (o->delivered)
		return "again, which this boot has had";
	if (o->handed)
		return boots_older(&d->since, o->node, token, BOOT_HANDED, PERSONALITY_AGAIN_MS, now,
				   (struct boots_wall){ o->handed, wall })
			       ? "again, long after the first time"
			       : NULL;
	/* Nothing was handed out, so what it entered last is the loader's stage, with its script. */
	return boots_older(&d->since, o->node, token, BOOT_SCRIPT, PERSONALITY_AGE_MS, now,
			   (struct boots_wall){ o->entered, wall })
		       ? "long after its boot script"
		       : NULL;
}

/* Whose boot it is, where this token at this address may have the personality now: from the script on until
 * the node has it. -EPERM otherwise, with an event. */
static int find_owner(struct daemon *d, const struct plan *p, const char *token, struct ip4 from,
		      struct store_owner *ret)
{
	struct store_owner o = { 0 };
	const char *too_late;
	struct ip4 address;
	struct mac mac;
	int r = -ENOENT;

	if (token_is_one(token)) {
		r = store_token(daemon_store_lock(d), token, &o);
		daemon_store_unlock(d);
	}
	if (r == -ENOENT) {
		daemon_refused(d, NULL, from, "%s asked for a personality of no present boot", IP4(from));
		return -EPERM;
	}
	if (r < 0)
		return r;
	too_late = why_too_late(d, &o, token);
	if (ip4_parse(o.address, &address) < 0 || address.n != from.n || mac_parse(o.mac, &mac) < 0 ||
	    !daemon_is_there(p, from, mac)) {
		daemon_refused(d, o.node, from, "%s asked for the personality of %s", IP4(from), o.node);
		r = -EPERM;
	} else if (too_late) {
		daemon_refused(d, o.node, from, "%s asked for its personality %s", o.node, too_late);
		r = -EPERM;
	}
	if (r < 0)
		store_owner_free(&o);
	else
		*ret = o;
	return r;
}

/* ---- on its way ------------------------------------------------------------------------------------------------ */

static size_t find_handing(const struct handing *h, const char *token)
{
	size_t i = 0;

	while (i < h->n && strcmp(h->tokens[i], token) != 0)
		i++;
	return i;
}

bool handing_begin(struct handing *h, const char *token)
{
	bool may;

	pthread_mutex_lock(&h->lock);
	may = h->n < HANDING_MAX && find_handing(h, token) == h->n;
	if (may)
		snprintf(h->tokens[h->n++], sizeof(h->tokens[0]), "%s", token);
	pthread_mutex_unlock(&h->lock);
	return may;
}

void handing_end(struct handing *h, const char *token)
{
	size_t i;

	pthread_mutex_lock(&h->lock);
	i = find_handing(h, token);
	if (i < h->n)
		memmove(h->tokens[i], h->tokens[--h->n], sizeof(h->tokens[0]));
	pthread_mutex_unlock(&h->lock);
}

struct delivery {
	struct daemon *daemon;
	char *node,
		*once; /* owned; once: the wish for one boot that is fulfilled when it has come; NULL: none */
	char token[WIRE_TOKEN_LEN + 1]; /* of a personality; "" of anything else */
};

static void delivery_free(struct delivery *y)
{
	if (!y)
		return;
	explicit_bzero(y->token, sizeof(y->token));
	free(y->node);
	free(y->once);
	free(y);
}

static void delivered(void *data, bool arrived)
{
	struct delivery *y = data;
	struct store *s;
	int r = 0;

	if (arrived) {
		s = daemon_store_lock(y->daemon);
		if (*y->token)
			r = store_delivered(s, clock_wall_ms(), y->token);
		if (r == 0 && y->once)
			r = store_next_used(s, clock_wall_ms(), y->node, y->once);
		daemon_store_unlock(y->daemon);
	} else {
		log_info("%s did not come to %s: it may ask again", *y->token ? "the personality" : y->once,
			 y->node);
	}
	if (r < 0)
		log_error("what came to %s is not kept: %s", y->node, muster_strerror(r));
	if (*y->token)
		handing_end(&y->daemon->handing, y->token);
	delivery_free(y);
}

/* once: takes it over. NULL: no memory. */
static struct delivery *delivery_new(struct daemon *d, const char *node, const char *token, char *once)
{
	struct delivery *y = calloc(1, sizeof(*y));

	if (y)
		*y = (struct delivery){ .daemon = d, .node = strdup(node), .once = once };
	else
		free(once);
	if (!y || !y->node) {
		delivery_free(y);
		return NULL;
	}
	snprintf(y->token, sizeof(y->token), "%s", token);
	return y;
}

static void tell_when_delivered(struct http_answer *a, struct delivery *y)
{
	a->done = delivered;
	a->done_data = y;
	a->arrival = true;
}

int boot_once(struct daemon *d, const char *node, const char *what, struct http_answer *a)
{
	char *once = strdup(what);
	struct delivery *y = once ? delivery_new(d, node, "", once) : NULL;

	if (!y)
		return -ENOMEM;
	tell_when_delivered(a, y);
	return 0;
}

static int hand_out(struct daemon *d, const struct plan *p, const struct store_owner *o, const char *token,
		    struct http_answer *a)
{
	struct delivery *y;
	char *once = NULL;
	int r;

	/* The root that it was to boot once is the one that it boots now. */
	if (asprintf(&once, NEXT_ROOT "%s", o->generation) < 0)
		return -ENOMEM;
	y = delivery_new(d, o->node, token, once);
	r = y ? make_personality(d, p, o, token, &a->data, &a->len) : -ENOMEM;
	if (r == 0) {
		r = store_hand(daemon_store_lock(d), clock_wall_ms(), o->node, token);
		daemon_store_unlock(d);
		if (r == 0)
			boots_mark(&d->since, o->node, token, BOOT_HANDED, clock_mono_ms());
	}
	if (r < 0) {
		free(TAKE_PTR(a->data));
		a->len = 0;
		delivery_free(y);
		return r;
	}
	tell_when_delivered(a, y);
	return 0;
}

void boot_personality(struct daemon *d, const struct http_request *q, const char *token,
		      struct http_answer *a)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	struct store_owner o = { 0 };
	int r;

	/* Before its state is looked at, or two at the same time would both find that it was never handed out. */
	if (token_is_one(token) && !handing_begin(&d->handing, token)) {
		a->status = 503;
		return;
	}
	r = find_owner(d, v->plan, token, q->from, &o);
	if (r == 0) {
		r = hand_out(d, v->plan, &o, token, a);
		if (r < 0)
			log_error("%s gets no personality: %s", o.node, muster_strerror(r));
		store_owner_free(&o);
	}
	if (r < 0)
		handing_end(&d->handing, token);
	a->status = r == 0 ? 200 : r == -EPERM ? 403 : 500;
	a->type = r == 0 ? "application/octet-stream" : NULL;
	a->no_store = true;
}

/* ---- the memory test --------------------------------------------------------------------------------------- */

static void memtest(struct daemon *d, const struct http_request *q, const char *token, bool efi,
		    struct http_answer *a)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	struct store_owner o = { 0 };
	int r = find_owner(d, v->plan, token, q->from, &o);

	if (r < 0) {
		a->status = r == -EPERM ? 403 : 500;
		return;
	}
	files_memtest(d, q, efi, a);
	/* A part is not yet the whole. */
	if (a->status == 200 && boot_once(d, o.node, "memtest", a) < 0) {
		close(TAKE_FD(a->fd));
		a->len = 0;
		a->status = 500;
	}
	store_owner_free(&o);
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
