#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Addresses from a range: any machine that boots on the network joins. The whole root is the initramfs.
. "$(dirname "$0")/lib.sh"

fresh
id=$(ls "$lab/root/var/lib/muster/roots" 2>/dev/null | grep -v kernel | grep '^debian' | head -n 1)
answers "$lab/answers.conf" 's/ip_mode = "mac"/ip_mode = "range" range = "10.66.0.100-10.66.0.109"/' '/first_address/d' \
	'/macs /d' '/count /d' 's/root   = "ram"/root = "initramfs"/' "s/^boot {/boot { generation = \"$id\"/"
up -f "$lab/answers.conf" --nodes 2
ok $? 'a lab with two unknown machines starts'
deadline=$((SECONDS + MUSTER_TEST_DEADLINE))
while n=$("$muster" status --root "$lab/root" --json | jq '[.nodes[] | select(.stage == "ready")] | length') &&
	[ "$n" -lt 2 ] && [ "$SECONDS" -lt "$deadline" ]; do
	read -r -t 0.5 <> <(:)
done
is "$n" 2 'both are ready'
[ "$n" -eq 2 ] || evidence
text=$("$muster" status --root "$lab/root")
like "$text" 'node[0-9]+ +10\.66\.0\.10[0-9] +52:54:00:6d:00:0' 'they have names and addresses of the range, and their MAC addresses are known'
finish
