#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The kept inputs of tests/fuzz/corpus through their targets, under AddressSanitizer and UndefinedBehaviorSanitizer.
set -u
builddir=${builddir:-build}
if [ ! -x "$builddir/tests/fuzz/replay" ]; then
	echo '1..0 # SKIP the compiler has no sanitizers'
	exit 0
fi
# Both programs print TAP: their tests are counted on. What a sanitizer says goes to the log as it is.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
agent_said=$(mktemp)
trap 'rm -f "$agent_said"' EXIT
"$builddir/tests/fuzz/replay-agent" >"$agent_said" &
house=$("$builddir/tests/fuzz/replay") a=$?
wait $!
b=$?
agent=$(cat "$agent_said")
printf '%s\n%s\n' "$house" "$agent" | awk '
	/^1\.\./ { n += substr($0, 4); next }
	/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++at) }
	{ print }
	END { print "1.." n }'
[ "$a" -eq 0 ] && [ "$b" -eq 0 ]
