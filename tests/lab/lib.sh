# SPDX-License-Identifier: GPL-3.0-or-later
# For the lab's tests: sourced, TAP on standard output. Those of one lane run one after the other and share its lab folder;
# each test's own state begins empty. The node root is built once, in the first lane, and linked into the others.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
first_lab=$builddir/lab-test
lab=${MUSTER_TEST_LAB:-$first_lab}
muster=$builddir/muster
test_number=0
failures=0

# Deadlines are generous: a slow machine is slow, and a test that passes never waits for them.
: "${MUSTER_TEST_DEADLINE:=900}"

ok() { # condition's exit status, name
	test_number=$((test_number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $test_number - $2"
	else
		echo "not ok $test_number - $2"
		failures=$((failures + 1))
	fi
	return "$1"
}

is() { # got, wanted, name
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		echo "# got:    $1"
		echo "# wanted: $2"
	fi
}

like() { # text, extended regular expression, name
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		ok 0 "$3"
	else
		ok 1 "$3"
		printf '%s\n' "$1" | head -n 20 | sed 's/^/# got: /'
	fi
}

# The demo's answers with some lines changed: sed expressions.
answers() { # file, sed expression ...
	local to=$1 e args=()
	shift
	for e in "$@"; do args+=(-e "$e"); done
	sed -e ';' "${args[@]}" "$srcdir/doc/examples/demo.conf" >"$to"
}

share() { # what was built in the first lane and is whole
	local d from=$first_lab/root/var/lib/muster to=$lab/root/var/lib/muster
	[ "$lab" != "$first_lab" ] || return 0
	for d in roots initramfs; do
		[ -d "$from/$d" ] && [ ! -d "$to/$d" ] || continue
		mkdir -p "$to/$d.new"
		find "$from/$d" -mindepth 1 -maxdepth 1 ! -name '.*' ! -name 'kerrighed-*' -exec cp -al {} "$to/$d.new/" \;
		mv "$to/$d.new" "$to/$d"
	done
}

fresh() { # nothing but the node roots, the initramfs and kernels stay from the test before
	"$muster" lab down --dir "$lab" >/dev/null 2>&1
	mkdir -p "$lab/root"
	rm -rf "$lab/root/etc" "$lab/root/run" "$lab/root/var/log" "$lab/nodes"
	share
	if [ -d "$lab/root/var/lib/muster" ]; then
		find "$lab/root/var/lib/muster" -mindepth 1 -maxdepth 1 ! -name roots ! -name initramfs ! -name kernels -exec rm -rf {} +
	fi
}

evidence() { # what a person would want to see of a failure
	echo '# --- status'
	"$muster" status --root "$lab/root" --stages 2>&1 | sed 's/^/# /'
	local f
	for f in "$lab"/nodes/*/serial.log "$lab"/root/var/log/muster/*.log; do
		[ -f "$f" ] || continue
		echo "# --- ${f#"$lab"/}"
		tail -n 25 "$f" | tr -d '\r' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/^/# /'
	done
}

up() { # arguments of lab up
	if "$muster" lab up --dir "$lab" --accel tcg "$@" >"$lab/up.log" 2>&1; then
		return 0
	fi
	sed 's/^/# /' "$lab/up.log"
	return 1
}

wait_ready() {
	"$muster" status --root "$lab/root" --watch --until-ready --timeout "$MUSTER_TEST_DEADLINE" \
		>"$lab/watch.log" 2>&1 && return 0
	sed 's/^/# /' "$lab/watch.log"
	evidence
	return 1
}

ssh_node() { "$muster" lab ssh --dir "$lab" "$@"; }
field() { # node, key: of `muster status --json`
	"$muster" status --root "$lab/root" --json | jq -r --arg n "$1" --arg k "$2" '.nodes[] | select(.name == $n) | .[$k]'
}

finish() {
	"$muster" lab down --dir "$lab" >/dev/null 2>&1
	echo "1..$test_number"
	[ "$failures" -eq 0 ]
}
trap '"$muster" lab down --dir "$lab" >/dev/null 2>&1' EXIT
