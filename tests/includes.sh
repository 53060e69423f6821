#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Holds the includes against the house's rules: a room includes only what stands below it.
# Also: a third-party header is included in one source file only, and every file has its SPDX line.
set -u
cd "${srcdir:-.}" || exit 1

# room	what it may include of ours (extended regular expressions on the included path)
rules='
util/	util/
agent/	agent/
craft/	craft/|util/
kernel/	kernel/|craft/|backend/plan/(conf|plan|text)\.h|util/
tui/	tui/|util/
backend/host/	backend/host/|util/
backend/plan/	backend/plan/|backend/host/|util/
backend/render/	backend/render/|backend/plan/|backend/nodes/node\.h|agent/wire\.h|util/
backend/apply/	backend/apply/|backend/render/|backend/plan/|backend/host/|util/
backend/image/	backend/image/|backend/plan/|craft/|backend/host/facts\.h|agent/wire\.h|util/
backend/nodes/	backend/nodes/|backend/plan/|agent/wire\.h|util/
backend/ssi/	backend/ssi/|backend/nodes/|backend/plan/|agent/wire\.h|util/
backend/	backend/|agent/wire\.h|craft/|kernel/|util/
daemon/	daemon/|backend/|agent/wire\.h|util/
lab/	lab/|backend/muster\.h|util/
cli/	cli/|backend/muster\.h|lab/|screens/|util/
screens/	screens/|tui/|backend/muster\.h|util/
'
# third-party headers that belong into exactly one source file
single='confuse.h pci/pci.h libudev.h sqlite3.h dialog.h microhttpd.h archive.h libkmod.h sha2.h curl/curl.h libelf.h gelf.h'

files=$(find agent backend cli craft daemon kernel lab screens tui util -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
# One program for all files: a process for each include took a minute.
bad=$(printf '%s\n' "$rules" | LC_ALL=C awk -F'\t' -v files="$files" '
	$1 != "" { room[$1] = $2 }
	END {
		n = split(files, f, "\n")
		for (i = 1; i <= n; i++) {
			best = ""
			for (r in room)
				if (index(f[i], r) == 1 && length(r) > length(best))
					best = r
			while ((getline line <f[i]) > 0) {
				if (line !~ /^[ \t]*#[ \t]*include "[^"]*"/)
					continue
				split(line, part, "\"")
				if (part[2] != "config.h" && (best == "" || part[2] !~ ("^(" room[best] ")")))
					print f[i] " includes " part[2]
			}
			close(f[i])
		}
	}')
spdx=$(printf '%s\n' $files $(find tests -name '*.[ch]') | LC_ALL=C awk '{
	line = ""
	getline line <$0
	close($0)
	if (line !~ /SPDX-License-Identifier: GPL-3\.0-or-later/)
		print
}')
twice=$(for h in $single; do
	n=$(grep -lE "^#[[:space:]]*include <$h>" $files | grep -c .)
	[ "$n" -le 1 ] || echo "<$h> is included by $n files"
done)
# curses is spoken in tui/ only, and by as few files as there are
curses=$(grep -lE '^#[[:space:]]*include <(curses|term|ncurses[^>]*)\.h>' $files |
	grep -vxE 'tui/(canvas|term)\.c')
n=$(printf '%s\n' "$files" | grep -c .)

report() { # number, name, findings
	if [ -z "$3" ]; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		printf '%s\n' "$3" | sed 's/^/# /'
	fi
}
echo 1..5
report 1 'every room includes only what stands below it' "$bad"
report 2 'a third-party header is included in one file' "$twice"
report 3 'every source file has its SPDX line' "$spdx"
report 4 'the check saw the source files' "$([ "$n" -ge 20 ] || echo "only $n files found")"
report 5 'curses is included by two files of tui/ only' "$curses"
[ -z "$bad$twice$spdx$curses" ] && [ "$n" -ge 20 ]
