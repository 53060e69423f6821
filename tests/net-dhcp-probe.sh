#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Finds other DHCP servers, in a network namespace of its own: never on this machine's networks.
set -u
if [ "${1:-}" != inside ]; then
	if [ "$(id -u)" != 0 ] || ! command -v dnsmasq >/dev/null || ! command -v ip >/dev/null ||
		! unshare -n -p -f --mount-proc true 2>/dev/null; then
		echo '1..0 # SKIP needs root, namespaces, ip and dnsmasq'
		exit 0
	fi
	# Whatever is started in there ends with the process namespace.
	exec unshare -n -p -f --kill-child --mount-proc "$0" inside
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0 bad=0
expect() { # name, expected, got
	n=$((n + 1))
	case $3 in
	$2) echo "ok $n - $1" ;;
	*)
		echo "not ok $n - $1"
		echo "# expected $2, got $3"
		bad=1
		;;
	esac
}
probe() {
	"$builddir/tests/dhcp-probe" "$@" 2>&1
}
serve() { # the further options of a dnsmasq on nodes1
	dnsmasq --conf-file=/dev/null --port=0 --interface=nodes1 --bind-interfaces --user=root --leasefile-ro \
		--pid-file="$work/pid" --log-facility="$work/log" "$@"
}
stop() { # it removes its pid file as it goes
	kill "$(cat "$work/pid")"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -e "$work/pid" ] || return 0
		sleep 0.1
	done
}

ip link set lo up
ip link add nodes0 type veth peer name nodes1
mac=$(ip -o link show nodes1 | sed -n "s/.*link.ether \([0-9a-f:]*\) .*/\1/p")
echo 1..6
expect 'an interface that is down is told as such' 'Network is down' "$(probe nodes0 10.9.0.254)"
expect 'an interface that is not there is told as such' 'No such device' "$(probe nodes9 10.9.0.254)"
ip address add 10.9.0.1/24 dev nodes1
ip link set nodes0 up
ip link set nodes1 up
# A link counts as up some moments after it was set so.
for _ in $(seq 200); do
	ip link show nodes0 | grep -q 'state UP' && break
	sleep 0.05
done
expect 'silence is nobody' 'nobody' "$(probe nodes0 10.9.0.254)"
serve --dhcp-range=10.9.0.50,10.9.0.60 || cat "$work/log"
expect 'another server is found, with its offer' "10.9.0.1 offers 10.9.0.[56]? from $mac" "$(probe nodes0 10.9.0.254)"
expect 'the server itself is not another one' 'nobody' "$(probe nodes0 10.9.0.1)"
stop
serve --dhcp-range=10.9.0.0,static --dhcp-ignore=tag:!known
expect 'a server that ignores strangers is not heard' 'nobody' "$(probe nodes0 10.9.0.254)"
stop
exit $bad
