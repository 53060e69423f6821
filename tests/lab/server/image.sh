#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The virtual server's disk: sourced by server.sh. A Debian with systemd and the kernel's NFS server, whose packages come
# through this machine's own apt sources. It is kept below the scratch folder by the hash of what it is made of; muster itself
# is not in it, so a change of muster makes no new one. time_left is server.sh's.

image_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# What muster's profile asks for, dnsmasq-base apart: that one muster is to install.
image_packages='systemd systemd-sysv dbus udev procps openssh-client iproute2 nftables kmod nfs-kernel-server ipxe
	squashfs-tools mmdebstrap busybox-static jq initramfs-tools linux-image-cloud-amd64'

# A package source's address is nobody's business but this machine's.
image_no_addresses() { sed -E 's#[a-z+]+://[^ ]*#(address left out)#g'; }

# The packages of the shared libraries that the programs of an installed tree want.
image_libraries() { # program ...
	local path
	ldd "$@" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r path; do
		dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "/usr${path#/usr}" 2>/dev/null ||
			dpkg-query -S "${path#/usr}" 2>/dev/null || dpkg-query -S "$(readlink -f "$path")"
	done | sed 's/:.*//' | sort -u
}

# Of the .sources files, what is the release's own: a third party's source may need a key that the server has not.
image_deb822() { # codename
	local f
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		sed '/^#/d; s/[[:space:]]*$//' "$f"
		echo
	done | awk -v RS= -v ORS='\n\n' -v suite="(^|\n)Suites:[^\n]*[ \t]$1([-/ \t\n]|$)" '
		$0 ~ suite && $0 !~ /(^|\n)Enabled:[ \t]*no/ && $0 ~ /(^|\n)Types:[^\n]*deb([ \t\n]|$)/ &&
		($0 !~ /(^|\n)Signed-By:/ || $0 ~ /(^|\n)Signed-By:[^\n]*\/debian-archive/)'
}

image_one_line() { # codename
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		grep -E "^[[:space:]]*deb[[:space:]]+(\[[^]]*\][[:space:]]+)?[^[:space:]]+[[:space:]]+$1([-/][^[:space:]]*)?[[:space:]]"
}

image_make() { # packages, folder
	local codename lines=() proxies=() deb822
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mapfile -t lines < <(image_one_line "$codename")
	mapfile -t proxies < <(apt-config dump | grep -E '^Acquire::.*::Proxy.* "[^"]+";' | sed 's/^/--aptopt=/; s/;$//')
	deb822=$(image_deb822 "$codename")
	if [ -z "$deb822" ] && [ ${#lines[@]} -eq 0 ]; then
		echo "no package source of $codename is configured on this machine"
		return 1
	fi
	rm -rf "$2.new"
	mkdir -p "$2.new"
	[ -z "$deb822" ] || lines=(- "${lines[@]}")
	MUSTER_IMAGE_HERE=$image_here LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive timeout -k 10 "$(time_left)" \
		unshare --mount --pid --fork --kill-child --mount-proc -- mmdebstrap --mode=root --format=directory \
		--variant=minbase --architectures=amd64 --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' "${proxies[@]}" --include="${1// /,}" --skip=cleanup/apt \
		--customize-hook='bash "$MUSTER_IMAGE_HERE/customize.sh" "$1"' \
		"$codename" "$2.new/tree" "${lines[@]}" <<<"$deb822" || return 1
	cp "$2.new"/tree/boot/vmlinuz-* "$2.new/vmlinuz" &&
		cp "$2.new"/tree/boot/initrd.img-* "$2.new/initrd.img" &&
		mke2fs -q -t ext4 -m 0 -E root_owner=0:0 -d "$2.new/tree" "$2.new/disk.img" 3G &&
		rm -rf "$2.new/tree" && mv "$2.new" "$2"
}

# Sets `image` to the folder that holds disk.img, vmlinuz and initrd.img, made where it is not there.
image_get() { # scratch folder, program ...
	local scratch=$1 packages key f
	shift
	# shellcheck disable=SC2046,SC2086
	packages=$(printf '%s\n' $image_packages $(image_libraries "$@") | sort -u | paste -sd ' ')
	key=$({ echo "$packages"; cat "$image_here/image.sh" "$image_here/customize.sh"; } | sha256sum | cut -c 1-12)
	image=$scratch/server-$key
	for f in "$scratch"/server-*; do
		[ "$f" = "$image" ] || rm -rf "$f"
	done
	[ -d "$image" ] && return 0
	image_make "$packages" "$image" >"$scratch/image.log" 2>&1 && return 0
	tail -n 30 "$scratch/image.log" | image_no_addresses | sed 's/^/# image: /'
	return 1
}
