/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include "util/error.h"
#include "util/log.h"
#include "util/strbuf.h"

/* How long a statement waits for another process's write. */
#define BUSY_MS 5000

struct db {
	sqlite3 *handle;
	const char *const *sql;
	sqlite3_stmt **statements; /* of sql, NULL until used */
	size_t n;
};

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -MUSTER_E_FORMAT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	default:
		return -EIO;
	}
}

static int fail(const struct db *db, int code)
{
	const char *file = db->handle ? sqlite3_db_filename(db->handle, "main") : NULL;

	log_error("%s: %s", file && *file ? file : "database",
		  db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
	return to_errno(code);
}

/* A path as a file: address of SQLite's (https://www.sqlite.org/uri.html). */
static int file_address(const char *path, const char *query, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "file:");
	for (const char *p = path; *p; p++) {
		if (strchr("?#% ", *p))
			strbuf_addf(&b, "%%%02X", (unsigned char)*p);
		else
			strbuf_addc(&b, *p);
	}
	strbuf_adds(&b, query);
	return strbuf_take(&b, ret, NULL);
}

static int open_as(struct db *db, const char *path, const char *query, int flags)
{
	_cleanup_free_ char *address = NULL;
	int r = file_address(path, query, &address);

	if (r < 0)
		return r;
	r = sqlite3_open_v2(address, &db->handle, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_busy_timeout(db->handle, BUSY_MS);
	/* Opening reads nothing yet; the first question tells whether the file can be used. */
	if (r == SQLITE_OK)
		r = sqlite3_exec(db->handle, "PRAGMA user_version", NULL, NULL, NULL);
	return r;
}

static int open_reader(struct db *db, const char *path)
{
	_cleanup_free_ char *wal = NULL;
	int r;

	if (access(path, F_OK) < 0)
		return -errno;
	r = open_as(db, path, "", SQLITE_OPEN_READONLY);
	if (r < 0 || r == SQLITE_OK)
		return r;
	/* With no writer about, the write-ahead log's index must be made, which a read-only folder does not
	 * allow. Nothing changes then, and the file alone is the whole database, unless a log was left. */
	if (asprintf(&wal, "%s-wal", path) < 0)
		return -ENOMEM;
	if ((r & 0xff) != SQLITE_CANTOPEN || access(wal, F_OK) == 0)
		return fail(db, r);
	sqlite3_close(db->handle);
	db->handle = NULL;
	r = open_as(db, path, "?immutable=1", SQLITE_OPEN_READONLY);
	return r <= 0 ? r : fail(db, r);
}

int db_open(const char *path, bool writable, const char *const *statements, size_t n, struct db **ret)
{
	_cleanup_(db_freep) struct db *db = calloc(1, sizeof(*db));
	int r;

	if (!db)
		return -ENOMEM;
	db->sql = statements;
	db->statements = calloc(n, sizeof(*db->statements));
	if (!db->statements)
		return -ENOMEM;
	db->n = n;
	if (writable) {
		r = open_as(db, path, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
		if (r > 0)
			return fail(db, r);
	} else {
		r = open_reader(db, path);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(db);
	return 0;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; db->statements && i < db->n; i++)
		sqlite3_finalize(db->statements[i]);
	free(db->statements);
	sqlite3_close(db->handle);
	free(db);
}

int db_exec(struct db *db, const char *sql)
{
	int r = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return r == SQLITE_OK ? 0 : fail(db, r);
}

int db_version(struct db *db, int *ret)
{
	sqlite3_stmt *q = NULL;
	int r = sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &q, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(q);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return r == SQLITE_ROW ? 0 : fail(db, r);
}

static int bind(sqlite3_stmt *q, const char *types, va_list ap)
{
	int r = SQLITE_OK;

	for (int i = 1; r == SQLITE_OK && *types; i++, types++) {
		switch (*types) {
		case 't':
			r = sqlite3_bind_text(q, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		case 'i':
			r = sqlite3_bind_int64(q, i, va_arg(ap, int64_t));
			break;
		default:
			r = sqlite3_bind_double(q, i, va_arg(ap, double));
			break;
		}
	}
	return r;
}

static int query(struct db *db, size_t id, sqlite3_stmt **ret, const char *types, va_list ap)
{
	int r = SQLITE_OK;

	if (!db->statements[id])
		r = sqlite3_prepare_v3(db->handle, db->sql[id], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->statements[id], NULL);
	if (r == SQLITE_OK)
		r = bind(db->statements[id], types, ap);
	if (r != SQLITE_OK)
		return fail(db, r);
	*ret = db->statements[id];
	return 0;
}

int db_query(struct db *db, size_t id, sqlite3_stmt **ret, const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(db, id, ret, types, ap);
	va_end(ap);
	return r;
}

int db_step(struct db *db, sqlite3_stmt *q)
{
	int r = sqlite3_step(q);

	if (r == SQLITE_ROW)
		return 1;
	return r == SQLITE_DONE ? 0 : fail(db, r);
}

int64_t db_int(sqlite3_stmt *q, int column)
{
	return sqlite3_column_int64(q, column);
}

double db_real(sqlite3_stmt *q, int column)
{
	return sqlite3_column_double(q, column);
}

const char *db_text(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return text ? text : "";
}

char *db_dup(sqlite3_stmt *q, int column)
{
	return strdup(db_text(q, column));
}

void db_done(sqlite3_stmt *q)
{
	if (!q)
		return;
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
}

int db_run(struct db *db, size_t id, const char *types, ...)
{
	_cleanup_query_ sqlite3_stmt *q = NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(db, id, &q, types, ap);
	va_end(ap);
	while (r >= 0 && (r = db_step(db, q)) > 0)
		;
	return r;
}

int64_t db_last_id(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int db_changes(const struct db *db)
{
	return sqlite3_changes(db->handle);
}
