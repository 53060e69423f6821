/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fresh tree bears the marks of the machine that made it, and does at boot what only a machine with a disk
 * needs. Both are taken out here, so that one image is right for every node and its first boot does nothing slow.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/image/builder.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

#define SOURCE_MAX (1024 * 1024)
#define SHADOW_MAX (1024 * 1024)

/* What goes: every entry of `folder` whose name begins with `prefix` and ends with `suffix`. */
static const struct rubbish {
	const char *folder, *prefix, *suffix;
} rubbish[] = {
	/* keys: the agent brings each node its own */
	{ "/etc/ssh", "ssh_host_", "" },
	/* the kernel is fetched by the loader, and nothing here makes an initrd */
	{ "/boot", "vmlinuz", "" },
	{ "/boot", "initrd", "" },
	{ "/boot", "System.map", "" },
	{ "/", "vmlinuz", "" },
	{ "/", "initrd.img", "" },
	/* settings of the build, among them the server's proxy */
	{ "/etc/apt/apt.conf.d", "99mmdebstrap", "" },
	{ "/usr/sbin", "policy-rc.d", "" },
	/* lists, caches, backups, logs */
	{ "/var/lib/apt/lists", "", "" },
	{ "/var/cache/apt", "", "" },
	{ "/var/cache/debconf", "", "-old" },
	{ "/var/cache/ldconfig", "", "" },
	{ "/var/lib/dpkg", "", "-old" },
	{ "/var/backups", "", "" },
	{ "/var/log", "", "" },
	{ "/etc", "", "-" },
	{ "/tmp", "", "" },
	{ "/var/tmp", "", "" },
	{ "/run", "", "" },
	{ "/var/lib/dbus", "machine-id", "" },
	{ "/var/lib/systemd", "random-seed", "" },
};

static const struct text {
	const char *path, *content;
	mode_t mode;
} texts[] = {
	/* Empty, not "uninitialized": the agent writes a stable one, and no boot counts as a first boot,
	 * machine-id(5). */
	{ "/etc/machine-id", "", 0444 },
	{ "/etc/hostname", "localhost\n", 0644 },
	{ "/etc/resolv.conf", "", 0644 },
	{ "/etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", 0644 },
	{ "/etc/default/locale", "LANG=C.UTF-8\n", 0644 },
	/* Newer than /usr, so that services with ConditionNeedsUpdate= have nothing to do, systemd.unit(5). */
	{ "/etc/.updated", "", 0644 },
	{ "/var/.updated", "", 0644 },
};

/* Units that have nothing to do on a node without a disk: masked, so that an operator sees that it was meant and
 * `systemctl unmask` brings one back. */
static const char *const masked[] = {
	"apt-daily.timer",	   /* every node would fetch the same lists, into memory */
	"apt-daily-upgrade.timer", /* roots are updated by building a new generation */
	"dpkg-db-backup.timer",	   /* a backup in memory saves nothing */
	"e2scrub_all.timer",	   /* checks ext4 on LVM */
	"e2scrub_reap.service",	   /* likewise, at every boot */
	"fstrim.timer",		   /* no disk to trim */
	"systemd-repart.service",  /* nothing to partition; it would load loop and device-mapper modules */
	"systemd-pstore.service",  /* would move crash dumps into memory and delete the originals */
	"systemd-random-seed.service", /* no seed outlives a boot */
};

static bool matches(const char *name, const struct rubbish *r)
{
	size_t len = strlen(name), suffix = strlen(r->suffix);

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	return strncmp(name, r->prefix, strlen(r->prefix)) == 0 && len >= suffix &&
	       strcmp(name + len - suffix, r->suffix) == 0;
}

static int remove_rubbish(int tree_fd, const struct rubbish *rub)
{
	int fd = fs_open(tree_fd, rub->folder, O_RDONLY | O_DIRECTORY, 0);
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path = matches(e->d_name, rub) ? fs_join(rub->folder, e->d_name) : NULL;

		if (path)
			r = fs_remove_tree(tree_fd, path);
	}
	closedir(d);
	return r;
}

/* Folders that services expect stay, with their owners: only what is in them goes. */
static int remove_all_rubbish(int tree_fd)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rubbish); i++) {
		r = remove_rubbish(tree_fd, &rubbish[i]);
		if (r < 0)
			log_error(_("%s cannot be cleaned: %s"), rubbish[i].folder, muster_strerror(r));
	}
	return r;
}

static int write_texts(int tree_fd)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
		const struct fs_attr attr = { .mode = texts[i].mode, .uid = (uid_t)-1, .gid = (gid_t)-1 };

		r = fs_write(tree_fd, texts[i].path, texts[i].content, strlen(texts[i].content), &attr);
		if (r < 0)
			log_error(_("%s cannot be written: %s"), texts[i].path, muster_strerror(r));
	}
	return r;
}

static bool unit_exists(int tree_fd, const char *unit)
{
	_cleanup_free_ char *usr = fs_join("/usr/lib/systemd/system", unit);
	_cleanup_free_ char *lib = fs_join("/lib/systemd/system", unit);

	return usr && lib && (fs_exists(tree_fd, usr) || fs_exists(tree_fd, lib));
}

static int mask_units(int tree_fd)
{
	_cleanup_close_ int dir = fs_open(tree_fd, "/etc/systemd/system", O_RDONLY | O_DIRECTORY, 0);

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	for (size_t i = 0; i < ARRAY_SIZE(masked); i++) {
		if (!unit_exists(tree_fd, masked[i]))
			continue;
		if (unlinkat(dir, masked[i], 0) < 0 && errno != ENOENT)
			return -errno;
		if (symlinkat("/dev/null", dir, masked[i]) < 0)
			return -errno;
	}
	return 0;
}

/* The line of root in a text like shadow(5), at whatever place it has; NULL where there is none. */
static const char *root_line(const char *text)
{
	const char *line;

	if (strncmp(text, "root:", 5) == 0)
		return text;
	line = strstr(text, "\nroot:");
	return line ? line + 1 : NULL;
}

/* Root may come in by key only; a password comes with the node's personality. shadow(5) */
static int lock_root(int tree_fd)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *text = NULL, *fresh = NULL;
	const char *line, *rest;
	struct stat st;
	size_t len;
	int r = fs_read(tree_fd, "/etc/shadow", SHADOW_MAX, &text, NULL);

	if (r == 0)
		r = fs_stat(tree_fd, "/etc/shadow", &st);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	line = root_line(text);
	rest = line ? strchr(line + 5, ':') : NULL;
	if (!rest) {
		log_error(_("/etc/shadow of the new root has no line for root"));
		return -MUSTER_E_FORMAT;
	}
	strbuf_add(&b, text, (size_t)(line - text));
	strbuf_addf(&b, "root:*%s", rest);
	r = strbuf_take(&b, &fresh, &len);
	if (r < 0)
		return r;
	return fs_write(tree_fd, "/etc/shadow", fresh, len,
			&(struct fs_attr){ .mode = st.st_mode & 07777, .uid = st.st_uid, .gid = st.st_gid });
}

/* "http://USER:PASSWORD@host/debian": the same text without what stands before the '@'; *ret_changed: there was such a thing. */
static int without_passwords(const char *text, char **ret, size_t *ret_len, bool *ret_changed)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *host;

	*ret_changed = false;
	while ((host = strstr(text, "://"))) {
		size_t len = strcspn(host + 3, "/?# \t\r\n");
		const char *at = memrchr(host + 3, '@', len);

		strbuf_add(&b, text, (size_t)(host + 3 - text));
		text = at ? at + 1 : host + 3;
		*ret_changed = *ret_changed || at;
	}
	strbuf_adds(&b, text);
	return strbuf_take(&b, ret, ret_len);
}

static int clean_source(int tree_fd, const char *path)
{
	_cleanup_free_ char *text = NULL, *fresh = NULL;
	bool changed = false;
	struct stat st;
	size_t len;
	int r = fs_read(tree_fd, path, SOURCE_MAX, &text, NULL);

	if (r == 0)
		r = fs_stat(tree_fd, path, &st);
	if (r == 0)
		r = without_passwords(text, &fresh, &len, &changed);
	if (r < 0 || !changed)
		return r == -ENOENT ? 0 : r;
	return fs_write(tree_fd, path, fresh, len,
			&(struct fs_attr){ .mode = st.st_mode & 07777, .uid = st.st_uid, .gid = st.st_gid });
}

/* The server's package sources may have a password for the mirror; every node, and who else can fetch the root, reads them. */
static int clean_sources(int tree_fd)
{
	static const char folder[] = "/etc/apt/sources.list.d";
	int fd = fs_open(tree_fd, folder, O_RDONLY | O_DIRECTORY, 0);
	int r = clean_source(tree_fd, "/etc/apt/sources.list");
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return r < 0 || fd == -ENOENT ? r : fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path = e->d_type == DT_REG ? fs_join(folder, e->d_name) : NULL;

		if (path)
			r = clean_source(tree_fd, path);
	}
	closedir(d);
	return r;
}

int neutral_tree(int tree_fd)
{
	int r = remove_all_rubbish(tree_fd);

	if (r == 0)
		r = lock_root(tree_fd);
	if (r == 0)
		r = mask_units(tree_fd);
	if (r == 0)
		r = clean_sources(tree_fd);
	if (r == 0)
		r = write_texts(tree_fd);
	return r;
}
