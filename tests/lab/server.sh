#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The server, too, is a virtual machine: a Debian with systemd and the kernel's NFS server, muster by `make install`. In it
# `muster apply` works on its real root, its units run under systemd, and a node with nothing but a network card boots
# from it. That is where the systemd and apt drivers and the kernel's NFS server are proven.
#
# MUSTER_TEST_ROOTS: a folder with a node root's generation; the other lab tests' by default, built where there is none.
# The scratch folder is builddir/lab-server; its serial logs stay there.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
export srcdir builddir
helpers=$srcdir/tests/lab/server
scratch=$builddir/lab-server
: "${MUSTER_TEST_ROOTS:=$builddir/lab-test/root/var/lib/muster/roots}"
: "${MUSTER_TEST_DEADLINE:=900}"
# All of it, the first run's building included, ends within the deadline; it lasts through the second start of this script.
: "${MUSTER_TEST_BEGAN:=$(date +%s)}"
export MUSTER_TEST_BEGAN
age() { echo $(($(date +%s) - MUSTER_TEST_BEGAN)); }
time_left() {
	local left=$((MUSTER_TEST_DEADLINE - $(age)))
	echo $((left > 1 ? left : 1))
}

# What inside.sh says, and what it means.
checks=(
	'prepared|muster, as make install put it, is on the virtual server'
	'before|which has no dnsmasq yet'
	'applied|muster apply works on the real root'
	'package-installed|it installed dnsmasq by apt-get'
	'active-musterd.service|musterd runs under systemd'
	'enabled-musterd.service|and will at the next boot'
	'active-muster-dnsmasq.service|dnsmasq runs under systemd'
	'enabled-muster-dnsmasq.service|and will at the next boot'
	'active-nfs-server.service|the kernel'\''s NFS server runs'
	'enabled-nfs-server.service|and will at the next boot'
	'active-muster-network.service|the network unit ran'
	'enabled-muster-network.service|and will at the next boot'
	'daemon-user|musterd runs as a user of its own'
	'address|the interface has its address'
	'export|the roots are exported'
	'gateway|the gateway'\''s rules are in the kernel'
	'again-nothing|a second apply says that nothing is to be changed'
	'again-same-processes|and touches no process'
	'ready|a node boots from it until it is ready'
	'json-ready|muster status --json says so'
	'json-stages|and has every stage on the way'
	'ssh|the server knows the node'\''s host key, and gets in'
	'nfs-root|the node'\''s root comes over NFS'
	'nfs-client|from the kernel'\''s NFS server'
	'undo|muster undo works'
	'undo-services|no service is left running or enabled'
	'undo-package|dnsmasq is gone'
	'undo-user|the user is gone'
	'undo-address|the address is gone'
	'undo-parameter|and the kernel forwards nothing again, as before'
	'undo-files|muster'\''s files are gone'
	'undo-etc|/etc is as it was'
	'undo-hosts|/etc/hosts is as it was'
	'end|the virtual server came to the end of the test'
)
setup='everything for the virtual machines is there'

note() { sed 's/^/# /'; }

# A failure before any virtual machine runs: the plan is kept.
give_up() {
	local n=1 c
	echo "1..$((${#checks[@]} + 1))"
	echo "not ok 1 - $setup"
	[ $# -eq 0 ] || echo "# $*"
	for c in "${checks[@]}"; do
		n=$((n + 1))
		echo "not ok $n - ${c#*|}"
	done
	exit 1
}

# ---- outside: what needs this machine's network and files -------------------------------------------------------------

newest_root() {
	local d newest=
	for d in "$MUSTER_TEST_ROOTS"/*/; do
		# A generation of that name is a kernel alone, for nodes that stay in their initramfs.
		case $d in *-kernel-*) continue ;; esac
		[ -f "$d/root.json" ] && [ -f "$d/root.squashfs" ] && [ -f "$d/vmlinuz" ] || continue
		if [ -z "$newest" ] || [ "$d/root.json" -nt "$newest/root.json" ]; then newest=${d%/}; fi
	done
	[ -n "$newest" ] && echo "$newest"
}

build_root() {
	echo '# no node root is there: building one'
	mkdir -p "$builddir/lab-test/root"
	# The demo's answers, on a machine that has their interface.
	"$builddir/muster" host --json | jq '.interfaces += [.interfaces[0] // {} | .name = "eth1" | .mac = "52:54:00:66:00:fe"
		| .addresses = []]' >"$scratch/host.json" &&
		timeout -k 10 "$(time_left)" "$builddir/muster" root build --root "$builddir/lab-test/root" --host "$scratch/host.json" \
			-f "$srcdir/doc/examples/demo.conf" >"$scratch/root.log" 2>&1 && return 0
	tail -n 20 "$scratch/root.log" | image_no_addresses | note
	return 1
}

answers() { # generation
	cat <<END
cluster { name = "proof"  domain = "proof.lan"  profile = "plain" }
boot { kernel = "distro-cloud"  root = "nfs"  generation = "$1" }
network "eth0" { address = "10.66.0.1/24"  ip_mode = "mac"  gateway = true }
nodes { count = 1  prefix = "node"  first_address = "10.66.0.11"  macs = {"52:54:00:66:00:01"} }
services { dhcp = "dnsmasq"  tftp = "dnsmasq"  nfs = "kernel"  accounts = "files"  http_port = 8066 }
access { ssh_keys = {"$(cat "$scratch/payload/tree/root/.ssh/id_ed25519.pub")"} }
END
}

# The second disk: inside.sh, and tree/, which it copies to its own root.
make_payload() {
	local tree=$scratch/payload/tree root
	rm -rf "$scratch/payload" "$scratch/payload.img"
	mkdir -p "$tree/var/lib/muster/roots" "$tree/root/.ssh"
	chmod 0700 "$tree/root" "$tree/root/.ssh"
	make -s -C "$builddir" install DESTDIR="$tree" >"$scratch/install.log" 2>&1 ||
		{ tail -n 20 "$scratch/install.log" | note; return 1; }
	# shellcheck source=tests/lab/server/image.sh
	image_get "$scratch" "$(find "$tree" -type f -name muster -perm -u+x -path '*/sbin/*')" \
		"$(find "$tree" -type f -name musterd)" || return 1
	root=$(newest_root) || { build_root && root=$(newest_root); } || return 1
	ssh-keygen -q -t ed25519 -N '' -C test -f "$tree/root/.ssh/id_ed25519" || return 1
	cp -r "$root" "$tree/var/lib/muster/roots/" || return 1
	answers "$(basename "$root")" >"$tree/root/answers.conf"
	cp "$helpers/inside.sh" "$scratch/payload/"
	mksquashfs "$scratch/payload" "$scratch/payload.img" -quiet -no-progress -noI -noD -noF -noX -all-root \
		>"$scratch/payload.log" 2>&1 || { note <"$scratch/payload.log"; return 1; }
}

outside() {
	local p
	rm -f "$scratch"/*.log
	mkdir -p "$scratch"
	# shellcheck source=tests/lab/server/image.sh
	. "$helpers/image.sh"
	[ "$(id -u)" -eq 0 ] || give_up 'this test needs root: it makes namespaces and a disk with other users'\'' files'
	for p in qemu-system-x86_64 mmdebstrap mke2fs mksquashfs ssh-keygen ip jq; do
		command -v "$p" >/dev/null || give_up "the program $p is not installed"
	done
	make_payload || give_up 'see the lines above'
	echo "# prepared within $(age) s"
	# All that runs dies with its first process; nothing is left on this machine's network.
	MUSTER_TEST_IMAGE=$image exec unshare --net --pid --mount --uts --ipc --fork --kill-child --mount-proc -- \
		bash "$srcdir/tests/lab/server.sh" --in-namespaces
}

# ---- in namespaces: the two machines ------------------------------------------------------------------------------------

results=$scratch/results.log

network() {
	local t
	ip link set lo up && ip link add br0 type bridge stp_state 0 forward_delay 0 && ip link set br0 up || return 1
	for t in tap0 tap1; do
		ip tuntap add dev "$t" mode tap && ip link set "$t" master br0 up || return 1
	done
}

machine() { # tap, MAC, further arguments of QEMU
	local tap=$1 mac=$2
	shift 2
	TMPDIR=$scratch exec qemu-system-x86_64 -accel tcg,thread=multi,tb-size=64 -machine pc -cpu qemu64 -smp 1 \
		-nodefaults -no-user-config -display none -no-reboot -device virtio-rng-pci \
		-netdev "tap,id=n0,ifname=$tap,script=no,downscript=no" \
		-device "virtio-net-pci,netdev=n0,mac=$mac" "$@"
}

server() {
	machine tap0 52:54:00:66:00:fe -m 768 -serial "file:$scratch/server-serial.log" -serial "file:$results" \
		-drive "if=virtio,format=raw,cache=unsafe,snapshot=on,file=$MUSTER_TEST_IMAGE/disk.img" \
		-drive "if=virtio,format=raw,readonly=on,file=$scratch/payload.img" \
		-kernel "$MUSTER_TEST_IMAGE/vmlinuz" -initrd "$MUSTER_TEST_IMAGE/initrd.img" \
		-append 'root=/dev/vda rw console=ttyS0,115200 net.ifnames=0 mitigations=off no_timer_check nokaslr'
}

node() {
	machine tap1 52:54:00:66:00:01 -m 320 -boot n -serial "file:$scratch/node-serial.log"
}

said() { grep -qs "^RESULT $1" "$results"; }

# Until the server has powered off: the node is switched on when the server is ready for it.
watch_machines() {
	local server_pid=$1 node_pid="" end=$((SECONDS + $(time_left)))
	while kill -0 "$server_pid" 2>/dev/null; do
		if [ -z "$node_pid" ] && said 'ok applied'; then
			node >>"$scratch/qemu-node.log" 2>&1 &
			node_pid=$!
			echo "# the node was switched on after $(age) s"
		fi
		if [ "$SECONDS" -ge "$end" ]; then
			echo "# the deadline of $MUSTER_TEST_DEADLINE s is over"
			break
		fi
		sleep 0.5
	done
	kill "$server_pid" $node_pid 2>/dev/null
	wait "$server_pid" $node_pid 2>/dev/null
}

tail_of() { # file, lines
	[ -s "$scratch/$1" ] || return 0
	echo "# --- $1"
	tail -n "$2" "$scratch/$1" | tr -d '\r\000' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' | note
}

report() {
	local n=1 failures=0 c name
	tr -d '\r' <"$results" >"$scratch/results.txt"
	results=$scratch/results.txt
	echo "1..$((${#checks[@]} + 1))"
	echo "ok 1 - $setup"
	for c in "${checks[@]}"; do
		n=$((n + 1))
		name=${c%%|*}
		if grep -qxF "RESULT ok $name" "$results"; then
			echo "ok $n - ${c#*|}"
			continue
		fi
		failures=$((failures + 1))
		echo "not ok $n - ${c#*|}"
		if grep -qxF "RESULT not ok $name" "$results"; then
			awk -v line="RESULT not ok $name" '$0 == line { on = 1; next } /^RESULT/ { on = 0 } on' "$results" |
				sed 's/^DIAG/#/' | image_no_addresses
		else
			echo "# it did not come so far"
		fi
	done
	if [ "$failures" -gt 0 ]; then
		sed 's/^/# /' "$results" | image_no_addresses
		tail_of server-serial.log 40
		tail_of node-serial.log 40
		tail_of qemu-server.log 10
		tail_of qemu-node.log 10
	else
		sed -n 's/^DIAG/#/p' "$results" | image_no_addresses
	fi
	echo "# $(age) s"
	[ "$failures" -eq 0 ]
}

inside_namespaces() {
	. "$helpers/image.sh"
	: >"$results"
	network || give_up 'the network of the virtual machines could not be made'
	server >"$scratch/qemu-server.log" 2>&1 &
	watch_machines $!
	report
}

case ${1:-} in
--in-namespaces) inside_namespaces ;;
*) outside ;;
esac
