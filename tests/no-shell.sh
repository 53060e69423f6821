#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# No value reaches a shell: no program of muster has one of libc's functions that run one, none names one as what it runs but
# where a source package's own script is meant, and what is run is an argument vector.
set -u
cd "$srcdir" || exit 1
n=0 bad=0
report() { # name, what is wrong
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		bad=1
	fi
}
echo 1..9

# system(3), popen(3) and wordexp(3) run /bin/sh; of the exec family, those that search PATH do so with a file that is no
# program (ENOEXEC).
shells='system|popen|wordexp|execlp|execvp|execvpe|posix_spawnp'
needed() { nm -D --undefined-only "$1" 2>/dev/null | sed 's/.* U //; s/@.*//'; }
for program in muster musterd dhcp-event; do
	if [ "$(needed "$builddir/$program" | grep -c .)" -lt 5 ]; then
		report "$program wants nothing of libc that runs a shell" "nm does not tell what it wants"
	else
		report "$program wants nothing of libc that runs a shell" "$(needed "$builddir/$program" | grep -wE "$shells")"
	fi
done
# muster-agent is static, and without names: its objects tell.
objects=$(find "$builddir/agent" -name '*.o')
if [ -z "$objects" ]; then
	report 'nor does muster-agent' 'there are no objects of it'
else
	# shellcheck disable=SC2086
	report 'nor does muster-agent' "$(nm --undefined-only $objects | sed 's/.* U //' | grep -wE "$shells" | sort -u)"
fi

sources=$(git ls-files 'agent/*.c' 'backend/*.c' 'cli/*.c' 'craft/*.c' 'daemon/*.c' 'kernel/*.c' 'lab/*.c' 'screens/*.c' \
	'tui/*.c' 'util/*.c' 2>/dev/null)
[ -n "$sources" ] || sources=$(find agent backend cli craft daemon kernel lab screens tui util -name '*.c')
# Without comments, which may speak of them.
code() {
	local f
	for f in $sources; do
		sed -e 's|//.*||' -e ':a;s|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' "$f" | awk -v f="$f" '
			/\/\*/ && !/\*\// { sub(/\/\*.*/, ""); print f ":" FNR ": " $0; skip = 1; next }
			skip { if (/\*\//) { sub(/.*\*\//, ""); skip = 0 } else next }
			{ print f ":" FNR ": " $0 }'
	done
}
all=$(code)
report 'the sources were read' "$([ "$(printf '%s\n' "$all" | wc -l)" -gt 20000 ] || echo "only $(printf '%s\n' "$all" | wc -l) lines")"
report 'no source calls one' "$(printf '%s\n' "$all" | grep -E '[^_a-z0-9.>](system|popen|wordexp|execlp|execvp|execvpe|posix_spawnp) *\(')"
# kernel/external.c runs a source's own ./configure, a script of that package, whose arguments are words of a recipe.
report 'no source runs a shell with a text' "$(printf '%s\n' "$all" | grep -E '"-c"' | grep -E '"(/bin/|/usr/bin/)?(ba|da|k|z|a)?sh"')"
report 'a shell is named where a script of a package is run, and nowhere else' \
	"$(printf '%s\n' "$all" | grep -E '"(/bin/|/usr/bin/)?(ba|da|k|z|a)?sh"' |
		grep -vE '^(kernel/external\.c:.*"\./configure"|kernel/toolchain\.c|backend/image/initramfs\.c.*strcmp\(name|agent/basis\.c.*access\()')"
# The units that muster writes and brings: systemd runs no shell by itself.
report 'no unit that is rendered runs a shell' "$(grep -rnE '^Exec[A-Za-z]*=.*(/| )(ba|da)?sh( |$)' tests/golden/*/expected/etc/systemd)"
exit $bad
