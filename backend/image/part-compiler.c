/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The compiler of what runs on old kernels: musl asks nothing of a kernel that Linux 2.6 did not have. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/image/part.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define ASK_MS 10000

static const char *const names[] = { "musl-gcc", "x86_64-linux-musl-gcc" };

void part_compiler_clear(struct part_compiler *c)
{
	free(c->path);
	free(c->identity);
	free(c->version);
}

/* The libc goes into every program: another one is another program. */
static int add_libc(const char *path, struct strbuf *b)
{
	_cleanup_(hash_freep) struct hash *h = NULL;
	_cleanup_free_ char *libc = NULL;
	_cleanup_close_ int fd = -1;
	char sha256[HASH_TEXT];
	int r = spawn_argv(&libc, ASK_MS, path, "-print-file-name=libc.a", NULL);

	if (r < 0)
		return r;
	libc[strcspn(libc, "\n")] = '\0';
	fd = open(libc, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		log_error(_("%s has no libc.a: %s"), path, muster_strerror(r));
		return r;
	}
	r = hash_new(&h);
	if (r == 0)
		r = hash_add_fd(h, fd);
	if (r < 0)
		return r;
	hash_end(TAKE_PTR(h), sha256);
	strbuf_addf(b, "libc %s\n", sha256);
	return 0;
}

static int ask(const char *path, struct part_compiler *c)
{
	_cleanup_free_ char *says = NULL, *linker = NULL;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r = spawn_argv(&says, ASK_MS, path, "--version", NULL);

	if (r == 0)
		r = spawn_argv(&linker, ASK_MS, "ld", "--version", NULL);
	if (r < 0)
		return r;
	strbuf_adds(&b, says);
	strbuf_adds(&b, linker);
	r = add_libc(path, &b);
	if (r < 0)
		return r;
	c->version = strndup(says, strcspn(says, "\n"));
	c->path = strdup(path);
	if (!c->version || !c->path)
		return -ENOMEM;
	return strbuf_take(&b, &c->identity, NULL);
}

int part_compiler_find(const struct image_env *env, struct part_compiler *ret)
{
	static const char *const all[] = { "musl-gcc", NULL };
	struct part_compiler c = { 0 };
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = spawn_find(names[i]);

		if (path)
			r = ask(path, &c);
	}
	if (r == -ENOENT)
		return image_need_programs(env, NEED_BASE, all);
	if (r < 0)
		part_compiler_clear(&c);
	else
		*ret = c;
	return r;
}
