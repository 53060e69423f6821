/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/fuzz/house.h"

#include <string.h>

#include "backend/plan/plan.h"
#include "util/clock.h"
#include "util/log.h"

static struct ip4_net eth0_addresses[] = { { { 0xc0a80105 }, 24 } }; /* 192.168.1.5/24 */
static struct ip4_net eth2_addresses[] = { { { 0x0a460001 }, 24 },
					   { { 0x0a460002 }, 24 } }; /* 10.70.0.1, .2 */
static struct host_interface interfaces[] = {
	{ .name = (char *)"eth0",
	  .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } },
	  .addresses = eth0_addresses,
	  .n_addresses = 1 },
	{ .name = (char *)"eth1", .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x57 } } },
	{ .name = (char *)"eth2",
	  .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x58 } },
	  .addresses = eth2_addresses,
	  .n_addresses = 2 },
};
static struct host server = {
	.distribution = (char *)"debian",
	.family = (char *)"debian",
	.interfaces = interfaces,
	.n_interfaces = ARRAY_SIZE(interfaces),
};

#define INPUTS_AT_A_TIME 500

static const char answers[] =
	"cluster { name = \"fuzz\" domain = \"fuzz.lan\" profile = \"plain\" }\n"
	"boot { kernel = \"distro\" root = \"initramfs\" }\n"
	"network \"eth1\" { address = \"10.66.0.1/24\" ip_mode = \"mac\" }\n"
	"nodes { count = 3 prefix = \"node\" first_address = \"10.66.0.11\"\n"
	"  macs = {\"52:54:00:66:00:01\", \"52:54:00:66:00:02\", \"52:54:00:66:00:03\"} }\n"
	"access { ssh_keys = {\"ssh-ed25519 "
	"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a@b\"} }\n";

static void no_log(void *data, enum log_level level, const char *text)
{
}

void house_quiet(void)
{
	log_set_sink(no_log, NULL);
	log_set_level(LOG_LEVEL_ERROR);
}

const struct host *house_server(void)
{
	return &server;
}

static void make_view(struct daemon *d)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *plan_json = NULL, *whole = NULL;
	struct view *v = NULL;
	struct plan *p = NULL;
	int r = plan_read_text("answers", answers, strlen(answers), &server, HOUSE_PROFILES, &mistakes, &p);

	if (r < 0 && mistakes.n > 0)
		fprintf(stderr, "line %u: %s\n", mistakes.v[0].line, mistakes.v[0].text);
	fuzz_need(r == 0);
	fuzz_need(plan_to_json(p, &plan_json) == 0);
	fuzz_need(asprintf(&whole, "{\"plan\": %s, \"generation\": \"gen-1\", \"initramfs\": \"ram-1\"}",
			   plan_json) > 0);
	fuzz_need(view_parse(whole, strlen(whole), "cluster.json", &v) == 0);
	fuzz_need(store_sync(d->store, p) == 0);
	plan_free(p);
	d->view = v;
}

struct daemon *house_daemon(void)
{
	static struct daemon d = { .root_fd = -1, .interval = 10 };
	static unsigned int uses;
	_cleanup_free_ char *path = NULL;

	/* What came in is kept: it begins anew now and then, so that an input's outcome does not hang on all before it. */
	if (d.store && ++uses % INPUTS_AT_A_TIME != 0)
		return &d;
	if (d.store) {
		store_free(d.store);
		view_unref(d.view);
		free(d.processes.node);
		free(d.processes.refused);
		free(d.processes.line);
		free(d.teller.node);
		document_unref(d.document);
		heard_free(&d.heard);
		boots_free(&d.since);
		d = (struct daemon){ .root_fd = -1, .interval = 10 };
	}
	d.root_fd = fuzz_dir_fd();
	fuzz_empty(d.root_fd);
	fuzz_need(asprintf(&path, "%s/muster.db", fuzz_dir()) > 0);
	fuzz_need(store_open(path, STORE_WRITE, &d.store) == 0);
	make_view(&d);
	fuzz_need(store_boot(d.store, clock_wall_ms(), "node01", "52:54:00:66:00:01", "10.66.0.11",
			     HOUSE_TOKEN, "gen-1") == 0);
	return &d;
}
