#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 3,000 random events against each part of tui/. A seed in MUSTER_MONKEY_SEED plays a run again.
set -u
seed=${MUSTER_MONKEY_SEED:-$(date +%s)}
exec "$builddir/tests/screens/monkey" -n "${MUSTER_MONKEY_EVENTS:-3000}" -s "$seed" "$builddir/tests/screens/tui-demo" 200
