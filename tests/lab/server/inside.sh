#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs inside the virtual server, started by systemd, from the second disk. Each line on the serial port is one of
#     RESULT ok NAME | RESULT not ok NAME     server.sh has the list of names
#     DIAG text                               for the reader
# The last one is RESULT ok end.
set -uo pipefail
units='musterd.service muster-dnsmasq.service nfs-server.service muster-network.service'
out=/tmp/output
failed=no

ok() { # status, name
	if [ "$1" -eq 0 ]; then
		echo "RESULT ok $2"
	else
		failed=yes
		echo "RESULT not ok $2"
		[ ! -s "$out" ] || tail -n 40 "$out" | sed 's/^/DIAG   /'
	fi
	return "$1"
}

try() { # name, command ...: its output is shown where it fails
	local name=$1 status=0
	shift
	"$@" >"$out" 2>&1 || status=$?
	[ "$status" -eq 0 ] || echo "exit status $status of: $*" >>"$out"
	ok "$status" "$name"
}

diag() { sed 's/^/DIAG   /'; }

# What stands in /etc: kind and rights, owner, and a file's content or a link's target.
listing() {
	local f
	find /etc -xdev \( -type f -o -type l -o -type d \) -printf '%p %M %U:%G %l\n' | sort >"$1.all"
	find /etc -xdev -type f ! -path /etc/passwd ! -path /etc/shadow -exec sha256sum {} + |
		awk '{print $2, $1}' | sort >"$1.sums"
	# dnsmasq-base makes a user dnsmasq, and means to remove it when it is purged; but the test in its postrm is
	# misspelt and always false (Debian 12): the user stays, whoever removes the package.
	for f in /etc/passwd /etc/shadow; do
		echo "$f $(grep -v '^dnsmasq:' "$f" | sha256sum)" >>"$1.sums"
	done
	sort "$1.all" "$1.sums" >"$1"
}

# Undoing gives back all of /etc but these, which the system's own programs write:
# passwd-, group-, shadow-, gshadow- are copies that useradd and userdel make, .pwd.lock is their lock.
# ld.so.cache is written anew when dpkg's triggers run ldconfig after a library came or went.
allowed='^/etc/((passwd|group|shadow|gshadow)-|\.pwd\.lock|ld\.so\.cache) '

pids() { systemctl show -P MainPID -P ExecMainStartTimestampMonotonic $units | paste -sd ' '; }
is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
node_ssh() { timeout 60 ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null node01 -- "$@"; }

prepare() {
	cp -a /mnt/tree/. / && ldconfig && systemctl daemon-reload
}

applied() {
	local u
	try applied timeout 150 muster apply -f /root/answers.conf --yes || return 1
	diag <"$out"
	try package-installed is_installed dnsmasq-base
	for u in $units; do
		try "active-$u" systemctl is-active "$u"
		try "enabled-$u" systemctl is-enabled "$u"
	done
	ps -o user:20=,pid=,args= -p "$(systemctl show -P MainPID musterd.service)" >"$out"
	grep -q '^muster ' "$out"
	ok $? daemon-user
	try address grep -q 10.66.0.1/24 <(ip -4 -o address show dev eth0)
	exportfs -v >"$out" 2>&1
	grep -q '^/var/lib/muster/roots' "$out"
	ok $? export
	nft list table inet muster >"$out" 2>&1 && grep -q masquerade "$out" &&
		[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
	ok $? gateway
	systemd-analyze security --no-pager musterd.service 2>&1 | tail -n 1 | diag
}

applied_again() {
	local before
	before=$(pids)
	timeout 60 muster apply --yes >"$out" 2>&1 && grep -q 'Nothing to change' "$out"
	ok $? again-nothing
	printf '%s\n' "$before" "$(pids)" >"$out"
	[ "$before" = "$(pids)" ]
	ok $? again-same-processes
}

node_boots() {
	local status=0
	timeout 320 muster status --watch --until-ready --timeout 300 >"$out" 2>&1 || status=$?
	diag <"$out"
	ok "$status" ready
	muster status --json >"$out" 2>&1
	[ "$(jq -r '.nodes[0] | .name + " " + .stage' "$out")" = 'node01 ready' ]
	ok $? json-ready
	jq -r '.nodes[0].stages[] | "\(.stage) \(.seconds)"' "$out" 2>&1 | paste -sd ' ' >/tmp/stages
	mv /tmp/stages "$out"
	diag <"$out"
	[ "$(sed 's/ [0-9][0-9.]*//g' "$out")" = 'dhcp loader kernel initramfs root ready' ]
	ok $? json-stages
	[ "$status" -eq 0 ] || return
	node_ssh uname -n >"$out" 2>&1 && [ "$(tail -n 1 "$out")" = node01 ]
	ok $? ssh
	# The mount itself is hidden below the overlay; the kernel's table of NFS volumes has it: 10.66.0.1 in hexadecimal.
	node_ssh cat /proc/fs/nfsfs/volumes >"$out" 2>&1
	grep -q '^v4 *0a420001 ' "$out"
	ok $? nfs-root
	try nfs-client grep -qs 'address: "10.66.0.11:' /proc/fs/nfsd/clients/*/info
}

undone() {
	local u active=0 left
	try undo timeout 150 muster undo --yes
	diag <"$out"
	: >"$out"
	for u in $units; do
		! systemctl is-active -q "$u" || { echo "$u is active"; active=1; } >>"$out"
		! systemctl is-enabled -q "$u" 2>/dev/null || { echo "$u is enabled"; active=1; } >>"$out"
	done
	ok "$active" undo-services
	! is_installed dnsmasq-base
	ok $? undo-package
	{ getent passwd muster || getent group muster; } >"$out"
	[ $? -eq 2 ]
	ok $? undo-user
	ip -o address show dev eth0 >"$out"
	! grep -q 10.66.0.1/24 "$out"
	ok $? undo-address
	sysctl net.ipv4.ip_forward >"$out"
	grep -qx 'net.ipv4.ip_forward = 0' "$out"
	ok $? undo-parameter
	# The roots and the initramfs stay, built once and nobody's configuration, and so does the journal. /run/muster holds
	# the lock of this very undo.
	left=$({ find /etc/muster /run/muster /etc/exports.d/muster.exports /etc/systemd/system/muster* \
		/etc/ssh/ssh_config.d/muster.conf 2>/dev/null
		find /var/lib/muster -mindepth 1 -maxdepth 1 ! -name roots ! -name initramfs ! -name journal
	} | grep -vxE '/run/muster(/lock)?')
	printf '%s\n' "$left" >"$out"
	[ -z "$left" ]
	ok $? undo-files
	listing /tmp/etc.after
	diff /tmp/etc.before /tmp/etc.after >/tmp/etc.diff
	sed -n 's/^[<>] //p' /tmp/etc.diff | grep -Ev "$allowed" >"$out"
	[ ! -s "$out" ]
	ok $? undo-etc
	cmp /etc/hosts /tmp/hosts.before >"$out" 2>&1
	ok $? undo-hosts
}

evidence() {
	local u
	for u in $units; do
		echo "DIAG $u"
		journalctl -u "$u" -n 15 --no-pager -o cat 2>&1 | diag
	done
}

try prepared prepare || exit 1
listing /tmp/etc.before
cp /etc/hosts /tmp/hosts.before
! is_installed dnsmasq-base
ok $? before
if applied; then
	applied_again
	node_boots
	[ "$failed" = no ] || evidence
	undone
else
	evidence
fi
echo 'RESULT ok end'
