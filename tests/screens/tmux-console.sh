#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The console in tmux, beside a musterd whose nodes are not there: what a terminal of others makes of it.
set -u
number=0
socket=muster-console-$$
beside=$builddir/tests/screens/beside-musterd
command -v tmux >/dev/null || { echo '1..0 # SKIP tmux is not installed'; exit 0; }

ok() { # exit status, name
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		screen | sed 's/^/# screen: /'
	fi
}

terminal() { tmux -L "$socket" "$@"; }
screen() { terminal capture-pane -p -t console; }
keys() { terminal send-keys -t console "$@"; }
until_it() { # command: until it succeeds
	local deadline=$((SECONDS + 20))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		read -r -t 0.1 <> <(:)
	done
	return 0
}
has() { screen | grep -Eq -- "$1"; }
seen() { until_it has "$1"; }
ended() { ! kill -0 "$1" 2>/dev/null; }
trap 'terminal kill-server 2>/dev/null' EXIT

terminal -f /dev/null new-session -d -s console -x 80 -y 24 \
	"LC_ALL=C.UTF-8 '$beside' 16 '$builddir/muster' console --root @ROOT@; echo ended with \$?; read -r line"
seen '^ ● node01 +10\.66\.0\.11 +ready +2h14m'
ok $? 'it shows the nodes'
keys j j Enter
seen '^ ● initramfs .* 10\.6 s slower'
ok $? 'and the boot of one'
terminal resize-window -t console -x 132 -y 43
seen '^ root +debian-12-9f3c01234567'
keys q
seen 'NODE ▾.*MAC .*REPORT'
ok $? 'it follows the size of the window'
terminal resize-window -t console -x 60 -y 10
seen 'wants 80x24'
ok $? 'it says when the window is too small'
terminal resize-window -t console -x 80 -y 24
seen '^ ● node03 +10\.66\.0\.13'
ok $? 'and goes on when it is not'
keys r
seen 'Shall these nodes be restarted'
keys Escape
until_it eval '! has "Shall these"'
ok $? 'it asks before nodes are restarted'
keys q
seen '^ended with 0'
until_it eval '! has node01'
ok $? 'the first screen is as it was'
keys Enter
until_it eval '! terminal list-panes >/dev/null 2>&1'
terminal -f /dev/null new-session -d -s console -x 80 -y 24 \
	"LC_ALL=C.UTF-8 exec '$beside' 16 '$builddir/muster' console --root @ROOT@"
seen '^ ● node01 '
pid=$(terminal list-panes -t console -F '#{pane_pid}')
child=$(pgrep -P "$pid" -x muster)
terminal kill-server
until_it ended "${child:-$$}"
ok $? 'with the terminal it ends'
echo "1..$number"
