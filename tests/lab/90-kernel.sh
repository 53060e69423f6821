#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The kernel builder on a real tree, the distribution's own source: a symbol that vanishes, a build that is killed and goes on,
# and a virtual node that boots what came out of it. Some 6 minutes on two processors.
. "$(dirname "$0")/lib.sh"
recipe=$srcdir/tests/lab/small.conf
kernels=$lab/root/var/lib/muster/kernels

source=$(ls /usr/src/linux-source-*.tar.xz 2>/dev/null | tail -n 1)
[ -n "$source" ]
ok $? 'the distribution has a kernel source' || { finish; exit 1; }

build() { # recipe
	"$muster" --root "$lab/root" kernel build "$1" --source "$source"
}

fresh
rm -rf "$kernels"

# shmem is off in tinyconfig, and tmpfs with it
sed -e 's/"SHMEM", //' "$recipe" >"$lab/ghost.conf"
text=$(build "$lab/ghost.conf" 2>&1)
is $? 2 'a configuration that the tree does not take is refused'
like "$text" 'TMPFS is to be set, and is not set\. It depends on SHMEM \(fs/Kconfig:[0-9]+\); here SHMEM is not set' \
	'with the symbol and what it depends on'
is "$(find "$kernels" -maxdepth 1 -name '.building-*' | wc -l)" 0 'and leaves nothing behind'

"$muster" --root "$lab/root" kernel build "$recipe" --source "$source" >"$lab/build.out" 2>"$lab/build.err" &
pid=$!
compiling() { # number of files
	[ "$(cat "$kernels"/.building-small-*/log 2>/dev/null | grep -c '^  CC ')" -ge "$1" ]
}
end=$((SECONDS + 2 * MUSTER_TEST_DEADLINE)) # the compiler runs at a lower priority
until compiling 60 || ! kill -0 "$pid" || [ "$SECONDS" -ge "$end" ]; do read -rt 0.2 <> <(:) || true; done
compiling 60
ok $? 'the build compiles'
owner=$(stat -c %u "$kernels"/.building-small-*/tree)
[ "$owner" -ge 60578 ] && [ "$owner" -le 61183 ]
ok $? 'as a user that has no rights'
kill -9 "$pid"
wait "$pid" 2>/dev/null
end=$((SECONDS + 60))
while pgrep -U "$owner" >/dev/null && [ "$SECONDS" -lt "$end" ]; do read -rt 0.2 <> <(:) || true; done
is "$(pgrep -U "$owner" | wc -l)" 0 'what it had started ends with it'

id=$(build "$recipe" 2>"$lab/build.err")
ok $? 'asked again, the build goes on' || sed 's/^/# /' "$lab/build.err"
like "$id" '^small-[0-9a-f]{12}$' 'and prints the id of what it made'
is "$(grep -c '^unpack' "$lab/build.err")" 0 'without unpacking anew'
like "$(cat "$lab/build.err")" '^build: done' 'to its end'
for f in vmlinuz System.map config kernel.json; do
	[ -s "$kernels/$id/$f" ]
	ok $? "the generation has its $f"
done
is "$(find "$kernels/$id" -name dummy.ko | wc -l)" 1 'and its modules'
is "$(find "$kernels/$id" ! -uid 0 | wc -l)" 0 'and all is root'"'"'s'
is "$(find "$kernels" -maxdepth 1 -name '.building-*' | wc -l)" 0 'and the tree is gone'

is "$(build "$recipe" 2>"$lab/build.err")" "$id" 'the same build is not done twice'
is "$(cat "$lab/build.err")" '' 'and nothing was looked at for that'

answers "$lab/answers.conf" "s/kernel = \"distro-cloud\"/kernel = \"$id\"/" 's/root   = "ram"/root   = "initramfs"/' \
	's/count         = 2/count = 1/' 's/macs  .*/macs = {"52:54:00:66:00:01"}/'
up -f "$lab/answers.conf"
ok $? 'a lab starts with this kernel'
wait_ready
ok $? 'a node boots it, and is ready'
is "$(field node01 kernel)" "$(jq -r .release "$kernels/$id/kernel.json")" 'its kernel is the one that was built'
like "$("$muster" --root "$lab/root" kernel list)" "^$id .* yes *\$" 'the list shows that it is used'
text=$("$muster" --root "$lab/root" --yes kernel remove "$id" 2>&1)
is $? 2 'what the nodes boot is not removed'
"$muster" lab down --dir "$lab"
ok $? 'the lab ends'
finish
