/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scratch root, and drivers that record what is asked of them, for the tests of backend/apply/. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/apply/apply.h"
#include "util/strbuf.h"

struct scratch {
	char root[64], bin[80];
	struct apply a;
	struct strbuf calls;  /* "start dnsmasq; " of the mocks */
	struct strbuf errors; /* what on_error got, a line each */
	struct strbuf steps;
	char *path; /* PATH as it was */
};

/* The mocks' world: which services run, which packages are there. Set up anew by scratch_setup(). */
struct world {
	struct strv running, enabled, packages, configured;
	const char *broken;    /* a service that never comes up */
	const char *unstarted; /* one whose start is refused */
	bool no_mirror;	       /* packages cannot be installed: half of them are */
	const char *upgraded;  /* a package that installing anything would upgrade */
	const char *touched;   /* a file that installing anything writes to, and removing takes away */
	int cancel_write;      /* installing makes cancel_fd readable by it; 0: it does not */
};
extern struct world world;
extern const struct service_driver mock_services;
extern const struct package_driver mock_packages;

int scratch_setup(void **state);
int scratch_teardown(void **state);

void put(struct scratch *s, const char *path, const char *text, mode_t mode);
char *get(struct scratch *s, const char *path);
bool there(struct scratch *s, const char *path);
/* A program of this name before all others in PATH; a shell script's body. */
void fake_program(struct scratch *s, const char *name, const char *script);

/* All that lies below the root with its mode, owner, content, extended attributes and (files) time of change, as text; without
 * the lock and the journals. */
char *snapshot(struct scratch *s);
/* With inode numbers and times of change, too. */
char *snapshot_exact(struct scratch *s);

#define STRV(...)                                                                                   \
	{                                                                                           \
		(char *[]){ __VA_ARGS__, NULL }, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) \
	}

/* An entry of a hand-made fileset. */
#define FILE_ENTRY(p, text, m, svc)                                                                         \
	{                                                                                                   \
		FILESET_FILE, (char *)(uintptr_t)(p), (char *)(uintptr_t)(text), sizeof(text) - 1, NULL, m, \
			NULL, (char *)(uintptr_t)(svc)                                                      \
	}
#define BLOCK_ENTRY(p, text)                                                                              \
	{                                                                                                 \
		FILESET_BLOCK, (char *)(uintptr_t)(p), (char *)(uintptr_t)(text), sizeof(text) - 1, NULL, \
			0644, NULL, NULL                                                                  \
	}
#define DIRECTORY_ENTRY(p, m)                                                           \
	{                                                                               \
		FILESET_DIRECTORY, (char *)(uintptr_t)(p), NULL, 0, NULL, m, NULL, NULL \
	}
#define COPY_ENTRY(p, src)                                                                                \
	{                                                                                                 \
		FILESET_COPY, (char *)(uintptr_t)(p), NULL, 0, (char *)(uintptr_t)(src), 0644, NULL, NULL \
	}

/* changeset_make() and apply_run() in one. */
int apply_fileset(struct scratch *s, struct fileset_entry *v, size_t n, const struct apply_wish *wish);
