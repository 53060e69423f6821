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
like "$(ssh_node node01 -- cat /proc/mounts)" ' nfs4 .*10\.66\.0\.1' 'its root comes over NFS'
is "$(ssh_node node01 -- "touch /usr/written && ls /usr/written")" /usr/written 'and can be written to, in memory'
like "$(ssh_node node01 -- "mount -o remount,rw /run/muster/nfs 2>&1; touch /run/muster/nfs/x 2>&1")" 'ead-only|denied|o such' \
	'the export itself cannot'
finish
