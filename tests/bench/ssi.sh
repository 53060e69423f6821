#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Run by run.sh in namespaces of its own (network, mounts, processes): the real musterd, muster and 16 of the real agent, each in
# a made-up tree of Kerrighed 3.0, whose tools are scripts that take a known time. Prints seconds: of the whole start, and of the tools.
set -euo pipefail
builddir=$1 root=$2 trees=$3
nodes=16 boot=1.0 add=1.5

ip link set lo up
ip link add eth1 type bridge
ip link set eth1 up
ip address add 10.66.0.1/24 dev eth1
for ((i = 1; i <= nodes; i++)); do ip address add "10.66.0.$((i + 10))/32" dev eth1; done
mount --make-rprivate /

put() { mkdir -p "${1%/*}" && printf '%b' "$2" >"$1"; }

"$builddir/musterd" --root "$root" --user root 2>"$root/musterd.log" &
until curl -sf --interface 10.66.0.11 "http://10.66.0.1:8066/health" >/dev/null; do read -r -t 0.05 <> <(:) || true; done

shared=$trees/shared
put "$shared/subsession_id" '-1\n'
put "$shared/nrnodes" "ONLINE:0\nPRESENT:$nodes\nPOSSIBLE:256\n"
for ((i = 1; i <= nodes; i++)); do
	t=$trees/node$i address=10.66.0.$((i + 10)) mac=$(printf '52-54-00-66-00-%02x' "$i")
	token=$(curl -s --interface "$address" "http://10.66.0.1:8066/boot.ipxe?mac=$mac&platform=pcbios" |
		sed -n 's|.*/boot/\([0-9a-f]\{32\}\)/.*|\1|p' | head -n 1)
	put "$t/run/muster/node.conf" "node=node$(printf %02d "$i")\ndomain=krg.lan\nmac=${mac//-/:}\naddress=$address\nprefix=24\nserver=10.66.0.1\nport=8066\ntoken=$token\nroot=initramfs\ninterval=10\n"
	for file in hotplug/cluster_init_helper hotplug/isolate_uts hotplug/isolate_mnt net_devices; do put "$t/sys/kerrighed/$file" ''; done
	put "$t/sys/kerrighed/node_id" "$i\n"
	put "$t/sys/kerrighed/session_id" '1\n'
	put "$t/proc/meminfo" 'MemTotal: 192000 kB\nMemFree: 150000 kB\n'
	mkdir -p "$t/proc/kerrighed/nodes" "$t/proc/self/fd" "$t/bin" "$t/sbin" "$t/dev" "$t/config"
	ln "$shared/nrnodes" "$t/proc/kerrighed/nodes/nrnodes"
	[ "$i" -eq 1 ] || ln "$shared/subsession_id" "$t/sys/kerrighed/subsession_id"
	ln -s /init "$t/proc/self/exe"
	for fd in 3 4 5 6 7 8 9; do ln -s / "$t/proc/self/fd/$fd"; done
	cp "$builddir/muster-agent" "$t/init"
	mknod -m 666 "$t/dev/null" c 1 3
	mount -t tmpfs config "$t/config"
done

first=$trees/node1
put "$first/sys/kerrighed/subsession_id" '-1\n'
mkdir "$first/shared"
ln "$shared/nrnodes" "$shared/subsession_id" "$first/shared/"
cp "$(command -v busybox)" "$first/bin/busybox"
for applet in sh sleep unshare; do ln -s busybox "$first/bin/$applet"; done
put "$first/sbin/krgboot" "#!/bin/sh\n/bin/sleep $boot\necho 0 >/sys/kerrighed/subsession_id\nwhile [ \"\$1\" != -- ]; do shift; done\nshift\n/bin/unshare -m \"\$@\" &\n"
put "$first/sbin/krginit" '#!/bin/sh\nshift 2\nexec "$@"\n'
put "$first/bin/krgadm" "#!/bin/sh\n/bin/sleep $add\necho 0 >/shared/subsession_id\necho 'ONLINE:$nodes\nPRESENT:$nodes\nPOSSIBLE:256' >/shared/nrnodes\n"
chmod 755 "$first/sbin/krgboot" "$first/sbin/krginit" "$first/bin/krgadm"

# Where the container is begun, the root must be a mount, as on a node.
mount --rbind "$first" "$first"

for ((i = 1; i <= nodes; i++)); do chroot "$trees/node$i" /init 2>"$trees/node$i.log" & done
until [ "$("$builddir/muster" --root "$root" --json status | jq '[.nodes[] | select(.stage == "ready")] | length')" -eq "$nodes" ]; do
	read -r -t 0.1 <> <(:) || true
done
began=$(date +%s.%N)
"$builddir/muster" --root "$root" ssi start >"$trees/said" 2>&1 || { cat "$trees/said" >&2; exit 1; }
awk -v a="$began" -v b="$(date +%s.%N)" -v t="$boot" -v u="$add" 'BEGIN { printf "%.2f %.2f\n", b - a, t + u }'
