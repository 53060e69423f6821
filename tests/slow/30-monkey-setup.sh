#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# 100,000 random events against the wizard, built with ASan and UBSan in a folder of its own; the seed that it prints plays a run
# again.
set -u
sanitized=$builddir/sanitized
mkdir -p "$sanitized"
if ! (
	cd "$sanitized" && { [ -f Makefile ] || "$srcdir/configure" -q --enable-sanitizers; } &&
		make -s -j"$(nproc)" muster
) >"$sanitized/build.log" 2>&1; then
	echo '1..1'
	echo 'not ok 1 - muster is built with the sanitizers'
	tail -n 20 "$sanitized/build.log" | sed 's/^/# /'
	exit 1
fi
MUSTER_MONKEY_MUSTER=$sanitized/muster MUSTER_MONKEY_EVENTS=100000 MUSTER_MONKEY_SEED=${MUSTER_MONKEY_SEED:-$(date +%s)} \
	exec "$srcdir/tests/screens/monkey-setup.sh"
