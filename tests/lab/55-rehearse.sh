#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A plan rehearsed: a node with BIOS and one with UEFI become ready from the server's very files, and of the server nothing is
# touched; what is broken on purpose is found at its stage, with its evidence; and nothing is left running.
. "$(dirname "$0")/lib.sh"

server=$builddir/rehearse-server
folder=$builddir/rehearse-test
host=$builddir/rehearse-host.json
out=$builddir/rehearse.log

marker=/run/muster-test-$$

away() { rm -rf "$marker" "$server" "$folder" "$host" "$out" "$out.err" "$builddir/rehearse-bin"; }
trap 'away; "$muster" lab down --dir "$lab" >/dev/null 2>&1' EXIT

rehearse() { # further arguments; its exit status is in $status
	"$muster" rehearse --root "$server" --host "$host" --dir "$folder" --accel tcg "$@" >"$out" 2>"$out.err"
	status=$?
}

# The server: the node root that the other tests have built, and the interface that the answers name.
make_server() {
	rm -rf "$server"
	mkdir -p "$server/var/lib/muster/roots"
	cp -a "$lab/root/var/lib/muster/roots/$id" "$server/var/lib/muster/roots/"
	cp -a "$lab/root/var/lib/muster/initramfs" "$server/var/lib/muster/"
}
tree() {
	find "$server" -printf '%y %m %U %G %s %T@ %p %l\n' | LC_ALL=C sort
	find "$server" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	ls -ld /etc/muster /var/lib/muster 2>&1
	ip -o link
}
show() { # what was said, when a check failed
	sed 's/^/# out: /' "$out"
	sed 's/^/# err: /' "$out.err"
}

fresh
away
"$muster" host --json | jq '.interfaces += [.interfaces[0] // {} | .name = "eth1" | .mac = "52:54:00:66:00:fe" | .addresses = []]' >"$host"
answers "$lab/answers.conf"
id=$("$muster" root build --root "$lab/root" --host "$host" -f "$lab/answers.conf" 2>"$out.err")
ok $? 'the node root is there' || show
make_server
before=$(tree)

# ---- both firmwares, from what the server has built ----
rehearse -f "$lab/answers.conf" --timeout "$MUSTER_TEST_DEADLINE" --json
is "$status" 0 'a plan is rehearsed, and every node becomes ready' || show
is "$(jq -r '.nodes[] | "\(.node) \(.firmware) \(.mac) \(.outcome)"' "$out")" \
	'node01 bios 52:54:00:66:00:01 ready
node02 uefi 52:54:00:66:00:02 ready' 'one node for each firmware, with the MAC addresses of the plan'
is "$(jq -c '[.nodes[].stages | keys] | unique' "$out")" '[["dhcp","initramfs","kernel","loader","root"]]' \
	'each of them went through every stage'
is "$(jq -r '.files[] | select(.difference != "none") | "\(.difference) \(.path)"' "$out")" \
	'rehearsal only /etc/muster/known_hosts' 'the files were the server'"'"'s to the byte, but for host keys'
like "$(jq -r '.files[] | select(.difference == "none") | .path' "$out")" '^/etc/muster/dnsmasq.conf$' \
	'dnsmasq'"'"'s configuration is one of them'
is "$(grep -c "$folder" "$folder/root/etc/muster/dnsmasq.conf")" 0 'which names no folder of the rehearsal'
is "$(jq -c '.notes' "$out")" '[]' 'nothing had to be built'
like "$(cat "$folder/report.txt")" '^2 of 2 nodes became ready\.$' 'the report says so'
is "$(tree)" "$before" 'the server is as it was, to the byte, and so is this machine'
is "$(pgrep -f "$folder/" | wc -l)" 0 'nothing is left running'

mkdir -p "$server/var/lib/muster/rehearsal"
cp "$folder/rehearsal.json" "$server/var/lib/muster/rehearsal/"
like "$("$muster" plan --root "$server" --host "$host" -f "$lab/answers.conf")" '^Rehearsed at .*: 2 of 2 ready\.$' \
	'the plan knows that it was rehearsed'
answers "$lab/other.conf" 's/nfs = "none"/nfs = "kernel"/'
like "$("$muster" plan --root "$server" --host "$host" -f "$lab/other.conf")" '^Not rehearsed as it is now' \
	'and another plan knows that it was not'
rm -r "$server/var/lib/muster/rehearsal"

# ---- what is broken is found where it is ----
file=$server/var/lib/muster/roots/$id/root.squashfs
size=$(stat -c %s "$file")
rm "$file"
truncate -s "$size" "$file"
rehearse -f "$lab/answers.conf" --timeout "$MUSTER_TEST_DEADLINE" --firmware bios
is "$status" 1 'a root of zeroes keeps a node from becoming ready' || show
like "$(cat "$out")" '^node01 \(BIOS\) failed after .*\. It was getting or starting its root, and is not ready: .*SHA-256' 'it stops at its root, with the agent'"'"'s reason'
like "$(cat "$out")" 'DHCPACK\(eth1\) 10\.66\.0\.11 52:54:00:66:00:01' 'dnsmasq'"'"'s own lines are shown'
like "$(cat "$out")" "GET /roots/$id/vmlinuz of 10\.66\.0\.11: 200" 'its HTTP requests'
like "$(cat "$out")" 'muster: this node could not go on booting' 'and its console'
is "$(sed -n '/^ *GET \/boot\//s/ of .*//p' "$out" | tr -d ' ' | sort -u)" 'GET/boot/*/node.cpio' 'no boot'"'"'s token is among them'
make_server
before=$(tree)

rehearse -f "$lab/other.conf" --timeout 2 --firmware uefi
is "$status" 1 'a node that is not ready in its time has failed' || show
like "$(cat "$out")" '^node01 \(UEFI\) was not ready within [0-9]+ s\. It has got no address\.' 'at the stage that it came to'
like "$(cat "$out")" 'Nothing: 52:54:00:66:00:01 is in no line of dnsmasq\.log' 'that nobody heard it is said'
like "$(cat "$out")" 'in the rehearsal only: /etc/muster/ganesha\.conf' 'nfs-ganesha in place of the kernel is a difference that is shown'

mkdir -p "$builddir/rehearse-bin"
printf '#!/bin/sh\necho "dnsmasq: bad dhcp-range at line 21" >&2\nexit 1\n' >"$builddir/rehearse-bin/dnsmasq"
chmod +x "$builddir/rehearse-bin/dnsmasq"
PATH=$builddir/rehearse-bin:$PATH rehearse -f "$lab/answers.conf"
is "$status" 1 'a daemon that refuses its configuration stops the rehearsal' || show
like "$(cat "$out")" 'bad dhcp-range at line 21' 'with its own words'

# ---- what cannot be tried ----
install -m 0644 /dev/null "$builddir/rehearse-bin/nothing"
cat >"$builddir/rehearse-bin/hidden" <<END
mount --bind "$builddir/rehearse-bin/nothing" "$(command -v qemu-system-x86_64)" && exec "$muster" rehearse --root "$server" --host "$host" \
	--dir "$folder" -f "$lab/answers.conf"
END
unshare -m bash "$builddir/rehearse-bin/hidden" >"$out" 2>"$out.err"
is $? 2 'without qemu it is refused'
like "$(cat "$out.err")" 'needs these packages.*qemu-system-x86' 'and the package is named'

# ---- stopped, and killed ----
powered_on() { # in the background; the process is in $pid
	"$muster" rehearse --root "$server" --host "$host" --dir "$folder" --accel tcg -f "$lab/answers.conf" >"$out" 2>"$out.err" &
	pid=$!
	local end=$((SECONDS + MUSTER_TEST_DEADLINE))
	until grep -q 'is powered on' "$out.err" || [ "$SECONDS" -ge "$end" ]; do read -r -t 0.1 <> <(:); done
}
gone() { # polls until nothing of the rehearsal runs
	local end=$((SECONDS + 30))
	while pgrep -f "$folder/" >/dev/null && [ "$SECONDS" -lt "$end" ]; do read -r -t 0.1 <> <(:); done
	! pgrep -f "$folder/" >/dev/null
}
powered_on
ok $((! $(pgrep -fc "qemu.*$folder/"))) 'a rehearsal is at work'
mkdir "$marker"
seen=$(ls "/proc/$(pgrep -fo "qemu.*$folder/")/root/run")
is "$? $(grep -c "${marker##*/}" <<<"$seen")" '0 0' 'which sees nothing of the server'"'"'s /run'
kill -INT "$pid"
wait "$pid"
is $? 1 'an interrupt ends it'
gone
ok $? 'and all that ran in it'
powered_on
kill -KILL "$pid"
wait "$pid" 2>/dev/null
gone
ok $? 'when it is killed, what ran in it ends, too'
is "$(tree)" "$before" 'and the server is still as it was'
finish
