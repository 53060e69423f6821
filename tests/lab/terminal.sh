# SPDX-License-Identifier: GPL-3.0-or-later
# For the lab's tests of screens: one program on a real terminal, which is tmux. Sourced after lib.sh.
terminals=0
socket=muster-test-$$-0
terminal() { tmux -L "$socket" -f /dev/null "$@"; }
on_terminal() { # command: begins it on a terminal of 80 by 24
	# A socket of its own: the server of the terminal before may still be ending.
	terminals=$((terminals + 1))
	socket=muster-test-$$-$terminals
	terminal new-session -d -s screen -x 80 -y 24 \
		"env LC_ALL=C.UTF-8 TERM=screen $1; echo ended with \$?; read -r line"
}
screen() { terminal capture-pane -p -t screen 2>/dev/null; }
keys() { terminal send-keys -t screen "$@"; }
# Polls until the command is true of the screen on its standard input; shows the screen when it never was.
until_screen() {
	local deadline=$((SECONDS + MUSTER_TEST_DEADLINE))
	until "$@" <<<"$(screen)"; do
		if [ "$SECONDS" -ge "$deadline" ] || ! terminal has-session -t screen 2>/dev/null; then
			screen | sed 's/^/# screen: /'
			return 1
		fi
		read -r -t 0.2 <> <(:)
	done
	return 0
}
seen() { until_screen grep -Eq -- "$1"; } # extended regular expression: until a line of the screen has it
trap 'terminal kill-server 2>/dev/null; "$muster" lab down --dir "$lab" >/dev/null 2>&1' EXIT
