/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reaching into a lab that runs: commands, ssh, the machines' power. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "lab/private.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/ip.h"
#include "util/spawn.h"
#include "util/strv.h"

int record_open(const struct lab_options *o, struct lab_record *ret)
{
	int r = record_read(o->dir, ret);

	if (r == 0 && record_alive(ret))
		return 0;
	record_free(ret);
	lab_error(o, _("No lab runs in %s; `muster lab up -f ANSWERS` makes one."), o->dir);
	return r < 0 ? r : -ENOENT;
}

static int run_command(void *data)
{
	const char *const *argv = data;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		spawn_exec(argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (pid < 0)
		return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int lab_exec(const struct lab_options *o, const char *const *argv, int *ret_status)
{
	_cleanup_(record_free) struct lab_record record = { 0 };
	struct lab_options inside = *o;
	int r = record_open(o, &record);

	if (r == 0)
		r = keeper_run(record.keeper, &inside, run_command, (void *)(uintptr_t)argv);
	if (r < 0)
		return r;
	*ret_status = r;
	return 0;
}

/* Everything but the node's name and the words is the lab's own: no setting of the user's ssh gets in. */
static int ssh_words(const struct lab_options *o, const char *node, struct strv *argv)
{
	int r = strv_add_all(argv, "ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
			     "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=30", "-o", "LogLevel=ERROR",
			     "-o", NULL);

	if (r == 0)
		r = strv_addf(argv, "UserKnownHostsFile=%s/root/etc/muster/known_hosts", o->dir);
	if (r == 0)
		r = strv_add(argv, "-i");
	if (r == 0)
		r = strv_addf(argv, "%s/id_ed25519", o->dir);
	if (r == 0)
		r = strv_add_all(argv, "-l", "root", "-o", NULL);
	if (r == 0)
		r = strv_addf(argv, "HostKeyAlias=%s", node);
	return r;
}

int lab_ssh(const struct lab_options *options, const char *node, const char *const *words, int *ret_status)
{
	_cleanup_free_ char *dir = realpath(options->dir, NULL), *root = dir ? fs_join(dir, "root") : NULL;
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct muster_config config = { .root = root, .on_event = options->on_event, .data = options->data };
	struct lab_options o = *options;
	struct node_state *v;
	size_t n;
	int r;

	if (!root) {
		lab_error(options, _("There is no lab in %s."), options->dir);
		return -ENOENT;
	}
	o.dir = dir;
	r = muster_new(&config, &m);
	if (r == 0)
		r = muster_status(m, node, &v, &n);
	if (r < 0)
		return r;
	r = ssh_words(&o, node, &argv);
	if (r == 0 && n == 1)
		r = strv_add_all(&argv, "--", v[0].address, NULL);
	muster_status_free(v, n);
	if (r == 0 && n != 1) {
		lab_error(&o, _("Name one node, not %zu."), n);
		return -EINVAL;
	}
	for (size_t i = 0; r == 0 && words && words[i]; i++)
		r = strv_add(&argv, words[i]);
	return r < 0 ? r : lab_exec(&o, (const char *const *)argv.v, ret_status);
}

struct power {
	const struct lab_options *o;
	struct lab_record *record;
	size_t index;
	bool on;
};

static int do_power(void *data)
{
	struct power *p = data;
	struct lab_machine *m = &p->record->machines[p->index];
	bool running = m->pid > 0 && kill(m->pid, 0) == 0;
	int r = 0;

	if (!p->on && running && kill(m->pid, SIGTERM) < 0)
		r = -errno;
	for (int i = 0; !p->on && r == 0 && i < 200 && kill(m->pid, 0) == 0; i++)
		usleep(20 * 1000);
	if (!p->on)
		m->pid = 0;
	else if (!running)
		r = qemu_start(p->o, p->record, p->index);
	return r < 0 ? r : record_write(p->o->dir, p->record);
}

/* The MAC address that the cluster knows this node by; "" for none. A bare machine became a node by it. */
static void mac_of_node(const char *dir, const char *node, char ret[MAC_TEXT])
{
	_cleanup_free_ char *root = fs_join(dir, "root");
	_cleanup_(muster_freep) struct muster *m = NULL;
	const struct muster_config config = { .root = root };
	struct node_state *v;
	size_t n;

	*ret = '\0';
	if (!root || muster_new(&config, &m) < 0 || muster_status(m, NULL, &v, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, node) == 0)
			snprintf(ret, MAC_TEXT, "%s", v[i].mac);
	muster_status_free(v, n);
}

/* By the machine's own name, or by that of the node that it is. */
static bool find_machine(const struct lab_record *r, const char *dir, const char *node, size_t *ret)
{
	char mac[MAC_TEXT];

	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->machines[i].name, node) == 0) {
			*ret = i;
			return true;
		}
	mac_of_node(dir, node, mac);
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->machines[i].mac, mac) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

int lab_power(const struct lab_options *options, const char *node, bool on)
{
	_cleanup_(record_free) struct lab_record record = { 0 };
	_cleanup_free_ char *dir = realpath(options->dir, NULL);
	struct lab_options o = *options;
	struct power p = { &o, &record, 0, on };
	int r = record_open(options, &record);

	if (r < 0)
		return r;
	if (!dir)
		return -ENOMEM;
	o.dir = dir;
	if (find_machine(&record, dir, node, &p.index))
		return keeper_run(record.keeper, &o, do_power, &p);
	lab_error(&o, _("The lab has no machine %s."), node);
	return -ENOENT;
}
