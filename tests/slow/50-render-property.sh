#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Many more hostile values for every renderer than `make check` has the time for; the seed that is printed plays a run again.
set -u
export MUSTER_PROPERTY_ROUNDS=${MUSTER_PROPERTY_ROUNDS:-3000} MUSTER_REQUIRE_DAEMONS=1
bad=0 n=0
echo 1..2
for test in test-render-property test-render-checkers; do
	n=$((n + 1))
	if CMOCKA_MESSAGE_OUTPUT=STDOUT "$builddir/tests/unit/$test" >"$builddir/$test.log" 2>&1; then
		echo "ok $n - $test: $(grep -a '^# ' "$builddir/$test.log" | tr -d '#' | tr '\n' ';')"
	else
		echo "not ok $n - $test"
		grep -aE '^# MUSTER|ERROR' "$builddir/$test.log" | head -n 20 | sed 's/^/# /'
		bad=1
	fi
done
exit $bad
