#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each target of tests/fuzz searches for a short time, from the kept inputs on, and finds nothing.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
seconds=${MUSTER_FUZZ_SECONDS:-20}
FUZZ_BUILD=${builddir:-$srcdir/build}/fuzz
export FUZZ_BUILD
rm -rf "$FUZZ_BUILD/found"

table=$("$srcdir/tests/fuzz/fuzz.sh" "$seconds") || true
targets=$(make -s -C "$FUZZ_BUILD" list-fuzzers)
n=0
for t in $targets; do
	n=$((n + 1))
	row=$(printf '%s\n' "$table" | awk -v t="$t" '$1 == t')
	# shellcheck disable=SC2086
	set -- $row
	# target, wall, CPU, executions, a second, edges, findings
	if [ $# -eq 7 ] && [ "$4" -gt 0 ] && [ "$7" -eq 0 ]; then
		echo "ok $n - $t: $4 executions in $2 s, $6 edges, no finding"
	else
		echo "not ok $n - $t: ${row:-it did not run}"
		tail -n 20 "$FUZZ_BUILD/logs/$t.log" 2>/dev/null | sed 's/^/# /'
	fi
done
echo "1..$n"
