/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/view.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"

#define VIEW_MAX (64 * 1024 * 1024)

static int compare_macs(const void *a, const void *b, void *data)
{
	const struct plan_node *nodes = data;

	return mac_compare(nodes[*(const uint32_t *)a].mac, nodes[*(const uint32_t *)b].mac);
}

static int compare_addresses(const void *a, const void *b, void *data)
{
	const struct plan_node *nodes = data;
	uint32_t x = nodes[*(const uint32_t *)a].address.n, y = nodes[*(const uint32_t *)b].address.n;

	return x < y ? -1 : x > y;
}

static int make_index(struct view *v)
{
	struct plan_node *nodes = v->plan->nodes;
	size_t n = v->plan->n_nodes;

	v->by_mac = calloc(n + 1, sizeof(*v->by_mac));
	v->by_address = calloc(n + 1, sizeof(*v->by_address));
	if (!v->by_mac || !v->by_address)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (nodes[i].has_mac)
			v->by_mac[v->n_by_mac++] = (uint32_t)i;
		if (nodes[i].address.n)
			v->by_address[v->n_by_address++] = (uint32_t)i;
	}
	qsort_r(v->by_mac, v->n_by_mac, sizeof(*v->by_mac), compare_macs, nodes);
	qsort_r(v->by_address, v->n_by_address, sizeof(*v->by_address), compare_addresses, nodes);
	return 0;
}

const struct plan_node *view_by_mac(const struct view *v, struct mac mac)
{
	size_t low = 0, high = v->n_by_mac;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct plan_node *node = &v->plan->nodes[v->by_mac[middle]];
		int order = mac_compare(node->mac, mac);

		if (order == 0)
			return node;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct plan_node *view_by_address(const struct view *v, struct ip4 address)
{
	size_t low = 0, high = v->n_by_address;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct plan_node *node = &v->plan->nodes[v->by_address[middle]];

		if (node->address.n == address.n)
			return node;
		if (node->address.n < address.n)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return strdup(text ? text : "");
}

static int fill(struct view *v, const json_t *document, const char *name)
{
	char *plan = json_dumps(json_object_get(document, "plan"), JSON_COMPACT);
	int r;

	v->generation = text_of(document, "generation");
	v->initramfs = text_of(document, "initramfs");
	v->kernel_release = text_of(document, "kernel_release");
	if (!plan) {
		log_error("%s: it has no \"plan\"", name);
		return -MUSTER_E_FORMAT;
	}
	if (!v->generation || !v->initramfs || !v->kernel_release)
		r = -ENOMEM;
	else
		r = plan_from_json(plan, strlen(plan), &v->plan);
	free(plan);
	if (r == -MUSTER_E_FORMAT)
		log_error("%s: its plan cannot be read", name);
	return r < 0 ? r : make_index(v);
}

int view_parse(const char *text, size_t len, const char *name, struct view **ret)
{
	_cleanup_(view_unrefp) struct view *v = calloc(1, sizeof(*v));
	json_error_t error;
	json_t *document;
	int r;

	if (!v)
		return -ENOMEM;
	v->references = 1;
	document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!document) {
		log_error("%s:%d: %s", name, error.line, error.text);
		return -MUSTER_E_FORMAT;
	}
	r = fill(v, document, name);
	json_decref(document);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

/* The file, and which one it was: of the same open file. */
static int read_file(int root_fd, char **ret, size_t *ret_len, struct stat *ret_st)
{
	_cleanup_close_ int fd = fs_open(root_fd, VIEW_PATH, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return fd;
	if (fstat(fd, ret_st) < 0)
		return -errno;
	return S_ISREG(ret_st->st_mode) ? fs_read_fd(fd, VIEW_MAX, ret, ret_len) : -EINVAL;
}

int view_load(int root_fd, struct view **ret)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;
	int r = read_file(root_fd, &text, &len, &st);

	if (r == -ENOENT)
		log_error("%s: there is none; \"muster apply\" writes it", VIEW_PATH);
	else if (r < 0)
		log_error("%s: %s", VIEW_PATH, muster_strerror(r));
	if (r < 0)
		return r;
	r = view_parse(text, len, VIEW_PATH, ret);
	if (r == 0)
		hash_written(&st, (*ret)->written);
	free(TAKE_PTR(text));
	/* The JSON of many nodes takes many times their own memory; the system has it back at once. */
	malloc_trim(0);
	return r;
}

struct view *view_ref(struct view *v)
{
	atomic_fetch_add(&v->references, 1);
	return v;
}

void view_unref(struct view *v)
{
	if (!v || atomic_fetch_sub(&v->references, 1) != 1)
		return;
	plan_free(v->plan);
	free(v->generation);
	free(v->initramfs);
	free(v->kernel_release);
	free(v->by_mac);
	free(v->by_address);
	free(v);
}
