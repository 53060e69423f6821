#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A node whose root is not where its URL says: it says so itself, and status shows it.
. "$(dirname "$0")/lib.sh"

fresh
answers "$lab/answers.conf" 's/count .*= 2/count = 1/' 's/, "52:54:00:66:00:02"//'
up -f "$lab/answers.conf" --no-power
ok $? 'the services start'
id=$(jq -r .generation "$lab/root/etc/muster/cluster.json")
file=$lab/root/var/lib/muster/roots/$id/root.squashfs
mv "$file" "$file.away"
trap 'mv -f "$file.away" "$file" 2>/dev/null; "$muster" lab down --dir "$lab" >/dev/null 2>&1' EXIT
"$muster" lab power node01 on --dir "$lab"
ok $? 'the node is powered on'
"$muster" status --root "$lab/root" --watch --until-ready --timeout "$MUSTER_TEST_DEADLINE" >"$lab/watch.log" 2>&1
is $? 1 'it does not become ready'
is "$(field node01 stage)" failed 'status shows it as failed'
text=$("$muster" status --root "$lab/root")
like "$text" 'failed.*(404|root)' 'with the reason'
[ "$(field node01 stage)" = failed ] || evidence
mv -f "$file.away" "$file"

# A lab that is made again knows nothing of the machines that were switched off with the one before.
"$muster" lab down --dir "$lab" >/dev/null 2>&1
up -f "$lab/answers.conf" --no-power
is "$(field node01 stage)" off 'in the next lab it is off'
finish
