/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A kernel's tree as far as the builder looks at it, which takes no compiler. Its configuration drops CONFIG_GHOST. Its image
 * is a boot header and the version, and its one module a file. What one more file in it does:
 *   hang      it writes "hanging" with a process id, and waits for good; not again, when it is gone on with
 *   wait      half of it is compiled until somebody removes the file
 *   look      what this script says becomes part of the modules' folder
 *   broken.c  it fails, with a compiler's words
 */
#pragma once

extern const char kernel_tree_makefile[], kernel_tree_kconfig[];

/* Packed as `name` below the folder, with one more file (NULL: none) in it. */
void kernel_tree_pack(int root_fd, const char *name, const char *more, const char *text);
