#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# muster-agent is copied into every initramfs and runs beside every node's work: it is static and stays small.
set -u
agent=${builddir:-.}/muster-agent
compiler=$(sed -n 's/^AGENT_CC = //p' "${builddir:-.}/Makefile")
limit=150000

case $compiler in
*musl*) ;;
*)
	echo "1..0 # SKIP the agent was compiled by $compiler, not against musl"
	exit 0
	;;
esac

n=0
bad=0
check() { # name, status, what was seen
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# $3"
		bad=1
	fi
}

echo 1..4
size=$(wc -c <"$agent")
[ "${size:-$limit}" -lt "$limit" ]
check "the agent is smaller than $limit bytes" $? "it has $size"
# An ELF file names its loader in a program header of type INTERP.
headers=$(readelf -lW "$agent")
! printf '%s\n' "$headers" | grep -q INTERP && printf '%s\n' "$headers" | grep -q LOAD
check 'the agent is static' $? "$headers"
version=$("$agent" --version)
[ "${version#muster-agent [0-9]}" != "$version" ]
check 'the agent tells its version' $? "$version"
"$agent" --nonsense 2>/dev/null
[ $? -eq 2 ]
check 'the agent refuses what it does not know' $? 'another exit code than 2'
exit $bad
