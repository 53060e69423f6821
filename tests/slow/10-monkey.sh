#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# 100,000 random events against the terminal layer; the seed that it prints plays a run again.
exec "$builddir/tests/screens/monkey" -n 100000 -s "${MUSTER_MONKEY_SEED:-$(date +%s)}" \
	"$builddir/tests/screens/tui-demo" 200
