#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The console on a real terminal (tmux), while a node boots, is restarted from it, and boots again.
. "$(dirname "$0")/lib.sh"
. "$srcdir/tests/lab/terminal.sh"

fresh
answers "$lab/answers.conf" 's/count .*= 2/count = 1/' 's/, "52:54:00:66:00:02"//'
up -f "$lab/answers.conf"
ok $? 'a lab with one node starts'
on_terminal "'$muster' console --root '$lab/root'"
ok $? 'the console starts in a terminal of 80 by 24'
seen '^ ● node01 +10\.66\.0\.11 +ready '
ok $? 'it shows the node as it becomes ready' || evidence
keys Enter
seen '^ ● initramfs '
ok $? 'the page of the node has its boot by stages'
keys q
seen 'NODE ▾'
keys r
seen 'Shall these nodes be restarted'
ok $? 'a restart is asked about, naming the node'
keys y
seen '^ [○◐] node01 '
ok $? 'the node goes down'
seen '^ ● node01 +10\.66\.0\.11 +ready .* [+-][0-9]+ %'
ok $? 'and is ready again, its boot held against its own median' || evidence
keys e
seen 'power +reboot'
ok $? 'the log has the restart'
keys q
seen 'NODE ▾'
keys q
seen 'ended with 0'
ok $? 'the console is left'
terminal kill-server
like "$("$muster" lab exec --dir "$lab" -- "$muster" run --root "$lab/root" -n node01 -- 'uname -n; exit 3' 2>&1)" '^ +node01$' \
	'a command runs on the node, with the lab'"'"'s own key'
on_terminal "'$muster' lab console --dir '$lab'"
seen '^ ● node01 '
keys c
seen 'A command on these nodes'
keys 'uname -n; exit 3' Enter
seen '^ *node01: node01' && seen '^ *node01: exit status 3'
ok $? 'and from the console, which shows its output and its exit status' || evidence
terminal kill-server
finish
