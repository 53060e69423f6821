#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each fault at each call that changes the disk, where `make check` tries only some of them.
set -u
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}

make -s -C "$builddir" tests/fault/test-fault >/dev/null || exit 1
log=$builddir/slow-fault.log
MUSTER_FAULT_STRIDE=1 "$builddir/tests/fault/test-fault" >"$log" 2>&1
status=$?
sed 's/^/# /' "$log"
if [ "$status" -eq 0 ]; then
	echo "ok 1 - every fault at every point: $(grep -c 'OK' "$log") sweeps"
else
	echo 'not ok 1 - every fault at every point'
fi
echo 1..1
exit "$status"
