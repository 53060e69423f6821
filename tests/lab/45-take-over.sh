#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Files that somebody else has changed: a person says yes to those that he is shown, and to no others. Below another root, where
# nothing is started.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/terminal.sh"

fresh
root=$lab/root
conf=$root/etc/muster/dnsmasq.conf hosts=$root/etc/muster/hosts
# This machine, with the interface of the answers.
"$muster" host --json | jq '.interfaces += [.interfaces[0] // {} | .name = "eth1" | .mac = "52:54:00:66:00:fe" | .addresses = []]' \
	>"$lab/host.json"
answers "$lab/answers.conf"
apply() { "$muster" --root "$root" --host "$lab/host.json" apply -f "$lab/answers.conf" "$@"; }
ask() { on_terminal "$muster --root $root --host $lab/host.json apply -f $lab/answers.conf"; }

apply --yes >"$lab/apply.log" 2>&1
ok $? 'an apply' || sed 's/^/# /' "$lab/apply.log"
ours=$(sha256sum <"$conf")
echo '# by hand' >>"$conf"
text=$(apply --yes 2>&1)
is $? 2 'headless, what was changed by hand is not replaced'
like "$text" '/etc/muster/dnsmasq.conf' 'it is named'
like "$text" '--take-over' 'and what replaces it'

ask
seen 'Replace what is not muster.s: /etc/muster/dnsmasq.conf\? \[y/N\]'
ok $? 'a person is asked about it'
keys n Enter
seen 'ended with [1-9]'
ok $? 'and no means no'
like "$(tail -n 1 "$conf")" 'by hand' 'it is still there'

ask
seen 'Replace what is not muster.s'
keys y Enter
seen 'Make these changes\? \[Y/n\]'
ok $? 'and yes goes on'
echo '# meanwhile' >>"$hosts"
keys y Enter
seen 'ended with [1-9]'
ok $? 'but what came after the question was never said yes to'
screen | tr -d '\n' | grep -q '/etc/muster/hosts'
ok $? 'and is named'
like "$(tail -n 1 "$conf")" 'by hand' 'nothing was replaced'
like "$(tail -n 1 "$hosts")" 'meanwhile' 'neither the one nor the other'

apply --yes --take-over >"$lab/apply.log" 2>&1
ok $? '--take-over replaces both' || sed 's/^/# /' "$lab/apply.log"
is "$(sha256sum <"$conf")" "$ours" 'with what muster writes'
is "$(grep -c meanwhile "$hosts")" 0 'as it was'
"$muster" --root "$root" --yes undo >"$lab/apply.log" 2>&1
ok $? 'undo'
like "$(tail -n 1 "$conf")" 'by hand' 'brings back what a person had written'
finish
