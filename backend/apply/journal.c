/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/apply/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define JOURNAL_VERSION 1
#define JOURNAL_MAX (64 * 1024 * 1024)

static const struct fs_attr private_file = { 0600, (uid_t)-1, (gid_t)-1 };

static void now_text(char ret[32])
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* The person behind this process, as far as it can be told. */
static const char *who(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (sudo && *sudo)
		return sudo;
	pw = getpwuid(getuid());
	return pw ? pw->pw_name : "unknown";
}

static int open_for_append(struct journal *j)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (j->fd >= 0)
		return 0;
	path = fs_join(j->path, "journal");
	if (!path)
		return -ENOMEM;
	fd = fs_open(j->root_fd, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		return fd;
	/* A line that was cut off must not be glued to the next one. */
	if (ftruncate(fd, (off_t)j->good) < 0)
		return -errno;
	j->fd = TAKE_FD(fd);
	return 0;
}

static int append(struct journal *j, const json_t *line)
{
	_cleanup_free_ char *text = json_dumps(line, JSON_COMPACT);
	_cleanup_free_ char *whole = NULL;
	int len, r;

	if (!text)
		return -ENOMEM;
	len = asprintf(&whole, "%s\n", text);
	if (len < 0)
		return -ENOMEM;
	r = open_for_append(j);
	if (r < 0)
		return r;
	r = fs_write_all(j->fd, whole, (size_t)len);
	if (r == 0 && fsync(j->fd) < 0)
		r = -errno;
	if (r == 0)
		j->good += len;
	else if (ftruncate(j->fd, (off_t)j->good) < 0)
		return r; /* the half line is the last one then, and does not count */
	return r;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	closep(&j->fd);
	json_decref(j->header);
	json_decref(j->steps);
	json_decref(j->done);
	free(j->path);
	free(j);
}

static int journal_new(int root_fd, unsigned int number, struct journal **ret)
{
	_cleanup_(journal_freep) struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->root_fd = root_fd;
	j->number = number;
	j->fd = -1;
	j->steps = json_array();
	j->done = json_object();
	if (asprintf(&j->path, "%s/%04u", APPLY_JOURNAL, number) < 0)
		j->path = NULL;
	if (!j->path || !j->steps || !j->done)
		return -ENOMEM;
	*ret = TAKE_PTR(j);
	return 0;
}

static int compare(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

int journal_list(int root_fd, unsigned int **ret, size_t *ret_n)
{
	int fd = fs_open(root_fd, APPLY_JOURNAL, O_RDONLY | O_DIRECTORY, 0);
	_cleanup_free_ unsigned int *v = NULL;
	const struct dirent *e;
	size_t n = 0;
	DIR *d;
	int r = 0;

	if (fd < 0 && fd != -ENOENT)
		return fd;
	d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && d && (e = readdir(d))) {
		unsigned int *more;
		char *end;
		unsigned long number = strtoul(e->d_name, &end, 10);

		if (*end || end - e->d_name < 4 || e->d_name[0] < '0' || e->d_name[0] > '9' || number < 1 ||
		    number > 99999999)
			continue;
		more = reallocarray(v, n + 1, sizeof(*v));
		if (!more) {
			r = -ENOMEM;
			break;
		}
		v = more;
		v[n++] = (unsigned int)number;
	}
	if (d)
		closedir(d);
	if (r < 0)
		return r;
	if (n)
		qsort(v, n, sizeof(*v), compare);
	*ret = TAKE_PTR(v);
	*ret_n = n;
	return 0;
}

static json_t *text_or_empty(const char *s)
{
	json_t *text = json_string(s ? s : "");

	return text ? text : json_string("");
}

static int write_header(struct apply *a, struct journal *j, const char *answers)
{
	char when[32];

	now_text(when);
	j->header = json_pack("{s:i, s:s, s:o, s:o, s:s, s:s}", "version", JOURNAL_VERSION, "when", when,
			      "who", text_or_empty(who()), "answers", text_or_empty(answers), "services",
			      a->services ? a->services->name : "none", "packages",
			      a->packages ? a->packages->name : "none");
	return j->header ? append(j, j->header) : -ENOMEM;
}

int journal_create(struct apply *a, const char *answers, struct journal **ret)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	_cleanup_free_ unsigned int *numbers = NULL;
	_cleanup_free_ char *old = NULL;
	_cleanup_close_ int dir = -1;
	size_t n;
	int r;

	r = fs_mkdir_all(a->root_fd, "/var/lib/muster", 0755);
	if (r == 0)
		r = fs_mkdir_all(a->root_fd, APPLY_JOURNAL, 0700);
	if (r == 0)
		r = journal_list(a->root_fd, &numbers, &n);
	if (r == 0)
		r = journal_new(a->root_fd, n ? numbers[n - 1] + 1 : 1, &j);
	if (r == 0)
		r = fs_mkdir_all(a->root_fd, j->path, 0700);
	if (r < 0)
		return r;
	old = fs_join(j->path, "old");
	r = old ? fs_mkdir_all(a->root_fd, old, 0700) : -ENOMEM;
	if (r == 0)
		r = write_header(a, j, answers);
	if (r == 0)
		r = fs_fsync_dir(a->root_fd, j->path);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(j);
	return 0;
}

/* Takes one line into the journal; false: it is not one of a journal's. */
static bool take_line(struct journal *j, json_t *line)
{
	const char *end = json_string_value(json_object_get(line, "end"));
	char key[24];

	if (!j->header) {
		if (json_integer_value(json_object_get(line, "version")) != JOURNAL_VERSION)
			return false;
		j->header = json_incref(line);
		j->state = JOURNAL_UNFINISHED;
		return true;
	}
	if (end) {
		j->state = strcmp(end, "applied") == 0 ? JOURNAL_APPLIED : JOURNAL_UNDONE;
		return strcmp(end, "applied") == 0 || strcmp(end, "undone") == 0;
	}
	if (json_object_get(line, "undo")) {
		j->state = JOURNAL_UNFINISHED;
		return true;
	}
	if (json_object_get(line, "step"))
		return json_integer_value(json_object_get(line, "step")) == (json_int_t)journal_next(j) &&
		       json_is_string(json_object_get(line, "kind")) &&
		       json_array_append(j->steps, line) == 0;
	if (!json_is_integer(json_object_get(line, "done")))
		return false;
	snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(json_object_get(line, "done")));
	return json_object_set(j->done, key, line) == 0;
}

static int parse(struct apply *a, struct journal *j, const char *text, size_t len)
{
	unsigned int n = 0;

	j->state = JOURNAL_UNDONE; /* without a header nothing was done */
	for (const char *p = text; p < text + len; n++) {
		const char *end = memchr(p, '\n', (size_t)(text + len - p));
		json_t *line;
		bool ok;

		if (!end)
			break;
		line = json_loadb(p, (size_t)(end - p), 0, NULL);
		ok = json_is_object(line) && take_line(j, line);
		json_decref(line);
		if (!ok && end + 1 == text + len && n > 0 && !line)
			break; /* the power went while this line was written */
		if (!ok) {
			apply_error(a,
				    _("The journal %s/journal is damaged in line %u; muster does not touch "
				      "this server "
				      "until that is mended, or the folder is moved away."),
				    j->path, n + 1);
			return -MUSTER_E_FORMAT;
		}
		p = end + 1;
		j->good = p - text;
	}
	return 0;
}

int journal_read(struct apply *a, unsigned int number, struct journal **ret)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t len = 0;
	int r;

	r = journal_new(a->root_fd, number, &j);
	if (r < 0)
		return r;
	path = fs_join(j->path, "journal");
	if (!path)
		return -ENOMEM;
	r = fs_read(a->root_fd, path, JOURNAL_MAX, &text, &len);
	if (r < 0 && r != -ENOENT)
		return r;
	r = parse(a, j, text ? text : "", len);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(j);
	return 0;
}

int journal_newest(struct apply *a, struct journal **ret)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t n;
	int r;

	r = journal_list(a->root_fd, &numbers, &n);
	if (r < 0)
		return r;
	while (n-- > 0) {
		_cleanup_(journal_freep) struct journal *j = NULL;

		r = journal_read(a, numbers[n], &j);
		if (r < 0)
			return r;
		if (j->state != JOURNAL_UNDONE) {
			*ret = TAKE_PTR(j);
			return 0;
		}
	}
	return -ENOENT;
}

unsigned int journal_next(const struct journal *j)
{
	return (unsigned int)json_array_size(j->steps) + 1;
}

static int numbered(const struct journal *j, const char *folder, unsigned int step, char **ret)
{
	return asprintf(ret, "%s/%s/%u", j->path, folder, step) < 0 ? -ENOMEM : 0;
}

int journal_save(struct journal *j, const void *data, size_t len)
{
	_cleanup_free_ char *path = NULL;
	int r = numbered(j, "old", journal_next(j), &path);

	return r < 0 ? r : fs_write(j->root_fd, path, data, len, &private_file);
}

int journal_saved(struct journal *j, unsigned int step, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *path = NULL;
	int r = numbered(j, "old", step, &path);

	return r < 0 ? r : fs_read(j->root_fd, path, SIZE_MAX / 4, ret, ret_len);
}

int journal_keep(struct journal *j, unsigned int step, const void *data, size_t len, char **ret_path)
{
	_cleanup_free_ char *path = NULL, *folder = fs_join(j->path, "kept");
	int r = folder ? fs_mkdir_all(j->root_fd, folder, 0700) : -ENOMEM;

	if (r == 0)
		r = numbered(j, "kept", step, &path);
	if (r == 0)
		r = fs_write(j->root_fd, path, data, len, &private_file);
	if (r == 0)
		*ret_path = TAKE_PTR(path);
	return r;
}

int journal_step(struct journal *j, json_t *record)
{
	int r = json_object_set_new(record, "step", json_integer(journal_next(j))) < 0 ? -ENOMEM
										       : append(j, record);

	if (r == 0 && json_array_append(j->steps, record) < 0)
		r = -ENOMEM;
	json_decref(record);
	return r;
}

int journal_done(struct journal *j, json_t *done)
{
	unsigned int step = (unsigned int)json_array_size(j->steps);
	char key[24];
	int r;

	snprintf(key, sizeof(key), "%u", step);
	r = json_object_set_new(done, "done", json_integer(step)) < 0 ? -ENOMEM : append(j, done);
	if (r == 0 && json_object_set(j->done, key, done) < 0)
		r = -ENOMEM;
	json_decref(done);
	return r;
}

static int append_text(struct journal *j, const char *key, const char *value)
{
	json_t *line = json_pack("{s:s}", key, value);
	int r = line ? append(j, line) : -ENOMEM;

	json_decref(line);
	return r;
}

int journal_undo_begins(struct journal *j)
{
	char when[32];

	now_text(when);
	return append_text(j, "undo", when);
}

int journal_end(struct journal *j, const char *how)
{
	return append_text(j, "end", how);
}
