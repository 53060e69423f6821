/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command on many nodes; outputs that are the same are shown once. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"
#include "util/strv.h"

#define OUTPUT_MAX (1024 * 1024) /* that is kept of a node; what goes beyond is said to be left out */

struct result {
	char *node;
	struct strbuf output;
	int status;
	bool done, cut, shown;
};

struct job {
	struct cli *c;
	bool prefix; /* each line at once, with its node's name */
	struct result *v;
	size_t n;
};

static struct result *result_of(struct job *j, const char *node)
{
	struct result *v;

	for (size_t i = 0; i < j->n; i++)
		if (strcmp(j->v[i].node, node) == 0)
			return &j->v[i];
	v = reallocarray(j->v, j->n + 1, sizeof(*v));
	if (!v)
		return NULL;
	j->v = v;
	v[j->n] = (struct result){ .node = strdup(node), .output = STRBUF_INIT };
	return v[j->n].node ? &v[j->n++] : NULL;
}

static void job_free(struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->v[i].node);
		strbuf_free(&j->v[i].output);
	}
	free(j->v);
}

static void on_line(void *data, const char *node, const char *line)
{
	struct job *j = data;
	struct result *r = result_of(j, node);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (j->prefix) {
		format_escape(&b, &j->c->out, node, "");
		strbuf_adds(&b, ": ");
		format_escape(&b, &j->c->out, line, "\t");
		strbuf_addc(&b, '\n');
		if (cli_print(&b) == 0)
			fflush(stdout);
		return;
	}
	if (!r || r->cut)
		return;
	r->cut = r->output.len + strlen(line) > OUTPUT_MAX;
	strbuf_addf(&r->output, "%s\n", r->cut ? _("(the rest is left out)") : line);
}

static void on_done(void *data, const char *node, int status)
{
	struct job *j = data;
	struct result *r = result_of(j, node);

	if (!r)
		return;
	r->status = status;
	r->done = true;
}

static const struct muster_run_ops ops = { .line = on_line, .done = on_done };

/* ---- afterwards -------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strverscmp(((const struct result *)a)->node, ((const struct result *)b)->node);
}

static const char *output_of(const struct result *r)
{
	return r->output.data ? r->output.data : "";
}

static bool same(const struct result *a, const struct result *b)
{
	return a->status == b->status && strcmp(output_of(a), output_of(b)) == 0;
}

static void add_status(struct strbuf *b, int status)
{
	if (status == -MUSTER_E_TIMEOUT)
		strbuf_adds(b, _("it took too long"));
	else if (status == -EADDRNOTAVAIL)
		strbuf_adds(b, _("its address is not known"));
	else if (status < 0)
		strbuf_addf(b, _("it could not be run: %s"), muster_strerror(status));
	else if (status == 255)
		strbuf_adds(b, _("ssh failed, or the command ended with status 255"));
	else if (status > 128)
		strbuf_addf(b, _("ended by signal %d"), status - 128);
	else
		strbuf_addf(b, _("exit status %d"), status);
}

/* All nodes from i on that say the same, under one head. */
static int print_group(struct job *j, size_t i)
{
	const struct style *s = &j->c->out;
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *fold = NULL;
	const struct result *first = &j->v[i];
	int r = 0;

	for (size_t k = i; r == 0 && k < j->n; k++) {
		if (j->v[k].shown || !same(first, &j->v[k]))
			continue;
		j->v[k].shown = true;
		r = strv_add(&names, j->v[k].node);
	}
	fold = r == 0 ? muster_fold(&names) : NULL;
	if (!fold)
		return -ENOMEM;
	strbuf_addf(&b, "%s%s%s", style_on(s, COLOUR_BOLD), fold, style_off(s, COLOUR_BOLD));
	if (first->status) {
		strbuf_addf(&b, "  %s", style_on(s, COLOUR_RED));
		add_status(&b, first->status);
		strbuf_adds(&b, style_off(s, COLOUR_RED));
	}
	strbuf_addc(&b, '\n');
	for (const char *p = output_of(first); *p;) {
		size_t len = strcspn(p, "\n");
		_cleanup_free_ char *line = strndup(p, len);

		strbuf_adds(&b, "    ");
		format_escape(&b, s, line ? line : "", "\t");
		strbuf_addc(&b, '\n');
		p += len + (p[len] == '\n');
	}
	return cli_print(&b);
}

static int print_json(struct job *j)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < j->n; i++) {
		const struct result *r = &j->v[i];

		if (json_array_append_new(list,
					  json_pack("{so so so}", "node", cli_json_text(r->node), "status",
						    r->status < 0 ? json_null() : json_integer(r->status),
						    "output", cli_json_text(output_of(r)))) < 0) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	return cli_print_json(j->c, list ? json_pack("{so}", "nodes", list) : NULL);
}

static int print_prefixed(struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

		if (j->v[i].status == 0)
			continue;
		add_status(&b, j->v[i].status);
		fprintf(stderr, "%s: %s\n", j->v[i].node, b.data ? b.data : "");
	}
	return 0;
}

static int tell(struct job *j)
{
	size_t bad = 0;
	int r = 0;

	if (j->n)
		qsort(j->v, j->n, sizeof(*j->v), by_name);
	for (size_t i = 0; i < j->n; i++)
		bad += j->v[i].status != 0;
	if (j->c->json)
		r = print_json(j);
	else if (j->prefix)
		r = print_prefixed(j);
	for (size_t i = 0; r == 0 && !j->c->json && !j->prefix && i < j->n; i++)
		if (!j->v[i].shown)
			r = print_group(j, i);
	if (r == 0 && bad) {
		cli_error(j->c, _("%zu of %zu nodes: the command failed"), bad, j->n);
		r = -MUSTER_E_COMMAND;
	}
	return r;
}

static int run_command(struct cli *c, struct muster *m, struct job *j, long timeout)
{
	struct muster_run_options options = { .timeout_ms = (int)timeout * 1000 };
	_cleanup_(muster_run_freep) struct muster_run *run = NULL;
	int r = muster_run_start(m, c->range, (const char *const *)c->argv, &options, &run);

	c->refused = r == -EINVAL;
	while (r == 0) {
		struct pollfd p[] = {
			{ .fd = muster_run_fd(run), .events = POLLIN },
			{ .fd = c->cancel_fd, .events = POLLIN },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents) {
			cli_error(c, _("stopped"));
			return -MUSTER_E_CANCELLED;
		}
		r = muster_run_work(run, &ops, j);
	}
	return r < 0 ? r : tell(j);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_(job_free) struct job j = { .c = c, .prefix = cli_value(c, "prefix") };
	long timeout;
	int r = cli_number(c, "timeout", 24 * 3600, 0, &timeout);

	if (r == 0)
		r = cli_want_range(c);
	if (r == 0 && c->argc == 0)
		return cli_refuse(c, _("name the command: muster run -n RANGE -- COMMAND"));
	if (r == 0 && j.prefix && c->json)
		return cli_refuse(c, _("--json prints one document, --prefix each line: use one of them"));
	if (r < 0)
		return r;
	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	return r < 0 ? r : run_command(c, m, &j, timeout);
}

static const struct cli_option options[] = {
	{ "prefix", 0, NULL, N_("print each line as it comes, after its node's name") },
	{ "timeout", 0, "SECONDS", N_("end it on a node where it takes longer than that") },
	{ 0 },
};

const struct verb verb_run = {
	.name = "run",
	.args = "-n RANGE -- COMMAND",
	.summary = N_("run a command on nodes, and see what each says"),
	.details =
		N_("Runs it by ssh as root, on 32 nodes at a time, with the key /etc/muster/id_ed25519 where "
		   "there "
		   "is one. Nodes that say the same are shown together. "
		   "As with ssh, the node's shell reads the words of the command, put together with blanks. "
		   "The exit status is 1 when it failed on any node."),
	.options = options,
	.run = run,
};
