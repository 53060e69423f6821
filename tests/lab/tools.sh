# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced: a small source of the form that a cluster's tools have. It is configured and made as such, has C of an older time
# that a compiler of today warns of while the makefiles make errors of warnings, and looks about itself while it is built.
make_tools() { # archive to make
	local work top
	work=$(mktemp -d)
	top=$work/kerrighed-tools-0
	mkdir -p "$top/libs" "$top/tools" "$top/tools-host"
	cat >"$top/configure" <<'EOF'
#!/bin/sh
fail() { echo "configure: error: $*" >&2; exit 1; }
[ "$(id -u)" -ne 0 ] || fail 'built as root'
[ "$(grep -c : /proc/net/dev)" -eq 1 ] || fail 'there is a network'
[ -z "$SUDO_USER$HOSTILE" ] || fail 'the environment came through'
prefix=/usr/local
for a; do
	case $a in
	CC=*) CC=${a#CC=} ;;
	--prefix=*) prefix=${a#*=} ;;
	--disable-python) python=no ;;
	esac
done
[ "$python" = no ] || fail 'the recipe was not read'
printf 'int main(void) { return 0; }\n' >conftest.c
$CC -o conftest conftest.c && ./conftest || fail 'C compiler cannot create executables'
for f in libs tools tools-host; do
	sed -e "s|@CC@|$CC|" -e "s|@CFLAGS@|-Wall -Werror|" -e "s|@prefix@|$prefix|g" "$f/Makefile.in" >"$f/Makefile"
done
EOF
	chmod +x "$top/configure"
	printf 'int nodes(void) { int unused; return 0; }\n' >"$top/libs/lib.c"
	printf '#include <stdio.h>\n#include <linux/types.h>\nint shared; extern int nodes(void);\nint main(void) { puts("status: down"); return nodes(); }\n' >"$top/tools/tool.c"
	cp "$top/tools/tool.c" "$top/tools-host/tool.c"
	printf 'CC = @CC@\nCFLAGS = @CFLAGS@\nall: libtools.a\nlibtools.a: lib.c\n\t$(CC) $(CFLAGS) -c lib.c\n\tar cr $@ lib.o\ninstall: all\n' >"$top/libs/Makefile.in"
	cat >"$top/tools/Makefile.in" <<'EOF'
CC = @CC@
CFLAGS = @CFLAGS@
bin = krgcapset migrate checkpoint restart
all: krgadm krginit $(bin)
krgadm krginit $(bin): tool.c ../libs/libtools.a
	$(CC) $(CFLAGS) -o $@ tool.c ../libs/libtools.a
install: all
	install -d $(DESTDIR)@prefix@/bin $(DESTDIR)@prefix@/sbin $(DESTDIR)/etc/init.d
	install $(bin) $(DESTDIR)@prefix@/bin
	install krgadm krginit krg_legacy_scheduler $(DESTDIR)@prefix@/sbin
	install krg_legacy_scheduler $(DESTDIR)/etc/init.d
EOF
	printf '#!/bin/sh\nexit 0\n' >"$top/tools/krg_legacy_scheduler"
	printf 'CC = @CC@\nCFLAGS = @CFLAGS@\nall: krgboot\nkrgboot: tool.c\n\t$(CC) $(CFLAGS) -o $@ tool.c ../libs/libtools.a\ninstall: all\n\tinstall krgboot $(DESTDIR)@prefix@/sbin\n' >"$top/tools-host/Makefile.in"
	# The same bytes each time.
	tar --sort=name --mtime=@315532800 --owner=0 --group=0 --numeric-owner -C "$work" -c kerrighed-tools-0 | gzip -n >"$1"
	rm -rf "$work"
}

# The release before this server's own, and the mirror that the server uses: its keys are in the distribution's keyring.
old_release() { # sets before and uri
	local version codename
	version=$(. /etc/os-release && echo "$VERSION_ID")
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	before=$(sed -n "s/^release \"$((version - 1))\" *{ *codename = \"\([a-z]*\)\".*/\1/p" "$srcdir/profiles/distro/debian.conf")
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $codename" | head -n 1)
	[ -n "$before" ] && [ -n "$uri" ]
}

# That release's kernel for virtual machines, unpacked.
old_kernel() { # folder
	local apt=$1/apt package
	old_release || return 1
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
		"$uri" "$before" >"$apt/old.sources"
	apt_old() {
		"$@" -oDir::Etc::sourcelist="$apt/old.sources" -oDir::Etc::sourceparts=- -oDir::State="$apt/state" \
			-oDir::State::status=/dev/null -oDir::Cache="$apt/cache" -oAcquire::Languages=none -oAPT::Sandbox::User=
	}
	apt_old apt-get update >&2 || return 1
	package=$(apt_old apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
	[ -n "$package" ] || return 1
	(cd "$1" && apt_old apt-get download "$package" >&2) || return 1
	dpkg-deb -x "$1"/linux-image-*.deb "$1"
}
