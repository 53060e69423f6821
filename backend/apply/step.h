/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A step is one thing that an apply does: its kind knows how to write down the old state, how to do it, and how to
 * take it back from the journal alone. A new kind is a const struct step_ops and a line in the table of steps.c.
 * Private to backend/apply/.
 */
#pragma once

#include <jansson.h>
#include <sys/stat.h>

#include "backend/apply/apply.h"
#include "backend/apply/journal.h"
#include "util/fs.h"

struct step_ops;

struct step {
	const struct step_ops *ops;
	const struct change *change;   /* file, directory, conffile (its path alone) */
	const struct strv *names;      /* packages, keys */
	const struct strv *conffiles;  /* packages: which may change these */
	const struct service *service; /* service */
	enum change_action action;     /* likewise */
	bool unit_changed;	       /* likewise: a reload would not do */
	bool running, enabled;	       /* likewise: CHANGE_RELEASE makes it so */
};

struct step_ops {
	const char *kind; /* as the journal names it */
	/* Writes into `record` what undo needs, and saves old bytes with journal_save(). Touches nothing else. */
	int (*before)(struct apply *a, struct journal *j, const struct step *s, json_t *record);
	/* Does it; may add to `done` what is known only now. */
	int (*run)(struct apply *a, const struct step *s, json_t *done);
	/* Takes it back. It may have been done, half done, or not at all (`done` is NULL then), and may be called again. */
	int (*undo)(struct apply *a, struct journal *j, const json_t *record, const json_t *done);
	/* After all steps were taken back, in the order of their doing; may be NULL. */
	int (*settle)(struct apply *a, const json_t *record);
};

extern const struct step_ops step_file, step_directory, step_conffile, step_packages, step_user, step_keys,
	step_service;

const struct step_ops *step_ops_find(const char *kind);

/* Takes one journal's steps back, and ends it as undone. The lock is held. */
int undo_journal(struct apply *a, struct journal *j) _must_check_;
/* apply_undo_to() likewise. */
int undo_to_locked(struct apply *a, unsigned int number, unsigned int *ret_n) _must_check_;
/* apply_recover() for who holds the lock already. */
int recover_locked(struct apply *a) _must_check_;

/* ---- common.c ---------------------------------------------------------------------------------------------- */

void apply_error(struct apply *a, const char *fmt, ...) _printf_(2, 3);
/* A step's beginning; name NULL: a line about the present one. */
void apply_say(struct apply *a, const char *name, const char *fmt, ...) _printf_(3, 4);
/* What the operator should read: unlike a line, it is always shown. */
void apply_note(struct apply *a, const char *fmt, ...) _printf_(2, 3);

/* Runs a program, its lines going to on_step. `env` may be NULL. 0 and its status, or why it could not run. */
int apply_spawn(struct apply *a, const struct strv *argv, const char *const *env, int timeout_ms,
		int *ret_status, char **ret_output) _must_check_;
/* The same where only status 0 is right; else the error is emitted with the program's last line, -MUSTER_E_COMMAND. */
int apply_command(struct apply *a, int timeout_ms, ...) _must_check_ __attribute__((sentinel));
/* The last `n` lines of a text, without empty ones before and behind; points into it, and shortens it at its end. */
const char *last_lines(char *text, size_t n);

/* The ids of a user; those of root where the name is NULL, "" or unknown. Who is not root owns all it writes. */
void owner_ids(const char *owner, uid_t *ret_uid, gid_t *ret_gid);

/* Waits this long. -MUSTER_E_CANCELLED: it was cancelled, before or meanwhile. */
int apply_pause(const struct apply *a, int ms) _must_check_;
/* How long somebody else is waited for who changes packages. */
int apply_patience_ms(const struct apply *a);

/* Takes the lock, or -MUSTER_E_BUSY and says who holds it. Closing *ret_fd gives it back. A package manager that holds it on
 * for a muster that was killed is waited for. */
int lock_take(struct apply *a, int *ret_fd) _must_check_;

/* fs_stat() of a folder; a link to a folder counts as one. -ENOTDIR: there is something else. */
int stat_directory(int root_fd, const char *path, struct stat *ret);
/* path's folder, owned; NULL when memory runs out. */
char *parent_of(const char *path);
/* Is `path` this folder or below it? */
bool path_below(const char *path, const char *folder);

/* ---- packages.c -------------------------------------------------------------------------------------------------- */

/* Fetches them, and refuses where installing them would change others. Adds the files to be saved before. Touches nothing but the
 * package manager's own store of what was fetched. */
int packages_fetch(struct apply *a, const struct strv *packages, struct strv *ret_endangered) _must_check_;
/* What the package manager would do besides installing c->packages goes into `c`, where that is cheap to be told. */
int packages_foresee(struct apply *a, struct changeset *c) _must_check_;

/* ---- package-conffiles.c --------------------------------------------------------------------------------------- */

/* Notes in the packages' `done` what these files are once they are installed. */
int conffiles_note(struct apply *a, const struct strv *paths, json_t *done) _must_check_;
/* Keeps in the journal what somebody has written into them since; without `done`, nobody had the time to. */
int conffiles_keep(struct apply *a, struct journal *j, const json_t *done) _must_check_;

/* ---- files.c --------------------------------------------------------------------------------------------------- */

/* What lies at a path now. */
struct present {
	bool exists;
	bool directory;
	struct stat st;
	struct xattrs xattrs;
	char *data; /* owned; a regular file's bytes, else NULL */
	size_t len;
};
/* -MUSTER_E_CONFLICT: neither a regular file nor a folder (emitted). */
int present_read(struct apply *a, const char *path, struct present *ret) _must_check_;
void present_free(struct present *p);

/* ---- attributes.c ---------------------------------------------------------------------------------------------- */

/* What a file or folder is besides its content, as the journal has it. */
struct attributes {
	struct fs_attr attr; /* points into this */
	struct xattrs xattrs;
	struct timespec mtime;
};
void attributes_free(struct attributes *a);

int attributes_read(int root_fd, const char *path, bool directory, struct xattrs *ret) _must_check_;
/* Of what is there: {"exists":..., "mode":..., ...}; NULL when memory runs out. */
json_t *attributes_save(const struct present *p);
/* The same back. Journals of before have neither xattrs nor time: those stay as they are, then. */
int attributes_load(const json_t *old, struct attributes *ret) _must_check_;
/* Gives them to what is there, durably. */
int attributes_set(int root_fd, const char *path, bool directory, const struct fs_attr *attr) _must_check_;

/* ---- block.c ----------------------------------------------------------------------------------------------------- */

/* `text` with the marked block replaced, or appended, or (block NULL) taken out; the rest stays byte for byte. */
int block_set(const char *text, size_t len, const char *block, size_t block_len, char **ret,
	      size_t *ret_len) _must_check_;
/* The block's content in `text`, owned; -ENOENT: there is none. */
int block_get(const char *text, size_t len, char **ret, size_t *ret_len) _must_check_;

/* ---- diff.c --------------------------------------------------------------------------------------------------------- */

/* A unified diff by diff(1), without secrets; owned, "" where both are the same. */
int diff_make(const char *path, const char *old_data, size_t old_len, const char *new_data, size_t new_len,
	      char **ret) _must_check_;

/* ---- secrets.c ------------------------------------------------------------------------------------------------------ */

/* A copy of a text in which each password's hash (crypt(5)) is "(a secret, 8 DIGITS)", other ones for another hash. */
int secrets_hide(const char *data, size_t len, char **ret, size_t *ret_len) _must_check_;

/* ---- keys.c ------------------------------------------------------------------------------------------------------------ */

bool keys_exist(struct apply *a, const char *node);
/* The content of known_hosts for these nodes, from their public keys; owned. */
int keys_known_hosts(struct apply *a, const struct strv *nodes, char **ret) _must_check_;

/* ---- user.c ------------------------------------------------------------------------------------------------------------ */

bool user_missing(const struct apply *a);

/* ---- parameter.c ----------------------------------------------------------------------------------------------------- */

/* A kernel parameter (sysctl(8)) of the running kernel, by /proc/sys below the root: a scratch root mostly has none. */
/* Notes its value in a step's record. Nothing is noted where it cannot be read. */
int parameter_save(struct apply *a, const char *name, json_t *record) _must_check_;
/* Gives it the noted value again, unless it has it. */
int parameter_restore(struct apply *a, const json_t *record) _must_check_;

/* ---- ports.c ----------------------------------------------------------------------------------------------------------- */

/* Who holds one of the service's ports, as a sentence with what to do; *ret NULL (and 0) where nobody does. Only TCP
 * ports on every address or on http_address count where `tcp_only`. */
int ports_holder(const struct apply *a, const struct service *s, bool tcp_only, char **ret) _must_check_;
/* True when somebody listens on one of the service's ports, on every address or on http_address. */
bool ports_open(const struct apply *a, const struct service *s);

/* ---- services.c: checks --------------------------------------------------------------------------------------------------- */

/* Waits until the service is up; emits why it is not. */
int service_wait(struct apply *a, const struct service *s) _must_check_;
/* Removes what a check that was cut off left. The lock is held. */
int services_check_swept(struct apply *a) _must_check_;
/* Gives every new configuration in `c` to its daemon's checker. -MUSTER_E_REFUSED, with the daemon's own words. */
int services_check(struct apply *a, const struct changeset *c) _must_check_;
