#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The formatting of every source file, as clang-format 14 makes it.
srcdir=${srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$srcdir" || exit 1
format=$(command -v clang-format-14 || command -v clang-format)
echo 1..1
files=$(find agent backend cli craft daemon kernel lab screens tui util tests -name '*.[ch]')
# shellcheck disable=SC2086
if out=$("$format" --dry-run --Werror $files 2>&1); then
	echo "ok 1 - $(echo "$files" | wc -l) source files are formatted"
else
	echo 'not ok 1 - make format would change files'
	printf '%s\n' "$out" | grep -E 'error:' | head -n 20 | sed 's/^/# /'
	exit 1
fi
