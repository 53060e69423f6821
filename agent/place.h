/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts files and links into a root folder that nobody uses yet: no temporaries and no fsync are needed, but no link
 * in it is followed. Paths are relative to the folder. */
#pragma once

#include "agent/common.h"

/* The folder PATH, made where it is missing; its descriptor. */
int place_folder(int at, const char *path, mode_t mode, int *ret) _must_check_;
/* A file of root's with this mode; replaces what is there. Folders above it are made with 0755. */
int place_file(int at, const char *path, const void *data, size_t len, mode_t mode) _must_check_;
int place_text(int at, const char *path, const char *text, mode_t mode) _must_check_;
int place_link(int at, const char *path, const char *target) _must_check_;
/* A copy of a file below from. */
int place_copy(int from, const char *source, int at, const char *path, mode_t mode) _must_check_;
