/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent as the initramfs's init. */
#pragma once

/* Brings the node from its initramfs into its root; argv goes to the root's init. Never returns: it is process 1. */
_Noreturn void init_main(char **argv);
