/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define TABLE_MAX (8u << 20) /* bytes; a general kernel's network drivers have about 500 kB of aliases */

struct alias {
	const char *pattern; /* into text */
	size_t literal;	     /* bytes before its first special character */
	char *paths;	     /* into text; parted by blanks */
};

struct modules {
	int at;
	modules_insert_fn *insert;
	void *data;
	char *text;
	char *always; /* the "load" lines' paths, each line's after the other, parted by blanks */
	struct alias *aliases;
	size_t n_aliases;
	char **tried; /* every path that was given to the kernel, owned */
	size_t n_tried;
	uint64_t *seen; /* the devices whose modalias was read, as hashes of their names */
	size_t n_seen;
	char *trouble;
};

int modules_insert(void *data, int at, const char *path)
{
	_cleanup_close_ int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *image;
	int r = 0;

	(void)data;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* init_module(2) and not finit_module(2), which came with Linux 3.8; the mapping saves a copy. */
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (image == MAP_FAILED)
		return -errno;
	if (syscall(SYS_init_module, image, (unsigned long)st.st_size, "") < 0)
		r = -errno;
	munmap(image, (size_t)st.st_size);
	return r;
}

/* An array with room for one element more than its n; it doubles whenever n is a power of two. NULL when out of
 * memory, the old one then stays. */
static void *grow(void *array, size_t n, size_t size)
{
	if (n > 0 && (n & (n - 1)) != 0)
		return array;
	return realloc(array, (n ? n * 2 : 1) * size);
}

static int parse_line(struct modules *m, char *line, struct text *always)
{
	char *rest = strchr(line, ' '), *paths;
	struct alias *a;

	if (!rest)
		return -EINVAL;
	*rest++ = '\0';
	if (strcmp(line, "load") == 0) {
		text_addf(always, "%s ", rest);
		return always->failed ? -ENOMEM : 0;
	}
	paths = strchr(rest, ' ');
	if (strcmp(line, "alias") != 0 || !paths)
		return -EINVAL;
	*paths++ = '\0';
	a = grow(m->aliases, m->n_aliases, sizeof(*a));
	if (!a)
		return -ENOMEM;
	m->aliases = a;
	a[m->n_aliases++] =
		(struct alias){ .pattern = rest, .literal = strcspn(rest, "*?[\\"), .paths = paths };
	return 0;
}

static int parse(struct modules *m, char **reason)
{
	_cleanup_text_ struct text always = { 0 };
	unsigned number = 0;

	for (char *line = m->text, *end; line && *line; line = end) {
		int r;

		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		number++;
		if (!*line || *line == '#')
			continue;
		r = parse_line(m, line, &always);
		if (r < 0)
			return fail_with(reason, r, "%s:%u: %s", MODULES_CONF, number,
					 r == -ENOMEM ? "out of memory" : "neither a load nor an alias line");
	}
	m->always = always.s;
	always.s = NULL;
	return 0;
}

int modules_new(int at, const char *path, modules_insert_fn *insert, void *data, struct modules **ret,
		char **reason)
{
	_cleanup_(modules_freep) struct modules *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return fail_with(reason, -ENOMEM, "out of memory");
	*m = (struct modules){ .at = at, .insert = insert, .data = data };
	r = file_read(at, path, TABLE_MAX, &m->text, NULL);
	if (r < 0 && r != -ENOENT)
		return fail_with(reason, r, "/%s cannot be read: %s", path, strerror(-r));
	if (r == 0)
		r = parse(m, reason);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = m;
	m = NULL;
	return 0;
}

void modules_free(struct modules *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_tried; i++)
		free(m->tried[i]);
	free(m->tried);
	free(m->seen);
	free(m->aliases);
	free(m->always);
	free(m->text);
	free(m->trouble);
	free(m);
}

static const char *why_not(int r)
{
	switch (-r) {
	case ENOENT:
		return "it is not in the initramfs";
	case ENOEXEC:
		return "it was built for another kernel";
	case EKEYREJECTED:
		return "the kernel does not accept its signature";
	default:
		return strerror(-r);
	}
}

/* Returns 1 when the module was loaded now. */
static unsigned load_one(struct modules *m, const char *path)
{
	const char *name = strrchr(path, '/');
	char **tried;
	int r;

	for (size_t i = 0; i < m->n_tried; i++)
		if (strcmp(m->tried[i], path) == 0)
			return 0;
	tried = grow(m->tried, m->n_tried, sizeof(*tried));
	if (!tried)
		return 0;
	m->tried = tried;
	tried[m->n_tried] = strdup(path);
	if (!tried[m->n_tried])
		return 0;
	m->n_tried++;
	r = m->insert(m->data, m->at, *path == '/' ? path + 1 : path);
	if (r == 0 || r == -EEXIST)
		return r == 0;
	/* A driver that finds none of its devices says so; that is no trouble. */
	if (r == -ENODEV)
		return 0;
	log_line("module %s does not load: %s", path, why_not(r));
	if (!m->trouble)
		fail_with(&m->trouble, 0, "module %s does not load: %s", name ? name + 1 : path, why_not(r));
	return 0;
}

static unsigned load_paths(struct modules *m, const char *paths)
{
	unsigned loaded = 0;

	while (*paths) {
		size_t len = strcspn(paths, " ");
		_cleanup_free_ char *path = strndup(paths, len);

		if (path && len > 0)
			loaded += load_one(m, path);
		paths += len + strspn(paths + len, " ");
	}
	return loaded;
}

void modules_load(struct modules *m)
{
	if (m->always)
		load_paths(m, m->always);
}

static bool matches(const struct alias *a, const char *modalias, size_t len)
{
	/* Thousands of patterns are turned down by these few bytes; fnmatch(3) is slow. */
	if (len < a->literal || memcmp(a->pattern, modalias, a->literal) != 0)
		return false;
	return fnmatch(a->pattern + a->literal, modalias + a->literal, 0) == 0;
}

bool modules_knows(const struct modules *m, const char *modalias)
{
	size_t len = strlen(modalias);

	for (size_t i = 0; i < m->n_aliases; i++)
		if (matches(&m->aliases[i], modalias, len))
			return true;
	return false;
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3u;
	return h;
}

/* True the first time a device is asked for. */
static bool is_new(struct modules *m, const char *bus, const char *device)
{
	uint64_t h = hash(hash(hash(0xcbf29ce484222325u, bus), "/"), device), *seen;

	for (size_t i = 0; i < m->n_seen; i++)
		if (m->seen[i] == h)
			return false;
	seen = grow(m->seen, m->n_seen, sizeof(*seen));
	if (seen) {
		m->seen = seen;
		seen[m->n_seen++] = h;
	}
	return true;
}

static unsigned look_at_bus(struct modules *m, int buses, const char *bus)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_free_ char *path = NULL;
	struct dirent *e;
	unsigned loaded = 0;
	int fd;

	if (asprintf(&path, "%s/devices", bus) < 0) {
		path = NULL;
		return 0;
	}
	fd = openat(buses, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d))) {
		_cleanup_free_ char *file = NULL, *modalias = NULL;
		size_t len;

		if (e->d_name[0] == '.' || !is_new(m, bus, e->d_name))
			continue;
		if (asprintf(&file, "%s/modalias", e->d_name) < 0) {
			file = NULL;
			continue;
		}
		if (file_read_line(dirfd(d), file, &modalias) < 0)
			continue;
		len = strlen(modalias);
		for (size_t i = 0; i < m->n_aliases; i++)
			if (matches(&m->aliases[i], modalias, len))
				loaded += load_paths(m, m->aliases[i].paths);
	}
	return loaded;
}

static unsigned look_at_all(struct modules *m)
{
	int fd = openat(m->at, "sys/bus", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	unsigned loaded = 0;

	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			loaded += look_at_bus(m, dirfd(d), e->d_name);
	return loaded;
}

unsigned modules_settle(struct modules *m)
{
	unsigned all = 0, loaded;

	if (m->n_aliases == 0)
		return 0;
	/* A loaded driver may bring new devices (virtio_pci brings virtio ones), so look again after each. */
	do
		all += loaded = look_at_all(m);
	while (loaded > 0);
	return all;
}

const char *modules_trouble(const struct modules *m)
{
	return m->trouble;
}
