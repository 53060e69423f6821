/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command `muster`: a const table of verbs, one file a verb. Help, manual page and completion are made from the
 * same tables that the arguments are read by.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/muster.h"
#include "cli/format.h"
#include "util/macro.h"
#include "util/strv.h"

struct cli;

/* A row of an options table; a row without a name ends it. */
struct cli_option {
	const char *name;     /* "file" for --file */
	char letter;	      /* 'f' for -f; 0: none */
	const char *arg;      /* the value's name in the help, "FILE"; NULL: the option takes none */
	const char *help;     /* a phrase: lower case, no full stop */
	const char *complete; /* what the shell completes it with: "file", "dir", or NULL */
	bool hidden;
	bool many;	/* given several times, all count: the value has a line for each */
	const char *of; /* the sub-verbs that know it, with blanks between; NULL: all */
};

struct verb {
	const char *name;
	const char *args;    /* of the usage line: "-f FILE"; "" for none */
	const char *summary; /* a phrase for the list of verbs */
	const char *details; /* sentences for its help and the manual page; paragraphs end in \n */
	const char *words;   /* sub-verbs for the completion: "build list remove"; NULL for none */
	const struct cli_option *options; /* its own, besides the global ones; NULL for none */
	/* 0 or a negative code. Other arguments than options are in c->argv. */
	int (*run)(struct cli *c);
};

/* X(name): all verbs, in the order of the help. One word here and one file cli/verb-NAME.c make a verb. */
#define CLI_VERBS(X) \
	X(setup)     \
	X(console)   \
	X(doctor)    \
	X(host)      \
	X(check)     \
	X(plan)      \
	X(rehearse)  \
	X(apply)     \
	X(undo)      \
	X(history)   \
	X(uninstall) \
	X(status)    \
	X(why)       \
	X(node)      \
	X(power)     \
	X(run)       \
	X(root)      \
	X(kernel)    \
	X(ssi)       \
	X(lab)       \
	X(help)

#define X(name) extern const struct verb verb_##name;
CLI_VERBS(X)
#undef X

extern const struct verb *const cli_verbs[]; /* ends in NULL */
extern const struct cli_option cli_global_options[];

#define CLI_MAX_OPTIONS 40
#define PROGRESS_LINES 10

/* The step at work, as the events told it. */
struct progress {
	char *name, *text;
	int percent;		     /* -1: unknown */
	char *lines[PROGRESS_LINES]; /* the last ones of its output; a ring */
	size_t n_lines;
	bool drawn; /* an unfinished line stands on the terminal */
};

struct cli {
	const struct verb *verb; /* NULL before it is known */
	/* the options given: options[i] has values[i]; NULL where it was not given, "" for a flag */
	const struct cli_option *options[CLI_MAX_OPTIONS];
	const char *values[CLI_MAX_OPTIONS];
	size_t n_options;
	struct strv kept; /* values that were put together */
	/* the global ones, for short */
	const char *root, *host, *file, *range;
	const struct muster_config *inside; /* of the lab in which the verb runs; NULL: of this system */
	bool json, yes, debug;
	bool events;   /* print each event as a line of JSON, for the program that started this one */
	int cancel_fd; /* 0: signals end the program as usual */
	int argc;      /* what is neither verb nor option */
	char **argv;
	struct style out, err; /* of standard output and error */
	struct progress progress;
	struct strbuf errors; /* what was said to have failed, for the JSON document */
	bool said;	      /* the failure was explained already */
	bool printed;	      /* the JSON document is out */
	bool refused;	      /* the failure touched nothing: exit status 2 */
};

/* ---- options.c ---- */

/* Reads the arguments up to the verb, finds it, and reads the rest. -MUSTER_E_REFUSED: said what is wrong. */
int cli_parse(struct cli *c, int argc, char **argv) _must_check_;
/* The value of an option of this verb: NULL when it was not given, "" for a flag. */
const char *cli_value(const struct cli *c, const char *name);
/* A whole number from 1 to max, or `preset` when the option was not given. */
int cli_number(struct cli *c, const char *name, long max, long preset, long *ret) _must_check_;
/* What was said with an option that may be given several times. */
int cli_lines(const char *value, struct strv *ret) _must_check_;
/* NULL where there is none. */
const struct verb *cli_verb_find(const char *name);
/* The verb that was probably meant; NULL where none is near. */
const char *cli_nearest(const char *word);

/* ---- help.c ---- */

void help_overview(FILE *f);
void help_verb(FILE *f, const struct verb *v);
void help_man(FILE *f);	       /* the verbs and options in mdoc(7) */
void help_completion(FILE *f); /* a script for bash */

/* ---- report.c ---- */

/* After the verb: says what failed, where nothing did yet, and gives the exit status. */
int cli_finish(struct cli *c, int r);

/* Opens the backend for this command: root, facts, events, questions. */
int cli_open(struct cli *c, struct muster **ret) _must_check_;
/* The same for a full screen: nothing is printed while it is shown. Its questions were asked by the screen. */
int cli_open_screen(struct cli *c, struct muster **ret) _must_check_;
/* Says the last error that there was, where the screen ended with a failure, whose code it returns. */
int cli_close_screen(struct cli *c, int r);
/* Reads the plan of -f; its mistakes are printed. */
int cli_plan(struct cli *c, struct muster *m, const struct plan **ret) _must_check_;
/* What is right in the plan and yet will not do: as lines on standard error, or added to the list where there is one. */
int cli_warnings(struct cli *c, struct muster *m, const struct plan *p, json_t *list) _must_check_;
/* Checks the answers of -f for a server whose interfaces are yet to be made; their mistakes are printed. */
int cli_network(struct cli *c) _must_check_;
/* Says what was wrong about the command line. Always -MUSTER_E_REFUSED. */
int cli_refuse(struct cli *c, const char *fmt, ...) _printf_(2, 3);
/* Says what failed. */
void cli_error(struct cli *c, const char *fmt, ...) _printf_(2, 3);
/* Prints the one document of --json; takes `doc` over. NULL: -ENOMEM. */
int cli_print_json(struct cli *c, json_t *doc) _must_check_;
/* The text as a JSON string, also where it is not UTF-8. */
json_t *cli_json_text(const char *text);
/* An array of such texts. */
json_t *cli_json_texts(const struct strv *v);
/* -MUSTER_E_REFUSED unless there are from min to max further arguments. */
int cli_arguments(struct cli *c, int min, int max) _must_check_;
/* Writes the buffer to standard output and empties it. */
int cli_print(struct strbuf *b) _must_check_;

/* ---- progress.c ---- */

void progress_event(void *cli, const struct muster_event *event);
void progress_question(void *cli, struct muster_question *question);
void progress_end(struct cli *c); /* an unfinished line is finished */

/* In --events: the text as one event. */
void progress_tell(struct cli *c, enum muster_event_type type, const char *text);

/* ---- changes.c ---- */

/* The changes for reading: with their diffs, or one line each. */
void changes_format(const struct style *s, const struct changeset *c, bool diffs, struct strbuf *out);
json_t *changes_json(const struct plan *p, const struct changeset *c);

/* ---- nodes.c ---- */

bool node_is_ready(const struct node_state *n);
bool node_is_failed(const struct node_state *n);
/* From the first stage of its newest boot until it was ready, in ms; -1 where it was not. */
int64_t node_boot_ms(const struct node_state *n);
/* "krg  16 nodes  ● 13 ready ..." and a newline. */
/* What is said when musterd does not answer, alone and as a line below the summary; and whether it does: it is given half a second. */
const char *nodes_down_text(void);
void nodes_down(const struct style *s, struct strbuf *out);
bool nodes_answered(struct muster *m);
void nodes_summary(const struct style *s, const char *cluster, const struct node_state *v, size_t n,
		   struct strbuf *out);
/* The table; with `stages`, each node's time in every stage stands below it. */
void nodes_table(const struct style *s, const struct node_state *v, size_t n, bool stages,
		 struct strbuf *out);
/* Why a failed node failed, and its kernel's last lines; nothing for others. */
void nodes_failure(const struct style *s, const struct node_state *n, struct strbuf *out);

/* ---- results.c ---- */

/* What became of an action, a line a node, or the document {"results": [{"node", "ok", "text"}]}; frees them. 0 when all
 * went well, -MUSTER_E_COMMAND where one did not. */
int cli_results(struct cli *c, struct muster_result *v, size_t n) _must_check_;
/* -MUSTER_E_REFUSED unless -n names the nodes. */
int cli_want_range(struct cli *c) _must_check_;

/* ---- node-discover.c ---- */

/* node discover: machines as they ask for an address, then their lines for the answer file. */
int node_discover(struct cli *c) _must_check_;

/* ---- verb-doctor.c ---- */

/* A check of the backend: its sign, its sentence, and what to do. */
void doctor_format(const struct style *s, const struct muster_check *k, struct strbuf *out);
/* {"fit", "checks": [{"name", "level", "text", "remedy", "command"}]} */
json_t *doctor_json(const struct muster_check *v, size_t n);

/* ---- kernel-check.c, kernel-show.c, kernel-toolchain.c: the longer of the kernel's verbs ---- */

/* kernel show: what a recipe wants, or what a kernel was built of. */
int kernel_show_verb(struct cli *c, struct muster *m) _must_check_;
/* kernel check: will it run there? */
int kernel_check_verb(struct cli *c, struct muster *m) _must_check_;
/* muster kernel toolchain ... */
int kernel_toolchain_verb(struct cli *c, struct muster *m) _must_check_;

/* ---- ssi-ps.c ---- */

/* ssi ps: the processes of the single system, by node. */
int ssi_ps(struct cli *c) _must_check_;

/* ---- ssi-test.c ---- */

int ssi_test_verb(struct cli *c) _must_check_;
/* ssi scheduler [on | off] */
int ssi_scheduler_verb(struct cli *c) _must_check_;

/* ---- watch.c ---- */

struct watch {
	const char *range;
	bool stages, until_ready;
	int64_t timeout_ms; /* 0: none */
};
/* Shows the nodes until it is interrupted, or until they are ready or failed. */
int watch_nodes(struct cli *c, struct muster *m, const struct watch *w) _must_check_;

/* ---- main.c ---- */

/* From now on SIGINT and SIGTERM make c->cancel_fd readable and end nothing by themselves. A hangup does the same, or is
 * passed over, so that a closed terminal stops no change half-way. Before cli_open(). */
void cli_catch_signals(struct cli *c, bool hangup_stops);
