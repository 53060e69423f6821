/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder in which kernels are built. */
#pragma once

#include "kernel/private.h"
#include "tests/unit/kernel-tree.h"
#include "util/strbuf.h"

#define SITE_DEADLINE_MS 20000

struct site {
	char *path;
	int fd;
	struct strbuf log, steps;
	int last_permille;
	int lingerer; /* closed when the build says that it waits; -1: none */
	struct kernel_env env;
	struct kernel_wish wish;
};

int make_site(void **state);
int drop_site(void **state);
void put(const struct site *s, const char *path, const char *text);
/* The tree as an archive of this name, with one more file in it (NULL: none). */
void pack(const struct site *s, const char *name, const char *more, const char *text);
/* What `wish.sources` is for the archive /linux.cpio, with this behind its path. */
const char *const *one_source(struct site *s, const char *extra);
void assert_logged(const struct site *s, const char *text);
int build_with(struct site *s, const char *recipe, struct kernel_generation **ret);
/* Of a generation. */
char *read_text(const struct site *s, const char *id, const char *name);
bool has_file(const struct site *s, const char *id, const char *name);

/* The process id in the file "hanging" of the tree that is being built, as soon as it is there. */
pid_t wait_for_hanging(const struct site *s);

#define PLAIN                                                                                        \
	"source \"linux\" { }\nconfig { base = \"tinyconfig\" set = {\"NET\"} }\nbuild { targets = " \
	"{\"bzImage\", \"modules\"} }\n"
