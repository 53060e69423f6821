#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# mmdebstrap's customize hook: makes a tree a server that muster has never seen. $1: the tree.
set -euo pipefail
root=$1
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }

# apt-get finds dnsmasq here, without a network: the package and what it needs, and the lists that name them.
in_root apt-get clean
in_root apt-get install -y -q --no-install-recommends --download-only dnsmasq-base

# Only what this virtual machine's disk needs: the initrd is unpacked by an emulated processor.
echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk ext4 >>"$root/etc/initramfs-tools/modules"
in_root update-initramfs -u

echo server >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\tserver\n' >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
# Without an id of its own systemd takes this for the first boot, and enables units by their presets.
echo 6d757374657265640000000000000001 >"$root/etc/machine-id"

# An administrator who has installed the NFS server but does not run it: starting and enabling it is muster's.
in_root systemctl disable nfs-server.service
# They would use apt at the same time, or the processor.
in_root systemctl mask apt-daily.timer apt-daily-upgrade.timer getty@tty1.service serial-getty@ttyS0.service

cat >"$root/etc/systemd/system/lab.service" <<'UNIT'
[Unit]
Description=The test, from the second disk

[Service]
Type=exec
Environment=HOME=/root LC_ALL=C.UTF-8 NO_COLOR=1
ExecStartPre=/bin/mount -o ro /dev/vdb /mnt
ExecStart=/bin/bash /mnt/inside.sh
ExecStopPost=/bin/systemctl --no-block poweroff
StandardInput=null
StandardOutput=tty
StandardError=inherit
TTYPath=/dev/ttyS1
TimeoutStartSec=60

[Install]
WantedBy=multi-user.target
UNIT
in_root systemctl enable lab.service
