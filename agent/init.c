/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/init.h"
#include "agent/basis.h"
#include "agent/conf.h"
#include "agent/klog.h"
#include "agent/modules.h"
#include "agent/net.h"
#include "agent/personal.h"
#include "agent/poke.h"
#include "agent/power.h"
#include "agent/report.h"
#include "agent/root.h"
#include "agent/switch.h"
#include "agent/uevent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define NET_WAIT_MS 20000
#define REPORT_MS 5000
#define LOG_LINES 60
#define AGAIN_MS 5000 /* before the next attempt where nothing can be reported */

struct init {
	int at;
	char **argv;
	struct conf conf;
	struct modules *modules;
	int uevents;
	struct report_state state;
	bool net;   /* the network is up */
	bool moved; /* the old root is gone: no more attempts */
};

/* Reports a stage in a child: the node's way up never waits for the server to take a report. */
static void report_stage(struct init *i, const char *stage)
{
	struct report_state state = i->state;
	pid_t pid = fork();

	if (pid != 0)
		return;
	report_send(i->at, &i->conf, &(struct report){ .stage = stage }, REPORT_MS, &state);
	_exit(0);
}

/* The stages' reports arrive in their order: the last one's child is waited for, though not long. */
static void settle_reports(int timeout_ms)
{
	long long deadline = now_ms() + timeout_ms;

	while (waitpid(-1, NULL, WNOHANG) == 0 && now_ms() < deadline)
		usleep(2000);
}

static int read_parts(struct init *i, char **reason)
{
	int r = conf_read(i->at, &WIRE_NODE_CONF[1], &i->conf, reason);

	if (r < 0)
		return r;
	i->state.interval = i->conf.interval;
	return modules_new(i->at, MODULES_CONF, modules_insert, NULL, &i->modules, reason);
}

static int bring_net_up(struct init *i, char **reason)
{
	_cleanup_free_ char *name = NULL;
	int r;

	if (i->net)
		return 0;
	r = net_up(i->at, &i->conf, i->modules, i->uevents, NET_WAIT_MS, &name, reason);
	if (r < 0)
		return r;
	i->net = true;
	log_line("%s is up after %lld ms", name, now_ms());
	report_stage(i, "initramfs");
	return 0;
}

static int enter_root(struct init *i, char **reason)
{
	_cleanup_close_ int new = open(ROOT_NEW, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int run = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *cmdline = NULL, *init = NULL;
	int r;

	if (new < 0 || run < 0)
		return fail_with(reason, -ENOENT, "the root's folders cannot be opened");
	r = personal_root(i->at, new, &i->conf, reason);
	if (r == 0)
		r = personal_run(i->at, "proc/self/exe", new, run, &i->conf, reason);
	if (r == 0)
		r = file_read_line(i->at, "proc/cmdline", &cmdline);
	if (r < 0)
		return r;
	init = switch_init_path(cmdline);
	if (!init)
		return fail_with(reason, -ENOMEM, "out of memory");
	log_line("switching to the root after %lld ms", now_ms());
	settle_reports(1000);
	basis_unblock_signals();
	r = switch_root(ROOT_NEW, init, i->argv, &i->moved, reason);
	basis_block_signals();
	return r;
}

/* Until the next report is due: after an interval, when a job is done, or when the server asks for it. */
static void wait_for_work(struct init *i, struct poke *poke)
{
	long long next = now_ms() + job_interval_ms(&i->state.job, i->state.interval), left;

	do {
		basis_wait(report_wait_ms(&i->state, poke_left(poke, next - now_ms())));
		poke_look(poke);
		left = poke_left(poke, next - now_ms());
	} while (left > 0 && !job_ended(&i->state.job) && !report_list(i->at, &i->state));
}

/* Root mode initramfs: the node is all there. */
static void stay(struct init *i, char **reason)
{
	struct poke poke = POKE_INIT;

	if (personal_root(i->at, i->at, &i->conf, reason) < 0)
		log_line("%s", *reason ? *reason : "the personality cannot be written");
	basis_complete();
	settle_reports(1000);
	for (;;) {
		poke_open(&poke, &i->conf, true);
		poke_answered(&poke);
		report_send(i->at, &i->conf, &(struct report){ .stage = "ready" }, REPORT_MS, &i->state);
		power_obey(i->at, &i->conf, "ready", &i->state, true);
		wait_for_work(i, &poke);
	}
}

/* One attempt at the whole way; returns only on failure. */
static int boot(struct init *i, char **reason)
{
	int r = bring_net_up(i, reason);

	if (r < 0)
		return r;
	if (i->conf.root == CONF_ROOT_INITRAMFS)
		stay(i, reason);
	settle_reports(1000);
	report_stage(i, "root");
	r = root_mount(i->at, &i->conf, i->modules, i->uevents, reason);
	if (r < 0)
		return r;
	r = enter_root(i, reason);
	if (!i->moved)
		umount2(ROOT_NEW, MNT_DETACH);
	return r;
}

static void tell_failure(struct init *i, const char *reason)
{
	_cleanup_free_ char *log = NULL;
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", i->conf.mac[0], i->conf.mac[1],
		 i->conf.mac[2], i->conf.mac[3], i->conf.mac[4], i->conf.mac[5]);
	log_line("failed: %s", reason);
	basis_show_failure(i->conf.node, mac, reason,
			   i->moved ? "It stays as it is: restart it once the root is mended."
			   : i->net ? "The server knows. It tries again until it succeeds."
				    : "The server cannot be told. It tries again until it succeeds.");
	if (!i->net)
		return;
	settle_reports(1000);
	log = klog_tail(LOG_LINES);
	report_send(i->at, &i->conf, &(struct report){ .stage = "failed", .reason = reason, .log = log },
		    REPORT_MS, &i->state);
	power_obey(i->at, &i->conf, "failed", &i->state, true);
}

/* Nothing can be done without a personality: the loader did not give it, and only a new boot can. */
static _Noreturn void give_up(const char *reason)
{
	log_line("failed: %s", reason);
	for (;;) {
		basis_show_failure("", "", reason, "The server cannot be told. Restart this machine.");
		basis_wait(60000);
	}
}

_Noreturn void init_main(char **argv)
{
	struct init i = { .at = -1, .argv = argv, .uevents = -1 };
	char *reason = NULL;

	basis_block_signals();
	basis_set_up();
	log_open(true);
	i.at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	i.uevents = uevent_open();
	if (read_parts(&i, &reason) < 0)
		give_up(reason ? reason : "out of memory");
	modules_load(i.modules);
	for (;;) {
		if (!i.moved)
			boot(&i, &reason);
		tell_failure(&i, reason ? reason : "out of memory");
		basis_wait(i.net ? (int)i.state.interval * 1000 : AGAIN_MS);
	}
}
