#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Toolchains: one of a mirror in a folder, whose packages are made here and signed by nobody, and one of the distribution's own
# mirror, as this server has it configured, in which a tree is compiled.
. "$(dirname "$0")/../lab/lib.sh"
root=$builddir/toolchain-test
rm -rf "$root"
mkdir -p "$root/in" "$root/open"
chmod 755 "$root"
chmod 777 "$root/open"
toolchains=$root/var/lib/muster/toolchains
echo 'of this server' >"$root/secret"
trap 'rm -rf "$root"' EXIT

toolchain() { "$muster" --root "$root" --yes kernel toolchain "$@"; }

# ---- a mirror in a folder

package() { # name; what it has is in $root/in/NAME
	mkdir -p "$root/in/$1/DEBIAN" "$root/mirror/pool"
	printf 'Package: %s\nVersion: 1.0\nArchitecture: amd64\nMaintainer: nobody <nobody@localhost>\nDescription: a test\n' "$1" \
		>"$root/in/$1/DEBIAN/control"
	dpkg-deb --root-owner-group --build "$root/in/$1" "$root/mirror/pool/$1.deb" >/dev/null
}
mirror() { # release
	local d=$root/mirror/dists/$1 f
	mkdir -p "$d/main/binary-amd64"
	for f in "$root"/mirror/pool/*.deb; do
		dpkg-deb -f "$f"
		echo "Filename: pool/$(basename "$f")"
		echo "Size: $(stat -c %s "$f")"
		echo "SHA256: $(sha256sum "$f" | cut -d' ' -f1)"
		echo
	done >"$d/main/binary-amd64/Packages"
	{
		printf 'Origin: test\nSuite: %s\nCodename: %s\nArchitectures: amd64\nComponents: main\nDate: %s\n' "$1" "$1" \
			"$(LC_ALL=C date -u -R)"
		printf 'SHA256:\n %s %s main/binary-amd64/Packages\n' "$(sha256sum "$d/main/binary-amd64/Packages" | cut -d' ' -f1)" \
			"$(stat -c %s "$d/main/binary-amd64/Packages")"
	} >"$d/Release"
}
for p in base-files bash bzip2 coreutils cpio dash diffutils findutils gawk grep gzip sed tar; do package "$p"; done
mkdir -p "$root/in/old-gcc/usr/bin" "$root/in/old-gcc/bin"
for p in dash id; do
	cp -L "$(command -v $p)" "$root/in/old-gcc/bin/"
	for l in $(ldd "$(command -v $p)" | grep -o '/[^ ]*'); do (cd "$root/in/old-gcc" && cp -L --parents "$l" .); done
done
cat >"$root/in/old-gcc/usr/bin/gcc-4.4" <<-'END'
	#!/bin/sh
	case $1 in
	--version) echo 'gcc-4.4 (GCC) 4.4.7'; echo 'Free Software Foundation' ;;
	-dumpmachine) echo x86_64-linux-gnu; id -u ;;
	*) echo as ;;
	esac
END
chmod 755 "$root/in/old-gcc/usr/bin/gcc-4.4"
package old-gcc
mirror hamm

text=$(toolchain build folder --mirror "$root/mirror" --release hamm --packages old-gcc 2>&1)
is $? 1 'a mirror that nobody signed is refused'
like "$text" 'the packages of hamm cannot be got: .*not signed' 'with the reason'
is "$(find "$toolchains" -mindepth 1 -maxdepth 1 ! -name .lock | wc -l)" 0 'and nothing of it stays'
text=$(toolchain build folder --mirror "$root/mirror" --release hamm --packages old-gcc --trust-unsigned 2>&1)
ok $? 'unless the operator says to take it' || printf '%s\n' "$text" | sed 's/^/# /'
like "$text" 'without a look at their signatures' 'which is said'
is "$(jq -r '.trusted_unsigned, .mirror, .compilers[0].name' "$toolchains/folder/toolchain.json" | tr '\n' ' ')" \
	"true copy:$root/mirror folder:gcc-4.4 " 'and written down, as is the mirror'
is "$(readlink "$toolchains/folder/tree/bin/sh")" dash 'a link that a package would have made when it was installed is there'
text=$(jq -r '.compilers[0].identity' "$toolchains/folder/toolchain.json" | grep -xE '6[01][0-9]{3}')
[ -n "$text" ]
ok $? 'its compiler was asked by a user without rights'
text=$(toolchain build file --mirror "file:$root/mirror" --release hamm --packages old-gcc --trust-unsigned 2>&1)
ok $? 'a mirror may be a file: as well' || printf '%s\n' "$text" | sed 's/^/# /'
is "$(toolchain build file --mirror "file:$root/mirror" --release hamm 2>&1)" \
	'muster: there is a toolchain file already; remove it first, or take another name' 'a name is not given twice'
like "$(toolchain list)" '^file +hamm +file:gcc-4\.4 \(4\.4\.7\) .* no ' 'the list shows both'
toolchain remove file
ok $? 'one is removed'
is "$(toolchain list --json | jq -r '.toolchains[].name')" folder 'and the other stays'

# ---- the distribution's own

. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $VERSION_CODENAME" "Suite: $VERSION_CODENAME" 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | awk -v r="$VERSION_CODENAME" '$2 == r { print $1; exit }')
text=$(toolchain build own --mirror "$mirror" --release "$VERSION_CODENAME" --packages gcc,make,libc6-dev 2>&1)
ok $? 'a toolchain of the distribution is made' || printf '%s\n' "$text" | sed 's/^/# /'
toolchain build killed --mirror "$mirror" --release "$VERSION_CODENAME" >/dev/null 2>&1 &
pid=$!
end=$((SECONDS + 60))
until [ -d "$toolchains/.building-killed/tree/var" ] || [ "$SECONDS" -ge "$end" ]; do read -rt 0.1 <> <(:) || true; done
kill -9 "$pid"
wait "$pid" 2>/dev/null
is "$(toolchain list --json | jq -r '[.toolchains[].name] | join(" ")')" 'folder own' 'one whose making was killed is none'

mkdir -p "$root/linux-6.9/init"
cat >"$root/linux-6.9/Makefile" <<-'END'
	.RECIPEPREFIX = >
	tinyconfig:
	>echo CONFIG_MODULES=y > .config
	olddefconfig:
	>@true
	bzImage:
	>$(HOSTCC) -o host init/host.c
	>$(CC) -Wall -c -o init/main.o init/main.c
	>mkdir -p arch/x86/boot
	>printf HdrS | dd of=arch/x86/boot/bzImage bs=1 seek=514 2>/dev/null
	>printf '\000\001' | dd of=arch/x86/boot/bzImage bs=1 seek=526 conv=notrunc 2>/dev/null
	>printf '6.9.0-own (a@b) #1\0' | dd of=arch/x86/boot/bzImage bs=1 seek=768 conv=notrunc 2>/dev/null
	>-sh ./look > looked 2>&1
	modules:
	>$(CC) -c -o net.ko init/main.c
	modules_install:
	>mkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.9.0-own
	>cp net.ko looked $(INSTALL_MOD_PATH)/lib/modules/6.9.0-own/
END
echo 'config MODULES' >"$root/linux-6.9/Kconfig"
echo 'int main(void) { return 0; }' >"$root/linux-6.9/init/host.c"
printf '#include <stdio.h>\nint kernel(void) { return puts("kernel"); }\n' >"$root/linux-6.9/init/main.c"
cat >"$root/linux-6.9/look" <<-END
	id -u
	cat $root/secret
	cat $root/var/lib/muster/toolchains/own/toolchain.json
	echo evil > $root/open/evil
	echo evil > /usr/bin/evil
	ls -d /proc/[0-9]* | wc -l
	cat /proc/net/dev | grep -c :
	./host && echo host runs
END
mkdir -p "$root/etc/muster/recipes"
cat >"$root/etc/muster/recipes/own.conf" <<-END
	source "linux" { }
	config { base = "tinyconfig" }
	build { targets = {"bzImage", "modules"} }
END
tar -C "$root" -cf "$root/linux.tar" linux-6.9
chmod 755 "$root/in"
id=$("$muster" --root "$root" kernel build own --source "$root/linux.tar" --cc own:gcc 2>"$root/err")
ok $? 'a tree is compiled in it' || sed 's/^/# /' "$root/err"
generation=$root/var/lib/muster/kernels/$id
is "$(jq -r .toolchain "$generation/kernel.json")" own 'and says so'
like "$(jq -r .compiler_identity "$generation/kernel.json")" "^toolchain $(jq -r .sha256 "$toolchains/own/toolchain.json")\$" \
	'with the hash of all that was seen of it'
looked=$(cat "$generation/lib/modules/6.9.0-own/looked")
like "$(sed -n 1p <<<"$looked")" '^6[01][0-9]{3}$' 'by a user without rights'
like "$looked" '^host runs$' 'the programs that it compiled run there'
is "$(grep -c 'of this server' <<<"$looked")" 0 'it sees no file of the server'
is "$(grep -cE 'No such file|[Dd]irectory nonexistent' <<<"$looked")" 3 'neither the secret, nor what muster keeps, nor a folder that anyone may write in'
[ ! -e "$root/open/evil" ] && [ ! -e "$toolchains/own/tree/usr/bin/evil" ]
ok $? 'and writes nowhere but in its tree'
is "$(sed -n '/^[0-9]*$/p' <<<"$looked" | tail -n 1)" 1 'its only network card is the loopback'
toolchain build killed --mirror "$mirror" --release nonexistent-release >/dev/null 2>&1
is "$(find "$toolchains" -maxdepth 1 -name '.building-*' | wc -l)" 0 'what the killed one left is swept by the next'
finish
