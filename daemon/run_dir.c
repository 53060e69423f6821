/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/dhcp_event.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"

static int bind_in(int folder, const char *name, int type, mode_t mode, uid_t uid, gid_t gid)
{
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", folder, name);
	/* The owner first: until the mode is set, nobody but whoever runs this may connect (umask in main.c). */
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    (fchownat(folder, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EPERM) ||
	    fchmodat(folder, name, mode, 0) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int run_dir_socket(int root_fd, const char *name, int type, mode_t mode, uid_t uid, gid_t gid)
{
	_cleanup_close_ int folder = -1;
	int fd = fs_mkdir_all(root_fd, RUN_DIR, 0755);

	if (fd == 0) {
		folder = fs_open(root_fd, RUN_DIR, O_RDONLY | O_DIRECTORY, 0);
		fd = folder < 0 ? folder : bind_in(folder, name, type, mode, uid, gid);
	}
	if (fd < 0)
		log_error(RUN_DIR "/%s: %s", name, muster_strerror(fd));
	return fd;
}
