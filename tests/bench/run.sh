#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures what doc/performance.md says. Times are of this machine and moment; what counts are the ratios within
# one run. Usage: ./run bench [plan|screens|boot|tiny|memory|ssi|kernel ...]; all but
# kernel, which compiles one four times, by default.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
muster=$builddir/muster
lab=$builddir/lab-test
work=$builddir/bench
mkdir -p "$work"

row() { printf '%-58s %14s   %s\n' "$1" "$2" "$3"; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }

many() { # answers for N nodes, and the facts of a server for them
	awk -v n="$1" 'BEGIN {
		print "cluster { name = \"big\" domain = \"big.lan\" }"
		print "boot { kernel = \"distro\" root = \"ram\" }"
		print "network \"eth1\" { address = \"10.66.0.1/16\" ip_mode = \"mac\" }"
		printf "nodes { count = %d prefix = \"node\" first_address = \"10.66.1.1\" macs = {", n
		for (i = 1; i <= n; i++)
			printf "%s\"52:54:00:%02x:%02x:%02x\"", (i > 1 ? ", " : ""), int(i / 65536), int(i / 256) % 256, i % 256
		print "} }"
	}' >"$work/many.conf"
	cat >"$work/host.json" <<-'EOT'
	{"architecture": "x86_64", "distribution": {"id": "debian", "version": "12", "codename": "bookworm", "family": "debian"},
	 "interfaces": [{"name": "eth1", "mac": "52:54:00:aa:00:01", "link": true, "addresses": ["10.66.0.1/16"]}]}
	EOT
}

bench_plan() {
	many 10000
	rm -rf "$work/root" && mkdir -p "$work/root"
	local began wall
	began=$(now)
	/usr/bin/time -f '%M' -o "$work/rss" "$muster" plan -f "$work/many.conf" --host "$work/host.json" \
		--root "$work/root" >"$work/plan.out" 2>"$work/plan.err" || cat "$work/plan.err"
	wall=$(since "$began")
	row 'muster plan, 10,000 nodes: seconds' "$wall" 'under 1'
	row 'muster plan, 10,000 nodes: MB resident' "$(($(tail -n 1 "$work/rss") / 1024))" 'under 150'
}

lab_up() { "$muster" lab up --dir "$lab" --accel tcg "$@" >"$work/up.log" 2>&1 || { cat "$work/up.log"; exit 1; }; }
lab_down() { "$muster" lab down --dir "$lab" >/dev/null 2>&1; }
trap lab_down EXIT

# Seconds from a moment, which now() gave, until the address sends ssh's banner; asked from inside the lab.
until_ssh() { # address, moment
	"$muster" lab exec --dir "$lab" -- timeout 400 bash -c '
		until banner=$(timeout 1 bash -c "exec 3<>/dev/tcp/$1/22 && head -c 4 <&3" 2>/dev/null) && [ "$banner" = SSH- ]; do
			read -r -t 0.05 <> <(:) || true
		done' ssh "$1" || return 1
	since "$2"
}

answers() { # file, sed expression ...
	local to=$1 e args=()
	shift
	for e in "$@"; do args+=(-e "$e"); done
	sed -e ';' "${args[@]}" "$srcdir/doc/examples/demo.conf" >"$to"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# After a power cut musterd begins no new boot of a node until the node would have reported again (15 s): that wait
# is a rule, not a boot's time.
until_surely_down() { read -r -t 16 <> <(:) || true; }

bench_boot() {
	local net direct root id img i began
	answers "$work/one.conf" 's/count .*= 2/count = 1/' 's/, "52:54:00:66:00:02"//'
	lab_down
	lab_up -f "$work/one.conf" --no-power
	root=$lab/root/var/lib/muster
	id=$(jq -r .generation "$lab/root/etc/muster/cluster.json")
	img=$(jq -r .initramfs "$lab/root/etc/muster/cluster.json")
	: >"$work/ratios"
	for i in 1 2 3 4 5; do
		began=$(now)
		"$muster" lab power node01 on --dir "$lab" >/dev/null
		net=$(until_ssh 10.66.0.11 "$began") || { echo 'the netboot failed'; return 1; }
		"$muster" status --root "$lab/root" --json |
			jq -r '"  stages, seconds: " + ([.nodes[0].stages[] | "\(.stage) \(.seconds * 10 | round / 10)"] | join(", "))'
		"$muster" lab power node01 off --dir "$lab" >/dev/null
		until_surely_down
		direct=$(direct_boot "$root/roots/$id" "$root/initramfs/$img.img") || { echo 'the direct boot failed'; return 1; }
		row "netboot $i: power-on to ssh, seconds" "$net" ''
		row "direct boot $i, same kernel and root from a disk" "$direct" ''
		awk -v a="$net" -v b="$direct" 'BEGIN { printf "%.3f\n", a / b }' >>"$work/ratios"
		row "netboot $i in units of the direct boot" "$(tail -n 1 "$work/ratios")" ''
	done
	row 'netboot in units of the direct boot, the median' "$(median <"$work/ratios")" 'at most 1.10'
	lab_down
}

# The same kernel and root with no network loader: the squashfs is a disk of the machine. Prints seconds to ssh.
direct_boot() { # generation's folder, initramfs
	local d=$work/direct pid s began
	rm -rf "$d" && mkdir -p "$d/muster"
	cat >"$d/muster/node.conf" <<-EOT
	node=node01
	domain=demo.lan
	mac=52:54:00:66:00:01
	address=10.66.0.11
	prefix=24
	gateway=
	dns=10.66.0.1
	server=10.66.0.1
	port=8066
	token=00000000000000000000000000000000
	machine_id=0123456789abcdef0123456789abcdef
	root=disk
	root_path=/dev/vda
	root_size=$(stat -c %s "$1/root.squashfs")
	dhcp=0
	interval=10
	EOT
	cp "$lab/id_ed25519.pub" "$d/muster/authorized_keys"
	cp "$lab/root/var/lib/muster/keys/node01/ssh_host_ed25519_key"* "$d/muster/"
	printf '127.0.0.1 localhost\n' >"$d/muster/hosts"
	chmod 600 "$d/muster/node.conf" "$d/muster/authorized_keys" "$d/muster/ssh_host_ed25519_key"
	(cd "$d" && find muster | bsdcpio -o -H newc --quiet) >"$work/node.cpio"
	cat "$2" "$work/node.cpio" >"$work/direct.img"
	began=$(now)
	"$muster" lab exec --dir "$lab" -- bash -c '
		ip link show tap0 >/dev/null 2>&1 || { ip tuntap add dev tap0 mode tap; ip link set tap0 master eth1 up; }
		exec qemu-system-x86_64 -accel tcg,thread=multi,tb-size=64 -nodefaults -no-user-config -display none -daemonize \
			-cpu qemu64 -machine pc -smp 1 -m 384 -device virtio-rng-pci -serial file:"$4/direct.log" -pidfile "$4/direct.pid" \
			-kernel "$1/vmlinuz" -initrd "$2" -drive file="$1/root.squashfs",format=raw,if=virtio,readonly=on \
			-append "$3" -netdev tap,id=net0,ifname=tap0,script=no,downscript=no \
			-device virtio-net-pci,netdev=net0,mac=52:54:00:66:00:01' direct "$1" "$work/direct.img" \
		'console=tty0 console=ttyS0,115200 net.ifnames=0 rdinit=/init' "$work" >&2 || return 1
	s=$(until_ssh 10.66.0.11 "$began") || return 1
	pid=$(cat "$work/direct.pid")
	"$muster" lab exec --dir "$lab" -- bash -c 'kill "$1"; while kill -0 "$1" 2>/dev/null; do read -r -t 0.05 <> <(:); done' end "$pid"
	echo "$s"
}

bench_tiny() {
	local began macs i
	macs=$(for ((i = 1; i <= 16; i++)); do printf '%s"52:54:00:66:00:%02x"' "$([ "$i" -gt 1 ] && echo ', ')" "$i"; done)
	answers "$work/tiny.conf" 's/count .*= 2/count = 16/' "s/macs .*/macs = {$macs}/" 's/root   = "ram"/root = "initramfs"/'
	lab_down
	lab_up -f "$work/tiny.conf" --processors 4 --no-power
	began=$(now)
	for ((i = 1; i <= 16; i++)); do
		"$muster" lab power "$(printf 'node%02d' "$i")" on --dir "$lab" >/dev/null
	done
	"$muster" status --root "$lab/root" --watch --until-ready --timeout 600 >"$work/tiny.log" || cat "$work/tiny.log"
	row '16 tiny nodes of 4 processors: seconds until all are ready' "$(since "$began")" 'within 60'
	lab_down
}

bench_memory() {
	row 'muster-agent: bytes' "$(stat -c %s "$builddir/muster-agent")" 'under 150000'
	answers "$work/one.conf" 's/count .*= 2/count = 1/' 's/, "52:54:00:66:00:02"//'
	lab_down
	lab_up -f "$work/one.conf"
	"$muster" status --root "$lab/root" --watch --until-ready --timeout 600 >/dev/null
	row 'muster-agent on a running node: KB resident' \
		"$("$muster" lab ssh --dir "$lab" node01 -- "awk '/VmRSS/ { print \$2 }' /proc/\$(systemctl show -p MainPID --value muster-agent)/status")" \
		'under 1024'
	lab_down
	# musterd's memory with 10,000 nodes: a lab of its services alone, under such answers.
	many 10000
	sed -i 's/kernel = "distro" /kernel = "distro-cloud" /; s/root = "ram"/root = "initramfs"/' "$work/many.conf"
	"$muster" lab up --dir "$lab" --accel tcg -f "$work/many.conf" --nodes 1 --no-power >"$work/up.log" 2>&1 || cat "$work/up.log"
	row 'musterd with 10,000 nodes known: MB resident' \
		"$("$muster" lab exec --dir "$lab" -- awk '/VmRSS/ { printf "%.1f", $2 / 1024 }' \
			"/proc/$(cut -d' ' -f1 "$lab/root/run/muster/musterd.pid")/status")" 'under 30'
	lab_down
}

# The console on a pseudo-terminal, with 10,000 nodes that have booted. No lab.
bench_screens() {
	make -s -C "$builddir" tests/bench/bench-console >"$work/make.log" 2>&1 || { cat "$work/make.log"; return 1; }
	"$builddir/tests/bench/bench-console"
}

# What forming the single system on 16 nodes takes besides Kerrighed's own tools. No lab: see ssi.sh.
bench_ssi() {
	local root=$work/ssi-root trees=$work/ssi-trees whole tools macs i
	macs=$(for ((i = 1; i <= 16; i++)); do printf '%s"52:54:00:66:00:%02x"' "$([ "$i" -gt 1 ] && echo ', ')" "$i"; done)
	answers "$work/ssi.conf" 's/count .*= 2/count = 16/' "s/macs .*/macs = {$macs}/" 's/root   = "ram"/root = "initramfs"/'
	cat >"$work/ssi-host.json" <<-'EOT'
	{"architecture": "x86_64", "distribution": {"id": "debian", "version": "12", "codename": "bookworm", "family": "debian"},
	 "interfaces": [{"name": "eth1", "mac": "52:54:00:aa:00:01", "link": true, "addresses": ["10.66.0.1/24"]}]}
	EOT
	rm -rf "$trees" "$root/run" "$root/var/lib/muster/state" && mkdir -p "$root" "$trees"
	"$muster" apply -f "$work/ssi.conf" --host "$work/ssi-host.json" --root "$root" --yes >"$work/ssi.log" 2>&1 ||
		{ cat "$work/ssi.log"; return 1; }
	read -r whole tools < <(unshare -n -m -p -f --kill-child --mount-proc "$srcdir/tests/bench/ssi.sh" "$builddir" "$root" "$trees") ||
		{ head -n 5 "$trees/said"; return 1; }
	row '16 nodes become one machine: seconds' "$whole" ''
	row '  of them beside what the tools take' "$(awk -v a="$whole" -v b="$tools" 'BEGIN { printf "%.2f", a - b }')" 'under 5'
}

# The same tree, configuration, compiler and steps, by hand: what one would type who has no muster.
bare_kernel() { # source, configuration; all below $work/bare
	rm -rf "$work/bare" && mkdir -p "$work/bare/tree" "$work/bare/modules" && cd "$work/bare/tree" &&
		tar -xf "$1" --strip-components=1 && cp "$2" .config && make olddefconfig && make -j"$(nproc)" bzImage &&
		make -j"$(nproc)" modules && make INSTALL_MOD_PATH="$work/bare/modules" modules_install
}

# Processor time of the builder and all that it begins, and of the bare tools, turn by turn.
bench_kernel() {
	local source recipe=$srcdir/tests/lab/small.conf root=$work/kernel-root config=$work/kernel.config id i
	source=$(ls /usr/src/linux-source-*.tar.xz | tail -n 1)
	: >"$work/kernel.times"
	for i in 1 2; do
		rm -rf "$root" && mkdir -p "$root"
		/usr/bin/time -f '%U %S %e' -o "$work/ours.time" "$muster" --root "$root" kernel build "$recipe" --source "$source" \
			>"$work/kernel.id" 2>"$work/kernel.err" || { cat "$work/kernel.err"; return 1; }
		id=$(cat "$work/kernel.id")
		cp "$root/var/lib/muster/kernels/$id/config" "$config"
		export -f bare_kernel
		work=$work /usr/bin/time -f '%U %S %e' -o "$work/bare.time" bash -c 'bare_kernel "$@"' - "$source" "$config" \
			>"$work/bare.log" 2>&1 || { tail "$work/bare.log"; return 1; }
		paste -d' ' "$work/ours.time" "$work/bare.time" >>"$work/kernel.times"
		row 'a kernel build: seconds of processor time' "$(awk '{ print $1 + $2 }' "$work/ours.time")" ''
		row '  the same by hand' "$(awk '{ print $1 + $2 }' "$work/bare.time")" ''
	done
	row '  of both turns, what the builder adds, %' \
		"$(awk '{ a += $1 + $2; b += $4 + $5 } END { printf "%.1f", (a / b - 1) * 100 }' "$work/kernel.times")" 'under 2'
	row '  and of the time that passes, %' \
		"$(awk '{ a += $3; b += $6 } END { printf "%.1f", (a / b - 1) * 100 }' "$work/kernel.times")" ''
	row 'the same build asked for again: seconds' \
		"$(/usr/bin/time -f %e "$muster" --root "$root" kernel build "$recipe" --source "$source" 2>&1 >/dev/null | tail -n 1)" 'under 0.2'
	rm -rf "$work/bare"
}

[ $# -gt 0 ] || set -- plan screens boot tiny memory ssi
printf '%s, %s processors, %s MB\n\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
	"$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))"
row 'what' 'measured' 'aim'
for b in "$@"; do "bench_$b"; done
