/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facade's part for answers that are being written. */
#include "config.h"

#include "backend/muster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "backend/context.h"
#include "backend/plan/draft.h"
#include "backend/plan/text.h"
#include "util/fs.h"
#include "util/i18n.h"

#define SSH_FOLDER "/root/.ssh"
#define KEY_FILE_MAX (256 * 1024)

int muster_draft_new(struct draft **ret)
{
	return draft_new(ret);
}

int muster_draft_copy(const struct draft *d, struct draft **ret)
{
	return draft_copy(d, ret);
}

void muster_draft_free(struct draft *d)
{
	draft_free(d);
}

void muster_draft_mistakes_free(struct draft_mistake *v, size_t n)
{
	draft_mistakes_free(v, n);
}

void muster_plan_free(struct plan *p)
{
	plan_free(p);
}

int muster_draft_text(const struct draft *d, char **ret)
{
	return draft_format(d, ret);
}

int muster_draft_load(struct muster *m, const char *path, struct draft **ret)
{
	_cleanup_free_ char *applied = NULL;
	int r = path ? 0 : muster_answers_path(m, &applied);

	if (r == 0)
		r = draft_load(path ? path : applied, ret);
	if (r < 0 && r != -ENOENT)
		context_error(m, _("The answers in %s cannot be read: %s"), path ? path : CONTEXT_ANSWERS,
			      muster_strerror(r));
	return r;
}

int muster_draft_save(struct muster *m, const struct draft *d, const char *path)
{
	int r = draft_save(d, path);

	if (r == -EILSEQ)
		context_error(m, _("The answers are not saved: one of them holds a control character or "
				   "bytes that are "
				   "no UTF-8."));
	else if (r < 0)
		context_error(m, _("The answers cannot be written to %s: %s"), path, muster_strerror(r));
	return r;
}

/* The facts of a server without a profile are facts, too. */
static int make_env(struct muster *m, const char *path, struct draft_env *ret)
{
	const struct host *h;
	int r = muster_host(m, &h);

	if (r < 0)
		return r;
	*ret = (struct draft_env){ h, m->profiles_dir, path && *path ? path : "answers.conf" };
	return 0;
}

int muster_draft_check(struct muster *m, const struct draft *d, const char *path, struct draft_mistake **ret,
		       size_t *ret_n, struct plan **ret_plan)
{
	struct draft_env env;
	int r = make_env(m, path, &env);

	return r < 0 ? r : draft_check(d, &env, ret, ret_n, ret_plan);
}

static int edit_node(struct muster *m, struct draft *d, const char *path, const char *from, const char *to)
{
	_cleanup_free_ char *why = NULL;
	struct draft_env env;
	int r = make_env(m, path, &env);

	if (r == 0)
		r = to ? draft_node_rename(d, &env, from, to, &why) : draft_node_remove(d, &env, from, &why);
	if (r != -EINVAL)
		return r;
	context_error(m, "%s", why ? why : muster_strerror(r));
	return -MUSTER_E_REFUSED;
}

int muster_draft_rename_node(struct muster *m, struct draft *d, const char *path, const char *from,
			     const char *to)
{
	return edit_node(m, d, path, from, to);
}

int muster_draft_remove_node(struct muster *m, struct draft *d, const char *path, const char *name)
{
	return edit_node(m, d, path, name, NULL);
}

/* ---- proposals ------------------------------------------------------------------------------------------------ */

static int add_keys(struct muster *m, const char *name, struct strv *ret)
{
	_cleanup_free_ char *path = fs_join(SSH_FOLDER, name), *text = NULL;
	char *save = NULL;
	const char *why;
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (fs_read(m->root_fd, path, KEY_FILE_MAX, &text, NULL) < 0)
		return 0;
	for (char *line = strtok_r(text, "\r\n", &save); line && r == 0;
	     line = strtok_r(NULL, "\r\n", &save)) {
		line += strspn(line, " \t");
		for (size_t n = strlen(line); n > 0 && strchr(" \t", line[n - 1]);)
			line[--n] = '\0';
		if (text_is_ssh_key(line, &why) && !strv_has(ret, line))
			r = strv_add(ret, line);
	}
	return r;
}

/* The names in the folder that end in .pub, in their order. */
static int list_key_files(struct muster *m, struct strv *ret)
{
	int fd = fs_open(m->root_fd, SSH_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	const struct dirent *e;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return 0;
	}
	while (r == 0 && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n > 4 && strcmp(e->d_name + n - 4, ".pub") == 0)
			r = strv_add(ret, e->d_name);
	}
	closedir(d);
	strv_sort(ret);
	return r == 0 ? strv_add(ret, "authorized_keys") : r;
}

int muster_ssh_keys(struct muster *m, struct strv *ret)
{
	_cleanup_strv_ struct strv files = STRV_INIT;
	int r = list_key_files(m, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = add_keys(m, files.v[i], ret);
	return r;
}

int muster_draft_propose(struct muster *m, struct draft *d)
{
	_cleanup_strv_ struct strv keys = STRV_INIT;
	struct draft_facts facts = { .ssh_keys = &keys };
	struct utsname name;
	int r = muster_host(m, &facts.host);

	if (r == 0)
		r = muster_ssh_keys(m, &keys);
	if (r < 0)
		return r;
	/* The facts of another machine do not go with this one's name. */
	if (!m->config.host_file && uname(&name) == 0)
		facts.hostname = name.nodename;
	return draft_propose(d, &facts);
}

int muster_draft_interface(struct muster *m, const struct host_interface **ret)
{
	const struct host *h;
	int r = muster_host(m, &h);

	if (r == 0)
		*ret = draft_propose_interface(h);
	return r;
}
