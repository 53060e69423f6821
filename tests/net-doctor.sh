#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What muster's doctor says of real rules, real holders of ports and a real second DHCP server, in a network namespace of
# its own: never on this machine's networks.
set -u
if [ "${1:-}" != inside ]; then
	if [ "$(id -u)" != 0 ] || ! command -v dnsmasq >/dev/null || ! command -v ip >/dev/null ||
		! command -v nft >/dev/null || ! command -v jq >/dev/null ||
		! unshare -n -p -f --mount-proc nft list ruleset 2>/dev/null; then
		echo '1..0 # SKIP needs root, namespaces, ip, nft, jq and dnsmasq'
		exit 0
	fi
	# Whatever is started in there ends with the process namespace.
	exec unshare -n -p -f --kill-child --mount-proc "$0" inside
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root"
n=0 bad=0
expect() { # name, pattern, got
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
# Of one check "level: text | remedy | command"; the answers, where there are some, are $answers.
answers=
doctor() {
	check=$1
	if [ -n "$answers" ]; then set -- -f "$answers"; else set -- -i nodes0; fi
	"$builddir/muster" doctor --json --root "$work/root" "$@" 2>"$work/err" |
		jq -r --arg name "$check" '.checks[] | select(.name == $name) |
			"\(.level): \(.text) | \(.remedy // "") | \(.command // "")"'
}
rules() { # nft's, from standard input
	nft flush ruleset
	nft -f -
}

ip link set lo up
ip link add nodes0 type veth peer name nodes1
cat >"$work/answers.conf" <<'EOT'
cluster { name = "krg" }
boot { root = "nfs" }
network "nodes0" { address = "10.9.0.1/24" }
nodes { count = 2 }
services { nfs = "ganesha" }
EOT
echo 1..23

# ---- the firewall
expect 'no rules keep nobody out' 'ok: No rule of the firewall keeps the nodes out on nodes0.*' "$(doctor firewall)"
rules <<'EOT'
table inet filter { chain input { type filter hook input priority 0; policy drop; iifname "lo" accept; ct state established,related accept; }; }
EOT
expect 'a policy that drops is told with its ports and the rule that opens' \
	'problem: *UDP port 67 (DHCP), UDP port 69 (TFTP), UDP port 53 (DNS), TCP port 8066 (musterd) on nodes0. | *nftables.conf* | nft insert rule inet filter input iifname nodes0 accept' \
	"$(doctor firewall)"
$(doctor firewall | sed 's/.*| //')
expect 'the rule that it names opens' 'ok: *' "$(doctor firewall)"
rules <<'EOT'
table inet filter {
	set open { type inet_service; elements = { 67, 69 } }
	map zones { type ifname : verdict; elements = { "lo" : accept, "nodes0" : jump nodes } }
	chain nodes { udp dport @open accept; meta l4proto { tcp, udp } th dport 53 accept; }
	chain input { type filter hook input priority 0; policy accept; ct state vmap { established : accept, invalid : drop }; iifname vmap @zones; reject with icmpx admin-prohibited; }
}
EOT
expect 'sets, maps, jumps and a last rule that refuses are followed' \
	'problem: *no rule opens TCP port 8066 (musterd) on nodes0. *' "$(doctor firewall)"
rules <<'EOT'
table inet filter { chain input { type filter hook input priority 0; policy drop; iifname "nodes0" limit rate 5/second accept; }; }
EOT
expect 'what hangs on a rate is not sworn to' 'warning: Whether the firewall lets in UDP port 67*' "$(doctor firewall)"
rules <<'EOT'
table ip a { chain input { type filter hook input priority 0; policy accept; }; }
table netdev b { chain x { type filter hook ingress device nodes1 priority 0; policy drop; }; }
table inet c { chain forward { type filter hook forward priority 0; policy drop; }; chain output { type filter hook output priority 0; policy drop; }; }
EOT
expect 'chains that no packet to this server goes through are nothing' 'ok: *' "$(doctor firewall)"
rules <<'EOT'
table inet filter { chain input { type filter hook input priority 0; policy drop; ip saddr 10.9.0.0/24 accept; udp dport 67 accept; }; }
EOT
answers=$work/answers.conf
expect 'the nodes'\'' network may be what is let in' 'ok: *' "$(doctor firewall)"
rules <<'EOT'
table inet filter { chain input { type filter hook input priority 0; policy drop; iifname "nodes0" tcp dport != 2049 accept; iifname "nodes0" udp dport { 53, 60-70 } accept; }; }
EOT
expect 'of the answers NFS is wanted, too' 'problem: *no rule opens TCP port 2049 (NFS) on nodes0. *' "$(doctor firewall)"
answers=
nft flush ruleset

# ---- ports
expect 'a free port is free' 'ok: UDP port 69 (TFTP) is free.*' "$(doctor tftp-port)"
dnsmasq --conf-file=/dev/null --port=0 --interface=lo --bind-interfaces --user=root --enable-tftp --tftp-root="$work" \
	--pid-file="$work/pid" --log-facility="$work/log" || cat "$work/log"
expect 'who holds a port is named' "problem: UDP port 69 (TFTP) is held by dnsmasq (process $(cat "$work/pid")). | Stop that program. Or keep it, and write dhcp*" \
	"$(doctor tftp-port)"
answers=$work/answers.conf
expect 'at another address it is in nobody'\''s way' 'ok: UDP port 69 (TFTP) is free.*' "$(doctor tftp-port)"
answers=
kill "$(cat "$work/pid")"
for _ in $(seq 50); do
	[ -e "$work/pid" ] || break
	sleep 0.1
done
dnsmasq --conf-file=/dev/null --port=8066 --listen-address=127.0.0.1 --bind-interfaces --user=root \
	--pid-file="$work/pid" --log-facility="$work/log" || cat "$work/log"
expect 'another port for musterd is named' 'problem: TCP port 8066 (musterd) is held by dnsmasq*http_port = 8067 in the section services*' \
	"$(doctor http-port)"
kill "$(cat "$work/pid")"
for _ in $(seq 50); do
	[ -e "$work/pid" ] || break
	sleep 0.1
done

# ---- another DHCP server; without a link before this, none is looked for, which takes seconds
unshare -n sleep 600 &
other=$!
for _ in $(seq 50); do
	[ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ] || break
	sleep 0.1
done
there() { nsenter -n -t "$other" "$@"; }
ip link set nodes1 netns "$other"
ip link set nodes0 up
there ip link set nodes1 up
for _ in $(seq 200); do
	ip link show nodes0 | grep -q 'state UP' && break
	sleep 0.05
done
expect 'silence is nobody' 'ok: No other DHCP server answers on nodes0.*' "$(doctor other-dhcp)"
there ip address add 10.9.0.77/24 dev nodes1
there dnsmasq --conf-file=/dev/null --port=0 --interface=nodes1 --bind-interfaces --user=root --leasefile-ro \
	--dhcp-range=10.9.0.100,10.9.0.110 --pid-file="$work/pid" --log-facility="$work/log" || cat "$work/log"
expect 'another server is named, with what to write' \
	'problem: Another DHCP server, 10.9.0.77 (*), answers on nodes0 and offers 10.9.0.1??. | *dhcp = "proxy" in the section network*' \
	"$(doctor other-dhcp)"
sed 's/address = /dhcp = "proxy"\n address = /' "$work/answers.conf" >"$work/proxy.conf"
answers=$work/proxy.conf
expect 'a proxy is glad of it' 'ok: The DHCP server 10.9.0.77 (*) answers on nodes0.*' "$(doctor other-dhcp)"
kill "$(cat "$work/pid")"
for _ in $(seq 50); do
	[ -e "$work/pid" ] || break
	sleep 0.1
done
expect 'and misses it' 'problem: No DHCP server answers on nodes0, and dhcp = "proxy" needs one.*' "$(doctor other-dhcp)"
answers=

# ---- what the verdicts say is what the kernel does
ip address add 10.9.0.1/24 dev nodes0
knock() { # from the nodes' side: nothing listens there, so an answer is a refusal, and no answer a firewall
	there timeout 2 bash -c 'exec 3<>/dev/tcp/10.9.0.1/8066' 2>"$work/knock"
	[ $? = 124 ] && echo silence || grep -o -m 1 'Connection refused' "$work/knock" | head -n 1
}
rules <<'EOT'
table inet filter { chain input { type filter hook input priority 0; policy drop; ct state established accept; icmp type echo-request accept; udp dport 1-65535 accept; }; }
EOT
verdict=$(doctor firewall)
expect 'what is told as shut is shut' 'problem: *no rule opens TCP port 8066 (musterd) on nodes0. *: silence' "$verdict: $(knock)"
${verdict##*| }
expect 'what is told as open is open' 'ok: *: Connection refused' "$(doctor firewall): $(knock)"
nft flush ruleset
ip address flush dev nodes0
ip link set nodes0 down

# ---- files below the root count before the machine's
put() { # path, text
	mkdir -p "$work/root${1%/*}"
	printf '%s\n' "$2" >"$work/root$1"
}
put /sys/fs/selinux/enforce 1
expect 'SELinux of a fixture' 'warning: SELinux is enforcing* | semanage permissive -a dnsmasq_t' "$(doctor selinux)"
put /proc/cpuinfo 'processor : 0
flags : fpu svm'
if [ -e /dev/kvm ]; then
	kvm='*/dev/kvm*'
else
	kvm='warning: There is no /dev/kvm, though the processor has hardware virtualisation (svm).* | modprobe kvm_amd'
fi
expect 'a processor of a fixture' "$kvm" "$(doctor virtualisation)"
put /proc/meminfo 'MemAvailable: 102400 kB'
put /etc/muster/cluster.json '{"plan": {}, "generation": "g-1"}'
mkdir -p "$work/root/var/lib/muster/roots/g-1"
truncate -s 300M "$work/root/var/lib/muster/roots/g-1/root.squashfs"
expect 'the root that was applied must fit into the memory' 'warning: *Of it 100 MiB can be had now, and the node root of 300 MiB*' \
	"$(doctor memory)"
touch -d '2037-01-01 00:00 UTC' "$work/root/etc/muster/cluster.json"
expect 'a file from the future tells of a wrong clock' 'problem: The clock is wrong: * cluster.json was written at 2037-01-01 00:00*' \
	"$(doctor clock | sed 's|/etc/muster/||')"
put /etc/muster/answers.conf 'cluster { name = "KRG" }'
touch "$work/root/etc/muster/cluster.json"
expect 'answers with mistakes are passed over' 'ok: No answers are given: *' "$(doctor answers)"
exit $bad
