#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Root in memory, BIOS, addresses bound to MAC addresses: the demo's answers, two nodes.
. "$(dirname "$0")/lib.sh"

before=$(ip -o link; find /run/netns -mindepth 1 2>/dev/null; ls /etc/exports.d 2>/dev/null)
fresh
answers "$lab/answers.conf"
up -f "$lab/answers.conf"
ok $? 'a lab of two nodes starts'
wait_ready
ok $? 'both nodes are ready'

is "$(ssh_node node01 -- uname -n)" node01 'a node answers over ssh by its own name'
is "$(ssh_node node01 -- cat /proc/sys/kernel/osrelease)" "$(field node01 kernel)" 'its kernel is the one that status shows'
is "$(ssh_node node02 -- findmnt -n -o FSTYPE /)" overlay 'its root is an overlay'
like "$(ssh_node node01 -- systemctl is-system-running)" '^(running|starting)$' 'nothing failed in the running system'
is "$(ssh_node node01 -- systemctl --failed --no-legend)" '' 'no unit failed'

keys=$(sha256sum "$lab"/root/var/lib/muster/keys/*/ssh_host_ed25519_key | awk '{print $1}' | sort -u | wc -l)
is "$keys" 2 'each node has an ssh host key of its own'
is "$(stat -c %a "$lab/root/var/lib/muster/keys/node01/ssh_host_ed25519_key")" 600 'kept so that nobody else reads it'
is "$(ssh_node node01 -- cat /etc/ssh/ssh_host_ed25519_key.pub)" \
	"$(cat "$lab/root/var/lib/muster/keys/node01/ssh_host_ed25519_key.pub")" 'and the node has just that one'
like "$("$muster" lab exec --dir "$lab" -- ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no \
	-o UserKnownHostsFile=/dev/null -o IdentityFile=/nonexistent -l root 10.66.0.11 true 2>&1)" \
	'Permission denied' 'without the key nobody gets in'

# From a node's own place on the network: another node's secrets, a forged report.
ssh_node node02 -- true
like "$(ssh_node node02 -- "exec 3<>/dev/tcp/10.66.0.1/8066; printf 'POST /report HTTP/1.0\r\nAuthorization: Bearer 00112233445566778899aabbccddeeff\r\nContent-Length: 12\r\n\r\nstage=failed' >&3; head -n 1 <&3" 2>&1)" \
	' 403 ' 'a report with a wrong token is refused'
like "$(ssh_node node02 -- "exec 3<>/dev/tcp/10.66.0.1/8066; printf 'GET /boot.ipxe?mac=52-54-00-66-00-01&platform=pcbios HTTP/1.0\r\n\r\n' >&3; cat <&3" 2>&1)" \
	'403|address' 'and so is a boot in another node'"'"'s name'

text=$(ssh_node node02 -- "setpriv --reuid=65534 --regid=65534 --clear-groups bash -c 'exec 3<>/dev/tcp/10.66.0.1/8066; printf \"GET /boot.ipxe?mac=52-54-00-66-00-02&platform=pcbios HTTP/1.0\r\n\r\n\" >&3; cat <&3'" 2>&1)
like "$text" 'goto again' 'a user of a running node who asks for its boot is put off'
is "$(grep -c node.cpio <<<"$text")" 0 'and learns no token'

text=$("$muster" status --root "$lab/root" --json)
for stage in dhcp loader kernel initramfs root ready; do
	like "$text" "\"stage\": *\"$stage\"" "status knows the stage $stage"
done
like "$("$muster" lab exec --dir "$lab" -- bash -c 'exec 3<>/dev/tcp/10.66.0.1/8066; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3')" \
	'^muster_nodes\{stage="ready"\} 2' 'the metrics count two ready nodes'

"$muster" lab down --dir "$lab"
ok $? 'the lab ends'
after=$(ip -o link; find /run/netns -mindepth 1 2>/dev/null; ls /etc/exports.d 2>/dev/null)
is "$after" "$before" 'and leaves nothing in the server'"'"'s own network'
is "$(pgrep -f "$lab/" | wc -l)" 0 'nor any process'
finish
