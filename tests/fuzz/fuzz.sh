#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Searches for inputs that a parser does not bear: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer, by clang.
set -uo pipefail
srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
builddir=${FUZZ_BUILD:-$srcdir/build/fuzz}
jobs=${FUZZ_JOBS:-2}
merge=no

usage() {
	cat <<'EOT'
Usage: tests/fuzz/fuzz.sh [--merge] [SECONDS] [TARGET...]
Runs each target (none named: all of them) for SECONDS (60), FUZZ_JOBS (2) at a time, and prints a table. What it finds lies in
build/fuzz/found/TARGET, what it learns in build/fuzz/learnt/TARGET. --merge: what that adds to the kept corpus is then put there.
Give a finding to its target again with build/fuzz/fuzz/fuzz-TARGET FILE. FUZZ_BUILD: another folder than build/fuzz.
EOT
}

build() {
	local f='-g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link'
	command -v clang >/dev/null || { echo 'clang is missing (packages clang and libclang-rt-dev)' >&2; exit 77; }
	mkdir -p "$builddir"
	if [ ! -f "$builddir/Makefile" ] || [ "$builddir/config.status" -ot "$srcdir/configure" ]; then
		(cd "$builddir" && "$srcdir/configure" -q CC=clang CFLAGS="$f" --enable-sanitizers --disable-nls) \
			>"$builddir/configure.log" 2>&1 || { tail -n 20 "$builddir/configure.log" >&2; exit 1; }
	fi
	{ make -s -C "$builddir" -j"$jobs" libutil.a libbackend.a libdaemon.a &&
		make -s -C "$builddir" -j"$jobs" fuzzers; } >"$builddir/make.log" 2>&1 || { tail -n 30 "$builddir/make.log" >&2; exit 1; }
}

# The kept inputs of a target, and the folders that targets.h gives it.
seeds() {
	local name=${1//-/_} f
	[ -d "$srcdir/tests/fuzz/corpus/$name" ] && echo "$srcdir/tests/fuzz/corpus/$name"
	for f in $(sed -n "s/.*X($name, \"\\([^\"]*\\)\").*/\\1/p" "$srcdir/tests/fuzz/targets.h"); do
		echo "$srcdir/$f"
	done
}

# How many inputs were found that a target does not bear.
found() {
	find "$builddir/found/$1" -type f \( -name 'crash-*' -o -name 'leak-*' -o -name 'oom-*' -o -name 'timeout-*' \) 2>/dev/null | wc -l
}

# One target for a time. A finding ends libFuzzer: it goes on with the time that is left.
search() { # target, seconds
	local learnt=$builddir/learnt/$1 found=$builddir/found/$1 log=$builddir/logs/$1.log dict=() end=$((SECONDS + $2)) left r
	mkdir -p "$learnt" "$found" "$builddir/logs"
	[ -f "$srcdir/tests/fuzz/$1.dict" ] && dict=(-dict="$srcdir/tests/fuzz/$1.dict")
	: >"$log"
	# A target may be in another root folder when it ends: what it leaves is named from here.
	cd "$builddir" || return
	while left=$((end - SECONDS)) && [ "$left" -gt 0 ]; do
		# shellcheck disable=SC2046
		TIMEFORMAT='cpu: %U %S'
		time nice -n 19 "$builddir/fuzz/fuzz-$1" -max_total_time="$left" -rss_limit_mb=2048 -timeout=300 -report_slow_units=300 -max_len=8192 \
			-print_final_stats=1 -artifact_prefix="found/$1/" "${dict[@]}" "$learnt" $(seeds "$1") </dev/null
		r=$?
		[ "$r" -ne 0 ] || break
		[ "$(found "$1")" -lt 50 ] || break
	done >>"$log" 2>&1
}

# Those inputs of what was learnt that reach something new go into the kept corpus: the smallest, which reach the most, and no more
# than KEEP of them at a time.
keep() {
	local name=${1//-/_} new=$builddir/merge/$1 known f
	rm -rf "$new" "$new.from"
	mkdir -p "$new"
	# A search that is at work replaces what it has learnt.
	cp -r "$builddir/learnt/$1" "$new.from"
	# shellcheck disable=SC2046
	nice -n 19 "$builddir/fuzz/fuzz-$1" -merge=1 -max_len=4096 -rss_limit_mb=2048 "$new" $(seeds "$1") "$new.from" \
		>"$builddir/logs/$1.merge.log" 2>&1
	mkdir -p "$srcdir/tests/fuzz/corpus/$name"
	known=$(for f in $(seeds "$1"); do find "$f" -type f -exec sha1sum {} +; done | cut -d ' ' -f 1)
	find "$new" -type f -printf '%s %p\n' | sort -n | cut -d ' ' -f 2 | while read -r f; do
		grep -q "$(basename "$f")" <<<"$known" || echo "$f"
	done | head -n "${KEEP:-40}" | while read -r f; do
		cp "$f" "$srcdir/tests/fuzz/corpus/$name/$(basename "$f" | cut -c 1-12)"
	done
}

row() { # target, seconds
	local log=$builddir/logs/$1.log
	awk -v name="$1" -v wall="$2" -v found="$(found "$1")" '
		/^stat::number_of_executed_units:/ { n += $2 }
		/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:" && $(i + 1) > cov) cov = $(i + 1) }
		/^cpu: / { cpu += $2 + $3 }
		END { printf "%-14s %8d %8.0f %12d %10.0f %9d %9d\n", name, wall, cpu, n, cpu ? n / cpu : 0, cov, found }' "$log"
}

if [ "${1:-}" = --help ]; then usage; exit 0; fi
if [ "${1:-}" = --merge ]; then merge=yes; shift; fi
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
build
all=$(make -s -C "$builddir" list-fuzzers)
if [ $# -gt 0 ]; then all=$*; fi
for t in $all; do
	[ -x "$builddir/fuzz/fuzz-$t" ] || { echo "there is no target $t" >&2; exit 2; }
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	search "$t" "$seconds" &
done
wait
printf '%-14s %8s %8s %12s %10s %9s %9s\n' target 'wall s' 'cpu s' executions '/cpu s' edges findings
for t in $all; do row "$t" "$seconds"; done
if [ "$merge" = yes ]; then
	for t in $all; do keep "$t"; done
fi
for t in $all; do [ "$(found "$t")" -eq 0 ] || exit 1; done
