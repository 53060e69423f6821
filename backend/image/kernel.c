/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A kernel that the operator built: which release it is, and where its modules lie. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/image/builder.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

/* The x86 boot protocol (Documentation/arch/x86/boot.rst): "HdrS" at 0x202; at 0x20e a little-endian offset, less
 * 0x200, of the version string "RELEASE (builder@host) #1 ...". */
#define BOOT_MAGIC_AT 0x202
#define BOOT_VERSION_AT 0x20e
#define BOOT_HEADER 0x210
#define RELEASE_MAX 128

/* It becomes a folder's name, and is shown. */
static bool is_release(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+";

	return *s && *s != '.' && *s != '-' && s[strspn(s, letters)] == '\0';
}

int kernel_release_read(int fd, char **ret)
{
	unsigned char header[BOOT_HEADER];
	char release[RELEASE_MAX + 1] = { 0 };
	unsigned int at;
	size_t len;
	char *copy;

	if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header + BOOT_MAGIC_AT, "HdrS", 4) != 0)
		return -MUSTER_E_FORMAT;
	at = header[BOOT_VERSION_AT] | (unsigned int)header[BOOT_VERSION_AT + 1] << 8;
	if (at == 0 || pread(fd, release, RELEASE_MAX, (off_t)at + 0x200) <= 0)
		return -MUSTER_E_FORMAT;
	len = strcspn(release, " \t\n");
	if (len == 0 || len == RELEASE_MAX)
		return -MUSTER_E_FORMAT;
	release[len] = '\0';
	if (!is_release(release))
		return -MUSTER_E_FORMAT;
	copy = strdup(release);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* DIR/lib/modules/RELEASE beside DIR/vmlinuz, and beside DIR/boot/vmlinuz. */
static int find_modules(const char *path, const char *release, char **ret)
{
	const char *slash = strrchr(path, '/');
	int len = (int)(slash - path);
	_cleanup_free_ char *beside = NULL, *above = NULL;

	if (asprintf(&beside, "%.*s/lib/modules/%s", len, path, release) < 0)
		return -ENOMEM;
	if (is_dir(beside)) {
		*ret = TAKE_PTR(beside);
		return 0;
	}
	if (len < 5 || strncmp(slash - 5, "/boot", 5) != 0)
		return 0;
	if (asprintf(&above, "%.*s/lib/modules/%s", len - 5, path, release) < 0)
		return -ENOMEM;
	if (is_dir(above))
		*ret = TAKE_PTR(above);
	return 0;
}

int image_kernel_look(const char *path, char **ret_release, char **ret_modules)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *release = NULL, *modules = NULL;
	int r = fd < 0 ? -errno : kernel_release_read(fd, &release);

	if (r == 0)
		r = find_modules(path, release, &modules);
	if (r < 0)
		return r;
	*ret_release = TAKE_PTR(release);
	*ret_modules = TAKE_PTR(modules);
	return 0;
}

int kernel_own(const char *path, char **ret_release, char **ret_modules)
{
	int r = image_kernel_look(path, ret_release, ret_modules);

	if (r == -MUSTER_E_FORMAT)
		log_error(_("%s is not a kernel that an x86 machine boots: a bzImage is needed"), path);
	else if (r < 0 && r != -ENOMEM)
		log_error(_("the kernel %s cannot be read: %s"), path, strerror(-r));
	return r;
}
