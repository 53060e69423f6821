#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A real kernel, built to its end after a build that was killed, and booted: the whole of tests/lab/90-kernel.sh.
MUSTER_TEST_KERNEL=whole exec bash "$(dirname "$0")/../lab/90-kernel.sh"
