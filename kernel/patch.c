/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patches, in the recipe's order, by patch(1), which refuses names that lead out of the tree. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdint.h>
#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

#define PATCH_MS (10 * 60 * 1000)
#define PATCH_MAX (256UL << 20)

/* What patch(1) says of the file at work, and of hunks that do not fit. */
struct report {
	char *file;
	struct strbuf failed;
};

static void read_line(void *data, const char *line)
{
	struct report *r = data;
	const char *at;

	if (strncmp(line, "patching file ", 14) == 0 || strncmp(line, "checking file ", 14) == 0) {
		free(r->file);
		r->file = strdup(line + 14);
	} else if (strncmp(line, "Hunk #", 6) == 0 && (at = strstr(line, " FAILED at "))) {
		strbuf_addf(&r->failed, _("\n  %s: hunk %.*s does not fit at line %.*s"),
			    r->file ? r->file : "?", (int)strcspn(line + 6, " "), line + 6,
			    (int)strspn(at + 11, "0123456789"), at + 11);
	} else if (strstr(line, "can't find file to patch")) {
		strbuf_adds(&r->failed, _("\n  it changes a file that the tree does not have"));
	} else if (strstr(line, "Reversed (or previously applied) patch detected")) {
		strbuf_addf(&r->failed, _("\n  %s: it is in the tree already"), r->file ? r->file : "?");
	} else if (strstr(line, "malformed patch") || strstr(line, "Only garbage was found")) {
		strbuf_addf(&r->failed, "\n  %s", line);
	} else if (strstr(line, "dangerous file name")) {
		strbuf_adds(&r->failed, _("\n  it names a file outside of the tree"));
	}
}

/* Its text, as it went into the build's id: sha256 NULL where it comes from a source, which was looked at as a whole. */
static int read_patch(const char *name, const char *file, const char *sha256, char **ret)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	char is[HASH_TEXT];
	size_t len = 0;
	int r = fd < 0 ? -errno : fs_read_fd(fd, PATCH_MAX, &text, &len);

	if (r < 0) {
		log_error(_("the patch %s cannot be read: %s"), name, muster_strerror(r));
		return r;
	}
	if (len == 0 || memchr(text, '\0', len)) {
		log_error(len ? _("the patch %s is no text: there is a byte 0 in it")
			      : _("the patch %s is empty"),
			  name);
		return -MUSTER_E_FORMAT;
	}
	hash_text(text, len, is);
	if (sha256 && strcmp(sha256, is) != 0) {
		log_error(_("%s is not what it is to be: its SHA-256 is %s, and %s was expected"), file, is,
			  sha256);
		return -MUSTER_E_FORMAT;
	}
	*ret = TAKE_PTR(text);
	return 0;
}

static int apply(struct kernel_work *w, const char *name, const char *file, const char *sha256,
		 unsigned int strip)
{
	_cleanup_free_ char *text = NULL, *option = NULL;
	const char *argv[] = { "patch", NULL, "--batch", "--forward", "--no-backup-if-mismatch", NULL };
	struct report report = { NULL, STRBUF_INIT };
	int status = 0, r = read_patch(name, file, sha256, &text);

	if (r < 0)
		return r;
	if (asprintf(&option, "-p%u", strip) < 0) {
		option = NULL;
		r = -ENOMEM;
	}
	argv[1] = option;
	kernel_work_step(w, NC_("step", "patch"), name);
	w->on_line = read_line;
	w->line_data = &report;
	if (r == 0)
		r = kernel_work_run(w, argv, text, PATCH_MS, &status);
	w->on_line = NULL;
	if (r == -ENOENT)
		log_error(_("patch is not installed on this server: install the package patch"));
	else if (r < 0 && r != -MUSTER_E_CANCELLED)
		log_error(_("the patch %s cannot be applied: %s"), name, muster_strerror(r));
	if (r == 0 && (status != 0 || report.failed.len)) {
		log_error(_("the patch %s does not apply to this tree:%s"), name,
			  report.failed.len ? report.failed.data : " patch(1) failed");
		r = -MUSTER_E_COMMAND;
	}
	strbuf_free(&report.failed);
	free(report.file);
	return r;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The files of a source that a patch section means. */
static int matches(const char *folder, const char *pattern, struct strv *ret)
{
	char *const paths[] = { (char *)(uintptr_t)folder, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;
	int r = 0;

	if (!fts)
		return -errno;
	while (r == 0 && (e = fts_read(fts))) {
		const char *below = e->fts_path + strlen(folder);

		below += strspn(below, "/");
		/* A pattern with a slash is about the whole path in the source. */
		if (e->fts_info == FTS_F &&
		    fnmatch(pattern, strchr(pattern, '/') ? below : e->fts_name, 0) == 0)
			r = strv_add(ret, e->fts_path);
	}
	fts_close(fts);
	strv_sort(ret);
	return r;
}

static int apply_from_source(struct kernel_work *w, const struct kernel_patch *p)
{
	_cleanup_strv_ struct strv files = STRV_INIT;
	_cleanup_free_ char *folder = NULL;
	int r;

	if (asprintf(&folder, "%s/%s", w->host_folder, p->source) < 0) {
		folder = NULL;
		return -ENOMEM;
	}
	r = matches(folder, p->match, &files);
	if (r == 0 && files.n == 0) {
		log_error(_("the source %s has no %s in it"), p->source, p->match);
		return -ENOENT;
	}
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = apply(w, strrchr(files.v[i], '/') + 1, files.v[i], NULL, p->strip);
	return r;
}

int kernel_step_patch(struct kernel_work *w, const struct craft_input *inputs, size_t n)
{
	size_t at = w->recipe->n_sources; /* the patch files stand behind the sources */
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->recipe->n_patches; i++) {
		const struct kernel_patch *p = &w->recipe->patches[i];

		if (*p->source)
			r = apply_from_source(w, p);
		else if (at < n)
			r = apply(w, p->name, inputs[at].file, inputs[at].sha256, p->strip);
		at += !*p->source;
	}
	return r;
}
