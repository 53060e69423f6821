/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"

static bool looks_binary(const char *data, size_t len)
{
	return len > 0 && memchr(data, '\0', MIN(len, (size_t)8192));
}

/* A file in memory, and the path by which the child can open it. */
static int in_memory(const char *data, size_t len, int *ret_fd, char **ret_path)
{
	_cleanup_close_ int fd = memfd_create("muster-diff", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = len > 0 ? fs_write_all(fd, data, len) : 0;
	if (r < 0)
		return r;
	if (asprintf(ret_path, "/proc/%ld/fd/%d", (long)getpid(), fd) < 0)
		return -ENOMEM;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int run_diff(const char *path, const char *old_path, const char *new_path, char **ret)
{
	static const char *const env[] = { "LC_ALL=C", NULL };
	_cleanup_free_ char *a = NULL, *b = NULL, *output = NULL;
	int status, r;

	if (asprintf(&a, "a%s", path) < 0 || asprintf(&b, "b%s", path) < 0)
		return -ENOMEM;
	r = spawn_run(
		&(struct spawn){
			.argv = (const char *const[]){ "diff", "-u", "--label", a, "--label", b, "--",
						       old_path, new_path, NULL },
			.env = env,
			.timeout_ms = 30000,
			.max_output = 64 * 1024 * 1024,
		},
		&status, &output);
	if (r == 0 && status > 1) {
		log_error(_("diff of %s ended with status %d: %s"), path, status, output);
		return -MUSTER_E_COMMAND;
	}
	if (r == 0)
		*ret = TAKE_PTR(output);
	return r;
}

int diff_make(const char *path, const char *old_data, size_t old_len, const char *new_data, size_t new_len,
	      char **ret)
{
	_cleanup_free_ char *old_path = NULL, *new_path = NULL, *old = NULL, *new = NULL;
	_cleanup_close_ int old_fd = -1, new_fd = -1;
	int r;

	if (looks_binary(old_data, old_len) || looks_binary(new_data, new_len))
		return asprintf(ret, "Binary files a%s and b%s differ\n", path, path) < 0 ? -ENOMEM : 0;
	r = secrets_hide(old_data, old_len, &old, &old_len);
	if (r == 0)
		r = secrets_hide(new_data, new_len, &new, &new_len);
	if (r == 0)
		r = in_memory(old, old_len, &old_fd, &old_path);
	if (r == 0)
		r = in_memory(new, new_len, &new_fd, &new_path);
	if (r == 0)
		r = run_diff(path, old_path, new_path, ret);
	/* The change stands without its picture. */
	if (r == -ENOENT)
		return asprintf(ret, "--- a%s\n+++ b%s\n(diff is not installed)\n", path, path) < 0 ? -ENOMEM
												    : 0;
	return r;
}
