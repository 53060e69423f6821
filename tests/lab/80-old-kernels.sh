#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A base for old kernels: busybox from the distribution's source package, a cluster's tools from an archive, both static against
# musl; and a node whose whole root they are, on the oldest kernel that this server's own mirror still has.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.sh"
roots=$lab/root/var/lib/muster/roots

fresh
rm -rf "$roots"/kerrighed-* "$roots"/.building-*
make_tools "$lab/tools.tar.gz"
sum=$(sha256sum "$lab/tools.tar.gz" | cut -d' ' -f1)
build() { HOSTILE=yes "$muster" --root "$lab/root" root build --profile kerrighed "$@"; }

text=$(build 2>&1)
is $? 2 'a base without its source is refused'
like "$text" 'name its path or URL with --source kerrighed-tools=PLACE' 'and the source is named'
text=$(build --source kerrighed-tools="$lab/tools.tar.gz#sha256=$(printf '%064d' 0)" 2>&1)
[ $? -ne 0 ]
ok $? 'another archive than it is said to be is refused'
like "$text" "its SHA-256 is $sum" 'with what it is'
is "$(find "$roots" -maxdepth 1 -name '.building-*' | wc -l)" 0 'and nothing stays behind'

# cut off while it compiles, then asked for again
build --source kerrighed-tools="$lab/tools.tar.gz#sha256=$sum" >/dev/null 2>&1 &
pid=$!
end=$((SECONDS + 120))
until [ -n "$(find "$roots"/.building-*/busybox/tree/libbb -name '*.o' -print -quit 2>/dev/null)" ] || [ "$SECONDS" -ge "$end" ]; do
	read -rt 0.1 <> <(:) || true
done
kill -9 "$pid"
wait "$pid" 2>/dev/null
is "$(find "$roots" -maxdepth 1 -name 'kerrighed-*' | wc -l)" 0 'a build that is killed makes no base'

began=$SECONDS
id=$(build --source kerrighed-tools="$lab/tools.tar.gz#sha256=$sum" 2>"$lab/base.err")
ok $? 'the base is built' || sed 's/^/# /' "$lab/base.err"
echo "# in $((SECONDS - began)) s"
like "$id" '^kerrighed-initramfs-[0-9a-f]{12}$' 'and its id printed'
facts=$roots/$id/root.json
is "$(find "$roots" -maxdepth 1 -name '.building-*' | wc -l)" 0 'what the killed one left is gone'
is "$(find "$roots/$id" -type f -printf '%f\n' | sort | tr '\n' ' ')" 'root.json root.squashfs ' 'it is two files'
is "$(jq -r '.sources[] | select(.name == "kerrighed-tools") | .sha256' "$facts")" "$sum" 'its facts have the archive'"'"'s SHA-256'
like "$(jq -r '.sources[] | select(.name == "busybox") | .place' "$facts")" '^busybox_.*\.dsc$' 'and which busybox it was'
like "$(jq -r .compiler "$facts")" 'gcc' 'and the compiler'
size=$(jq .initramfs_bytes "$facts")
[ "$size" -gt 100000 ] && [ "$size" -le 2000000 ]
ok $? "as an initramfs it is 2 MB at the most ($size bytes)"
for p in bin/busybox bin/sh usr/sbin/krgadm usr/sbin/krgboot usr/sbin/krg_legacy_scheduler usr/bin/migrate usr/bin/stat; do
	jq -e --arg p "$p" '.programs | index($p)' "$facts" >/dev/null
	ok $? "it has $p"
done
is "$(jq -r '.programs[] | select(startswith("etc"))' "$facts")" '' 'and nothing that its recipe does not keep'
rm -rf "$lab/base"
unsquashfs -quiet -no-progress -dest "$lab/base" "$roots/$id/root.squashfs" >/dev/null
is "$("$lab/base/usr/sbin/krgadm")" 'status: down' 'its programs run'
is "$(readelf -lW "$lab/base/usr/sbin/krgadm" "$lab/base/bin/busybox" | grep -c INTERP)" 0 'and need no libc'
is "$(find "$lab/base" ! -uid 0 | wc -l)" 0 'all is root'"'"'s'

is "$(build --source kerrighed-tools="$lab/tools.tar.gz" 2>"$lab/again.err")" "$id" 'asked again, it is the same base'
is "$(grep -c '^build' "$lab/again.err")" 0 'and nothing is built'
mkdir -p "$lab/other"
"$muster" --root "$lab/other" root build --profile kerrighed --source kerrighed-tools="$lab/tools.tar.gz" >/dev/null 2>&1
cmp "$roots/$id/root.squashfs" "$lab/other/var/lib/muster/roots/$id/root.squashfs"
ok $? 'elsewhere, the same sources make the same bytes'
rm -rf "$lab/other"

kernel=distro-cloud
rm -rf "$lab/old-kernel"
mkdir -p "$lab/old-kernel"
if old_kernel "$lab/old-kernel" 2>"$lab/old-kernel.log"; then
	kernel=$(ls "$lab"/old-kernel/boot/vmlinuz-*)
else
	sed 's/^/# /' "$lab/old-kernel.log" | tail -n 3
	echo '# this server'"'"'s mirror has no older release: its own kernel is taken'
fi

answers "$lab/answers.conf" 's/"plain"/"kerrighed"/' "s|\"distro-cloud\"|\"$kernel\"|" 's/root   = "ram"/root   = "initramfs"/' \
	's/count         = 2/count         = 1/' 's/, "52:54:00:66:00:02"//'
"$muster" host --root "$lab/root" --json >"$lab/host.json" 2>/dev/null
up -f "$lab/answers.conf"
ok $? 'a lab of one node starts with it'
root=$(jq -r .generation "$lab/root/etc/muster/cluster.json")
is "$(jq -r .on "$roots/$root/root.json")" "$id" 'its root stands on the base'
wait_ready
ok $? 'the node is ready'
[ "$kernel" = distro-cloud ] || kernel=$(basename "$kernel" | sed 's/vmlinuz-//')
[ "$kernel" = distro-cloud ] || is "$(field node01 kernel)" "$kernel" 'and runs the old kernel'
echo "# kernel $(field node01 kernel)"
finish
