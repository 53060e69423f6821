#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every test; the last line is "N passed, N failed". --all adds the slow proofs.
#
# Two lanes: virtual machines boot while programs are compiled and checked, and two at a time afterwards, since a node that boots
# keeps one processor busy. Beside them a kernel is compiled, at a lower priority. The lab's tests of a lane share its folder. The
# slow proofs run alone, one after the other.
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
	if [ "$plan" = 0 ]; then
		echo "not ok - $1 was left out: $(sed -n 's/^1\.\.0[ #]*//p' "$2")"
		bad=$((bad + 1))
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
}

script() { # a TAP script, alone
	local log status=0 began=$SECONDS
	log=$logs/$(basename "$1" .sh).log
	bash "$1" </dev/null >"$log" 2>&1 || status=$?
	told "$1" "$status" "$began"
}

told() { # a TAP script that has ended, its exit status, when it began
	local name
	name=$(basename "$1" .sh)
	echo "== $name"
	grep -E '^(ok|not ok|# )' "$logs/$name.log"
	count "$name" "$logs/$name.log" "$2"
	echo "   $((SECONDS - $3)) s"
}

make_check() {
	make -s -C "$builddir" -j"$(nproc)" check </dev/null >"$logs/make-check.log" 2>&1
}

told_check() { # exit status of make check, when it began
	local log=$logs/make-check.log p f e s
	echo '== make check'
	grep -E '^(FAIL|ERROR|XPASS)' "$log"
	# What a test that failed said, which is all there is to go by where nobody is at hand to run it again.
	sed -n 's/^\(FAIL\|ERROR\): \([^ ]*\) .*/\2/p' "$log" | sort -u | while read -r t; do
		grep -avE '^(ok|PASS)' "$builddir/${t%.sh}.log" | tail -n 60 | tr -d '\000-\010\013-\037' | sed "s|^|# $(basename "$t"): |"
	done
	p=$(sed -n 's/^# PASS: *//p' "$log" | tail -n 1)
	f=$(sed -n 's/^# FAIL: *//p' "$log" | tail -n 1)
	e=$(sed -n 's/^# ERROR: *//p' "$log" | tail -n 1)
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0} + ${e:-0}))
	# Root, with every package of the script run, can make them all: what was left out was not tested.
	s=$(sed -n 's/^# SKIP: *//p' "$log" | tail -n 1)
	if [ "$(id -u)" -eq 0 ] && [ "${s:-0}" -gt 0 ]; then
		echo "not ok - $s tests of make check were left out:"
		grep '^SKIP' "$log"
		failed=$((failed + s))
	fi
	if [ "$1" -ne 0 ] && [ $((${f:-0} + ${e:-0})) -eq 0 ]; then
		echo 'not ok - make check'
		tail -n 40 "$log"
		failed=$((failed + 1))
	fi
	echo "   ${p:-0} passed, $((SECONDS - $2)) s"
}

# ---- two lanes ----------------------------------------------------------------------------------------------------------

first=$srcdir/tests/lab/10-ram-bios.sh # builds the node root, which the others take
beside=$srcdir/tests/lab/90-kernel.sh  # takes no node root, and what time the others leave
queue=()
declare -A job began lane
free=(1 2 3)

start() { # what: check, or a lab test
	local l=${free[0]} pid
	free=("${free[@]:1}")
	if [ "$1" = check ]; then
		make_check &
	else
		MUSTER_TEST_LAB=$builddir/lab-test${l/#1/} bash "$1" </dev/null >"$logs/$(basename "$1" .sh).log" 2>&1 &
	fi
	pid=$!
	job[$pid]=$1 began[$pid]=$SECONDS lane[$pid]=$l
}

# Waits until one has ended, and tells of it.
finish() {
	local pid status=0
	wait -n -p pid || status=$?
	ended=${job[$pid]}
	if [ "${job[$pid]}" = check ]; then
		told_check "$status" "${began[$pid]}"
	else
		told "${job[$pid]}" "$status" "${began[$pid]}"
	fi
	[ "$ended" = "$beside" ] || free+=("${lane[$pid]}")
	unset "job[$pid]"
}

lanes() {
	local t ended=
	# The longest have the highest numbers, and are not to be waited for at the end.
	for t in "$srcdir"/tests/lab/[0-9]*.sh "$srcdir/tests/lab/server.sh"; do
		[ "$t" = "$first" ] || [ "$t" = "$beside" ] || queue=("$t" "${queue[@]}")
	done
	start "$first"
	start check
	start "$beside"
	until [ "$ended" = "$first" ]; do finish; done
	while [ ${#queue[@]} -gt 0 ] || [ ${#job[@]} -gt 0 ]; do
		while [ ${#queue[@]} -gt 0 ] && [ ${#free[@]} -gt 0 ]; do
			start "${queue[0]}"
			queue=("${queue[@]:1}")
		done
		finish
	done
}

script "$srcdir/tests/format.sh"
if [ "$(id -u)" -eq 0 ]; then
	lanes
else
	began=$SECONDS
	make_check
	told_check $? "$began"
	echo 'not ok - the lab tests need root'
	failed=$((failed + 1))
fi
if [ "${1:-}" = --all ]; then
	for t in "$srcdir"/tests/slow/*.sh; do
		script "$t"
	done
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
