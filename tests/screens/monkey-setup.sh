#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 3,000 random events against the wizard, the same each time; ./run test --all plays others, and more. MUSTER_MONKEY_SEED is another
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
"$builddir/tests/screens/monkey" -n "${MUSTER_MONKEY_EVENTS:-3000}" -s "${MUSTER_MONKEY_SEED:-1795559796}" \
	/usr/bin/env PATH="$work/nothing" "${MUSTER_MONKEY_MUSTER:-$builddir/muster}" setup \
	--root "$work/root" --host "$work/host.json" -f "$work/answers.conf"
