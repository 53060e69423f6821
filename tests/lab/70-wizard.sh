#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The whole wizard on a real terminal (tmux): a server with nothing set up on it, two machines that ask for an address, and
# a person who answers, until both are ready in the console. The answers that it wrote are then the whole truth.
. "$(dirname "$0")/lib.sh"

. "$srcdir/tests/lab/terminal.sh"

wizard() { on_terminal "'$muster' lab setup --accel tcg --dir '$lab'"; }

fresh
wizard
seen 'Enter begin'
ok $? 'muster lab setup makes bare machines and begins the wizard in a terminal of 80 by 24'
keys Enter
seen '● eth1 .*10\.66\.0\.1/24'
ok $? 'the interface is proposed, with the address that it has'
keys Enter
seen 'No other DHCP server answers on eth1'
ok $? 'the wire is looked at for another DHCP server' || evidence
keys NPage
seen '0 of 2 MAC addresses'
ok $? 'no MAC address is known yet'

# To "Collect live", the fifth field.
keys Tab Tab Tab Tab Enter
seen '52:54:00:66:00:01 +QEMU +BIOS' && seen '52:54:00:66:00:02 +QEMU +BIOS'
ok $? 'both machines are seen as their firmware asks for an address'
# The machines stand in either order, and one is chosen, in reverse video.
chosen() { # MAC address
	terminal capture-pane -e -p -t screen | grep -q $'\e\\[7m.*'"$1" && return 0
	keys "$([ "$1" = 52:54:00:66:00:01 ] && echo Up || echo Down)"
	return 1
}
take() {
	until_screen chosen "$1" && keys Enter
}
take 52:54:00:66:00:02
seen '52:54:00:66:00:02 .* node01$'
ok $? 'the machine that the operator takes first is node01'
take 52:54:00:66:00:01
seen '52:54:00:66:00:01 .* node02$'
ok $? 'the other one is node02'
keys q
seen 'All MAC addresses are known'
ok $? 'both are in the answers'

keys NPage
seen 'Which kernel do the nodes run'
keys Down
seen '\(•\) Its small kernel for virtual machines'
ok $? 'the kernel for virtual machines is chosen'
keys NPage
seen "The cluster's name"
keys NPage
seen 'Public ssh keys'
keys NPage
seen 'kernel: distro-cloud +root: in memory' && seen 'start musterd.service'
ok $? 'the review shows what will be done'
keys a
seen 'Enter begins'
keys Enter
# The terminal goes away in the midst of it: the job does not.
seen '[●◐] (files|services|packages|root|health|initramfs)'
ok $? 'the changes are being made'
terminal kill-server
wizard
seen "(▸ Apply|Enter begin)"
ok $? 'the terminal is closed and the wizard begun anew'
to_apply() { # no step before it asks for more than it has
	grep -q '▸ Apply' || { keys NPage; return 1; }
}
until_screen to_apply
seen 'All is done'
ok $? 'it finds the job again, and the job ends well' || evidence
keys NPage
seen '▸ First boot'
seen 'node01 +10\.66\.0\.11 +ready' && seen 'node02 +10\.66\.0\.12 +ready'
ok $? 'at the step First boot both machines become ready' || evidence
keys Enter
seen '^ ● node01 +10\.66\.0\.11 +ready ' && seen '^ ● node02 +10\.66\.0\.12 +ready '
ok $? 'the console shows both nodes ready'
is "$("$muster" status --root "$lab/root" --json | jq -r '[.nodes[] | .name + " " + .mac] | join(", ")')" \
	'node01 52:54:00:66:00:02, node02 52:54:00:66:00:01' 'each is the node that the operator made of it'
keys q
seen '▸ First boot'
keys q
seen 'ended with 0'
ok $? 'the wizard is left'
terminal kill-server
like "$("$muster" lab status --dir "$lab")" 'node02 .*ready' 'the lab runs on'
like "$("$muster" lab apply --dir "$lab" -f "$lab/root/etc/muster/answers.conf" 2>&1)" 'othing' \
	'muster apply of the answers that it wrote changes nothing'
finish
