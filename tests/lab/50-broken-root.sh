#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A node whose root is not where its URL says, or is not the one that was built: it says so itself, and status shows it.
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

# One byte of it is another: the SHA-256 that the build noted, which is in the node's personality, tells.
"$muster" lab power node01 off --dir "$lab"
mv "$file" "$file.away"
cp "$file.away" "$file"
middle=$(($(stat -c %s "$file") / 2))
byte=$(od -An -tu1 -j "$middle" -N 1 "$file")
# shellcheck disable=SC2059 # the format is the byte
printf "$(printf '\\x%02x' $((byte ^ 1)))" | dd of="$file" bs=1 seek="$middle" conv=notrunc status=none
"$muster" lab power node01 on --dir "$lab"
# Until then it is known as failed for the first reason.
end=$((SECONDS + MUSTER_TEST_DEADLINE))
until text=$("$muster" status --root "$lab/root") && [[ $text == *'SHA-256'* ]] || [ "$SECONDS" -ge "$end" ]; do sleep 1; done
like "$text" 'failed.*the root that arrived is not the one that was built: its SHA-256 begins' \
	'a root of which one byte is another is refused, with the reason'
[[ $text == *SHA-256* ]] || evidence
mv -f "$file.away" "$file"

# A lab that is made again knows nothing of the machines that were switched off with the one before.
"$muster" lab down --dir "$lab" >/dev/null 2>&1
up -f "$lab/answers.conf" --no-power
is "$(field node01 stage)" off 'in the next lab it is off'
finish
