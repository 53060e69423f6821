#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each wrong answer file of tests/bad, given to the program: exit status 2 in time, a line, and nothing touched. What is said of each is
# held by test-plan. Some go through the other verbs that read answers, too.
muster=$builddir/muster
bad=$srcdir/tests/bad host=$srcdir/tests/golden/host.json
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
echo untouched >"$work/root/file"
n=0 failed=0

state() { (cd "$work/root" && find . -printf '%p %y %m %U %G %s %T@\n' | sort); }
before=$(state)

# words of the program before the file, the file: what is wrong with what it did; "" for nothing
try() {
	local file=${!#} status
	timeout 5 "$muster" --root "$work/root" --host "$host" --yes "${@:1:$#-1}" -f "$file" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	[ "$status" -eq 2 ] || echo "exit status $status"
	# That of the file, or of another one that it names.
	grep -Eq '^[^ :]*\.(conf|txt)(:[0-9]+)?: ' "$work/err" "$work/out" || echo 'no place is named'
	[ "$(wc -c <"$work/err")" -lt 20000 ] || echo "$(wc -c <"$work/err") bytes were said"
	[ "$(state)" = "$before" ] || echo 'the disk was touched'
}

report() { # name, findings
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		failed=1
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

cd "$bad" || exit 1
count=0 findings=
for file in *.conf; do
	count=$((count + 1))
	wrong=$(try check "$file")
	[ -z "$wrong" ] || findings+="$file: $wrong"$'\n'
done
report 'each wrong answer file is refused in time, with its place, and touches nothing' "$findings"
[ "$count" -ge 300 ] || few="there are only $count"
report 'there are 300 of them and more' "$few"
for verb in plan apply 'root build'; do
	findings=
	for file in *[05]-*.conf; do
		# shellcheck disable=SC2086
		wrong=$(try $verb "$file")
		[ -z "$wrong" ] || findings+="$file: $wrong"$'\n'
	done
	report "$verb takes none of them" "$findings"
done
echo "1..$n"
exit "$failed"
