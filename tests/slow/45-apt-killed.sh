#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The real apt-get and dpkg, killed in the middle of an installation and outliving a muster that was killed; then the recovery; then
# every package's state and version and all of /etc are compared with before. It works on a copy of this very server's root: an
# overlay in a mount namespace of its own, whose upper layer is in memory and goes with it. Packages come from this server's own
# sources. Two to five minutes.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
tool=$(cd "$builddir" && pwd)/tests/slow/apply-packages
# One with configuration files; further ones only so that dpkg has something to do.
conf=screen conffile=/etc/screenrc
more=sysstat

if [ "${1:-}" != --inside ]; then
	[ "$(id -u)" -eq 0 ] || { echo '1..0 # SKIP only root can make a root'; exit 0; }
	make -s -C "$builddir" tests/slow/apply-packages >/dev/null || exit 1
	exec unshare --mount --pid --uts --ipc --fork --kill-child -- bash "$0" --inside
fi

top=/mnt root=/mnt/root
out=/tmp/output
n=0 failures=0
mount --make-rprivate / && mount -t tmpfs -o size=2g apt-killed "$top" && mkdir "$top/upper" "$top/work" "$root" &&
	mount -t overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" overlay "$root" &&
	mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs run "$root/run" &&
	mount -t tmpfs tmp "$root/tmp" || exit 1
inside() { chroot "$root" "$@"; }
# Nothing is started in there, and it has no past of muster's.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"
# The index of manual pages takes longer than all else.
rm -rf "$root/var/lib/man-db/auto-update" "$root/var/lib/muster" "$root/etc/muster"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

ok() { # status, name
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		failures=$((failures + 1))
		echo "not ok $n - $2"
		tail -n 25 "$root$out" | sed -E 's#[a-z+]+://[^ ]*#(address left out)#g; s/^/# /'
	fi
}

# Every package's state and version; and of /etc each file's mode, owner and content, and the one's time. The cache of ld.so is
# written anew by dpkg's triggers.
state() {
	inside dpkg-query -W -f '${Package}:${Architecture} ${Version} ${Status}\n' | grep -v not-installed
	(cd "$root" && find etc -xdev ! -name ld.so.cache ! -type d -printf '%p %M %U:%G %l\n' | sort &&
		if [ -e "${conffile#/}" ]; then stat -c %y "${conffile#/}"; fi &&
		find etc -xdev -type f ! -name ld.so.cache -exec sha256sum {} + | sort)
}
as_before() { # name
	state >"$top/after"
	diff "$top/before" "$top/after" >"$root$out.diff"
	local status=$?
	[ "$status" -eq 0 ] || cat "$root$out.diff" >>"$root$out"
	ok "$status" "$1"
}
# In the background; $! is muster's. Its output goes into a file.
begin() { chroot "$root" "$tool" "$@" >"$root$out" 2>&1 & }
until_logged() { # pattern: in dpkg's log, since it was emptied
	local i
	for ((i = 0; i < 6000; i++)); do
		grep -qs "$1" "$root/var/log/dpkg.log" && return 0
		sleep 0.01
	done
	return 1
}
# Of this pid namespace alone.
signal() { kill "-$1" $(inside pgrep -x "$2"); } # signal, name
begin_and_wait() { # pattern
	: >"$root/var/log/dpkg.log"
	begin apply $conf $more
	until_logged "$1"
}

# What was there of them before goes first, so that all begins with nothing.
inside apt-get purge -y $conf $more >"$root$out" 2>&1
inside apt-get update >"$root$out" 2>&1
ok $? 'the list of packages is fetched'
inside rm -f /etc/screenrc

state >"$top/before"
begin apply $conf $more
wait $!
ok $? 'an apply installs them'
inside screen --version >/dev/null
ok $? 'and they work'
begin undo
wait $!
ok $? 'an undo removes them'
as_before 'to the byte'

# ---- muster alone is killed ------------------------------------------------------------------------------------------------

begin_and_wait 'status unpacked'
muster=$!
signal STOP dpkg
kill -KILL "$muster"
wait "$muster" 2>"$root$out"
sleep 0.3
inside pgrep -x apt-get >/dev/null
ok $? 'apt-get outlives a muster that is killed'
begin recover
recovery=$!
sleep 2
kill -0 "$recovery" 2>/dev/null && grep -q 'waiting for apt-get (process [1-9]' "$root$out"
ok $? 'the recovery waits for it, and names it'
signal CONT dpkg
wait "$recovery"
ok $? 'then it takes back'
as_before 'and all is as before'

# ---- all of it is killed ---------------------------------------------------------------------------------------------------

for at in 'status half-installed' 'status unpacked' 'status half-configured'; do
	begin_and_wait "$at"
	muster=$!
	kill -KILL "$muster"
	signal KILL apt-get
	signal KILL dpkg
	wait "$muster" 2>"$root$out"
	sleep 0.3
	inside dpkg --audit | grep -c '^ ' | sed 's/^/# packages that dpkg is in the middle of: /'
	begin recover
	wait $!
	ok $? "dpkg killed at '$at': the recovery takes back"
	as_before 'and all is as before'
done

# ---- a request to stop -----------------------------------------------------------------------------------------------------

begin_and_wait 'status unpacked'
muster=$!
kill -INT "$muster"
wait "$muster"
[ $? -eq 1 ] && grep -q 'it is let finish' "$root$out"
ok $? 'stopped, it lets dpkg finish, and says so'
as_before 'then all is as before'

# ---- configuration of before -----------------------------------------------------------------------------------------------

inside apt-get install -y --no-install-recommends $conf >"$root$out" 2>&1 && echo '# mine' >>"$root$conffile" &&
	inside apt-get remove -y $conf >>"$root$out" 2>&1
ok $? 'a package is removed, its configuration stays'
state >"$top/before"
begin apply $conf $more
wait $!
ok $? 'an apply installs it again'
begin undo
wait $!
ok $? 'an undo removes it'
as_before 'but for the configuration, which is as before'
begin apply $conf $more
wait $!
rm -f "$root$conffile"
begin undo
wait $!
as_before 'also where somebody has removed it meanwhile'

inside apt-get purge -y $conf >"$root$out" 2>&1
echo '# by hand' >"$root/etc/screen-by-hand"
ln -s screen-by-hand "$root$conffile"
for beside in /etc/screen-by-hand.bak '/etc/screen-by-hand%' '/etc/screen-by-hand.~1~' '/etc/#screen-by-hand#'; do
	echo '# by hand, too' >"$root$beside"
done
state >"$top/before"
begin apply $conf $more
wait $!
ok $? 'an apply installs a package whose configuration is a link to what somebody has written by hand'
begin undo
wait $!
as_before 'and an undo takes away neither that nor what lies beside it'
echo "1..$n"
[ "$failures" -eq 0 ]
