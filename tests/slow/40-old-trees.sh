#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Root mode nfs on the trees of an older release, with a kernel that has no overlayfs: one from a mirror, whose init is systemd,
# and one that the operator brings, whose init is older. Some 4 minutes on two processors.
. "$(dirname "$0")/../lab/lib.sh"
. "$(dirname "$0")/../lab/tools.sh"
roots=$lab/root/var/lib/muster/roots

fresh
rm -rf "$roots"/kerrighed-* "$lab/old-kernel"
make_tools "$lab/tools.tar.gz"
mkdir -p "$lab/old-kernel"
old_kernel "$lab/old-kernel" >"$lab/old-kernel.log" 2>&1
ok $? 'this server'"'"'s mirror has an older release' || { sed 's/^/# /' "$lab/old-kernel.log"; finish; exit 1; }
find "$lab/old-kernel/lib/modules" -name 'overlay.ko*' -delete
kernel=$(ls "$lab"/old-kernel/boot/vmlinuz-*)
answers "$lab/answers.conf" 's/"plain"/"kerrighed"/' "s|\"distro-cloud\"|\"$kernel\"|" 's/root   = "ram"/root   = "nfs"/' \
	's/nfs = "none"/nfs = "kernel"/' 's/count         = 2/count         = 1/' 's/, "52:54:00:66:00:02"//'
build() { "$muster" --root "$lab/root" root build --profile kerrighed --mode nfs --source kerrighed-tools="$lab/tools.tar.gz" "$@"; }

boots_on() { # base's id, name
	up -f "$lab/answers.conf"
	ok $? "a lab starts with the root on $2"
	is "$(jq -r .on "$roots/$(jq -r .generation "$lab/root/etc/muster/cluster.json")/root.json")" "$1" 'it stands on that base'
	wait_ready
	ok $? 'and the node is ready'
	like "$(tr -d '\r' <"$lab/nodes/node01/serial.log")" 'this kernel has no overlayfs' 'without an overlay'
	"$muster" lab down --dir "$lab" >/dev/null
	rm -rf "$lab/root/etc/muster" "$lab/root/var/lib/muster/nodes.db"
}

id=$(build --mirror "$uri" --release "$before" 2>"$lab/base.err")
ok $? "a base on $before is built from the mirror" || tail -n 5 "$lab/base.err" | sed 's/^/# /'
is "$(jq -r '.sources[0].release' "$roots/$id/root.json")" "$before" 'and its facts say so'
like "$(jq -r .libc "$roots/$id/root.json")" '^[0-9]+\.[0-9]+\.[0-9]+$' 'with the least kernel of its libc'
boots_on "$id" 'systemd'

mmdebstrap --mode=root --variant=minbase --include=sysvinit-core,sysv-rc,udev,ifupdown,procps "$before" "$lab/sysv.tar.gz" \
	"deb $uri $before main" >"$lab/sysv.log" 2>&1
ok $? 'there is a tree with SysV init' || tail -n 5 "$lab/sysv.log" | sed 's/^/# /'
id=$(build --from "$lab/sysv.tar.gz" 2>"$lab/base.err")
ok $? 'a base on it is built' || tail -n 5 "$lab/base.err" | sed 's/^/# /'
is "$(jq -r '.sources[0].sha256' "$roots/$id/root.json")" "$(sha256sum "$lab/sysv.tar.gz" | cut -d' ' -f1)" \
	'and its facts have the archive'"'"'s SHA-256'
boots_on "$id" 'SysV init'
finish
