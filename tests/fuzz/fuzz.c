/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static int dir_fd = -1;
static pid_t dir_of;

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	fuzz_need(s);
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

struct fuzz_part fuzz_cut(const uint8_t **data, size_t *size)
{
	static const char between[] = "\n%%\n";
	const uint8_t *end = *size ? memmem(*data, *size, between, sizeof(between) - 1) : NULL;
	struct fuzz_part part = { *data, end ? (size_t)(end - *data) : *size };
	size_t taken = part.size + (end ? sizeof(between) - 1 : 0);

	*data += taken;
	*size -= taken;
	return part;
}

char *fuzz_cut_text(const uint8_t **data, size_t *size)
{
	struct fuzz_part part = fuzz_cut(data, size);

	return fuzz_text(part.data, part.size);
}

void fuzz_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	fuzz_need(d);
	while ((e = readdir(d))) {
		int sub;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0)
			continue;
		sub = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0 && fchmodat(fd, e->d_name, 0700, 0) == 0)
			sub = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fuzz_need(sub >= 0);
		fuzz_empty(sub);
		close(sub);
		fuzz_need(unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0);
	}
	closedir(d);
}

static void drop_dir(void)
{
	if (dir_of != getpid())
		return;
	fuzz_empty(dir_fd);
	rmdir(dir);
}

/* In memory, where there is such a place: a file is written for each input. */
static void make_dir(void)
{
	static const char *const places[] = { "/dev/shm", "/tmp" };

	for (size_t i = 0; dir_fd < 0 && i < 2; i++) {
		snprintf(dir, sizeof(dir), "%s/muster-fuzz-XXXXXX", places[i]);
		if (mkdtemp(dir))
			dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	fuzz_need(dir_fd >= 0);
	dir_of = getpid();
	atexit(drop_dir);
}

const char *fuzz_dir(void)
{
	if (dir_fd < 0)
		make_dir();
	return dir;
}

int fuzz_dir_fd(void)
{
	return fuzz_dir() ? dir_fd : -1;
}

void fuzz_put(const char *path, const void *data, size_t size)
{
	int at = fuzz_dir_fd(), fd;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *above = strndup(path, (size_t)(slash - path));

		fuzz_need(above && (mkdirat(at, above, 0755) == 0 || errno == EEXIST));
		free(above);
	}
	fd = openat(at, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	fuzz_need(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
	close(fd);
}

int fuzz_file(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	fuzz_need(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size) &&
		  lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

bool fuzz_is_clean(const char *text, bool lines)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		size_t more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : 3;

		if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4 || *p == 0x7f ||
		    (*p < 0x20 && !(lines && (*p == '\n' || *p == '\t'))))
			return false;
		/* C1 controls, what is too long, surrogates, and what is beyond the last character */
		if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
		    (p[0] == 0xf4 && p[1] >= 0x90))
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}
