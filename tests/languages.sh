#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The catalogues of po/: whole, well formed, and of the texts that the sources have now.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
export LC_ALL=C.UTF-8
unset LANGUAGE
cd "$srcdir" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0 failed=0

result() { # 0 or 1, name; what is wrong stands in $work/said
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
		return
	fi
	echo "not ok $n - $2"
	sed 's/^/# /' "$work/said"
	failed=1
}

for tool in xgettext msgfmt msgcmp; do
	command -v "$tool" >/dev/null || { echo "1..0 # SKIP there is no $tool"; exit 0; }
done

grep -v '^#' po/POTFILES.in >"$work/named"
grep -rlE '\b(_|NC?_|ngettext)\(' --include='*.[ch]' cli screens tui lab backend craft daemon kernel util 2>/dev/null |
	grep -vxF util/i18n.h | sort >"$work/marked"
diff "$work/named" "$work/marked" >"$work/said"
result $? 'po/POTFILES.in names the files with texts, in order, and no other'

# shellcheck disable=SC2046
xgettext $(sed -n 's/^XGETTEXT_OPTIONS *= *//p' po/Makevars) --files-from="$work/named" --output="$work/muster.pot" \
	>"$work/said" 2>&1 && [ ! -s "$work/said" ]
result $? 'the texts are read from the sources without a complaint'

for language in $(cat po/LINGUAS); do
	po=po/$language.po
	msgfmt --check --statistics --output-file=/dev/null "$po" 2>"$work/said" &&
		! grep -qE 'untranslated|fuzzy|warning' "$work/said"
	result $? "$po is well formed, and every text in it is translated"
	msgcmp "$po" "$work/muster.pot" >"$work/said" 2>&1
	result $? "$po has every text of the sources (make -C build/po update-po)"
	! grep -n '^#~' "$po" >"$work/said"
	result $? "$po has no text that the sources have no more"
done
echo "1..$n"
exit $failed
