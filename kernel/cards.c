/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which driver of a kernel a network card has, by the indexes beside its modules. */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "kernel/private.h"
#include "util/fs.h"

#define INDEX_MAX (32UL << 20)
#define VIRTIO_MAKER "1af4:"

struct kernel_drivers {
	char *aliases, *builtin, *modinfo; /* NULL: there is none */
	size_t modinfo_len;
};

bool kernel_is_card(const char *s)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	return strlen(s) == 9 && strspn(s, digits) == 4 && s[4] == ':' && strspn(s + 5, digits) == 4;
}

void kernel_drivers_free(struct kernel_drivers *d)
{
	if (!d)
		return;
	free(d->aliases);
	free(d->builtin);
	free(d->modinfo);
	free(d);
}

static char *read_index(int root_fd, const char *folder, const char *name, size_t *ret_len)
{
	_cleanup_free_ char *path = fs_join(folder, name);
	char *text = NULL;

	return path && fs_read(root_fd, path, INDEX_MAX, &text, ret_len) == 0 ? text : NULL;
}

int kernel_drivers_read(int root_fd, const char *folder, struct kernel_drivers **ret)
{
	struct kernel_drivers *d = calloc(1, sizeof(*d));
	size_t len;

	if (!d)
		return -ENOMEM;
	d->aliases = read_index(root_fd, folder, "modules.alias", &len);
	d->builtin = read_index(root_fd, folder, "modules.builtin", &len);
	d->modinfo = read_index(root_fd, folder, "modules.builtin.modinfo", &d->modinfo_len);
	*ret = d;
	return 0;
}

/* modules.alias: "alias PATTERN MODULE" */
static char *find_module(const char *aliases, const char *card)
{
	for (const char *line = aliases; line && *line;) {
		size_t len = strcspn(line, "\n");
		_cleanup_free_ char *pattern = NULL;

		if (strncmp(line, "alias pci:", 10) == 0) {
			const char *from = line + 6;
			size_t n = strcspn(from, " \n");

			pattern = strndup(from, n);
			if (pattern && from[n] == ' ' && fnmatch(pattern, card, 0) == 0)
				return strndup(from + n + 1, len - (size_t)(from + n + 1 - line));
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}

/* modules.builtin.modinfo: "MODULE.alias=PATTERN", each with a NUL behind. Only the newest kernels say it of drivers. */
static char *find_builtin(const char *builtin, size_t size, const char *card)
{
	for (const char *p = builtin; p && p < builtin + size; p += strlen(p) + 1) {
		const char *pattern = strstr(p, ".alias=pci:");

		if (pattern && fnmatch(pattern + 7, card, 0) == 0)
			return strndup(p, (size_t)(pattern - p));
	}
	return NULL;
}

bool kernel_lists_module(const char *list, const char *module)
{
	size_t n = strlen(module);

	for (const char *line = list; line && *line;) {
		size_t len = strcspn(line, "\n"), path = strcspn(line, ":\n");
		const char *name = line + path;
		bool same;

		while (name > line && name[-1] != '/')
			name--;
		same = (size_t)(line + path - name) == n + 3 && strncmp(name + n, ".ko", 3) == 0;
		for (size_t i = 0; same && i < n; i++)
			same = name[i] == module[i] || (name[i] == '-' && module[i] == '_');
		if (same)
			return true;
		line += len + (line[len] == '\n');
	}
	return false;
}

/* Its network driver, known by its name: modules.builtin has no aliases. */
static int find_virtio(const struct kernel_drivers *d, char **ret_driver, bool *ret_built_in,
		       char **ret_wanted)
{
	static const char name[] = "virtio_net";
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	*ret_built_in = kernel_lists_module(d->builtin, name);
	*ret_driver = *ret_wanted = NULL;
	if (*ret_built_in || (d->aliases && strstr(d->aliases, " virtio_net\n")))
		*ret_driver = copy;
	else
		*ret_wanted = copy;
	return 0;
}

int kernel_driver_of(const struct kernel_drivers *d, const char *card, const char *others, char **ret_driver,
		     bool *ret_built_in, char **ret_wanted)
{
	_cleanup_free_ char *modalias = NULL, *module = NULL, *builtin = NULL, *wanted = NULL;

	if (!kernel_is_card(card))
		return -EINVAL;
	/* As the kernel names a network card (class 02) of which the maker and the model are known. */
	if (asprintf(&modalias, "pci:v0000%.4sd0000%.4ssv00000000sd00000000bc02sc00i00", card, card + 5) <
	    0) {
		modalias = NULL;
		return -ENOMEM;
	}
	for (char *p = modalias + 5; *p && *p != 's'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	/* The letter between both ids is one of the format's own. */
	modalias[13] = 'd';
	builtin = find_builtin(d->modinfo, d->modinfo_len, modalias);
	module = builtin ? NULL : find_module(d->aliases, modalias);
	wanted = module || builtin ? NULL : find_module(others, modalias);
	if (wanted && kernel_lists_module(d->builtin, wanted))
		builtin = TAKE_PTR(wanted);
	/* virtio's cards are behind a bus of their own, whose driver drives nothing by itself. */
	if (strncasecmp(card, VIRTIO_MAKER, strlen(VIRTIO_MAKER)) == 0 && (d->builtin || d->aliases))
		return find_virtio(d, ret_driver, ret_built_in, ret_wanted);
	*ret_built_in = builtin;
	*ret_driver = builtin ? TAKE_PTR(builtin) : TAKE_PTR(module);
	*ret_wanted = TAKE_PTR(wanted);
	return 0;
}

int kernel_drives(const char *folder, const char *card, bool *ret)
{
	_cleanup_(kernel_drivers_freep) struct kernel_drivers *d = NULL;
	_cleanup_free_ char *driver = NULL, *wanted = NULL;
	_cleanup_close_ int root = fs_root_open("/");
	bool built_in;
	int r = root < 0 ? root : kernel_drivers_read(root, folder, &d);

	/* A folder without indexes says nothing. */
	if (r == 0 && !d->aliases)
		r = -ENOENT;
	if (r == 0)
		r = kernel_driver_of(d, card, NULL, &driver, &built_in, &wanted);
	if (r == 0)
		*ret = driver;
	return r;
}
