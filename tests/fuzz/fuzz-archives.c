/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Archives: sources, systems' trees, and compressed files. Nothing may appear outside of the folder that one is unpacked into,
 * and no link of a source may lead out of it. Where we are root, the scratch folder is the root folder meanwhile, so that an
 * absolute path would be seen, too, and would do no harm.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "craft/craft.h"
#include "tests/fuzz/house.h"
#include "util/archive.h"

#define MAX_UNPACKED ((size_t)4 << 20)
#define WITNESS "what was there before"

struct place {
	int real_root, cwd;
	bool inside;
};

static void go_in(struct place *p)
{
	p->inside = chroot(fuzz_dir()) == 0;
}

static void come_out(const struct place *p)
{
	if (!p->inside)
		return;
	fuzz_need(fchdir(p->real_root) == 0 && chroot(".") == 0 && fchdir(p->cwd) == 0);
}

/* Nothing but what was put there. */
static void look_outside(void)
{
	char text[64] = "";
	int fd = openat(fuzz_dir_fd(), "witness", O_RDONLY | O_NOFOLLOW | O_CLOEXEC), n = 0, at;
	struct dirent *e;
	struct stat st;
	DIR *d;

	fuzz_need(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 1 &&
		  read(fd, text, sizeof(text) - 1) == (ssize_t)strlen(WITNESS) && strcmp(text, WITNESS) == 0);
	close(fd);
	at = openat(fuzz_dir_fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = at < 0 ? NULL : fdopendir(at);
	fuzz_need(d);
	while ((e = readdir(d)))
		n++;
	closedir(d);
	fuzz_need(n == 4); /* ".", "..", the witness, the folder */
}

/* Follows each link as the kernel does: it leads below `top`, or nowhere. */
static void look_at_links(int top, int at, int depth)
{
	int copy = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	char from[64], path[4200];
	struct dirent *e;
	ssize_t n, root;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", top);
	root = readlink(from, path, sizeof(path) - 1);
	fuzz_need(d && root > 0);
	while ((e = readdir(d))) {
		struct stat st;
		int fd;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(at, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISLNK(st.st_mode)) {
			char where[4200];

			fd = openat(at, e->d_name, O_PATH | O_CLOEXEC);
			if (fd < 0)
				continue;
			snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
			n = readlink(from, where, sizeof(where) - 1);
			fuzz_need(n >= root && strncmp(where, path, (size_t)root) == 0 &&
				  (n == root || where[root] == '/'));
			close(fd);
		} else if (S_ISDIR(st.st_mode) && depth < 64) {
			fd = openat(at, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fd >= 0) {
				look_at_links(top, fd, depth + 1);
				close(fd);
			}
		}
	}
	closedir(d);
}

static void unpack(const uint8_t *data, size_t size, bool system, const struct place *from)
{
	struct craft_env env = { .root_fd = fuzz_dir_fd(), .root_path = fuzz_dir() };
	_cleanup_close_ int fd = fuzz_file(data, size), folder = -1;
	struct place place = *from;
	int64_t newest;
	char *only = NULL;
	int r;

	fuzz_empty(fuzz_dir_fd());
	fuzz_put("witness", WITNESS, strlen(WITNESS));
	fuzz_need(mkdirat(fuzz_dir_fd(), "folder", 0755) == 0);
	folder = openat(fuzz_dir_fd(), "folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_need(folder >= 0);
	go_in(&place);
	r = system ? craft_unpack_system(&env, fd, "it", folder)
		   : craft_unpack(&env, fd, "it", folder, (uid_t)-1, (gid_t)-1, &newest);
	come_out(&place);
	look_outside();
	if (!system)
		look_at_links(folder, folder, 0);
	if (r == 0 && craft_only_folder(folder, &only) == 0)
		free(only);
}

FUZZ_TARGET(archives)
{
	static struct place place;
	char *text = NULL;
	size_t len;
	int fd;

	house_quiet();
	if (!place.real_root) {
		place.real_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		place.cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	unpack(data, size, false, &place);
	unpack(data, size, true, &place);
	fuzz_empty(fuzz_dir_fd());
	fd = fuzz_file(data, size);
	if (archive_read_compressed(fd, MAX_UNPACKED, &text, &len) == 0)
		fuzz_need(len <= MAX_UNPACKED);
	free(text);
	close(fd);
	return 0;
}
