#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# All of `make check` once more, with everything built with ASan and UBSan in a folder of its own.
set -u
sanitized=$builddir/sanitized
mkdir -p "$sanitized"
echo '1..1'
if ! (
	cd "$sanitized" && { [ -f Makefile ] || "$srcdir/configure" -q --enable-sanitizers; } && make -s -j"$(nproc)"
) >"$sanitized/build.log" 2>&1; then
	echo 'not ok 1 - muster is built with the sanitizers'
	tail -n 20 "$sanitized/build.log" | sed 's/^/# /'
	exit 1
fi
if make -s -C "$sanitized" -j"$(nproc)" check >"$sanitized/check.log" 2>&1; then
	echo "ok 1 - under the sanitizers, too, all tests pass: $(sed -n 's/^# PASS: *//p' "$sanitized/check.log") of them"
else
	echo 'not ok 1 - under the sanitizers, too, all tests pass'
	grep -E '^(FAIL|ERROR)' "$sanitized/check.log" | sed 's/^/# /'
	exit 1
fi
