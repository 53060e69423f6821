#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every test, one after the other; the last line is "N passed, N failed". --all adds the slow proofs.
set -uo pipefail
srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
builddir=$srcdir/build
export srcdir builddir
export MUSTER_REQUIRE_DAEMONS=1
# The tests read what muster says.
export LANGUAGE=en
logs=$builddir/test-logs
mkdir -p "$logs"
passed=0 failed=0

# Counts the TAP lines of a log; a plan that was not kept is a failure, and so is a bad exit status.
count() { # name, log, exit status
	local ok bad plan
	ok=$(grep -cE '^ok ' "$2")
	bad=$(grep -cE '^not ok ' "$2")
	plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\).*/\1/p' "$2" | head -n 1)
	if [ -z "$plan" ] || [ "$plan" -ne $((ok + bad)) ] || { [ "$3" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		echo "not ok - $1 kept its plan (${plan:-none} planned, $((ok + bad)) seen, exit status $3)"
		tail -n 30 "$2" | sed 's/^/# /'
		bad=$((bad + 1))
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
}

script() { # a TAP script
	local name log status=0
	name=$(basename "$1" .sh)
	log=$logs/$name.log
	echo "== $name"
	local began=$SECONDS
	bash "$1" </dev/null >"$log" 2>&1 || status=$?
	grep -E '^(ok|not ok|# )' "$log"
	count "$name" "$log" "$status"
	echo "   $((SECONDS - began)) s"
}

echo '== make check'
make -s -C "$builddir" -j"$(nproc)" check </dev/null >"$logs/make-check.log" 2>&1
status=$?
grep -E '^(FAIL|ERROR|XPASS)' "$logs/make-check.log"
# What a test that failed said, which is all there is to go by where nobody is at hand to run it again.
sed -n 's/^\(FAIL\|ERROR\): \([^ ]*\) .*/\2/p' "$logs/make-check.log" | sort -u | while read -r t; do
	tail -n 40 "$builddir/${t%.sh}.log" | tr -d '\000-\010\013-\037' | sed "s|^|# $(basename "$t"): |"
done
p=$(sed -n 's/^# PASS: *//p' "$logs/make-check.log" | tail -n 1)
f=$(sed -n 's/^# FAIL: *//p' "$logs/make-check.log" | tail -n 1)
e=$(sed -n 's/^# ERROR: *//p' "$logs/make-check.log" | tail -n 1)
passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0} + ${e:-0}))
# Root, with every package of the script run, can make them all: what was left out was not tested.
s=$(sed -n 's/^# SKIP: *//p' "$logs/make-check.log" | tail -n 1)
if [ "$(id -u)" -eq 0 ] && [ "${s:-0}" -gt 0 ]; then
	echo "not ok - $s tests of make check were left out:"
	grep '^SKIP' "$logs/make-check.log"
	failed=$((failed + s))
fi
if [ "$status" -ne 0 ] && [ $((${f:-0} + ${e:-0})) -eq 0 ]; then
	echo 'not ok - make check'
	tail -n 40 "$logs/make-check.log"
	failed=$((failed + 1))
fi
echo "   ${p:-0} passed"

script "$srcdir/tests/format.sh"
if [ "$(id -u)" -eq 0 ]; then
	for t in "$srcdir"/tests/lab/[0-9]*.sh "$srcdir/tests/lab/server.sh"; do
		if [ -f "$t" ]; then script "$t"; fi
	done
else
	echo 'not ok - the lab tests need root'
	failed=$((failed + 1))
fi
if [ "${1:-}" = --all ]; then
	for t in "$srcdir"/tests/slow/*.sh; do
		if [ -f "$t" ]; then script "$t"; fi
	done
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
