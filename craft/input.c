/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes into a build: where it is, and that it is what it is said to be. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <string.h>
#include <sys/stat.h>

#include "craft/craft.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/units.h"

#define HASH_MARK "#sha256="

void craft_inputs_free(struct craft_input *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].name);
		free(v[i].place);
		free(v[i].shown);
		free(v[i].file);
		free(v[i].sha256);
	}
	free(v);
}

static bool is_url(const char *place)
{
	return strncmp(place, "http://", 7) == 0 || strncmp(place, "https://", 8) == 0 ||
	       strncmp(place, "ftp://", 6) == 0;
}

char *craft_public_place(const char *place)
{
	const char *scheme = strstr(place, "://"), *host = scheme ? scheme + 3 : place;
	size_t len = scheme ? strcspn(host, "/?#") : 0;
	const char *at = len ? memrchr(host, '@', len) : NULL;
	char *copy;

	if (!at)
		return strdup(place);
	return asprintf(&copy, "%.*s%s", (int)(host - place), place, at + 1) < 0 ? NULL : copy;
}

bool craft_has_password(const char *place)
{
	_cleanup_free_ char *public = craft_public_place(place);

	return public && strcmp(public, place) != 0;
}

static int check_scheme(const char *place)
{
	_cleanup_free_ char *shown = NULL;

	if (is_url(place) || !strstr(place, "://"))
		return 0;
	shown = craft_public_place(place);
	log_error(_("%s: only http, https and ftp are known, and paths"), shown ? shown : "");
	return -MUSTER_E_REFUSED;
}

/* ---- the SHA-256 of a file, remembered ------------------------------------------------------------------ */

/* A file whose name, size, times and place on the disk are the same has the same content. */
static int hash_place(const struct craft_env *env, const char *file, const struct stat *st, char **ret)
{
	_cleanup_free_ char *whole = NULL;
	char name[HASH_TEXT];

	if (asprintf(&whole, "%s %llu %llu %lld %lld.%ld %lld.%ld", file, (unsigned long long)st->st_dev,
		     (unsigned long long)st->st_ino, (long long)st->st_size, (long long)st->st_mtim.tv_sec,
		     st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec) < 0) {
		whole = NULL;
		return -ENOMEM;
	}
	hash_text(whole, strlen(whole), name);
	*ret = fs_join(env->hashes, name);
	return *ret ? 0 : -ENOMEM;
}

static int hash_whole(int fd, char ret[HASH_TEXT])
{
	struct hash *h;
	int r = hash_new(&h);

	if (r < 0)
		return r;
	r = hash_add_fd(h, fd);
	if (r < 0) {
		hash_free(h);
		return r;
	}
	hash_end(h, ret);
	return 0;
}

static int open_file(const char *file, int *ret_fd, struct stat *ret)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 || fstat(fd, ret) < 0 ? -errno : 0;

	if (r < 0) {
		log_error(_("%s cannot be read: %s"), file, muster_strerror(r));
		return r;
	}
	if (!S_ISREG(ret->st_mode)) {
		log_error(S_ISDIR(ret->st_mode) ? _("%s is a folder; name an archive or a patch")
						: _("%s is no file; name an archive or a patch"),
			  file);
		return -EINVAL;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int refuse_other(const char *place, const char *is, const char *wanted)
{
	log_error(_("%s is not what it is to be: its SHA-256 is %s, and %s was expected"), place, is, wanted);
	return -MUSTER_E_FORMAT;
}

static int hash_file(const struct craft_env *env, const char *file, char ret[HASH_TEXT])
{
	const struct fs_attr attr = { .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	_cleanup_free_ char *place = NULL, *known = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t len;
	int r = open_file(file, &fd, &st);

	if (r == 0)
		r = hash_place(env, file, &st, &place);
	if (r < 0)
		return r;
	if (fs_read(env->root_fd, place, HASH_TEXT, &known, &len) == 0 && craft_is_sha256(known)) {
		memcpy(ret, known, HASH_TEXT);
		return 0;
	}
	craft_progress(env, NC_("step", "verify"), file, -1, NULL);
	r = hash_whole(fd, ret);
	if (r == 0)
		r = fs_mkdir_all(env->root_fd, env->hashes, 0755);
	return r < 0 ? r : fs_write(env->root_fd, place, ret, HASH_TEXT - 1, &attr);
}

/* ---- from what was said to what goes in ---------------------------------------------------------------------- */

const char *craft_said(const struct craft_want *wants, size_t n_wants, size_t index, const char *word)
{
	size_t n = strlen(wants[index].name);

	if (strncmp(word, wants[index].name, n) == 0 && word[n] == '=')
		return word + n + 1;
	if (index > 0)
		return NULL;
	for (size_t i = 1; i < n_wants; i++) {
		n = strlen(wants[i].name);
		if (strncmp(word, wants[i].name, n) == 0 && word[n] == '=')
			return NULL;
	}
	return word;
}

static int set_sha256(struct craft_input *in, const char *recipe, const char *said)
{
	if (*said && !craft_is_sha256(said)) {
		log_error(_("the SHA-256 of %s is to be 64 hexadecimal digits, not \"%s\""), in->shown, said);
		return -MUSTER_E_REFUSED;
	}
	if (*said && *recipe && strcasecmp(said, recipe) != 0) {
		log_error(_("the recipe wants the source %s with the SHA-256 %s, not %s"), in->name, recipe,
			  said);
		return -MUSTER_E_REFUSED;
	}
	free(in->sha256);
	in->sha256 = strdup(*said ? said : recipe);
	if (!in->sha256)
		return -ENOMEM;
	for (char *c = in->sha256; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'F' ? *c - 'A' + 'a' : *c);
	return 0;
}

static int refuse_folders_digest(const struct craft_input *in)
{
	if (!*in->sha256)
		return 0;
	log_error(_("%s is a folder, which has no SHA-256: name it without, or pack it with tar"), in->place);
	return -MUSTER_E_REFUSED;
}

/* A file of this server: without a hash it is taken as it is, and what it is goes into the id. */
static int take_file(const struct craft_env *env, struct craft_input *in)
{
	char sha256[HASH_TEXT];
	struct stat st;
	int r;

	in->file = realpath(in->place, NULL);
	if (!in->file) {
		r = -errno;
		log_error(_("the source %s: %s: %s"), in->name, in->place, muster_strerror(r));
		return r;
	}
	in->folder = stat(in->file, &st) == 0 && S_ISDIR(st.st_mode);
	if (in->folder && (r = refuse_folders_digest(in)) < 0)
		return r;
	if (*in->sha256)
		return 0;
	r = in->folder ? craft_folder_hash(env, in->file, sha256, &in->newest)
		       : hash_file(env, in->file, sha256);
	if (r < 0)
		return r;
	free(in->sha256);
	in->sha256 = strdup(sha256);
	return in->sha256 ? 0 : -ENOMEM;
}

static int take_url(const struct craft_env *env, struct craft_input *in)
{
	_cleanup_free_ char *path = NULL;

	in->url = true;
	if (!*in->sha256) {
		log_error(_("%s comes over the network, and nothing says what it is to be: put its SHA-256 "
			    "behind it, as in %s#sha256=..."),
			  in->shown, in->shown);
		return -MUSTER_E_REFUSED;
	}
	path = fs_join(env->sources, in->sha256);
	in->file = path ? craft_host_path(env, path) : NULL;
	return in->file ? 0 : -ENOMEM;
}

int craft_input_take(const struct craft_env *env, struct craft_input *in, const char *place,
		     const char *recipe_sha256)
{
	const char *mark = strstr(place, HASH_MARK);
	int r;

	in->place = strndup(place, mark ? (size_t)(mark - place) : strlen(place));
	in->shown = in->place ? craft_public_place(in->place) : NULL;
	if (!in->shown)
		return -ENOMEM;
	r = set_sha256(in, recipe_sha256, mark ? mark + strlen(HASH_MARK) : "");
	if (r < 0)
		return r;
	r = check_scheme(in->place);
	if (r < 0)
		return r;
	return is_url(in->place) ? take_url(env, in) : take_file(env, in);
}

int craft_input_said(const struct craft_env *env, const char *recipe, const struct craft_want *wants,
		     size_t n, size_t index, const char *const *words, struct craft_input *in)
{
	const struct craft_want *s = &wants[index];
	const char *place = s->place, *said;

	in->name = strdup(s->name);
	if (!in->name)
		return -ENOMEM;
	for (size_t i = 0; words && words[i]; i++)
		if ((said = craft_said(wants, n, index, words[i])))
			place = said;
	if (!*place) {
		log_error(_("the recipe %s wants the source %s%s%s: name its path or URL with --source "
			    "%s=PLACE"),
			  recipe, s->name, *s->description ? ", " : "", s->description, s->name);
		return -MUSTER_E_REFUSED;
	}
	return craft_input_take(env, in, place, s->sha256);
}

/* ---- a look at it before anything is built ------------------------------------------------------------------------- */

/* What the place is by itself. A folder needs no further look, nor what comes over the network. */
static int look_at_file(const char *name, const char *place, bool *ret_folder)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (*place != '/') {
		log_error(_("the source %s: write the path \"%s\" whole, from / on, or a URL with http://"),
			  name, place);
		return -MUSTER_E_REFUSED;
	}
	*ret_folder = stat(place, &st) == 0 && S_ISDIR(st.st_mode);
	return *ret_folder ? 0 : open_file(place, &fd, &st);
}

static int look_at_digest(const struct craft_env *env, const char *place, const char *wanted)
{
	char sha256[HASH_TEXT];
	int r = hash_file(env, place, sha256);

	return r < 0 || strcmp(sha256, wanted) == 0 ? r : refuse_other(place, sha256, wanted);
}

int craft_input_check(const struct craft_env *env, const char *recipe, const struct craft_want *want,
		      const char *place, const char *sha256, bool *ret_digest)
{
	struct craft_input in = { 0 };
	bool folder = false, url = is_url(place);
	int r;

	*ret_digest = false;
	if (!*place) {
		log_error(_("the recipe %s wants the source %s: name its path or URL"), recipe, want->name);
		return -MUSTER_E_REFUSED;
	}
	r = check_scheme(place);
	if (r == 0 && !url)
		r = look_at_file(want->name, place, &folder);
	if (r < 0)
		return r;
	*ret_digest = true;
	in.place = strdup(place);
	in.shown = craft_public_place(place);
	in.name = (char *)(uintptr_t)want->name;
	r = in.place && in.shown ? set_sha256(&in, want->sha256, sha256) : -ENOMEM;
	if (r == 0 && url && !*in.sha256) {
		log_error(_("%s comes over the network, and nothing says what it is to be: give its SHA-256"),
			  in.shown);
		r = -MUSTER_E_REFUSED;
	}
	if (r == 0 && folder)
		r = refuse_folders_digest(&in);
	else if (r == 0 && !url && *in.sha256)
		r = look_at_digest(env, place, in.sha256);
	free(in.place);
	free(in.shown);
	free(in.sha256);
	return r;
}

/* ---- fetch and verify ------------------------------------------------------------------------------------------ */

int craft_input_verify(const struct craft_env *env, const struct craft_input *in, int fd)
{
	char sha256[HASH_TEXT];
	int r;

	craft_progress(env, NC_("step", "verify"), in->shown, -1, NULL);
	r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : hash_whole(fd, sha256);
	if (r == 0 && strcmp(sha256, in->sha256) != 0)
		return refuse_other(in->shown, sha256, in->sha256);
	return r < 0 ? r : lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int verify(const struct craft_env *env, const struct craft_input *in, const char *file)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = open_file(file, &fd, &st);

	return r < 0 ? r : craft_input_verify(env, in, fd);
}

/* One that was cut off between its last byte and its name. */
static bool is_whole(const struct craft_input *in, int fd)
{
	char sha256[HASH_TEXT];

	return lseek(fd, 0, SEEK_SET) == 0 && hash_whole(fd, sha256) == 0 && strcmp(sha256, in->sha256) == 0;
}

/* The whole file gets its name only when it is what it is to be. */
static int fetch(const struct craft_env *env, const struct craft_input *in)
{
	_cleanup_close_ int folder = -1, fd = -1;
	_cleanup_free_ char *part = NULL, *host_part = NULL;
	struct stat st;
	int r = fs_mkdir_all(env->root_fd, env->sources, 0755);

	if (r < 0)
		return r;
	if (asprintf(&part, "%s/%s.part", env->sources, in->sha256) < 0) {
		part = NULL;
		return -ENOMEM;
	}
	host_part = craft_host_path(env, part);
	fd = host_part ? fs_open(env->root_fd, part, O_RDWR | O_CREAT, 0644) : -ENOMEM;
	folder = fs_open(env->root_fd, env->sources, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 || folder < 0)
		return fd < 0 ? fd : folder;
	craft_progress(env, NC_("step", "fetch"), in->shown, 0, NULL);
	if (!is_whole(in, fd))
		r = craft_download(env, in->place, fd);
	if (r == 0 && (fsync(fd) < 0 || fstat(fd, &st) < 0))
		r = -errno;
	if (r < 0)
		return r;
	r = verify(env, in, host_part);
	if (r == -MUSTER_E_FORMAT && fs_unlink(env->root_fd, part) < 0)
		log_warning(_("%s stays"), host_part);
	if (r == 0 && renameat(folder, strrchr(part, '/') + 1, folder, in->sha256) < 0)
		r = -errno;
	return r;
}

int craft_input_ready(const struct craft_env *env, const struct craft_input *in)
{
	int r;

	/* What is a file here is looked at when it is unpacked, by the descriptor that it is unpacked from. */
	if (!in->url)
		return 0;
	if (access(in->file, R_OK) == 0)
		return 0;
	r = fetch(env, in);
	if (r == -ENOSPC)
		log_error(_("the disk that holds %s is full: %s cannot be kept there"), env->sources,
			  in->shown);
	return r;
}
