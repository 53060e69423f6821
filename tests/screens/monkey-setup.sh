#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 3,000 random events against the wizard, and as many against its building of kernels, the same each time; ./run test --all plays others, and more. MUSTER_MONKEY_SEED is another
# seed, MUSTER_MONKEY_MUSTER another muster.
#
# It cannot hurt: everything is below a scratch root, where nothing is installed and no service is touched; the server is another
# one's facts, so that no wire is asked; and no program is in its path, so that a job which it begins can fetch and build nothing.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/root" "$work/nothing"
cat >"$work/host.json" <<'EOT'
{"architecture": "x86_64", "kernel": "6.1.0", "distribution": {"id": "debian", "version": "12", "codename": "bookworm",
 "family": "debian", "pretty": "Debian GNU/Linux 12 (bookworm)"}, "interfaces": [
 {"name": "out0", "mac": "52:54:00:aa:00:00", "link": true, "up": true, "default_route": true, "addresses": ["192.168.7.5/24"]},
 {"name": "nodes0", "mac": "52:54:00:aa:00:01", "link": true, "up": true, "addresses": ["10.66.0.1/24"]}]}
EOT
cd "$work" || exit 1
number=0

play() { # where, and the keys that lead there
	number=$((number + 1))
	if said=$("$builddir/tests/screens/monkey" -k "$2" -n "${MUSTER_MONKEY_EVENTS:-3000}" -s "${MUSTER_MONKEY_SEED:-1795559796}" \
		/usr/bin/env PATH="$work/nothing" "${MUSTER_MONKEY_MUSTER:-$builddir/muster}" setup \
		--root "$work/root" --host "$work/host.json" -f "$work/answers.conf" 2>&1); then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
	fi
	printf '%s\n' "$said" | sed 's/^/# /'
}

echo 1..2
play 'the wizard' ''
# What is to be built is no archive: the build fails, and the monkey plays with that, and with the form.
echo 'no archive' >"$work/source"
chmod 755 "$work"
rm -rf "$work/root" "$work/answers.conf"
mkdir "$work/root"
page='\033[6~'
play 'a kernel in the wizard' \
	"$(printf "$page$page$page$page  \t\025\t\033[C\r  \t\025%s$page" "$work/source")"
