/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/root.h"
#include "agent/copies.h"
#include "agent/facts.h"
#include "agent/http.h"
#include "agent/loop.h"
#include "agent/portmap.h"
#include "agent/uevent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define FETCH "/fetch" /* a tmpfs with the fetched squashfs, or the NFS export */
#define LOWER "/lower" /* the squashfs */
#define UPPER "/rw"    /* a tmpfs with what the node writes */

#define MB (1024 * 1024ull)
#define MEMORY_TO_RUN (32 * MB) /* what a system needs at the least beside its root */
#define STALL_MS 10000
#define PATIENCE_MS 60000
#define NFS_PATIENCE_MS 30000
#define DISK_WAIT_MS 20000

int root_check_memory(int at, unsigned long long size, char **reason)
{
	unsigned long long total_kb, free_kb;
	int r = facts_memory(at, &total_kb, &free_kb);

	if (r < 0)
		return 0; /* then the kernel will say it */
	if (free_kb * 1024 >= size + MEMORY_TO_RUN)
		return 0;
	return fail_with(reason, -ENOMEM,
			 "not enough memory: root needs %llu MB and %llu MB to run, %llu of %llu MB are free",
			 (size + MB - 1) / MB, MEMORY_TO_RUN / MB, free_kb / 1024, total_kb / 1024);
}

static int make_folder(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int mount_at(const char *source, const char *target, const char *type, unsigned long flags,
		    const char *options)
{
	int r = make_folder(target);

	if (r < 0)
		return r;
	return mount(source, target, type, flags, options) < 0 ? -errno : 0;
}

/* What a failed mount(2) of a file system means. */
static const char *mount_error(int r, const char *no_driver)
{
	switch (-r) {
	case ENODEV:
		return no_driver;
	case EINVAL:
		return "it is damaged, or packed in a way that this kernel does not know";
	default:
		return strerror(-r);
	}
}

/* What there is of the squashfs, also between the attempts. */
struct fetch {
	int at, fd; /* -1: nothing */
	long long begun, told;
	struct http_progress progress;
	struct sha256 sum;
};

static int begin_fetch(void *data, unsigned long long size, char **reason)
{
	struct fetch *f = data;

	return root_check_memory(f->at, size, reason);
}

static void tell_progress(void *data, unsigned long long done, unsigned long long size)
{
	struct fetch *f = data;
	long long now = now_ms();

	/* A line each few seconds, for who looks at the screen of a slow network. */
	if (now - f->told < 5000 && done < size)
		return;
	f->told = now;
	log_line("root: %llu of %llu MB after %lld.%03lld s", done / MB, size / MB, (now - f->begun) / 1000,
		 (now - f->begun) % 1000);
}

static void drop_fetch(struct fetch *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* An empty file in memory. */
static int begin_file(int at, const struct conf *c, struct fetch *f, char **reason)
{
	int r = root_check_memory(at, c->root_size, reason);

	if (r < 0)
		return r;
	*f = (struct fetch){ .at = at, .fd = -1, .begun = now_ms(), .told = now_ms() };
	/* The default limit of a tmpfs is half the memory; what fits was looked at. */
	r = mount_at("root", FETCH, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=95%");
	if (r < 0)
		return fail_with(reason, r, "no tmpfs for the root: %s", strerror(-r));
	f->fd = open(FETCH "/root.squashfs", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return fail_with(reason, -errno, "no file for the root: %s", strerror(errno));
	sha256_begin(&f->sum);
	return 0;
}

/* The server is silent: the operator sees how far it is, and that nothing is lost. */
static int tell_silence(const struct fetch *f, char **reason)
{
	_cleanup_free_ char *why = *reason;

	*reason = NULL;
	return fail_with(reason, -ETIMEDOUT,
			 "%s; %llu of %llu MB of the root are here, and it goes on from there",
			 why ? why : "the server is silent", f->progress.done / MB, f->progress.size / MB);
}

static int fetch_file(const struct conf *c, struct fetch *f, char **reason)
{
	char sha256[SHA256_TEXT];
	unsigned long long size;
	int r;

	if (f->progress.done)
		log_line("root: goes on behind %llu of %llu MB", f->progress.done / MB,
			 f->progress.size / MB);
	r = http_get(&(struct http_get){ .server = { c->server, c->port, c->address },
					 .path = c->root_path,
					 .fd = f->fd,
					 .want = c->root_size,
					 .sum = &f->sum,
					 .kept = &f->progress,
					 .stall_ms = STALL_MS,
					 .patience_ms = PATIENCE_MS,
					 .begin = begin_fetch,
					 .progress = tell_progress,
					 .data = f },
		     &size, reason);
	/* The sum would tell that the rest is another file's. */
	if (r == -ETIMEDOUT && f->progress.done)
		return tell_silence(f, reason);
	if (r < 0)
		return r == -ETIMEDOUT ? -EAGAIN : r;
	sha256_end(&f->sum, sha256);
	if (strcmp(sha256, c->root_sha256) != 0)
		return fail_with(reason, -EBADMSG,
				 "the root that arrived is not the one that was built: its SHA-256 begins "
				 "with %.12s, not with %.12s",
				 sha256, c->root_sha256);
	return 0;
}

/* Fetches the squashfs into memory; *ret is the open file. */
static int open_ram(int at, const struct conf *c, int *ret, char **reason)
{
	static struct fetch f = { .fd = -1 };
	char path[32];
	int r = f.fd >= 0 ? 0 : begin_file(at, c, &f, reason);

	if (r == 0)
		r = fetch_file(c, &f, reason);
	if (r == -ETIMEDOUT)
		return r;
	/* A loop device takes its own access from the file's: read-only. An earlier attempt's file has no name any more. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f.fd);
	*ret = r < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (r == 0 && *ret < 0)
		r = fail_with(reason, -errno, "the fetched root cannot be read: %s", strerror(errno));
	drop_fetch(&f);
	return r;
}

static int mount_nfs(const struct conf *c, char **reason)
{
	static const char *const versions[] = { "vers=4.2,", "vers=4.1,", "vers=4.0,", "" };
	long long deadline = now_ms() + NFS_PATIENCE_MS;
	_cleanup_free_ char *server =
		strndup(c->nfs_export, (size_t)(strstr(c->nfs_export, ":/") - c->nfs_export));
	int r, first = 0;

	for (int wait = 50; server; wait = MIN(wait * 2, 1000)) {
		for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
			_cleanup_text_ struct text t = { 0 };

			text_addf(&t, "%shard,proto=tcp,addr=%s,clientaddr=%s", versions[i], server,
				  inet_ntoa(c->address));
			r = t.failed ? -ENOMEM
				     : mount_at(c->nfs_export, FETCH, "nfs4",
						MS_RDONLY | MS_NOATIME | MS_NODEV | MS_NOSUID, t.s);
			if (r == 0 || r == -ENODEV)
				break;
			/* The first attempt's error tells most: later ones may only be unknown options. */
			first = i == 0 ? r : first;
			if (r != -EPROTONOSUPPORT && r != -EINVAL && r != -EOPNOTSUPP)
				break;
		}
		if (r == 0)
			return 0;
		if (r == -ENODEV)
			return fail_with(reason, r, "this kernel has no NFS version 4");
		if (now_ms() >= deadline)
			return fail_with(reason, r, "the NFS export %s does not mount: %s", c->nfs_export,
					 first == -EACCES || first == -EPERM
						 ? "the server does not let this node in"
					 : first == -ENOENT ? "the server does not export that"
							    : strerror(-first));
		poll(NULL, 0, wait);
	}
	return fail_with(reason, -ENOMEM, "out of memory");
}

static int open_nfs(const struct conf *c, int *ret, char **reason)
{
	_cleanup_close_ int folder = -1, fd = -1;
	const char *path = c->root_path + strspn(c->root_path, "/");
	pid_t portmap = portmap_begin();
	int r = mount_nfs(c, reason);

	portmap_end(portmap);
	if (r < 0)
		return r;
	folder = open(FETCH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = folder < 0 ? -1 : openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return fail_with(reason, -ENOENT, "the NFS export %s has no %s: is the root built?",
				 c->nfs_export, path);
	if (fd < 0)
		return fail_with(reason, -errno, "%s on the NFS export %s cannot be opened: %s", path,
				 c->nfs_export, strerror(errno));
	*ret = fd;
	fd = -1;
	return 0;
}

static int wait_for_disk(const struct conf *c, struct modules *m, int uevents, char **reason)
{
	long long deadline = now_ms() + DISK_WAIT_MS, left;
	struct stat st;

	for (;;) {
		modules_settle(m);
		if (stat(c->root_path, &st) == 0)
			return S_ISBLK(st.st_mode)
				       ? 0
				       : fail_with(reason, -ENOTBLK, "%s is no disk", c->root_path);
		left = deadline - now_ms();
		if (left <= 0)
			return fail_with(reason, -ENODEV, "the disk %s did not appear in %d s%s%s",
					 c->root_path, DISK_WAIT_MS / 1000, modules_trouble(m) ? "; " : "",
					 modules_trouble(m) ? modules_trouble(m) : "");
		uevent_wait(uevents, (int)left);
	}
}

static int mount_squashfs(const char *device, char **reason)
{
	int r = mount_at(device, LOWER, "squashfs", MS_RDONLY | MS_NOATIME, NULL);

	if (r < 0)
		return fail_with(reason, r, "the root's squashfs does not mount: %s",
				 mount_error(r, "this kernel has no squashfs"));
	return 0;
}

static int mount_file(int file, char **reason)
{
	_cleanup_free_ char *device = NULL;
	_cleanup_close_ int loop = -1;
	int r = loop_bind(file, &device, &loop);

	if (r < 0)
		return fail_with(reason, r, "no loop device for the root: %s",
				 mount_error(r, "this kernel has none"));
	return mount_squashfs(device, reason);
}

static int mount_lower(int at, const struct conf *c, struct modules *m, int uevents, char **reason)
{
	_cleanup_close_ int file = -1;
	int r;

	if (c->root == CONF_ROOT_DISK) {
		r = wait_for_disk(c, m, uevents, reason);
		return r < 0 ? r : mount_squashfs(c->root_path, reason);
	}
	r = c->root == CONF_ROOT_NFS ? open_nfs(c, &file, reason) : open_ram(at, c, &file, reason);
	return r < 0 ? r : mount_file(file, reason);
}

static int mount_overlay(char **reason)
{
	int r = mount_at("overlay", UPPER, "tmpfs", 0, "mode=0755,size=50%");

	if (r == 0)
		r = make_folder(UPPER "/upper");
	if (r == 0)
		r = make_folder(UPPER "/work");
	if (r == 0)
		r = mount_at("overlay", ROOT_NEW, "overlay", MS_NOATIME,
			     "lowerdir=" LOWER ",upperdir=" UPPER "/upper,workdir=" UPPER "/work");
	if (r == -ENODEV) {
		log_line("this kernel has no overlayfs: the root stays read-only, and its /etc, /var and the "
			 "like are "
			 "copied into memory");
		return copies_mount(LOWER, UPPER, ROOT_NEW, reason);
	}
	if (r < 0)
		return fail_with(reason, r, "the overlay over the root does not mount: %s", strerror(-r));
	return 0;
}

int root_mount(int at, const struct conf *c, struct modules *m, int uevents, char **reason)
{
	int r = mount_lower(at, c, m, uevents, reason);

	if (r == 0)
		r = mount_overlay(reason);
	if (r < 0)
		umount2(ROOT_NEW, MNT_DETACH);
	/* The mounts below the overlay live on in it, out of the way of whoever unmounts all he finds. */
	umount2(UPPER, MNT_DETACH);
	umount2(LOWER, MNT_DETACH);
	umount2(FETCH, MNT_DETACH);
	return r;
}
