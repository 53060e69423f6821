/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A thin coat over SQLite: the one place that knows its header. A database has a const table of statements,
 * each prepared at its first use and kept. Used by one thread at a time.
 *
 * Errors are negative errnos; a damaged file, or one that is no database, is -MUSTER_E_FORMAT. They are logged
 * here, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"

struct db;
struct sqlite3_stmt; /* a statement of the table; borrowed from its database */

/* Opens the file at `path`. `statements` (n texts of SQL) must outlive the database. A reader needs no
 * write permission on the file's folder. -ENOENT: a reader found no file. */
int db_open(const char *path, bool writable, const char *const *statements, size_t n,
	    struct db **ret) _must_check_;
void db_free(struct db *db);
DEFINE_CLEANUP(struct db *, db_free)

/* Runs SQL text that returns nothing. */
int db_exec(struct db *db, const char *sql) _must_check_;

/* The schema's version as the file says it (PRAGMA user_version). */
int db_version(struct db *db, int *ret) _must_check_;

/*
 * Begins the statement `id` with values for ?1, ?2, ... as `types` says, one letter each: t text
 * (const char *; NULL gives NULL), i int64_t, d double. The texts must live until db_done().
 */
int db_query(struct db *db, size_t id, struct sqlite3_stmt **ret, const char *types, ...) _must_check_;
/* 1: a row can be read; 0: there is no further one. */
int db_step(struct db *db, struct sqlite3_stmt *q) _must_check_;
int64_t db_int(struct sqlite3_stmt *q, int column);
double db_real(struct sqlite3_stmt *q, int column);
const char *db_text(struct sqlite3_stmt *q, int column); /* "" for NULL; lives until the next step */
char *db_dup(struct sqlite3_stmt *q, int column);	 /* owned; NULL when memory runs out */
void db_done(struct sqlite3_stmt *q);
DEFINE_CLEANUP(struct sqlite3_stmt *, db_done)
#define _cleanup_query_ _cleanup_(db_donep)

/* A statement that returns no rows, from its beginning to its end. */
int db_run(struct db *db, size_t id, const char *types, ...) _must_check_;
int64_t db_last_id(const struct db *db); /* of the newest row that was inserted */
int db_changes(const struct db *db);	 /* rows that the last statement changed */
