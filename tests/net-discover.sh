#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Machines that ask for an address are listed, in a network namespace of its own: never on this machine's networks.
set -u
if [ "${1:-}" != inside ]; then
	if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null || ! unshare -n -p -f --mount-proc true 2>/dev/null; then
		echo '1..0 # SKIP needs root, namespaces and ip'
		exit 0
	fi
	# Whatever is started in there ends with the process namespace.
	exec unshare -n -p -f --kill-child --mount-proc "$0" inside
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0 bad=0
report() { # name, findings
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		sed 's/^/#   out: /' "$work/out"
		sed 's/^/#   err: /' "$work/err"
		bad=1
	fi
}
ask() { "$builddir/tests/dhcp-discover" "$@"; }
wait_for() { # file, pattern
	for _ in $(seq 200); do
		grep -q "$2" "$work/$1" && return 0
		sleep 0.05
	done
	echo "no \"$2\" in std$1"
}
want() { grep -Eq -- "$2" "$work/$1" || echo "no \"$2\" in std$1"; }

mkdir "$work/root"
: >"$work/out" >"$work/err"
ip link add nodes0 type veth peer name nodes1
echo 1..7
"$builddir/muster" node discover --root "$work/root" -i nodes0 --seconds 1 >"$work/out" 2>"$work/err"
report 'an interface that is down is told as such' "$(want err 'Network is down')"
"$builddir/muster" node discover --root "$work/root" -i nodes9 --seconds 1 >"$work/out" 2>"$work/err"
report 'an interface that is not there is told as such' "$(want err 'No such device')"
ip link set nodes0 up
ip link set nodes1 up
for _ in $(seq 200); do
	ip link show nodes0 | grep -q 'state UP' && break
	sleep 0.05
done

"$builddir/muster" node discover --root "$work/root" -i nodes0 >"$work/out" 2>"$work/err" &
pid=$!
found=$(wait_for err 'Listening on nodes0')
ask nodes1 3 0
report 'a machine appears when it asks' "$found$(wait_for out '^52:54:00:66:00:03  BIOS   QEMU')"
ask nodes1 1 7
ask nodes1 3 0
ask nodes1 2 -1 login-1
report 'each machine appears once, with what it says' "$(wait_for out '^52:54:00:66:00:02  -      QEMU  *login-1'
	want out '^52:54:00:66:00:01  UEFI   QEMU'
	[ "$(grep -c ':03  BIOS' "$work/out")" = 1 ] || echo 'the first is there twice')"
# What the server itself asks is no machine.
ask nodes0 9 0
kill -INT $pid
wait $pid
status=$?
report 'an interrupt ends it with the lines for the answers' "$([ $status = 0 ] || echo "exit status $status"
	tr -d '\n\t' <"$work/out" | grep -Fq 'macs = {"52:54:00:66:00:03","52:54:00:66:00:01","52:54:00:66:00:02",}' ||
		echo 'no such list')"

cat >"$work/answers.conf" <<'EOT'
cluster { name = "krg" }
network "nodes0" { address = "10.9.0.1/24" }
nodes { count = 2 macs = {"52:54:00:66:00:03"} }
EOT
"$builddir/muster" node discover --root "$work/root" -f "$work/answers.conf" --json --seconds 3 >"$work/out" 2>"$work/err" &
pid=$!
# It says nothing until its end: ask until it is over, so that it hears at least one.
while kill -0 $pid 2>/dev/null; do
	ask nodes1 3 0
	ask nodes1 4 7
	sleep 0.1
done
wait $pid
report 'with --json one document is printed, and nodes are known' "$(want out '"node": "node01"'
	want out '"firmware": "UEFI"'
	want out '"mac": "52:54:00:66:00:04"')"
"$builddir/muster" node discover --root "$work/root" -i nodes0 --seconds 1 >"$work/out" 2>"$work/err"
report 'silence is told as such' "$(want out '^No machine asked')"
exit $bad
