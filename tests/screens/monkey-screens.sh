#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Random keys, pastes, clicks and sizes against the real screens, beside a real musterd with nodes that are not there: 3,000
# events on each, the same each time. ./run test --all plays others, and more (tests/slow/10-monkey.sh).
# MUSTER_MONKEY_SEED is another seed, MUSTER_MONKEY_EVENTS another number.
set -u
seed=${MUSTER_MONKEY_SEED:-1795559796}
events=${MUSTER_MONKEY_EVENTS:-3000}
number=0

play() { # nodes of the cluster, muster's words
	nodes=$1
	shift
	number=$((number + 1))
	if said=$("$builddir/tests/screens/beside-musterd" "$nodes" "$builddir/tests/screens/monkey" -n "$events" -s "$seed" \
		"$builddir/muster" "$@" 2>&1); then
		echo "ok $number - muster $1: $events events with seed $seed"
	else
		echo "not ok $number - muster $1: $events events with seed $seed"
	fi
	printf '%s\n' "$said" | sed 's/^/# /'
}

play 16 console --root @ROOT@ --host @HOST@
# a cluster whose first nodes are one machine: its page is another one then
play 16+4 console --root @ROOT@ --host @HOST@
echo "1..$number"
