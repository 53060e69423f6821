/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The changeset, its doing, and its undoing. The journal (/var/lib/muster/journal/N/) holds every step and the
 * old state durably before the step is done; undo and recovery read nothing else.
 */
#pragma once

#include "backend/apply/change.h"
#include "backend/apply/record.h"
#include "backend/host/facts.h"
#include "backend/plan/profile.h"
#include "backend/render/fileset.h"
#include "util/macro.h"

#define APPLY_JOURNAL "/var/lib/muster/journal"
#define APPLY_MANIFEST "/var/lib/muster/manifest.json" /* what muster owns on this server */
#define APPLY_KEYS "/var/lib/muster/keys"
#define APPLY_KNOWN_HOSTS "/etc/muster/known_hosts"
#define APPLY_RUN "/run/muster" /* sockets and process ids; under systemd musterd's user owns it */
/* Where an apply works. Only whoever applies gets in: what root runs, or has checked, lies in nobody else's folder. */
#define APPLY_WORK "/run/muster-apply"
#define APPLY_LOCK APPLY_WORK "/lock"
#define APPLY_LOGS "/var/log/muster"
#define APPLY_USER "muster"

/* ---- drivers: const tables of functions; adding one is a new file and one line in a table ------------- */

struct apply;

/* What muster runs on the server. */
struct service {
	const char *name; /* "dnsmasq", "musterd", "nfs-kernel", "nfs-ganesha", "network" */
	const char *unit; /* systemd unit */
	bool own_unit;	  /* muster ships or renders the unit (else it is the distribution's) */
	/* Adds the argument vector with which driver "direct" starts it in the foreground; NULL: it has nothing to run there. */
	int (*argv)(const struct apply *a, struct strv *argv);
	/* Adds the daemon's own checker for a staged configuration at this real path; NULL: there is none. */
	int (*check)(const struct apply *a, const char *config, struct strv *argv);
	const char *config; /* the file that check() is for; NULL: none */
	/* Is it really at work? 0, -MUSTER_E_UNHEALTHY, or -ESTALE: it is, but not with the plan that is there now. NULL: running is
	 * enough. Called repeatedly until its time is up. */
	int (*healthy)(const struct apply *a);
	const char *
		parameter; /* of the kernel, that it may set as it starts: "net.ipv4.ip_forward"; NULL: none */
	/* The package that brings this unit and starts it, though muster runs one of its own; NULL: it is no such unit. */
	const char *package;
	const char *rival; /* the service of that kind which has this one's ports; NULL: none */
	bool reload;	   /* SIGHUP (systemd: reload) takes up changed files: no restart needed */
	/* Ports that it listens on, for saying who holds them; .number 0 ends them. */
	struct service_port {
		bool udp;
		unsigned int number; /* or SERVICE_PORT_HTTP: the apply's http_port */
	} ports[4];
};
#define SERVICE_PORT_HTTP 65536

/* is_running NULL: this driver leaves services alone, and no changeset names one. */
struct service_driver {
	const char *name;					     /* "systemd", "direct", "none" */
	int (*is_running)(struct apply *a, const struct service *s); /* 1, 0, or negative */
	int (*is_enabled)(struct apply *a, const struct service *s);
	int (*start)(struct apply *a, const struct service *s); /* and enable */
	int (*stop)(struct apply *a, const struct service *s);	/* and disable */
	int (*restart)(struct apply *a, const struct service *s);
	/* The service's own last lines, for a failure's report; owned. */
	int (*last_lines)(struct apply *a, const struct service *s, char **ret);
	int (*reload_units)(struct apply *a); /* after unit files changed; may be NULL */
	/* Only whether it starts at boot; NULL where there is no such thing. Undo needs it. */
	int (*set_enabled)(struct apply *a, const struct service *s, bool enabled);
	/* Whether there is such a service: its package may have gone. 1, 0, or negative; NULL: always. */
	int (*is_known)(struct apply *a, const struct service *s);
};

/* What is there. A name says exactly which package: with version and architecture where there can be several of a name. */
struct package_list {
	struct strv installed;	/* also those that are half installed */
	struct strv configured; /* removed, but their configuration is there */
};

/* What an installation would do. */
struct package_forecast {
	struct strv added;    /* names of all that would come, those that are asked for among them */
	struct strv archives; /* names of the files that they come in; empty where nobody knows */
	struct strv changed;  /* texts: what is there and would get another version, or go */
};

/* install NULL: this driver leaves packages alone, and no changeset names one. Of the others remove and list are there, too. */
struct package_driver {
	const char *name; /* "apt", "dnf", "zypper", "none" */
	bool quick; /* foresee() needs neither rights nor the network, and not more than a second or two */
	int (*list)(struct apply *a, struct package_list *ret);
	/* Waits until nobody else is changing packages; NULL: nobody can be seen. */
	int (*wait)(struct apply *a);
	/* Brings to an end what a package manager was cut off in as it installed these, as far as that goes: only what was
	 * installed whole is removed whole. NULL: there is no such thing. */
	int (*mend)(struct apply *a, const struct strv *packages);
	/* What install() would do; says nothing where it cannot tell. NULL: nobody knows. */
	int (*foresee)(struct apply *a, const struct strv *packages, struct package_forecast *ret);
	/* Brings here all that install() needs; can be cancelled. NULL: install() does that. */
	int (*fetch)(struct apply *a, const struct strv *packages);
	/* Adds files of before that install() might change, or that removing what it brought might remove; NULL: none. */
	int (*endangered)(struct apply *a, const struct package_list *now, const struct package_forecast *f,
			  struct strv *ret);
	/* Comes to its end once it is begun: neither a cancel nor the killing of muster stops it. */
	int (*install)(struct apply *a, const struct strv *packages);
	/* Removes `packages`, and the configuration of those in `purge` (which may be removed already), and nothing else: those
	 * that others need by now are kept. */
	int (*remove)(struct apply *a, const struct strv *packages, const struct strv *purge);
	/* How much of a name is not version and architecture; NULL: all. */
	size_t (*base)(const char *package);
};

const struct service *service_find(const char *name);
const struct service_driver *service_driver_find(const char *name);
const struct package_driver *package_driver_find(const char *name);

/* ---- the apply ------------------------------------------------------------------------------------------ */

struct apply {
	int root_fd;
	const char *root_path; /* "/" or a folder, absolute */
	const struct host *host;
	const struct service_driver *services;
	const struct package_driver *packages;
	const char *sbindir; /* where musterd lies */
	const char *libexecdir;
	const char *http_user;	  /* NULL: "muster" */
	unsigned int http_port;	  /* musterd's, for its health check */
	const char *http_address; /* dotted quad */
	/* Where dnsmasq is to give addresses: before its first start there, apply looks for another DHCP server and
	 * refuses when one answers. NULL: no look (proxy mode, the lab). */
	const char *dhcp_interface;
	bool dhcp_looked;	/* set by apply: it did */
	bool talkative;		/* driver "direct" starts daemons so that they say more */
	unsigned int health_ms; /* how long a service may take to come up; 0: 15 s, 30 s on a busy machine */
	unsigned int packages_ms;      /* how long a package manager may take; 0: an hour */
	unsigned int packages_wait_ms; /* how long another package manager is waited for; 0: 10 minutes */
	int cancel_fd;
	int lock_fd; /* set by apply: the lock, while it is held; a package manager that outlives muster holds it on */
	/* Called once the packages are there and before anything else is touched: the place to build what the files name,
	 * and to make the changeset that is really to be done (*ret, which apply_run() then frees; its packages were
	 * installed already and are ignored). NULL: the changeset that apply_run() was given. */
	int (*prepare)(void *data, struct changeset **ret);
	/* For changeset_make() in prepare(): what apply_run() was given. How services were before is known from there, since a
	 * package may have started them by now. Else NULL. */
	const struct changeset *shown;
	/* For tests: stop as if the power went at this point, without taking anything back. Each step has two: its record is
	 * durable (odd), it is done but not yet marked so (even). 0: never. */
	int stop_after;
	/* name: a short word for the step; text: a sentence about it, or a line of output when name is NULL. */
	void (*on_step)(void *data, const char *name, const char *text);
	/* What the operator should read, though nothing failed. */
	void (*on_note)(void *data, const char *text);
	void (*on_error)(void *data, const char *text);
	unsigned int said; /* set by apply: how many errors it told */
	void *data;
};

/* What a plan wants of the server besides files. */
struct apply_wish {
	struct strv services; /* names, in the order of their starting */
	struct strv packages; /* that are missing */
	struct strv keys;     /* nodes that must have ssh host keys: all of them */
	bool user;	      /* the system user is wanted */
};

/* Compares with the disk; touches nothing. The diff(1) program makes the texts. -MUSTER_E_CONFLICT: something that is
 * not a plain file or folder is in the way (emitted). Call apply_recover() first where something is to be applied. */
int changeset_make(struct apply *a, const struct fileset *f, const struct apply_wish *wish,
		   struct changeset **ret) _must_check_;
void changeset_free(struct changeset *c);
DEFINE_CLEANUP(struct changeset *, changeset_free)
bool changeset_empty(const struct changeset *c);

/*
 * Does it all, in this order: packages (fetched, then installed; -MUSTER_E_CONFLICT where that would upgrade, downgrade or remove
 * any), prepare(), the daemons' own checkers on their new configurations, user, services to be stopped, folders and files, keys,
 * unit files reloaded, services started or restarted, each until it is healthy. On failure takes
 * back what it did and returns why. `answers` is what the journal names it by.
 * Nothing to change: returns 0 and writes nothing. -MUSTER_E_BUSY: another muster is at work. -EAGAIN: an apply that was cut off
 * was found and taken back, so that this changeset is stale: make it anew.
 *
 * What undo leaves: the journals; node roots, initramfs and whatever else somebody put into muster's folders (a folder
 * that this apply made is removed only when it is empty; the known state of muster's services goes before: leases,
 * database, NFS recovery); the logs and the socket of services that driver "direct" ran.
 */
int apply_run(struct apply *a, const struct changeset *c, const char *answers) _must_check_;
/* -MUSTER_E_CONFLICT, and says why, where the changeset's packages would change others; else 0. */
int apply_may_install(struct apply *a, const struct changeset *c) _must_check_;
/* apply_undo() and apply_recover() use the caller's drivers: one that leaves services or packages alone leaves them alone
 * here, too, so that nothing of a lab's apply starts outside of its namespaces. */

/* 1: an apply or undo was cut off, and nothing is at work on it; 0: none was. Touches nothing. */
int apply_unfinished(struct apply *a) _must_check_;
/* Takes the newest apply back that was not taken back yet, also one that was cut off. -MUSTER_E_NOT_APPLIED, which
 * the caller says. Can itself be cut off and repeated. */
int apply_undo(struct apply *a) _must_check_;
/* Takes back every apply after the one of this number, the newest first; 0: all of them. Stops at one that cannot be taken back.
 * *ret_n: how many were. */
int apply_undo_to(struct apply *a, unsigned int number, unsigned int *ret_n) _must_check_;
/*
 * Takes every apply back, and then removes what muster keeps: roots, kernels, sources, journals, logs. It stays (a note says so) what
 * the operator put into /etc/muster, and the journals where undo has kept in them what somebody else had written.
 */
int apply_uninstall(struct apply *a) _must_check_;
/* Every apply that left a journal, the oldest first. */
int apply_history(struct apply *a, struct apply_record **ret, size_t *ret_n) _must_check_;
void apply_records_free(struct apply_record *v, size_t n);
/* Takes back an apply, or goes on with an undo, that was cut off. 1 when there was one, 0, or negative. */
int apply_recover(struct apply *a) _must_check_;
