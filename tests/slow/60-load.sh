#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sixteen virtual nodes boot while others on their network hold 1,000 slow connections, send 2,000 pieces of garbage a second to
# musterd and ask for 500 addresses a second, for 60 s at least: all get ready, and musterd's memory stays bounded.
# MUSTER_LOAD_ROOT=ram: full systems, each of which fetches its root; some 10 minutes on two processors.
. "$(dirname "$0")/../lab/lib.sh"
seconds=${MUSTER_LOAD_SECONDS:-60}
root=${MUSTER_LOAD_ROOT:-initramfs}
nodes=16
limit_kb=65536

inside() { "$muster" lab exec --dir "$lab" -- "$@"; }
memory_kb() { inside awk -v key="$1:" '$1 == key { print $2 }' "/proc/$(cut -d' ' -f1 "$lab/root/run/muster/musterd.pid")/status"; }
said() { sed -n "s/^$1 //p" "$lab/flood.out"; }

fresh
rm -f "$lab/enough"
macs=$(for ((i = 1; i <= nodes; i++)); do printf '%s"52:54:00:66:00:%02x"' "$([ "$i" -gt 1 ] && echo ', ')" "$i"; done)
# no_timer_check: an emulated machine that gets no time for a while would say that its timer is broken.
answers "$lab/answers.conf" "s/count .*= 2/count = $nodes/" "s/macs .*/macs = {$macs}/" \
	"s/root   = \"ram\"/root = \"$root\" kernel_args = {\"no_timer_check\"}/"
up -f "$lab/answers.conf" --no-power
ok $? 'a lab starts, its nodes still off'

# Addresses of the cluster's network that are no node's, all of them this machine's; and a cable into the bridge.
inside ip route add local 10.66.0.128/25 dev lo &&
	inside ip link add flood0 type veth peer name flood1 &&
	inside ip link set flood1 master eth1 up && inside ip link set flood0 up
ok $? 'there are strangers on its network'
before=$(memory_kb VmRSS)
generation=$(jq -r .generation "$lab/root/etc/muster/cluster.json")
inside "$builddir/tests/load/flood" --to 10.66.0.1:8066 --from 10.66.0.129-10.66.0.250 --hold 1000 --rate 2000 --seconds "$seconds" \
	--read "/roots/$generation/vmlinuz" --until "$lab/enough" >"$lab/flood.out" 2>"$lab/flood.err" &
flood=$!
inside "$builddir/tests/load/dhcp-flood" flood0 500 "$seconds" "$lab/enough" >"$lab/dhcp-flood.out" 2>&1 &
dhcp=$!
began=$SECONDS
for ((i = 1; i <= nodes; i++)); do
	"$muster" lab power "$(printf 'node%02d' "$i")" on --dir "$lab" >/dev/null || break
done
is "$i" $((nodes + 1)) 'all nodes are switched on'
MUSTER_TEST_DEADLINE=$((MUSTER_TEST_DEADLINE * 3)) wait_ready
ok $? "and all are ready, through the flood ($((SECONDS - began)) s, root mode $root)"
ready=$("$muster" status --root "$lab/root" --json | jq '[.nodes[] | select(.stage == "ready")] | length')
is "$ready" "$nodes" "$nodes of $nodes"
echo >"$lab/enough"
wait "$flood"
ok $? 'the flood went on to its end' || sed 's/^/# /' "$lab/flood.err"
wait "$dhcp"
ok $? 'and so did the one of requests for addresses'
sed 's/^/# /' "$lab/flood.out" "$lab/dhcp-flood.out"
most=$(memory_kb VmHWM)
echo "# musterd: VmRSS before $before kB, VmHWM $most kB, limit $limit_kb kB"
[ "${most:-$limit_kb}" -lt "$limit_kb" ]
ok $? "musterd's memory stayed below $limit_kb kB"
# What the server does not take in time is not sent; on a busy machine that is most of it.
tried=$(($(said garbage_sent) + $(said garbage_failed) + $(said garbage_skipped)))
[ "$(said seconds)" -ge "$seconds" ] && [ "$(said held_most)" -ge 1 ] && [ "$tried" -ge $(($(said seconds) * 1800)) ]
ok $? "it was a flood: $tried pieces of garbage were tried"
lines=$(wc -l <"$lab/root/var/log/muster/musterd.log")
[ "$lines" -lt $((500 + (SECONDS - began + 60) * 10)) ]
ok $? "and musterd's log has its lines within their rate: $lines"
asked=$(grep -c '02:bb:' "$lab/root/var/log/muster/dnsmasq.log")
[ "$asked" -ge $((seconds * 100)) ]
ok $? "dnsmasq saw strangers ask for addresses: $asked times"
is "$(grep -c '02:bb:' "$lab/root/var/lib/muster/dnsmasq.leases")" 0 'and gave them none'
is "$("$muster" status --root "$lab/root" --json | jq '[.nodes[] | select(.stage == "ready")] | length')" "$nodes" \
	'afterwards all nodes are ready still'
inside "$builddir/tests/load/fleet" --to 10.66.0.1:8066 --first 10.66.0.200 --count 1 --seconds 1 >"$lab/stranger.out" 2>&1
is $? 1 'while a stranger does not become a node'
finish
