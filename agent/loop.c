/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* From linux/loop.h, which musl's compiler does not see; the numbers and the layout never change. */
#define LOOP_SET_FD 0x4C00
#define LOOP_CLR_FD 0x4C01
#define LOOP_SET_STATUS64 0x4C04
#define LOOP_CTL_GET_FREE 0x4C82
#define LO_FLAGS_READ_ONLY 1
#define LO_FLAGS_AUTOCLEAR 4
struct loop_info64 {
	uint64_t lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit;
	uint32_t lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
	uint8_t lo_file_name[64], lo_crypt_name[64], lo_encrypt_key[32];
	uint64_t lo_init[2];
};

#define FIXED_LOOPS 8 /* how many a kernel without /dev/loop-control has from the start */
#define ATTEMPTS 16   /* another process may take the free device first */
#define LOOP_MAJOR 7

static int try_device(int number, int file, char **ret_path, int *ret_fd)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR };
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&path, "/dev/loop%d", number) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && mknod(path, S_IFBLK | 0600, LOOP_MAJOR << 8 | number) == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, LOOP_SET_FD, file) < 0)
		return -errno;
	if (ioctl(fd, LOOP_SET_STATUS64, &info) < 0) {
		int r = -errno;

		ioctl(fd, LOOP_CLR_FD, 0);
		return r;
	}
	*ret_path = path;
	*ret_fd = fd;
	path = NULL;
	fd = -1;
	return 0;
}

int loop_bind(int file, char **ret_path, int *ret_fd)
{
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int r = -ENODEV;

	for (int i = 0; i < (control >= 0 ? ATTEMPTS : FIXED_LOOPS); i++) {
		int number = control >= 0 ? ioctl(control, LOOP_CTL_GET_FREE) : i;

		if (number < 0)
			return -errno;
		r = try_device(number, file, ret_path, ret_fd);
		if (r != -EBUSY)
			break;
	}
	return r;
}
