/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lab/lab.h"
#include "util/i18n.h"

static int read_options(struct cli *c, struct lab_options *o)
{
	const char *firmware = cli_value(c, "firmware"), *accel = cli_value(c, "accel");
	long nodes, memory, processors;
	int r;

	*o = (struct lab_options){
		.dir = cli_value(c, "dir") ? cli_value(c, "dir") : LAB_DIR_DEFAULT,
		.answers = c->file,
		.services_only = cli_value(c, "no-power") != NULL,
		.on_event = progress_event,
		.data = c,
		.cancel_fd = c->cancel_fd,
	};
	r = cli_number(c, "nodes", 1000, 0, &nodes);
	if (r == 0)
		r = cli_number(c, "memory", 1024 * 1024, 0, &memory);
	if (r == 0)
		r = cli_number(c, "processors", 255, 0, &processors);
	if (r < 0)
		return r;
	o->nodes = (unsigned int)nodes;
	o->memory_mb = (unsigned int)memory;
	o->processors = (unsigned int)processors;
	if (firmware && strcmp(firmware, "bios") != 0 && strcmp(firmware, "uefi") != 0)
		return cli_refuse(c, _("--firmware is bios or uefi, not \"%s\""), firmware);
	if (accel && strcmp(accel, "kvm") != 0 && strcmp(accel, "tcg") != 0 && strcmp(accel, "auto") != 0)
		return cli_refuse(c, _("--accel is auto, kvm or tcg, not \"%s\""), accel);
	o->firmware = firmware && strcmp(firmware, "uefi") == 0 ? LAB_UEFI : LAB_BIOS;
	o->accelerator = !accel || strcmp(accel, "auto") == 0 ? LAB_AUTO
			 : strcmp(accel, "kvm") == 0	      ? LAB_KVM
							      : LAB_TCG;
	return 0;
}

static int up(struct cli *c, const struct lab_options *o)
{
	int r;

	if (!c->file)
		return cli_refuse(c, _("name the answers with -f FILE"));
	/* Wrong answers are refused before anything is made for them. */
	r = cli_network(c);
	if (r < 0)
		return r;
	r = lab_up(o);
	progress_end(c);
	if (r < 0)
		return r;
	if (c->json)
		return cli_print_json(c, json_pack("{s:s, s:o}", "lab", "up", "dir", cli_json_text(o->dir)));
	if (cli_value(c, "dir"))
		printf(_("The lab runs. `muster lab status --dir %s` shows its nodes; `muster lab down --dir "
			 "%s` ends it.\n"),
		       o->dir, o->dir);
	else
		printf(_("The lab runs. `muster lab status` shows its nodes; `muster lab down` ends it.\n"));
	return 0;
}

static int down(struct cli *c, const struct lab_options *o)
{
	int r = lab_down(o, cli_value(c, "purge") != NULL);

	progress_end(c);
	return r < 0 ? r : c->json ? cli_print_json(c, json_pack("{s:s}", "lab", "down")) : 0;
}

static int status_json(struct cli *c, const struct lab_state *s)
{
	json_t *nodes = json_array();

	for (size_t i = 0; nodes && i < s->n_nodes; i++)
		json_array_append_new(nodes, json_pack("{s:s, s:s, s:b}", "name", s->nodes[i].name, "mac",
						       s->nodes[i].mac, "running", s->nodes[i].running));
	return cli_print_json(c, json_pack("{s:b, s:s, s:s, s:s, s:i, s:o}", "running", s->keeper > 0,
					   "cluster", s->cluster, "root", s->root, "accelerator",
					   s->accelerator, "keeper", (int)s->keeper, "nodes", nodes));
}

/* The nodes as musterd knows them; what the lab itself knows stands above. */
static int status_table(struct cli *c, const struct lab_state *s)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_free_ char *applied = NULL;
	const char *cluster;
	struct node_state *v;
	size_t on = 0, n;
	int r;

	for (size_t i = 0; i < s->n_nodes; i++)
		on += s->nodes[i].running;
	c->root = s->root;
	r = cli_open(c, &m);
	if (r < 0)
		return r;
	/* Of bare machines one may have been made since. */
	cluster = muster_cluster_name(m, &applied) == 0 ? applied : s->cluster;
	printf(*cluster ? _("lab of %s: %zu of %zu machines on, %s\n")
			: _("lab%s: %zu of %zu machines on, %s\n"),
	       cluster, on, s->n_nodes, strcmp(s->accelerator, "kvm") == 0 ? "KVM" : _("software emulation"));
	r = muster_status(m, c->range, &v, &n);
	if (r == -ENOENT && !*cluster) {
		/* Bare machines, of which no cluster has been made. */
		for (size_t i = 0; i < s->n_nodes; i++)
			printf("  %-12s %s  %s\n", s->nodes[i].name, s->nodes[i].mac,
			       s->nodes[i].running ? "on" : "off");
		return 0;
	}
	if (r < 0)
		return r;
	nodes_summary(&c->out, cluster, v, n, &b);
	if (!nodes_answered(m))
		nodes_down(&c->out, &b);
	nodes_table(&c->out, v, n, false, &b);
	muster_status_free(v, n);
	return cli_print(&b);
}

static int status(struct cli *c, const struct lab_options *o)
{
	struct lab_state s;
	int r = lab_read(o->dir, &s);

	if (r == -ENOENT || (r == 0 && !s.keeper && !c->json)) {
		cli_error(c, _("No lab runs in %s; `muster lab up -f ANSWERS` makes one."), o->dir);
		if (r == 0)
			lab_state_free(&s);
		return -ENOENT;
	}
	if (r < 0)
		return r;
	r = c->json ? status_json(c, &s) : status_table(c, &s);
	lab_state_free(&s);
	return r;
}

static int power(struct cli *c, const struct lab_options *o)
{
	int r = cli_arguments(c, 3, 3);

	if (r < 0)
		return r;
	if (strcmp(c->argv[2], "on") != 0 && strcmp(c->argv[2], "off") != 0)
		return cli_refuse(c, _("a machine is powered on or off, not \"%s\""), c->argv[2]);
	return lab_power(o, c->argv[1], strcmp(c->argv[2], "on") == 0);
}

struct inside {
	struct cli *cli;
	const struct verb *verb;
};

static int run_inside(const struct muster_config *config, void *data)
{
	const struct inside *in = data;
	struct cli *c = in->cli;

	c->inside = config;
	return cli_finish(c, in->verb->run(c));
}

/* A verb in the lab that runs, as it would be on the lab's server. Its exit status is the verb's. */
static int verb_inside(struct cli *c, const struct lab_options *o, const struct verb *verb)
{
	struct inside in = { c, verb };
	int status;

	c->argv++;
	c->argc--;
	status = lab_inside(o, run_inside, &in);
	if (status < 0)
		return status;
	exit(status);
}

/* The wizard, on a server with nothing set up on it and bare machines to boot; they are made where no lab runs. */
static int setup(struct cli *c, const struct lab_options *o)
{
	struct lab_state s = { 0 };
	int r;

	if (c->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_refuse(c, _("the wizard needs a terminal; `muster lab up -f FILE` does without"));
	r = lab_read(o->dir, &s);
	if (r == -ENOENT || (r == 0 && !s.keeper))
		r = lab_up_bare(o);
	lab_state_free(&s);
	progress_end(c);
	return r < 0 ? r : verb_inside(c, o, &verb_setup);
}

static int console(struct cli *c, const struct lab_options *o)
{
	return verb_inside(c, o, &verb_console);
}

static int plan(struct cli *c, const struct lab_options *o)
{
	return verb_inside(c, o, &verb_plan);
}

static int apply(struct cli *c, const struct lab_options *o)
{
	return verb_inside(c, o, &verb_apply);
}

static int undo(struct cli *c, const struct lab_options *o)
{
	return verb_inside(c, o, &verb_undo);
}

/* Its own exit status is the command's. */
static int exec_command(struct cli *c, const struct lab_options *o)
{
	int status, r;

	if (c->argc < 2)
		return cli_refuse(c, _("name the command: muster lab exec -- COMMAND"));
	r = lab_exec(o, (const char *const *)c->argv + 1, &status);
	if (r < 0)
		return r;
	exit(status);
}

static int ssh_node(struct cli *c, const struct lab_options *o)
{
	int status, r;

	if (c->argc < 2)
		return cli_refuse(c, _("name the node: muster lab ssh NODE [-- COMMAND]"));
	r = lab_ssh(o, c->argv[1], (const char *const *)c->argv + 2, &status);
	if (r < 0)
		return r;
	exit(status);
}

static const struct {
	const char *name;
	int (*run)(struct cli *c, const struct lab_options *o);
} words[] = {
	{ "plan", plan },   { "apply", apply },	      { "undo", undo },	   { "console", console },
	{ "up", up },	    { "setup", setup },	      { "down", down },	   { "status", status },
	{ "power", power }, { "exec", exec_command }, { "ssh", ssh_node },
};

static int run(struct cli *c)
{
	struct lab_options o;
	int r = cli_arguments(c, 1, 1000);

	if (r == 0)
		r = read_options(c, &o);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, c->argv[0]) != 0)
			continue;
		if (words[i].run == up || words[i].run == setup) {
			cli_catch_signals(c, true);
			o.cancel_fd = c->cancel_fd;
		}
		return words[i].run(c, &o);
	}
	return r < 0 ? r
		     : cli_refuse(c,
				  _("there is no \"lab %s\"; it is up, setup, console, plan, apply, undo, "
				    "down, status, power, exec or ssh"),
				  c->argv[0]);
}

static const struct cli_option options[] = {
	{ "dir", 0, "DIR", N_("the lab's folder (/var/lib/muster/lab)"), "dir", false },
	{ "nodes", 0, "N", N_("how many machines; by default one for each MAC address"), NULL, false },
	{ "firmware", 0, "KIND", N_("bios (the default) or uefi"), NULL, false },
	{ "memory", 0, "MB", N_("memory of each machine; by default what the root mode needs"), NULL, false },
	{ "processors", 0, "N", N_("processors of each machine (1)"), NULL, false },
	{ "accel", 0, "KIND", N_("auto (the default), kvm or tcg"), NULL, false },
	{ "no-power", 0, NULL, N_("up, setup: power no machine on"), NULL, false, .of = "up setup" },
	{ "purge", 0, NULL, N_("down: remove the lab's folder with its node roots, too"), NULL, false,
	  .of = "down" },
	{ 0 },
};

const struct verb verb_lab = {
	.name = "lab",
	.args = "up | setup | console | plan | apply | undo | down | status | power NODE on|off | exec -- "
		"COMMAND | ssh NODE [-- COMMAND]",
	.summary = N_("a virtual cluster on this machine, for rehearsal and for learning"),
	.details = N_(
		"up makes a network namespace, applies the answers in it below a scratch root, with the real "
		"services, and powers virtual nodes on that boot from nothing but their network card. "
		"setup runs the wizard there, with machines that know nothing of a cluster yet; "
		"console, plan, apply and undo are the verbs of that name, in the lab. down ends "
		"all of it. exec runs a command inside; ssh logs into a node. Nothing of the server's own "
		"network or services is touched.\n"),
	.words = "up setup console plan apply undo down status power exec ssh",
	.options = options,
	.run = run,
};
