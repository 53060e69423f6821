/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the wizard share: a scratch root, answers beside it, the facts of another server, and its keys. */
#pragma once

#include "tests/screens/seen.h"
#include "tests/screens/vt.h"

#define MUSTER MUSTER_BUILDDIR "/muster"
#define PAGE_DOWN "\033[6~"
#define PAGE_UP "\033[5~"
#define TAB "\t"
#define ESCAPE "\033"
#define WIPE "\025"
#define ENTER "\r"

struct room {
	char dir[32];
	char host[64], root[64];
	const char *
		answers; /* relative to dir, the working folder: on the screen it is the same in every room */
};

/* cmocka's setup and teardown. */
int room_setup(void **state);
int room_teardown(void **state);

/* Writes the answers before the wizard begins; or any other file in the room. */
void room_write(const struct room *r, const char *name, const void *data, size_t len);
void room_answers(const struct room *r, const char *text);
char *room_read_answers(const struct room *r); /* owned */

/* A file with a bzImage's header, the boot protocol's magic and the place of the release, and nothing else. */
void room_kernel(const struct room *r, const char *name, const char *release);
/* Whether what an apply with such a kernel and the root mode "initramfs" runs is on this machine. */
bool room_can_apply(void);

/* The wizard on its first screen, with the facts of the other server, in this size; env as of vt_start(). */
struct vt *wizard_in(const struct room *r, int rows, int columns, const char *const env[]);
struct vt *wizard(const struct room *r); /* 80x24 */
/* From the first screen to the one whose text this is, by page down, or another key that leads on. */
void wizard_go(struct vt *v, const char *text);
void wizard_go_by(struct vt *v, const char *text, const char *key);
/* Leaves it by Escape, frees it, and sees that nothing is left behind. */
void wizard_leave(struct vt *v);
/* The same where it ends by itself. */
void wizard_ended(struct vt *v);
/* Runs muster with these words (NULL-terminated) and the room's root, facts and answers; its exit status. */
int room_muster(const struct room *r, const char *verb, const char *option);
