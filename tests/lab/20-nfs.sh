#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Root over NFS (nfs-ganesha in the lab).
. "$(dirname "$0")/lib.sh"

fresh
answers "$lab/answers.conf" 's/root   = "ram"/root = "nfs"/' 's/nfs = "none"/nfs = "kernel"/' 's/count .*= 2/count = 1/' \
	's/, "52:54:00:66:00:02"//'
up -f "$lab/answers.conf"
ok $? 'a lab with an NFS server starts'
wait_ready
ok $? 'the node is ready'
like "$(ssh_node node01 -- cat /proc/fs/nfsfs/volumes)" '^v4 +0a420001' 'its root comes over NFS version 4'
is "$(ssh_node node01 -- "touch /usr/written && ls /usr/written")" /usr/written 'and can be written to, in memory'
export=10.66.0.1:$(sed -n 's/^ *Pseudo *= *"\{0,1\}\([^";]*\).*/\1/p' "$lab/root/etc/muster/ganesha.conf" | head -n 1)
like "$(ssh_node node01 -- "mount -i -t nfs4 -o rw,addr=10.66.0.1,clientaddr=10.66.0.11 $export /mnt && touch /mnt/x; ls /mnt" 2>&1)" \
	'[Rr]ead-only|[Dd]enied|not permitted' 'the export itself cannot be written to'

boot=0
begun() { "$muster" status --root "$lab/root" --json | jq '.nodes[0].stages[0].at'; }
booted_anew() { # polls until the node is ready in another boot than $boot
	local deadline=$((SECONDS + MUSTER_TEST_DEADLINE)) again
	until again=$("$muster" status --root "$lab/root" --json |
		jq --argjson boot "$boot" '.nodes[0] | .stage == "ready" and .stages[0].at != $boot') && [ "$again" = true ]; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		read -r -t 0.5 <> <(:)
	done
	return 0
}

# Switched off and on again at once: the loader waits until the server is sure that the node is down.
boot=$(begun)
"$muster" lab power node01 off --dir "$lab" && "$muster" lab power node01 on --dir "$lab"
ok $? 'the node is switched off and on again'
booted_anew
ok $? 'and boots anew until it is ready' || evidence

# Shut down in order, it says so itself, and its loader need not wait.
boot=$(begun)
ssh_node node01 -- systemctl poweroff
deadline=$((SECONDS + MUSTER_TEST_DEADLINE))
until [ "$("$muster" lab status --dir "$lab" --json | jq '.nodes[0].running')" = false ] || [ "$SECONDS" -ge "$deadline" ]; do
	read -r -t 0.5 <> <(:)
done
is "$(field node01 stage)" off 'a node that is shut down is off'
"$muster" lab power node01 on --dir "$lab"
booted_anew
ok $? 'and boots at once when it is switched on' || evidence
like "$("$muster" status --root "$lab/root" --json | jq '.nodes[0].stages[] | select(.stage == "dhcp") | .seconds < 10')" true \
	'without having been told to wait'
finish
