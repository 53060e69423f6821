#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Where the cluster's secrets are, and where they are not: a password's hash, the nodes' private keys, a boot's token. The tree
# of a real apply is walked, with everything that was printed, logged, served and run since, as root and as somebody else.
. "$(dirname "$0")/lib.sh"
hash='$6$KnownSaltOfThis$Zz0KnownHashOfThisTest1234567890abcdefghijklmnopqrstuvwxyz'

inside() { "$muster" lab exec --dir "$lab" -- "$@"; }
nobody() { inside setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
fetch() { inside bash -c 'exec 3<>/dev/tcp/10.66.0.1/8066; printf "GET %s HTTP/1.0\r\n\r\n" "$1" >&3; cat <&3' fetch "$1" | tr -d '\0'; }
mode() { stat -c %a "$lab/root$1" 2>/dev/null; }

# Every argument and environment on this machine, again and again; what is looked for stands in a file, so that the looking is
# not found. Ends when that file goes.
watch_processes() {
	while [ -f "$lab/secrets" ]; do
		grep -lzaFf "$lab/secrets" /proc/[0-9]*/cmdline /proc/[0-9]*/environ
		read -r -t 0.1 <> <(:)
	done
}

fresh
mkdir -p "$lab/root/etc/muster"
printf '%s\n' "$hash" >"$lab/root/etc/muster/root-password"
chmod 600 "$lab/root/etc/muster/root-password"
answers "$lab/answers.conf" 's/count .*= 2/count = 1/' 's/, "52:54:00:66:00:02"//' \
	"s|ssh_keys = {}|ssh_keys = {} root_password_file = \"$lab/root/etc/muster/root-password\"|"
printf '%s\n' "$hash" 'KnownSaltOfThis' 'Zz0KnownHashOfThisTest' >"$lab/secrets"
watch_processes >"$lab/seen" 2>/dev/null &
watcher=$!

"$muster" plan --root "$lab/root" -f "$lab/answers.conf" >"$lab/said" 2>&1
"$muster" plan --root "$lab/root" -f "$lab/answers.conf" --json >>"$lab/said" 2>&1
"$muster" check --root "$lab/root" -f "$lab/answers.conf" --json >>"$lab/said" 2>&1
up -f "$lab/answers.conf"
ok $? 'a lab whose nodes have a password starts'
cat "$lab/up.log" >>"$lab/said"
wait_ready
ok $? 'and its node is ready'
is "$(ssh_node node01 -- "sed -n 's/^root:\([^:]*\):.*/\1/p' /etc/shadow")" "$hash" 'the node has the password'
token=$(ssh_node node01 -- cat /run/muster/node.conf | sed -n 's/^token=//p')
like "$token" '^[0-9a-f]{32}$' 'its boot has a token'
key=$(sed -n 3p "$lab/root/var/lib/muster/keys/node01/ssh_host_ed25519_key")
like "$key" '^[A-Za-z0-9+/=]{20,}$' 'and it has a private key'

# The log holds a refusal too: somebody asks for what this boot has had.
fetch "/boot/$token/node.cpio" >"$lab/again"
like "$(head -n 1 "$lab/again")" ' 403 ' 'from another address its personality is refused'
like "$(ssh_node node01 -- "exec 3<>/dev/tcp/10.66.0.1/8066; printf 'GET /boot/$token/node.cpio HTTP/1.0\r\n\r\n' >&3; head -n 1 <&3")" \
	' 403 ' 'and at its own, after it has booted'
why=$("$muster" why node01 --root "$lab/root" 2>&1)
like "$why" 'asked for (its|the) personality' 'why tells of it'
printf '%s\n' "$key" "$token" >>"$lab/secrets"
read -r -t 1 <> <(:)

{
	for verb in status 'status --stages' 'status --json' 'why node01' 'history' 'history --json' 'node show node01' 'doctor --json'; do
		# shellcheck disable=SC2086
		"$muster" $verb --root "$lab/root"
	done
	fetch /metrics
} >>"$lab/said" 2>&1
is "$(grep -cFf "$lab/secrets" "$lab/said")" 0 'nothing that muster says shows a secret'
is "$(cat "$lab"/root/var/log/muster/*.log "$lab"/nodes/*/serial.log | grep -acFf "$lab/secrets")" 0 'nor any log, nor the console of the node'
is "$(cat "$lab/seen")" '' 'nor any argument or environment'

# The tree.
mapfile -t holders < <(cd "$lab/root" && grep -rlaFf "$lab/secrets" --exclude-dir=proc . | sort)
wrong=
for f in "${holders[@]}"; do
	case $f in
	./etc/muster/root-password | ./etc/muster/cluster.json | ./var/lib/muster/keys/*/ssh_host_ed25519_key | ./var/lib/muster/journal/*) ;;
	*) wrong+="$f " ;;
	esac
done
is "$wrong" '' 'only their own files hold secrets'
like "${holders[*]}" 'cluster.json.*ssh_host_ed25519_key' 'which these are'
for f in "${holders[@]}"; do nobody cat "$lab/root/$f"; done >"$lab/read" 2>/dev/null
is "$(grep -acFf "$lab/secrets" "$lab/read")" 0 'and nobody else on the server reads them'
is "$(cd "$lab/root" && find "${holders[@]}" -perm /07)" '' 'nor would, were their folders open'
is "$(mode /var/lib/muster/keys) $(mode /var/lib/muster/state) $(mode /var/lib/muster/journal)" '700 700 700' \
	'the folders of keys, state and journal are closed'
is "$(find "$lab/root/var/lib/muster/state" -type f ! -perm 600)" '' 'and so are the files of the state'
is "$(find "$lab/root/var/lib/muster/keys" -name '*_key' ! -perm 600)" '' 'and the private keys'
is "$(mode /etc/muster/cluster.json)" 640 'the plan is for musterd alone'
is "$(mode /run/muster/control.sock) $(mode /run/muster/events.sock)" '660 600' 'its sockets are for its group, and for itself'
nobody "$muster" power reboot -n node01 --yes --root "$lab/root" >"$lab/power" 2>&1
is "$?" 1 'somebody else restarts no node'

# What is served.
served=("$lab/root/var/lib/muster/tftp" "$lab/root/var/lib/muster/roots" "$lab/root/var/lib/muster/initramfs")
is "$(grep -rlaFf "$lab/secrets" "${served[@]}")" '' 'no served folder holds a secret'
is "$(find "${served[@]}" -type l)" '' 'nor leads out by a link'
squashfs=$(find "$lab/root/var/lib/muster/roots" -name root.squashfs | head -n 1)
is "$(unsquashfs -cat "$squashfs" etc/shadow | sed -n 's/^root:\([^:]*\):.*/\1/p' | tr -d '*!')" '' 'the root that all may fetch has no password'
is "$(unsquashfs -l "$squashfs" | grep -E 'etc/ssh/ssh_host_.*key|authorized_keys')" '' 'and no keys'
for path in /keys/node01/ssh_host_ed25519_key /roots/../keys/node01/ssh_host_ed25519_key /state/muster.db /etc/muster/cluster.json \
	/roots/..%2fkeys%2fnode01/vmlinuz /initramfs/../../../../../etc/muster/cluster.json /journal/0001/journal; do
	fetch "$path"
done >"$lab/fetched"
is "$(grep -c '^HTTP/1.* 404' "$lab/fetched")" 7 'HTTP leads to none of them'
is "$(grep -acFf "$lab/secrets" "$lab/fetched")" 0 'nor shows any'

# Had there been one, it would have been seen.
bash -c 'while [ -f "$1" ]; do read -r -t 0.1 <> <(:); done' KnownSaltOfThis "$lab/secrets" &
told=$!
deadline=$((SECONDS + MUSTER_TEST_DEADLINE))
until [ -s "$lab/seen" ] || [ "$SECONDS" -ge "$deadline" ]; do read -r -t 0.1 <> <(:); done
like "$(cat "$lab/seen")" "^/proc/$told/cmdline" 'and whoever tells one in an argument is found'
rm "$lab/secrets"
wait "$watcher" "$told"
finish
