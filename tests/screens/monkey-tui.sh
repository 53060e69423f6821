#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 3,000 random events against each part of tui/, the same each time; ./run test --all plays others, and more.
# MUSTER_MONKEY_SEED is another seed.
set -u
seed=${MUSTER_MONKEY_SEED:-1795559796}
exec "$builddir/tests/screens/monkey" -n "${MUSTER_MONKEY_EVENTS:-3000}" -s "$seed" "$builddir/tests/screens/tui-demo" 200
