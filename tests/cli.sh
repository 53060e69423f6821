#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line of the built program: help, refusals and their exit status, and JSON. Touches nothing.
set -u
builddir=${builddir:-.}
muster=$builddir/muster
tmp=$(mktemp -d "${TMPDIR:-/tmp}/muster-cli-XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

# Runs muster with the arguments; leaves its exit status in $status, its output in $tmp/out and $tmp/err.
run() {
	"$muster" "$@" </dev/null >"$tmp/out" 2>"$tmp/err"
	status=$?
}

report() { # name, findings
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		sed 's/^/#   out: /' "$tmp/out"
		sed 's/^/#   err: /' "$tmp/err"
		failed=1
	fi
}

want() { # status, file, pattern: findings
	[ "$status" = "$1" ] || echo "exit status $status, not $1"
	grep -Eq -e "$3" "$tmp/$2" || echo "no \"$3\" in std$2"
}
silent() { # file
	[ ! -s "$tmp/$1" ] || echo "std$1 is not empty"
}
json() { # file; python3 is the judge where there is one
	if command -v python3 >/dev/null; then
		python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$tmp/$1" 2>&1
	else
		grep -q '^}' "$tmp/$1" || echo "std$1 is no document"
	fi
}

echo 1..80
run --version
report '--version prints the version' "$(want 0 out '^muster [0-9]'; silent err)"
run --help
report '--help lists the verbs' "$(want 0 out '^  status  '; silent err)"
verbs=$(sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$tmp/out")
report 'every verb has its help' "$(for v in $verbs; do
	run "$v" --help
	want 0 out "^Usage: muster $v"
	silent err
	cp "$tmp/out" "$tmp/first"
	run help "$v"
	cmp "$tmp/out" "$tmp/first" 2>&1
done)"
run
report 'no verb is refused' "$(want 2 err '^Usage: muster VERB'; silent out)"
run statsu
report 'a mistyped verb gets a suggestion' "$(want 2 err 'no verb "statsu"; did you mean "status"\?'; silent out)"
run xyzzy
report 'an unknown verb gets none' "$(want 2 err 'no verb "xyzzy"$'; silent out)"
run help chekc
report 'help of a mistyped verb gets a suggestion' "$(want 2 err 'did you mean "check"'; silent out)"
run status --no-such
report 'an unknown option is refused' "$(want 2 err '^muster status: there is no option --no-such'; silent out)"
run --root
report 'a missing value is refused' "$(want 2 err '--root needs a value'; silent out)"
run status --watch=1
report 'a value too much is refused' "$(want 2 err '--watch takes no value'; silent out)"
run status --until-ready --timeout 1x
report 'a wrong number is refused' "$(want 2 err '--timeout takes a whole number'; silent out)"
run check -f "$tmp/x" more
report 'a word too much is refused' "$(want 2 err '"more" is too much'; silent out)"
run root frob
report 'an unknown sub-verb is refused' "$(want 2 err 'no "frob"; it is build, list or remove'; silent out)"
run node frob
report 'an unknown word for nodes is refused' "$(want 2 err 'no "frob"; it is next, discover, rename or remove'; silent out)"
run --root "$tmp/none" status
report 'a root that is not there is refused' "$(want 2 err 'none'; silent out)"
mkdir "$tmp/root"
run --root "$tmp/root" check
report 'without answers a check is refused' "$(want 2 err '.'; silent out)"
run --root "$tmp/root" check -f "$tmp/none.conf"
report 'answers that are not there are refused, by name' "$(want 2 err 'none\.conf'; silent out)"
run --root "$tmp/root" check --json -f "$tmp/none.conf"
report 'with --json mistakes are a document' "$(want 2 out '"mistakes"'; silent err; json out)"
run status --json --no-such
report 'with --json a refusal is a document, too' "$(want 2 out '"error"'; json out)"
run host --json
cp "$tmp/out" "$tmp/host.json"
first=$(want 0 out '"distribution"'; silent err; json out)
run host --json --host "$tmp/host.json"
report 'the facts go through a file unchanged' "$first$(want 0 out '"interfaces"'; cmp "$tmp/out" "$tmp/host.json" 2>&1)"
cat >"$tmp/bare.json" <<'EOT'
{"distribution": {"id": "debian", "version": "12"}, "interfaces": [{"name": "eth0", "default_route": true, "link": true}]}
EOT
run doctor --json --host "$tmp/bare.json"
report 'a server without an interface for nodes is not fit' "$(want 1 out '"fit": false'; silent err; json out)"
run doctor --host "$tmp/bare.json" --root "$tmp/root"
report 'doctor lists what to do' "$(want 1 out 'Put a network card in'; silent err)"
echo '{"distribution": {"id": "debian"}, "interfaces": [{}]}' >"$tmp/host.json"
run host --json --host "$tmp/host.json"
report 'wrong facts are refused, with the key' "$(want 2 err 'interfaces\[0\]\.name'; json out)"
mkdir -p "$tmp/mine/root"
echo thesis >"$tmp/mine/root/file"
run lab down --purge --json --dir "$tmp/mine"
report 'a folder that is no lab is not purged' "$(want 2 err 'not the folder of a lab'; json out
	[ -f "$tmp/mine/root/file" ] || echo 'the file is gone')"
printf 'cluster { nam = "x" }\n' >"$tmp/wrong.conf"
run lab up --json --dir "$tmp/never" -f "$tmp/wrong.conf"
report 'a lab of wrong answers is not begun' "$(want 2 out '"text": "there is no key'; json out
	[ ! -e "$tmp/never" ] || echo 'its folder was made')"
run lab setup --dir "$tmp/never"
report 'the wizard in a lab wants a terminal' "$(want 2 err 'the wizard needs a terminal'; silent out
	[ ! -e "$tmp/never" ] || echo 'its folder was made')"
run rehearse --json --dir "$tmp/never" -f "$tmp/wrong.conf"
report 'wrong answers are not rehearsed' "$(want 2 out '"text": "there is no key'; json out
	[ ! -e "$tmp/never" ] || echo "the folder was made")"
run rehearse --dir "$tmp/never" -f "$tmp/wrong.conf" --firmware openboot
report 'a rehearsal knows two kinds of firmware' "$(want 2 err 'is bios or uefi, not "openboot"'; silent out)"
run rehearse --dir "$tmp/never" -f "$tmp/wrong.conf" --timeout soon
report 'its time is a number' "$(want 2 err '--timeout'; silent out)"
run rehearse --dir "$tmp/never" -f "$tmp/wrong.conf" --accel fast
report 'it knows what its machines run by' "$(want 2 err 'auto, kvm or tcg, not "fast"'; silent out)"
run rehearse --dir "$tmp/never" too much
report 'it wants no words' "$(want 2 err '"too" is too much here'; silent out)"
run rehearse --root "$tmp/empty-root" --dir "$tmp/never"
report 'without answers nothing is rehearsed' "$(want 2 err 'Nothing was applied here yet|cannot be opened'; silent out
	[ ! -e "$tmp/never" ] || echo "the folder was made")"
run lab plan --dir "$tmp/never"
report 'no verb runs in a lab that does not run' "$(want 1 err 'No lab runs in'; silent out)"
run power explode -n node01
report 'an unknown action is refused' "$(want 2 err 'no "explode"; it is reboot, off or wake'; silent out)"
run power reboot
report 'an action wants its nodes named' "$(want 2 err 'name the nodes with -n RANGE'; silent out)"
run node next floppy -n node01
report 'a node boots what there is' "$(want 2 err 'system, disk, memtest or root:ID, not "floppy"'; silent out)"
run node forget -n node01
report 'an unknown word of node is refused' "$(want 2 err 'no "forget"; it is next, discover, rename or remove'; silent out)"
run run -n node01
report 'a command wants to be named' "$(want 2 err 'muster run -n RANGE -- COMMAND'; silent out)"
run run -n node01 --prefix --json -- true
report 'one document, or each line' "$(want 2 out '"error"'; json out)"
run --root "$tmp/root" power wake -n node01 --json
report 'without a cluster nothing can be woken' "$(want 1 out '"error": "No cluster was set up'; json out)"
run why
report 'why wants a node' "$(want 2 err 'muster why NODE'; silent out)"
run --root "$tmp/root" kernel list --json
report 'the recipes are listed' "$(want 0 out '"kerrighed-3.0"'; json out)"
run --root "$tmp/root" kernel show kerrighed-3.0
report 'a recipe says which compilers fit' "$(want 0 out '^compiler +gcc 3.2 to 4.4$'; silent err)"
run --root "$tmp/root" kernel show kerrighed-3.0 --json
report 'a recipe is a document, too' "$(want 0 out '"KRG_HOTPLUG_DEL"'; json out)"
built=$tmp/root/var/lib/muster/kernels/own-0123456789ab
mkdir -p "$built"
touch "$built/vmlinuz"
cat >"$built/kernel.json" <<'EOT'
{"id": "own-0123456789ab", "recipe": "own", "release": "6.1.0-own", "version": "#0123456789ab", "compiler": "gcc 4.4.7",
 "compiler_path": "/usr/bin/gcc-4.4", "toolchain": "squeeze", "built": "2026-01-02T03:04:05Z", "bytes": 4194304,
 "base": "defconfig", "config_sha256": "feed", "sources": [{"name": "linux", "place": "/srv/linux.tar.xz", "sha256": "cafe"}],
 "flags": ["-w"], "set": ["SMP", "NET"], "module": ["E1000"], "unset": [], "value": []}
EOT
run --root "$tmp/root" kernel show own-0123456789ab
report 'a built kernel tells what it was built of' "$(want 0 out '^compiler +gcc 4.4.7, /usr/bin/gcc-4.4$'; silent err)"
report 'with the toolchain' "$(want 0 out '^ +in the toolchain squeeze$')"
report 'its sources' "$(want 0 out '^ +sha256 cafe$')"
report 'and its symbols' "$(want 0 out '^  set +SMP NET$')"
run --root "$tmp/root" kernel show own-0123456789ab --json
report 'the facts of its build are the document' "$(want 0 out '"folder": ".*/kernels/own-0123456789ab"'; json out)"
rm -r "$built"
run --root "$tmp/root" kernel show windows
report 'an unknown recipe is refused' "$(want 1 err 'there is no kernel recipe windows'; silent out)"
mkdir -p "$tmp/bare"
run --root "$tmp/bare" history
report 'a root that nothing was applied to has no history' "$(want 0 out '^Nothing was applied yet'; silent err)"
journal=$tmp/bare/var/lib/muster/journal/0003
mkdir -p "$journal" "$tmp/bare/etc"
cat >"$journal/journal" <<'EOT'
{"version":1,"when":"2026-01-02T03:04:05Z","who":"ada","answers":"lab.conf","services":"none","packages":"none"}
{"kind":"file","path":"/etc/greeting","sha256":"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03","old":{"exists":false},"step":1}
{"done":1}
{"end":"applied"}
EOT
echo hello >"$tmp/bare/etc/greeting"
run --root "$tmp/bare" history
report 'the history has each apply' "$(want 0 out '^3 +2026-01-02T03:04:05Z +ada +lab.conf +1 file or folder +stands$'; silent err)"
run --root "$tmp/bare" history 3
report 'and what it changed' "$(want 0 out 'create +file +/etc/greeting$'; silent err)"
run --root "$tmp/bare" history --json
report 'as a document, too' "$(want 0 out '"who": "ada"'; json out)"
run --root "$tmp/bare" history 9
report 'an apply that was not is refused' "$(want 2 err 'there is no apply "9"'; silent out)"
run --root "$tmp/bare" undo --to 9 --yes
report 'nobody goes back to it' "$(want 2 err 'There is no apply 9; `muster history`'; silent out)"
run --root "$tmp/bare" undo --to x --yes
report 'a number is wanted' "$(want 2 err '--to takes the number of an apply, or 0, not "x"'; silent out)"
run --root "$tmp/bare" undo --to 3 --yes
report 'nothing came after the last one' "$(want 0 err 'Nothing to take back'; silent out)"
mkdir -p "$tmp/bare/etc/muster/recipes"
run --root "$tmp/bare" uninstall --yes
report 'uninstalling takes all back' "$(want 0 err '/etc/muster stays'; silent out; [ ! -e "$tmp/bare/etc/greeting" ] || echo 'the file is there')"
report 'and removes what muster keeps' "$([ -d "$tmp/bare/etc/muster/recipes" ] && [ ! -e "$tmp/bare/var/lib/muster" ] || echo 'it is there')"
cat >"$tmp/single.conf" <<'EOT'
cluster { name = "krg" profile = "kerrighed" }
network "eth1" { address = "10.66.0.1/24" }
nodes { count = 2 }
EOT
run --root "$tmp/root" --host "$srcdir/tests/golden/host.json" plan -f "$tmp/single.conf"
report 'a single system without its kernel says how to build it' \
	"$(want 2 err 'muster kernel build kerrighed-3.0 --source kerrighed=PLACE'; silent out)"
run --root "$tmp/root" kernel build distro
report 'what the distribution builds is not built' "$(want 2 err 'distro has nothing to build'; silent out)"
run --root "$tmp/root" kernel build vanilla
report 'a source wants to be named' "$(want 2 err 'with --source linux=PLACE'; silent out)"
run --root "$tmp/root" kernel build vanilla --source linux=/a --source https://example.org/linux.tar.xz
report 'the last word about a source counts' "$(want 2 err 'example.org/linux.tar.xz comes over the network'; silent out)"
run --root "$tmp/root" kernel remove vanilla-000000000000
report 'a kernel that is not there is not removed' "$(want 1 err 'There is no kernel vanilla-000000000000'; silent out)"
run --root "$tmp/root" kernel check nowhere
report 'a kernel that is not there is not checked' "$(want 1 err 'There is no kernel nowhere'; silent out)"
run --root "$tmp/root" kernel check vanilla
report 'a kernel that could be built is named with the command' "$(want 1 err 'vanilla is not built on this server yet.*muster kernel build vanilla --source linux=PLACE'; silent out)"
run --root "$tmp/root" kernel check distro
report 'the kernel of the distribution is checked with a root' "$(want 2 err 'name the root, as in .muster kernel check distro ROOT'; silent out)"
# A root with a kernel of the distribution, as far as a check looks at it.
mkdir -p "$tmp/tree/boot" "$tmp/tree/usr/lib/modules/6.1.0-9-amd64" "$tmp/checked/var/lib/muster/roots/debian-12-0123456789ab"
for symbol in BLK_DEV_INITRD RD_ZSTD BINFMT_ELF PROC_FS SYSFS TMPFS NET INET UNIX BLK_DEV_LOOP SQUASHFS SQUASHFS_ZSTD OVERLAY_FS DEVTMPFS; do
	echo "CONFIG_$symbol=y"
done >"$tmp/tree/boot/config-6.1.0-9-amd64"
echo 'alias pci:v00008086d00001521sv*sd*bc*sc*i* igb' >"$tmp/tree/usr/lib/modules/6.1.0-9-amd64/modules.alias"
mksquashfs "$tmp/tree" "$tmp/checked/var/lib/muster/roots/debian-12-0123456789ab/root.squashfs" -quiet -no-progress >/dev/null
echo kernel >"$tmp/checked/var/lib/muster/roots/debian-12-0123456789ab/vmlinuz"
cat >"$tmp/checked/var/lib/muster/roots/debian-12-0123456789ab/root.json" <<END
{ "id": "debian-12-0123456789ab", "distribution": "debian", "suite": "bookworm", "kernel_release": "6.1.0-9-amd64",
  "root_bytes": $(stat -c %s "$tmp/checked/var/lib/muster/roots/debian-12-0123456789ab/root.squashfs"), "sha256": "$(printf '%064d' 0)", "built": "2026-11-25T04:23:17Z" }
END
run --root "$tmp/checked" kernel check distro debian-12-0123456789ab --mode ram --card 8086:1521
report 'the kernel of the distribution that a root has is checked' "$(want 0 out 'The root mode ram finds all that it needs'; want 0 out '8086:1521 is driven by the module igb')"
run --root "$tmp/checked" kernel check distro debian-12-0123456789ab --mode nfs
report 'what the kernel of the distribution lacks is said' "$(want 1 out 'The root mode nfs needs NFS_FS, NFS_V4, which this kernel has not')"
run --root "$tmp/root" kernel check vanilla --mode floppy
report 'an unknown root mode is refused' "$(want 2 err 'mode is ram, nfs or initramfs, not "floppy"'; silent out)"
run --root "$tmp/root" kernel check vanilla --card eth0
report 'a card is named by its PCI id' "$(want 2 err '"eth0" is no PCI id'; silent out)"
run kernel list --jobs 3
report 'an option of another sub-verb is refused' "$(want 2 err '\-\-jobs does nothing with .kernel list.; it belongs to build'; silent out)"
run kernel frob
report 'an unknown word for kernels is refused' "$(want 2 err 'no "frob"; it is list, show RECIPE'; silent out)"
run ssi melt
report 'an unknown word of ssi is refused' "$(want 2 err 'no "melt"; it is status, ps, test, start, add, remove, stop, reset, migrate or scheduler'; silent out)"
run ssi add
report 'joining wants its nodes named' "$(want 2 err 'name the nodes with -n RANGE'; silent out)"
run ssi migrate init node01
report 'a process is named by its number' "$(want 2 err '"init" is no process'; silent out)"
run --root "$tmp/root" ssi status --json
report 'without a cluster there is no single system' "$(want 1 out '"error": "No cluster was set up'; json out)"
run --root "$tmp/root" ssi ps --json
report 'nor are there its processes' "$(want 1 out '"error": "No cluster was set up'; json out)"
run ssi ps node01
report 'processes are chosen by their nodes with -n' "$(want 2 err '"node01" is too much here'; silent out)"
[ "$n" = 80 ] || failed=1
exit $failed
