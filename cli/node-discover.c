/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cli/cli.h"
#include "util/clock.h"
#include "util/i18n.h"

static const char *const firmwares[] = {
	[MACHINE_UNKNOWN] = "-",
	[MACHINE_BIOS] = "BIOS",
	[MACHINE_UEFI] = "UEFI",
	[MACHINE_OTHER] = "other",
};

/* The node that has this address in the answers; NULL: none, or there are none. */
static const char *node_of(const struct plan *p, struct mac mac)
{
	for (size_t i = 0; p && i < p->n_nodes; i++)
		if (p->nodes[i].has_mac && mac_compare(p->nodes[i].mac, mac) == 0)
			return p->nodes[i].name;
	return NULL;
}

static int print_machine(struct cli *c, const struct plan *p, const struct machine *m)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *node = node_of(p, m->mac);
	int width;

	strbuf_addf(&b, "%s  %-5s  ", MAC(m->mac), firmwares[m->firmware]);
	format_cut(&b, &c->out, *m->vendor ? m->vendor : "-", 28);
	width = format_width(&c->out, *m->vendor ? m->vendor : "-");
	if (node || *m->hostname)
		strbuf_addf(&b, "%*s", MAX(28 - width, 0) + 2, "");
	strbuf_adds(&b, node ? node : m->hostname);
	strbuf_addc(&b, '\n');
	if (c->json)
		return 0;
	return cli_print(&b) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

static int print_lines(const struct plan *p, const struct machine *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	size_t fresh = 0;

	for (size_t i = 0; i < n; i++) {
		if (node_of(p, v[i].mac))
			continue;
		if (fresh++ == 0)
			strbuf_adds(&b, _("\nFor the section nodes of the answers:\n\n\tmacs = {\n"));
		strbuf_addf(&b, "\t\t\"%s\",\n", MAC(v[i].mac));
	}
	strbuf_adds(&b, fresh ? "\t}\n"
			: n   ? _("\nEach of these machines has its node already.\n")
			      : _("No machine asked for an address.\n"));
	return cli_print(&b);
}

static json_t *machines_json(const struct plan *p, const struct machine *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		const char *node = node_of(p, v[i].mac);

		if (json_array_append_new(
			    list, json_pack("{ss so ss si sb ss ss so sI sI sI}", "mac", MAC(v[i].mac),
					    "vendor", cli_json_text(v[i].vendor), "firmware",
					    v[i].firmware == MACHINE_UNKNOWN ? "" : firmwares[v[i].firmware],
					    "arch", v[i].arch, "network_boot", v[i].network_boot, "hostname",
					    v[i].hostname, "uuid", v[i].uuid, "node",
					    node ? cli_json_text(node) : json_null(), "first_ms",
					    (json_int_t)v[i].first, "last_ms", (json_int_t)v[i].last, "times",
					    (json_int_t)v[i].times)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list ? json_pack("{so}", "machines", list) : NULL;
}

/* Until an interrupt, or until the time is up. */
static int listen_to(struct cli *c, const struct plan *p, struct discover *d, int64_t end)
{
	size_t shown = 0;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = muster_discover_fd(d), .events = POLLIN },
			{ .fd = c->cancel_fd > 0 ? c->cancel_fd : -1, .events = POLLIN },
		};
		int64_t left = end ? end - clock_mono_ms() : -1;
		const struct machine *v;
		size_t n;
		int r;

		if (end && left <= 0)
			return 0;
		if (poll(fds, ARRAY_SIZE(fds), (int)left) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return 0;
		r = muster_discover_read(d);
		v = muster_discover_list(d, &n);
		for (; r >= 0 && shown < n; shown++)
			r = print_machine(c, p, &v[shown]);
		if (r < 0)
			return r;
	}
}

int node_discover(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_(muster_discover_closep) struct discover *d = NULL;
	_cleanup_free_ char *applied = NULL;
	const struct machine *v;
	const struct plan *p = NULL;
	long seconds = 0;
	size_t n;
	int r = cli_number(c, "seconds", 1000000, 0, &seconds);

	if (r < 0)
		return r;
	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	/* Answers with mistakes still need their MAC addresses. */
	if (r == 0 && c->file)
		r = cli_plan(c, m, &p);
	else if (r == 0 && muster_answers_path(m, &applied) == 0 && muster_plan(m, NULL, &p) < 0)
		p = NULL;
	if (r == 0)
		r = muster_discover_open(m, cli_value(c, "interface"), &d);
	if (r == 0)
		r = listen_to(c, p, d, seconds ? clock_mono_ms() + seconds * 1000 : 0);
	if (r < 0)
		return r;
	progress_end(c);
	v = muster_discover_list(d, &n);
	return c->json ? cli_print_json(c, machines_json(p, v, n)) : print_lines(p, v, n);
}
