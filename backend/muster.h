/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one public header of the backend: screens, the command line and the lab see this and nothing else
 * (the data headers that it includes hold structs, not functions of the rooms).
 *
 * Functions return 0 or a negative code (util/error.h). The detail of a failure was emitted as an event where
 * it arose. `ret` outputs stay untouched on failure. A context is used by one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/apply/change.h"
#include "backend/apply/record.h"
#include "backend/host/facts.h"
#include "backend/muster-rehearse.h"
#include "backend/muster-ssi.h"
#include "backend/nodes/machine.h"
#include "backend/nodes/node.h"
#include "backend/plan/draft-model.h"
#include "backend/plan/model.h"
#include "kernel/model.h"
#include "util/error.h"
#include "util/macro.h"

/* ---- events: how long work reports --------------------------------------------------------------- */

enum muster_event_type {
	MUSTER_EVENT_STEP,     /* a step began: what, and on what */
	MUSTER_EVENT_PROGRESS, /* of the present step */
	MUSTER_EVENT_LINE,     /* a line of some program's output */
	MUSTER_EVENT_DONE,     /* the step ended well */
	MUSTER_EVENT_ERROR,    /* what failed, and what to do: one or more sentences */
	MUSTER_EVENT_WARNING,
	MUSTER_EVENT_NOTE,
};

struct muster_event {
	enum muster_event_type type;
	union {
		struct {
			const char *name; /* "packages", "root", "files", "services", ... */
			const char *text; /* "installing dnsmasq-base, ipxe" */
		} step;
		struct {
			int permille; /* 0..1000; -1 unknown */
		} progress;
		const char *text; /* LINE, ERROR, WARNING, NOTE */
		struct {
			const char *name;
			int64_t ms; /* how long the step took */
		} done;
	};
};

/* An event as one line of JSON with its newline, for another process or a file; owned. */
int muster_event_encode(const struct muster_event *e, char **ret) _must_check_;
/* Hands the event of such a line to fn; its texts live for that call. -MUSTER_E_FORMAT: the line is none. */
int muster_event_decode(const char *line, size_t len,
			void (*fn)(void *data, const struct muster_event *event), void *data) _must_check_;

/* ---- questions: what only a person can decide ------------------------------------------------------- */

enum muster_question_type {
	MUSTER_QUESTION_APPLY = 1 << 0, /* shall these changes be made? */
	MUSTER_QUESTION_UNDO = 1 << 1,	/* shall this apply be taken back? */
	MUSTER_QUESTION_REMOVE_ROOT = 1 << 2,
	MUSTER_QUESTION_POWER = 1 << 3, /* shall these nodes be restarted, or switched off? */
	MUSTER_QUESTION_REMOVE_KERNEL = 1 << 4,
	MUSTER_QUESTION_REMOVE_TOOLCHAIN = 1 << 5,
	MUSTER_QUESTION_UNINSTALL = 1 << 6,
	MUSTER_QUESTION_TAKE_OVER = 1 << 7, /* shall files be replaced that somebody else has changed? */
};

struct muster_question {
	enum muster_question_type type;
	const char *text;
	bool answer; /* in: the default; out: what the person says */
};

/* ---- the context ------------------------------------------------------------------------------------- */

enum muster_services {
	MUSTER_SERVICES_AUTO, /* systemd on "/", none below another root */
	MUSTER_SERVICES_SYSTEMD,
	MUSTER_SERVICES_DIRECT, /* child processes, with their pids in ROOT/run/muster */
	MUSTER_SERVICES_NONE,
};

struct muster_config {
	const char *root;      /* NULL: "/" */
	const char *host_file; /* facts from a file in place of the running machine's; may be NULL */
	enum muster_services services;
	bool lab;	/* the interface is addressed already, and NFS is served by ganesha */
	bool rehearsal; /* besides: the files are those of a server, to the byte (backend/muster-rehearse.h) */
	const char
		*ssh_key; /* a further key that opens the nodes, a line of authorized_keys(5); NULL: none */
	const char *http_user; /* musterd gives its rights away to this user; NULL: "muster" */
	int build_network_fd;  /* the network namespace in which node roots are built; 0: the process's own */
	void (*on_event)(void *data, const struct muster_event *event);	   /* may be NULL */
	void (*on_question)(void *data, struct muster_question *question); /* NULL: defaults are taken */
	void *data;
	int cancel_fd; /* readable means stop; 0: none */
	bool take_over; /* an apply replaces files that somebody else has changed, or has made, without asking */
};

struct muster;
struct muster_asking;

int muster_new(const struct muster_config *config, struct muster **ret) _must_check_;
void muster_free(struct muster *m);
DEFINE_CLEANUP(struct muster *, muster_free)
/* The text of the newest MUSTER_EVENT_ERROR since this was called last, owned; NULL: there was none. */
char *muster_take_error(struct muster *m);
/* How long musterd may take for an answer that is waited for; 10 s before this is called. */
void muster_patience(struct muster *m, int ms);

/* ---- is this server fit ---------------------------------------------------------------------------------- */

enum muster_check_level {
	MUSTER_CHECK_OK,
	MUSTER_CHECK_WARNING, /* it works, but: */
	MUSTER_CHECK_PROBLEM, /* it does not work so */
};

struct muster_check {
	const char *name; /* a short word, static: "distribution", "firewall" */
	enum muster_check_level level;
	char *text;    /* what was found: a sentence */
	char *remedy;  /* what to do; NULL: nothing */
	char *command; /* that does it; NULL: none does */
};

/*
 * Looks at everything that setting up needs of this server, for these answers (NULL: those of the last apply; none is
 * fine, too), and for this interface (NULL: the answers', else the one that suggests itself). Looking for another DHCP
 * server takes some seconds. Nothing is changed.
 */
int muster_doctor(struct muster *m, const char *answers, const char *interface, struct muster_check **ret,
		  size_t *ret_n) _must_check_;
void muster_checks_free(struct muster_check *v, size_t n);

/* The same in a process of its own, for a screen that goes on meanwhile. */
struct muster_doctor_run;
int muster_doctor_begin(struct muster *m, const char *answers, const char *interface,
			struct muster_doctor_run **ret) _must_check_;
int muster_doctor_fd(const struct muster_doctor_run *d); /* readable: muster_doctor_read() */
/* 1: it is done, and these are its findings; 0: not yet. Does not wait. */
int muster_doctor_read(struct muster_doctor_run *d, struct muster_check **ret, size_t *ret_n) _must_check_;
void muster_doctor_end(struct muster_doctor_run *d); /* also before it is done; NULL is fine */

/* Only the search for another DHCP server on this interface, which takes up to four seconds, beside a screen. */
struct muster_dhcp_look;

struct muster_dhcp_other {
	int result; /* 1: one answered; 0: none did; negative: it could not be found out (-ENETDOWN, -EPERM) */
	struct ip4 server, address; /* who it is, and what it offers; 0.0.0.0 when it says only how to boot */
	struct mac mac;		    /* of the machine that answered */
};

/* -MUSTER_E_UNSUPPORTED: the facts are another machine's. */
int muster_dhcp_look_begin(struct muster *m, const char *interface,
			   struct muster_dhcp_look **ret) _must_check_;
int muster_dhcp_look_fd(const struct muster_dhcp_look *l); /* readable: muster_dhcp_look_read() */
/* 1: it is done; 0: not yet. Does not wait. */
int muster_dhcp_look_read(struct muster_dhcp_look *l, struct muster_dhcp_other *ret) _must_check_;
void muster_dhcp_look_end(struct muster_dhcp_look *l); /* also before it is done; NULL is fine */

/* ---- facts, plan ----------------------------------------------------------------------------------- */

/* Borrowed; read once and kept. */
int muster_host(struct muster *m, const struct host **ret) _must_check_;
int muster_host_json(struct muster *m, char **ret) _must_check_;

/* The interfaces as they change: plugged, named, addressed. */
struct muster_host_watch;
int muster_host_watch_new(struct muster *m, struct muster_host_watch **ret) _must_check_;
int muster_host_watch_fd(const struct muster_host_watch *w); /* readable: muster_host_watch_read() */
/* Reads the facts anew; what muster_host() gave before is void. */
int muster_host_watch_read(struct muster_host_watch *w, const struct host **ret) _must_check_;
void muster_host_watch_free(struct muster_host_watch *w);

/* Reads the answers; `answers` NULL means those of the last apply. -MUSTER_E_ANSWERS: see muster_mistakes(). The plan
 * belongs to the context and lives until the next call. */
int muster_plan(struct muster *m, const char *answers, const struct plan **ret) _must_check_;
/* What the answers ask of the interface that faces the nodes, for whoever makes it: read without looking
 * whether it is there. Forgets the host's facts, since the interfaces are about to change. */
struct muster_network {
	char interface[16], mac[18]; /* mac: "" unless the answers name it by its MAC address */
	char address[20];	     /* "10.66.0.1/24" */
	char ipv6[64]; /* the prefix to advertise, with the server's address in it; "" for none */
};
int muster_network(struct muster *m, const char *answers, struct muster_network *ret) _must_check_;
/* Of the last muster_plan(), sorted by line; borrowed. */
const struct plan_mistakes *muster_mistakes(const struct muster *m);

/* ---- answers being written: what a form holds (backend/plan/draft-model.h) --------------------------------- */

int muster_draft_new(struct draft **ret) _must_check_; /* nothing is given */
int muster_draft_copy(const struct draft *d, struct draft **ret) _must_check_;
void muster_draft_free(struct draft *d);
DEFINE_CLEANUP(struct draft *, muster_draft_free)
/* Reads what is there, and passes over what is wrong; `path` NULL means the answers of the last apply. -ENOENT where there
 * is no file; any other failure is emitted. */
int muster_draft_load(struct muster *m, const char *path, struct draft **ret) _must_check_;
/* Writes the answer file whole or not at all, mode 0640. -EILSEQ: a value holds what no answer file can (see
 * muster_draft_check()). Failures are emitted. */
int muster_draft_save(struct muster *m, const struct draft *d, const char *path) _must_check_;
/* The answer file's text; owned. */
int muster_draft_text(const struct draft *d, char **ret) _must_check_;
/* Every mistake, each with its place; relative paths in the answers begin in the folder of `path`. Without a mistake
 * *ret_plan (may be asked for with a non-NULL pointer) is what they mean, else NULL: free it with muster_plan_free(). */
int muster_draft_check(struct muster *m, const struct draft *d, const char *path, struct draft_mistake **ret,
		       size_t *ret_n, struct plan **ret_plan) _must_check_;
void muster_draft_mistakes_free(struct draft_mistake *v, size_t n);
void muster_plan_free(struct plan *p);
/* Fills in what is not given with what this server suggests: its interfaces, its name, the ssh keys found on it. */
int muster_draft_propose(struct muster *m, struct draft *d) _must_check_;
/* The interface that most likely leads to the nodes; NULL in *ret where none does. Borrowed. */
int muster_draft_interface(struct muster *m, const struct host_interface **ret) _must_check_;
/* Public ssh keys found on this server: the .pub files in /root/.ssh and its authorized_keys. */
int muster_ssh_keys(struct muster *m, struct strv *ret) _must_check_;
/* Adds the MAC addresses of a file, one a line, that are not in the draft yet. Returns how many; what is wrong is emitted with
 * its line. */
int muster_draft_add_macs(struct muster *m, struct draft *d, const char *path) _must_check_;
/* Root's password for the nodes: only its hash is kept, in the file `path` below the root (mode 0600), which the draft
 * names from then on. */
int muster_draft_set_password(struct muster *m, struct draft *d, const char *password,
			      const char *path) _must_check_;
/* The machine with this MAC address gets a name that does not follow the count, and keeps the address that it had as a counted
 * node; one that was none takes the next place. It leaves the list, and those behind it move up by a name, not by an address:
 * there are as many nodes in all as before. NULL: it loses the name, and is in the answers no more; its place is free for a
 * counted node. -MUSTER_E_REFUSED: emitted why, and nothing was changed. */
int muster_draft_name_machine(struct muster *m, struct draft *d, struct mac mac,
			      const char *name) _must_check_;
/* The nodes with names of their own become counted ones, and their MAC addresses the last of the list. */
int muster_draft_number_nodes(struct draft *d) _must_check_;
/* One node gets another name, or goes; all others keep their names, addresses and MAC addresses. -MUSTER_E_REFUSED: emitted
 * why, and nothing was changed. */
int muster_draft_rename_node(struct muster *m, struct draft *d, const char *path, const char *from,
			     const char *to) _must_check_;
int muster_draft_remove_node(struct muster *m, struct draft *d, const char *path,
			     const char *name) _must_check_;

/* ---- what is right, and yet will not do ---------------------------------------------------------------------- */

/* Warnings of a plan, each at its place as a mistake's: a kernel without a driver for the nodes' network cards, or too old for
 * the root's libc, a root that is larger than a node's memory; as far as the machines are known by their MAC addresses and
 * by what their agents have reported. Free them with muster_draft_mistakes_free(). */
int muster_warnings(struct muster *m, const struct plan *p, struct draft_mistake **ret,
		    size_t *ret_n) _must_check_;
/* The release of the kernel at this path; owned. -MUSTER_E_FORMAT: it is no kernel that an x86 machine boots. */
int muster_kernel_look(const char *path, char **ret_release) _must_check_;
/* What a node needs at the least with a usual root, in kB. */
long long muster_memory_kb(enum plan_root root);

/* ---- apply, undo: of the plan that muster_plan() read last --------------------------------------------- */

int muster_changes(struct muster *m, struct changeset **ret) _must_check_;
void muster_changeset_free(struct changeset *c);
bool muster_changeset_empty(const struct changeset *c);
/* Those of its files that somebody else has changed, or has made, and that it would replace or remove: their paths. */
int muster_changeset_foreign(const struct changeset *c, struct strv *ret) _must_check_;
/* As if config.take_over had been set. */
void muster_take_over(struct muster *m);
/* Asks MUSTER_QUESTION_APPLY when there is something to change, and MUSTER_QUESTION_TAKE_OVER before that where files are
 * somebody else's; -MUSTER_E_CONFLICT when the answer to that is no (emitted). -MUSTER_E_CANCELLED when the answer is no.
 * On failure what was done is taken back before it returns. */
int muster_apply(struct muster *m) _must_check_;
/* Takes the last apply back. -MUSTER_E_NOT_APPLIED when there is none. */
int muster_undo(struct muster *m) _must_check_;
/* Takes back every apply after the one of this number; 0: all of them. *ret_n: how many were. -MUSTER_E_REFUSED: there is no such
 * apply (emitted). */
int muster_undo_to(struct muster *m, unsigned int number, unsigned int *ret_n) _must_check_;
/* Every apply that there was, the oldest first, with what it did. */
int muster_applies(struct muster *m, struct apply_record **ret, size_t *ret_n) _must_check_;
void muster_applies_free(struct apply_record *v, size_t n);
/* Takes every apply back and removes all that muster keeps on this server; asks MUSTER_QUESTION_UNINSTALL. What the operator put
 * into /etc/muster stays (a note says so). -MUSTER_E_BUSY: a job is at work (emitted). */
int muster_uninstall(struct muster *m) _must_check_;

/* ---- jobs: what changes the server, in a process of its own -------------------------------------------------- */

enum muster_job_kind {
	MUSTER_JOB_APPLY,
	MUSTER_JOB_UNDO,
	MUSTER_JOB_ROOT,      /* muster_root_build() */
	MUSTER_JOB_KERNEL,    /* muster_kernel_job() */
	MUSTER_JOB_SSI,	      /* muster_ssi_job() */
	MUSTER_JOB_REHEARSAL, /* `muster rehearse`, which changes nothing outside of its folder */
};

struct muster_job {
	enum muster_job_kind kind;
	int pid;
	int64_t started; /* ms since the epoch */
	bool running;
	bool has_result; /* it came to its end; false where it runs, or was killed */
	int result;	 /* 0 or negative, as the verb returned */
	int64_t ended;	 /* ms since the epoch */
};

/*
 * Begins a job that outlives its starter and the terminal. It takes each question's default, so whoever starts it has
 * asked. `answers` as for muster_plan(). -MUSTER_E_BUSY: another job is at work (emitted, with its name).
 */
int muster_job_start(struct muster *m, enum muster_job_kind kind, const char *answers) _must_check_;
/* The job at work, else the last one; -ENOENT: there was none. */
int muster_job_find(struct muster *m, struct muster_job *ret) _must_check_;
/* Asks the job at work to stop: it takes back what it did. -ENOENT: none is at work. */
int muster_job_cancel(struct muster *m) _must_check_;

/* Follows a job, or what the last one said. */
struct job_feed;

int muster_job_attach(struct muster *m, struct job_feed **ret) _must_check_; /* -ENOENT: there was none */
void muster_job_detach(struct job_feed *f);				     /* the job goes on */
DEFINE_CLEANUP(struct job_feed *, muster_job_detach)
int muster_job_fd(const struct job_feed *f); /* for poll(2); readable: call muster_job_read() */
/* Hands what is new to fn: all from the begin at first. 1: it goes on; 0: it ended, see muster_job_state(). */
int muster_job_read(struct job_feed *f, void (*fn)(void *data, const struct muster_event *event),
		    void *data) _must_check_;
const struct muster_job *muster_job_state(const struct job_feed *f);
const char *muster_job_name(
	enum muster_job_kind
		kind); /* "apply", "undo", "root build", "kernel build", "single system", "rehearsal" */

/* ---- roots ------------------------------------------------------------------------------------------- */

struct muster_root {
	char *id, *kernel, *distribution, *suite, *built;
	unsigned long long bytes;
	bool used; /* by the applied plan */
};

/* What keeps nodes from booting this root with the applied answers: a sentence without an end, owned; NULL: nothing does. */
int muster_root_obstacle(struct muster *m, const struct muster_root *root, char **ret) _must_check_;
/* Whether this server has a memory test for them. */
bool muster_has_memtest(struct muster *m);

int muster_root_build(struct muster *m, char **ret_id) _must_check_; /* for the plan that was read last */
/*
 * Builds the base for a kind of cluster whose kernel is older than the distribution: a root without a kernel, on which the
 * roots of plans then stand.
 */
struct muster_base_wish {
	const char *
		profile; /* the kind of cluster; NULL: that of the plan that was read last, as is its root mode */
	const char *mode;	    /* "initramfs" or "nfs"; NULL: initramfs */
	const char *const *sources; /* NAME=PLACE or NAME=PLACE#sha256=HEX; NULL-terminated; may be NULL */
	/* For root mode nfs, the tree of an older distribution: a folder or an archive; or a mirror's URL, the name of a
	 * release there, and a file of keys. */
	const char *from, *mirror, *release, *keyring;
	const char *own; /* a folder whose files the root has besides; NULL: none */
};
int muster_base_build(struct muster *m, const struct muster_base_wish *wish, char **ret_id) _must_check_;
int muster_root_list(struct muster *m, struct muster_root **ret, size_t *ret_n) _must_check_;
void muster_roots_free(struct muster_root *v, size_t n);
int muster_root_remove(struct muster *m, const char *id) _must_check_;

/* ---- kernels: recipes, and what was built by them (kernel/model.h) ------------------------------------------ */

int muster_recipe_list(struct muster *m, struct kernel_recipe ***ret, size_t *ret_n) _must_check_;
/* By its name, or by the path of its file when there is a slash in it. */
int muster_recipe(struct muster *m, const char *name, struct kernel_recipe **ret) _must_check_;
void muster_recipe_free(struct kernel_recipe *r);
DEFINE_CLEANUP(struct kernel_recipe *, muster_recipe_free)
void muster_recipes_free(struct kernel_recipe **v, size_t n);
/* The compilers of this server; `wanted` (owned) says in words what the recipe takes, and fits[i] whether v[i] is that. */
int muster_recipe_compilers(struct muster *m, const struct kernel_recipe *r, char **ret_wanted,
			    struct kernel_compiler **ret, bool **ret_fits, size_t *ret_n) _must_check_;
void muster_compilers_free(struct kernel_compiler *v, size_t n);
/* The same for a list that is there already; muster_compiler_wanted() is owned, NULL when memory runs out. */
bool muster_compiler_fits(const struct kernel_recipe *r, const struct kernel_compiler *c);
char *muster_compiler_wanted(const struct kernel_recipe *r);
/* With which release a toolchain would have such a compiler, and how it is made; owned, NULL where none is known. */
char *muster_toolchain_advice(const struct kernel_recipe *r);
/* Whether this could be the compiler (by name or path), or the source of that index, before anything is built. Emitted
 * why not; *ret_digest: its SHA-256 is wrong, else the place. */
int muster_kernel_compiler(struct muster *m, const struct kernel_recipe *r, const char *cc) _must_check_;
int muster_kernel_source(struct muster *m, const struct kernel_recipe *r, size_t index, const char *place,
			 const char *sha256, bool *ret_digest) _must_check_;

struct muster_kernel_wish {
	const char *const *
		sources; /* "PLACE" or "NAME=PLACE", each with #sha256=HEX behind it or not; NULL-terminated */
	const char *cc;	 /* NULL: the first that fits */
	unsigned int jobs; /* 0: as many as there are processors */
};
/* Builds the kernel unless it is there. *ret_built says whether anything was done. */
int muster_kernel_build(struct muster *m, const char *recipe, const struct muster_kernel_wish *wish,
			struct kernel_generation **ret, bool *ret_built) _must_check_;
/* The same as a job: it outlives its starter, is followed like every job, and its last note names the kernel. Paths in `wish`
 * are absolute. A job that was cancelled or killed is gone on with by the next one of the same wish. */
int muster_kernel_job(struct muster *m, const char *recipe,
		      const struct muster_kernel_wish *wish) _must_check_;
/* What the newest such job was asked for, also while it is at work. -ENOENT: there was none. */
int muster_kernel_last(struct muster *m, struct kernel_order *ret) _must_check_;
void muster_kernel_order_clear(struct kernel_order *o);
int muster_kernel_list(struct muster *m, struct kernel_generation ***ret, size_t *ret_n) _must_check_;
/* Where the kernel of this id lies, and the facts of its build: a JSON document, kernel.json in that folder. -ENOENT: none is built. */
int muster_kernel_facts(struct muster *m, const char *id, char **ret_folder, char **ret_json) _must_check_;
void muster_kernel_free(struct kernel_generation *g);
DEFINE_CLEANUP(struct kernel_generation *, muster_kernel_free)
void muster_kernels_free(struct kernel_generation **v, size_t n);
int muster_kernel_remove(struct muster *m, const char *id) _must_check_;

/* The programs of an older release, in which kernels are built: see kernel/model.h. */
struct muster_toolchain_wish {
	const char *mirror;	     /* URL, copy:PATH, file:PATH or PATH */
	const char *release;	     /* as the mirror has it below dists/ */
	const char *const *packages; /* NULL-terminated; NULL: what most kernels need */
	const char *keyring;	     /* NULL: the server's own keys */
	bool trust_unsigned;
};
int muster_toolchain_build(struct muster *m, const char *name, const struct muster_toolchain_wish *wish,
			   struct kernel_toolchain **ret) _must_check_;
int muster_toolchain_list(struct muster *m, struct kernel_toolchain ***ret, size_t *ret_n) _must_check_;
void muster_toolchain_free(struct kernel_toolchain *t);
DEFINE_CLEANUP(struct kernel_toolchain *, muster_toolchain_free)
void muster_toolchains_free(struct kernel_toolchain **v, size_t n);
int muster_toolchain_remove(struct muster *m, const char *name) _must_check_;

/* What a kernel is held against; what is not given is not looked at. */
struct muster_kernel_place {
	const char *mode;	  /* root mode: "ram", "nfs", "initramfs"; NULL: each */
	const char *root;	  /* the id of a node root */
	const char *const *cards; /* PCI ids of network cards, "8086:100e"; NULL-terminated */
	const char *range;	  /* nodes, for their memory and their cards, as they reported them */
};
/* Will it run there? `kernel` is an id, or a recipe, whose newest kernel is meant. Free with muster_checks_free(). */
int muster_kernel_check(struct muster *m, const char *kernel, const struct muster_kernel_place *place,
			struct muster_check **ret, size_t *ret_n) _must_check_;

/* The same for what a plan asks for, as far as it is known: whether its kernel is built, its root mode and root, and the
 * cards and memory that its nodes have reported. */
int muster_kernel_fit(struct muster *m, const struct plan *p, struct muster_check **ret,
		      size_t *ret_n) _must_check_;

/* ---- nodes --------------------------------------------------------------------------------------------- */

/* The nodes that `range` names (NULL: all), as musterd knows them. -ENOENT: nothing was applied yet.
 * -EINVAL: the range is wrong or names an unknown node (emitted). */
int muster_status(struct muster *m, const char *range, struct node_state **ret, size_t *ret_n) _must_check_;
void muster_status_free(struct node_state *v, size_t n);

/* ---- the feed: what musterd tells of the nodes, as it happens -------------------------------------------- */

struct muster_cluster {
	const char *name, *domain;
	const char *generation; /* of the root that the nodes boot; "" for none */
	const char *version;	/* musterd's */
	size_t nodes;
	int interval; /* seconds between a node's reports */
	bool all;     /* the state of every node follows: what was known before is void */
};

struct muster_node_event {
	int64_t id, at;			/* at: milliseconds since the epoch */
	const char *node, *kind, *text; /* node: "" for none */
};

/* Each may be NULL. What they are given is borrowed until they return. */
struct muster_feed_ops {
	/* At the beginning, and again after a reload. */
	void (*cluster)(void *data, const struct muster_cluster *c);
	void (*node)(void *data, const struct node_state *s); /* changed, or new; its place may be another */
	void (*gone)(void *data, const char *name);
	void (*event)(void *data, const struct muster_node_event *e);
	void (*synced)(void *data); /* now everything is told: a good time to draw */
};

struct muster_feed_from {
	int64_t seq;   /* 0: the state of all nodes; else that of those that changed since */
	int64_t event; /* the newest event that is known; -1: only those from now on */
};

struct muster_feed;

/* Connects to musterd, without waiting. -ENOENT, -ECONNREFUSED: musterd does not run; -EACCES: this user may not. No
 * event is emitted. */
int muster_feed_open(struct muster *m, struct muster_feed_from from, struct muster_feed **ret) _must_check_;
void muster_feed_free(struct muster_feed *f);
DEFINE_CLEANUP(struct muster_feed *, muster_feed_free)
int muster_feed_fd(const struct muster_feed *f); /* readable: there is something for muster_feed_read() */
/* Hands on what has arrived, at most a quarter of a mebibyte, and returns without waiting. -ECONNRESET: musterd went
 * away, or closed this connection: connect again with what muster_feed_where() says. -EBUSY: too many are
 * connected. */
int muster_feed_read(struct muster_feed *f, const struct muster_feed_ops *ops, void *data) _must_check_;
struct muster_feed_from muster_feed_where(const struct muster_feed *f);

/* ---- a node's history ------------------------------------------------------------------------------------- */

struct muster_boot {
	int64_t began, ms; /* ms until it was ready; -1: it never was */
	char *root, *kernel;
	enum node_stage stage; /* where it ended, or is */
	struct node_stage_time *stages;
	size_t n_stages;
};

struct muster_history {
	struct node_state node;
	struct muster_boot *boots; /* those that are kept, oldest first */
	size_t n_boots;
	int64_t medians[NODE_STAGE_COUNT]; /* ms in each stage on the way to ready; -1: none was in it */
	struct muster_history_event {
		int64_t id, at;
		char *kind, *text;
	} * events; /* its newest 50, oldest first */
	size_t n_events;
};

/* As musterd knows it; takes some milliseconds, 10 s at most. -ENOENT: there is no such node, or musterd does not run
 * (emitted). */
int muster_history(struct muster *m, const char *node, struct muster_history **ret) _must_check_;
/* The same without waiting: it is asked for, then read each time when the descriptor is readable, until that does not say 1:
 * more is to come. A musterd that hangs says nothing: the caller looks at the clock. */
int muster_history_ask(struct muster *m, const char *node, struct muster_asking **ret) _must_check_;
int muster_asking_fd(const struct muster_asking *a);
int muster_history_read(struct muster *m, struct muster_asking *a, struct muster_history **ret) _must_check_;
void muster_asking_free(struct muster_asking *a);
DEFINE_CLEANUP(struct muster_asking *, muster_asking_free)
void muster_history_free(struct muster_history *h);
DEFINE_CLEANUP(struct muster_history *, muster_history_free)

/* ---- why a node is where it is ---------------------------------------------------------------------------- */

struct muster_why {
	struct node_state node;
	const char *what, *advice; /* sentences; static; advice: "" where there is nothing to do */
	bool trouble;		   /* it will not go on by itself */
	struct strv
		evidence; /* lines: its reason, what was refused, its newest events, its kernel's last lines */
};

/* As the store has it, also while musterd is down. -EINVAL: there is no such node (emitted). */
int muster_why(struct muster *m, const char *node, struct muster_why *ret) _must_check_;
void muster_why_free(struct muster_why *w);

/* ---- actions on nodes: musterd does them, or has their agents do them ---------------------------------------- */

enum muster_power {
	MUSTER_POWER_REBOOT,
	MUSTER_POWER_OFF,
	MUSTER_POWER_WAKE,  /* Wake-on-LAN */
	MUSTER_POWER_RESET, /* at once, without a shutdown: for a single system that hangs */
};

struct muster_result {
	char *name; /* of the node */
	int code;   /* 0 or negative */
	char *text; /* a sentence: "Asked; it hears it within 10 s." */
};

/* Asks MUSTER_QUESTION_POWER, naming the nodes, but for WAKE. -EINVAL: the range is wrong (emitted). What went wrong with
 * one node stands in its result. Takes some milliseconds, 10 s at most; a restart of musterd forgets no wish. */
int muster_power(struct muster *m, const char *range, enum muster_power what, struct muster_result **ret,
		 size_t *ret_n) _must_check_;
/* What the nodes boot the next time (once), or from now on (always): "system", the cluster's own; "disk", their first
 * disk; "memtest"; or "root:ID", another generation, with its initramfs, which must be built. */
int muster_boot_next(struct muster *m, const char *range, const char *what, bool always,
		     struct muster_result **ret, size_t *ret_n) _must_check_;
void muster_results_free(struct muster_result *v, size_t n);

/* ---- a command on many nodes, by ssh ----------------------------------------------------------------------- */

/* A private key below the root that opens the nodes. Where it is there, commands use it, and no other; else the keys that
 * ssh finds by itself: the agent's, and those in the home folder. */
#define MUSTER_IDENTITY "/etc/muster/id_ed25519"

struct muster_run_options {
	int timeout_ms;	 /* for each node; 0: none */
	size_t parallel; /* how many at a time; 0: 32 */
};

/* Each may be NULL. */
struct muster_run_ops {
	void (*line)(void *data, const char *node, const char *line); /* of its output, without the newline */
	/* It ended: its exit status, 128 + a signal, or negative: -MUSTER_E_TIMEOUT, or it could not be run. 255 is ssh's own
	 * failure (ssh(1)). */
	void (*done)(void *data, const char *node, int status);
};

struct muster_run;

/* Begins to run the words on the nodes, as root, and returns at once. As with ssh, the node's shell reads the words put
 * together with blanks. -EINVAL: the range is wrong (emitted); -MUSTER_E_MISSING: there is no ssh here (emitted). */
int muster_run_start(struct muster *m, const char *range, const char *const *argv,
		     const struct muster_run_options *options, struct muster_run **ret) _must_check_;
int muster_run_fd(const struct muster_run *r); /* readable: there is something for muster_run_work() */
/* Goes on without waiting. 1: every node is done; 0: there is more to come. */
int muster_run_work(struct muster_run *r, const struct muster_run_ops *ops, void *data) _must_check_;
/* Ends what still runs here; what runs on the nodes loses its connection. */
void muster_run_free(struct muster_run *r);
DEFINE_CLEANUP(struct muster_run *, muster_run_free)

/*
 * A sentence of musterd's or of a node's, which speak English, in the reader's language; as it is, where it is none that is
 * known. What the feed, the history, the results and muster_why() give went through this already. Owned, NULL when memory
 * runs out.
 */
char *muster_said(const char *text);

/* The shortest expression for these names, "node[01-16,20]"; owned, NULL when memory runs out. */
char *muster_fold(const struct strv *names);

/* ---- the cluster ------------------------------------------------------------------------------------------ */

/* The cluster's name as applied; owned. */
int muster_cluster_name(struct muster *m, char **ret) _must_check_;
/* The document of `muster status --json`; owned. */
int muster_status_json(const char *cluster, const struct node_state *v, size_t n, char **ret) _must_check_;
/* The answer file that was applied last, as an absolute path below the root; owned. -ENOENT. */
int muster_answers_path(struct muster *m, char **ret) _must_check_;
/* The same path, whether or not the file is there. */
int muster_answers_place(struct muster *m, char **ret) _must_check_;

/* ---- machines that ask for an address, live ------------------------------------------------------------ */

struct discover;

/* Listens on this interface (NULL: the plan's, else the one that suggests itself), and sends nothing. Needs root.
 * Failures are emitted. */
int muster_discover_open(struct muster *m, const char *interface, struct discover **ret) _must_check_;
void muster_discover_close(struct discover *d);
DEFINE_CLEANUP(struct discover *, muster_discover_close)
int muster_discover_fd(const struct discover *d); /* for poll(2); readable: call muster_discover_read() */
/* 1: the list changed; 0: it did not. Does not wait. */
int muster_discover_read(struct discover *d) _must_check_;
/* In the order of their first asking; borrowed, until the next muster_discover_read(). */
const struct machine *muster_discover_list(const struct discover *d, size_t *ret_n);
