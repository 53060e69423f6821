/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the tests of the agent: a folder that stands for the root of a machine. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agent/common.h"
#include "agent/place.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define CONF_START                                                                                      \
	"node=node01\ndomain=krg.lan\nmac=52:54:00:66:00:01\naddress=10.66.0.11\nprefix=24\ngateway=\n" \
	"dns=10.66.0.1\nserver=10.66.0.1\nport=8066\ntoken=" TOKEN "\nmachine_id=" TOKEN                \
	"\nroot_size=9953\n"
#define CONF_RAM                                                                                           \
	CONF_START "root=ram\nroot_path=/roots/x/root.squashfs\nroot_sha256=" TOKEN TOKEN "\ninterval=5\n" \
		   "dhcp=1\n"

struct room {
	char path[32];
	int at;
};

static inline int make_room(void **state)
{
	struct room *room = calloc(1, sizeof(*room));

	assert_non_null(room);
	snprintf(room->path, sizeof(room->path), "/tmp/test-agent-XXXXXX");
	assert_non_null(mkdtemp(room->path));
	room->at = open(room->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(room->at >= 0);
	*state = room;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int remove_room(void **state)
{
	struct room *room = *state;

	close(room->at);
	nftw(room->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(room);
	return 0;
}

static inline void put(struct room *room, const char *path, const char *text)
{
	assert_int_equal(place_text(room->at, path, text, 0644), 0);
}

static inline void put_link(struct room *room, const char *path, const char *target)
{
	assert_int_equal(place_link(room->at, path, target), 0);
}

static inline char *get(struct room *room, const char *path)
{
	char *s = NULL;

	assert_int_equal(file_read(room->at, path, 65536, &s, NULL), 0);
	return s;
}

#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, make_room, remove_room)
