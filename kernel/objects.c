/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The object lists of the tree's makefiles, under a configuration: how much there is to compile, and which drivers are built in.
 * Conditions and computed names are passed over, so that the number is an estimate, for a progress bar.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "kernel/private.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define FILE_MAX (1UL << 20)
#define DEPTH_MAX 12

/* "obj-$(CONFIG_NET) += a.o b/": one line of a makefile that is in force */
struct list {
	const char *name; /* "obj", "lib", or what an object is made of; not ended by a NUL */
	size_t name_len;
	char *words;   /* within the text */
	bool built_in; /* by a symbol of the configuration */
};

struct counting {
	int tree_fd;
	const char *config;
	unsigned int n;
	struct strbuf *builtin; /* modules.builtin is added to it; NULL: it is not asked for */
};

/* Whether "y", "m", "objs" or "$(CONFIG_X)" means that the words count. */
static bool in_force(const char *config, const char *value, size_t n, bool *ret_built_in)
{
	_cleanup_free_ char *symbol = NULL, *is = NULL;

	*ret_built_in = false;
	if ((n == 1 && (*value == 'y' || *value == 'm')) || (n == 4 && strncmp(value, "objs", 4) == 0))
		return true;
	if (n < 11 || strncmp(value, "$(CONFIG_", 9) != 0 || value[n - 1] != ')')
		return false;
	symbol = strndup(value + 9, n - 10);
	if (!symbol || craft_config_get(config, symbol, &is) < 0)
		return false;
	*ret_built_in = strcmp(is, "y") == 0;
	return strcmp(is, "n") != 0;
}

/* Reads the line into `ret`; false where it is no list, or one that is not in force. */
static bool read_list(const char *config, char *line, struct list *ret)
{
	size_t n = strcspn(line, " \t:+=");
	char *p = line + n, *dash = NULL;
	bool built_in;

	for (size_t i = 0; i < n; i++)
		if (line[i] == '-' &&
		    (strncmp(line + i, "-y", 2) == 0 || strncmp(line + i, "-m", 2) == 0 ||
		     strncmp(line + i, "-objs", 5) == 0 || strncmp(line + i, "-$(", 3) == 0))
			dash = line + i;
	p += strspn(p, " \t");
	if (*p == ':' || *p == '+')
		p++;
	if (!dash || *p != '=' || !in_force(config, dash + 1, n - (size_t)(dash + 1 - line), &built_in))
		return false;
	*ret = (struct list){ line, (size_t)(dash - line), p + 1, built_in };
	return true;
}

/* Joins lines that go on behind a backslash, and cuts comments off. */
static size_t read_lists(const char *config, char *text, struct list *v, size_t max)
{
	size_t n = 0;

	for (char *line = text, *next; line && n < max; line = next) {
		next = strchr(line, '\n');
		while (next && next > line && next[-1] == '\\') {
			next[-1] = next[0] = ' ';
			next = strchr(next, '\n');
		}
		if (next)
			*next++ = '\0';
		line[strcspn(line, "#")] = '\0';
		if (read_list(config, line, &v[n]))
			n++;
	}
	return n;
}

static bool is_list(const struct list *l, const char *name, size_t n)
{
	return l->name_len == n && strncmp(l->name, name, n) == 0;
}

/* How many words of objects the lists under this name have. */
static unsigned int count_parts(const struct list *v, size_t n, const char *name, size_t name_len)
{
	unsigned int parts = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_list(&v[i], name, name_len))
			continue;
		for (const char *p = v[i].words; *p;) {
			size_t len;

			p += strspn(p, " \t");
			len = strcspn(p, " \t");
			parts += len > 2 && *p != '$' && strncmp(p + len - 2, ".o", 2) == 0;
			p += len;
		}
	}
	return parts;
}

/* As the file has it: kernel/FOLDER/NAME.ko. What was not compiled is not there, whatever a list says. */
static void add_builtin(struct counting *c, const char *folder, const char *word, size_t len)
{
	_cleanup_free_ char *object = NULL;

	if (asprintf(&object, "%s/%.*s", folder, (int)len, word) < 0)
		object = NULL;
	else if (fs_exists(c->tree_fd, object))
		strbuf_addf(c->builtin, "kernel/%s/%.*s.ko\n", folder, (int)len - 2, word);
}

static void count_folder(struct counting *c, const char *folder, int depth);

/* `v` has `n` lists; the word stands in the one at `in`. */
static void count_word(struct counting *c, const struct list *v, size_t n, size_t in, const char *folder,
		       const char *word, size_t len, int depth)
{
	_cleanup_free_ char *below = NULL;

	if (len > 2 && strncmp(word + len - 2, ".o", 2) == 0) {
		unsigned int parts = count_parts(v, n, word, len - 2);

		c->n += parts ? parts : 1;
		if (c->builtin && v[in].built_in)
			add_builtin(c, folder, word, len);
	} else if (len > 1 && word[len - 1] == '/' && !memchr(word, '$', len) &&
		   asprintf(&below, "%s/%.*s", folder, (int)len - 1, word) >= 0) {
		count_folder(c, below, depth + 1);
	}
}

static void count_folder(struct counting *c, const char *folder, int depth)
{
	static const char *const names[] = { "Kbuild", "Makefile" };
	_cleanup_free_ char *text = NULL;
	struct list *v;
	size_t max = 1, n, len;

	for (size_t i = 0; !text && depth < DEPTH_MAX && i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = fs_join(folder, names[i]);

		if (!path || fs_read(c->tree_fd, path, FILE_MAX, &text, &len) < 0)
			text = NULL;
	}
	if (!text)
		return;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		max++;
	v = calloc(max, sizeof(*v));
	n = v ? read_lists(c->config, text, v, max) : 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_list(&v[i], "obj", 3) && !is_list(&v[i], "lib", 3))
			continue;
		for (const char *p = v[i].words; *p;) {
			size_t word;

			p += strspn(p, " \t");
			word = strcspn(p, " \t");
			count_word(c, v, n, i, folder, p, word, depth);
			p += word;
		}
	}
	free(v);
}

static void count_tree(struct counting *c, const char *architecture)
{
	/* as the tree's top makefile has them */
	static const char *const folders[] = { "init",	"usr",	    "kernel", "certs", "mm",	   "fs",
					       "ipc",	"security", "crypto", "block", "io_uring", "drivers",
					       "sound", "net",	    "virt",   "lib" };
	static const char *const parts[] = { "",     "/kernel", "/mm",	  "/lib",
					     "/pci", "/power",	"/video", "/crypto" };
	bool x86 = strcmp(architecture, "x86_64") == 0 || strcmp(architecture, "i386") == 0;
	_cleanup_free_ char *arch = NULL;
	bool whole;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		count_folder(c, folders[i], 0);
	if (asprintf(&arch, "arch/%s", x86 && fs_exists(c->tree_fd, "/arch/x86") ? "x86" : architecture) < 0)
		return;
	/* Where the architecture has a Kbuild of its own, that names the folders which are not named here. */
	{
		_cleanup_free_ char *kbuild = fs_join(arch, "Kbuild");

		whole = kbuild && fs_exists(c->tree_fd, kbuild);
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		_cleanup_free_ char *folder = NULL;

		if (whole ? i == 1 || i == 2 || i == 7 : i == 0)
			continue;
		if (asprintf(&folder, "%s%s", arch, parts[i]) >= 0)
			count_folder(c, folder, 0);
	}
}

unsigned int kernel_count_objects(int tree_fd, const char *config, const char *architecture)
{
	struct counting c = { tree_fd, config, 0, NULL };

	count_tree(&c, architecture);
	return c.n;
}

int kernel_list_builtin(int tree_fd, const char *config, const char *architecture, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct counting c = { tree_fd, config, 0, &b };

	count_tree(&c, architecture);
	return strbuf_take(&b, ret, NULL);
}
