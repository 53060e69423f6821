#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual page: every verb and option of the program stands in it, and mandoc has nothing to say about it.
set -u
srcdir=${srcdir:-.}
builddir=${builddir:-.}
page=$builddir/doc/muster.8
n=0
failed=0

report() { # name, findings
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		failed=1
	fi
}

verbs=$("$builddir/muster" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')
options=$(for v in $verbs; do "$builddir/muster" "$v" --help; done |
	sed -n 's/^  .*--\([a-z-]*\).*  .*/\1/p' | LC_ALL=C sort -u)

echo 1..4
report 'the program lists its verbs and options' \
	"$([ "$(printf '%s\n' "$verbs" | grep -c .)" -ge 5 ] && [ "$(printf '%s\n' "$options" | grep -c .)" -ge 8 ] ||
		echo "verbs: $verbs; options: $options")"
report 'every verb has its entry' "$(for v in $verbs; do
	grep -Eq "^\.It Nm Cm $v( |\$)" "$page" || echo "$v is missing in $page"
done)"
report 'every option has its entry' "$(for o in $options; do
	grep -Eq "^\.It .*Fl -$o( |\$)" "$page" || echo "--$o is missing in $page"
done)"
if command -v mandoc >/dev/null; then
	# That another page of the house is not installed yet is no fault of this one.
	report 'mandoc has nothing to say' "$(mandoc -Tlint -W warning "$page" "$srcdir/doc/musterd.8" \
		"$srcdir/doc/muster-setup.8" "$srcdir/doc/muster-console.8" 2>&1)"
else
	# Without mandoc, at least what the build puts together must be whole.
	report 'the page is whole (mandoc is not installed)' \
		"$(for s in NAME SYNOPSIS DESCRIPTION VERBS OPTIONS FILES 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			[ "$(grep -c "^\.Sh $s\$" "$page")" = 1 ] || echo "section $s"
		done)"
fi
exit $failed
