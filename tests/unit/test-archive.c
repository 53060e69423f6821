/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The archives' bytes, read by this file's own reader of the kernel's format. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "util/archive.h"
#include "backend/image/image.h"
#include "util/fs.h"

/* Documentation/driver-api/early-userspace/buffer-format.rst: "070701" and 13 fields of 8 hexadecimal digits. */
enum field { INODE, MODE, UID, GID, LINKS, MTIME, SIZE, MAJOR, MINOR, RMAJOR, RMINOR, NAME_SIZE, CHECK };

struct entry {
	unsigned long f[13];
	const char *name;
	const char *data;
};

/* Reads the entry at *at and moves on; false at the trailer. */
static bool next_entry(const char *archive, size_t len, size_t *at, struct entry *ret)
{
	const char *p = archive + *at;

	assert_int_equal(*at % 4, 0);
	assert_true(*at + 110 <= len);
	assert_memory_equal(p, "070701", 6);
	for (int i = 0; i < 13; i++) {
		char digits[9] = { 0 };

		memcpy(digits, p + 6 + 8 * i, 8);
		ret->f[i] = strtoul(digits, NULL, 16);
	}
	ret->name = p + 110;
	assert_int_equal(strlen(ret->name) + 1, ret->f[NAME_SIZE]);
	*at = (*at + 110 + ret->f[NAME_SIZE] + 3) & ~(size_t)3;
	ret->data = archive + *at;
	*at = (*at + ret->f[SIZE] + 3) & ~(size_t)3;
	assert_true(*at <= len);
	return strcmp(ret->name, "TRAILER!!!") != 0;
}

static void assert_file(const char *archive, size_t len, const char *name, unsigned long mode,
			const char *text)
{
	struct entry e;
	size_t at = 0;

	while (next_entry(archive, len, &at, &e)) {
		if (strcmp(e.name, name) != 0)
			continue;
		assert_int_equal(e.f[MODE], mode);
		assert_int_equal(e.f[UID], 0);
		assert_int_equal(e.f[GID], 0);
		assert_int_equal(e.f[MTIME], 0);
		if (text) {
			assert_int_equal(e.f[SIZE], strlen(text));
			assert_memory_equal(e.data, text, strlen(text));
		}
		return;
	}
	fail_msg("no %s in the archive", name);
}

static const struct image_personality someone = {
	.node_conf = "node=node01\ntoken=0123\n",
	.authorized_keys = "ssh-ed25519 AAAA me\n",
	.hosts = "127.0.0.1 localhost\n",
	.shadow = "$6$salt$hash",
	.ssh_key = "-----BEGIN OPENSSH PRIVATE KEY-----\n",
	.ssh_key_pub = "ssh-ed25519 BBBB node01\n",
};

static void a_personality_holds_the_texts_of_the_wire(void **state)
{
	_cleanup_free_ char *archive = NULL;
	size_t len;

	assert_int_equal(image_personality(&someone, &archive, &len), 0);
	assert_int_equal(len % 512, 0);
	assert_file(archive, len, "muster", S_IFDIR | 0755, NULL);
	assert_file(archive, len, "muster/node.conf", S_IFREG | 0600, someone.node_conf);
	assert_file(archive, len, "muster/authorized_keys", S_IFREG | 0600, someone.authorized_keys);
	assert_file(archive, len, "muster/hosts", S_IFREG | 0644, someone.hosts);
	assert_file(archive, len, "muster/shadow", S_IFREG | 0600, someone.shadow);
	assert_file(archive, len, "muster/ssh_host_ed25519_key", S_IFREG | 0600, someone.ssh_key);
	assert_file(archive, len, "muster/ssh_host_ed25519_key.pub", S_IFREG | 0644, someone.ssh_key_pub);
}

static void what_a_node_does_not_have_is_not_in_it(void **state)
{
	struct image_personality p = someone;
	_cleanup_free_ char *archive = NULL;
	struct entry e;
	size_t len, at = 0;

	p.shadow = NULL;
	assert_int_equal(image_personality(&p, &archive, &len), 0);
	while (next_entry(archive, len, &at, &e))
		assert_string_not_equal(e.name, "muster/shadow");
	/* Behind the trailer there is nothing but zeros, which the kernel passes over. */
	for (; at < len; at++)
		assert_int_equal(archive[at], 0);
}

static void the_same_personality_has_the_same_bytes(void **state)
{
	_cleanup_free_ char *a = NULL, *b = NULL;
	size_t a_len, b_len;

	assert_int_equal(image_personality(&someone, &a, &a_len), 0);
	assert_int_equal(image_personality(&someone, &b, &b_len), 0);
	assert_int_equal(a_len, b_len);
	assert_memory_equal(a, b, a_len);
}

static struct archive_out *new_archive(enum archive_compression compression)
{
	struct archive_out *a = NULL;

	assert_int_equal(archive_new(compression, &a), 0);
	return a;
}

static void fill(struct archive_out *a)
{
	archive_add_dir(a, "dev", 0755);
	archive_add_device(a, "dev/console", 0600, 5, 1);
	archive_add_file(a, "init", 0755, "#!", 2);
	archive_add_file(a, "empty", 0644, "", 0);
	archive_add_link(a, "sh", "busybox");
}

static void devices_and_links_are_written_as_the_kernel_reads_them(void **state)
{
	struct archive_out *a = new_archive(ARCHIVE_PLAIN);
	_cleanup_free_ char *archive = NULL;
	unsigned long inode = 0;
	struct entry e;
	size_t len, at = 0;

	fill(a);
	assert_int_equal(archive_finish(a, &archive, &len), 0);
	assert_file(archive, len, "dev", S_IFDIR | 0755, NULL);
	assert_file(archive, len, "init", S_IFREG | 0755, "#!");
	assert_file(archive, len, "empty", S_IFREG | 0644, "");
	assert_file(archive, len, "sh", S_IFLNK | 0777, "busybox");
	while (next_entry(archive, len, &at, &e)) {
		assert_int_equal(e.f[INODE], ++inode);
		if (strcmp(e.name, "dev/console") == 0) {
			assert_int_equal(e.f[MODE], S_IFCHR | 0600);
			assert_int_equal(e.f[RMAJOR], 5);
			assert_int_equal(e.f[RMINOR], 1);
			assert_int_equal(e.f[SIZE], 0);
		}
	}
	assert_int_equal(inode, 5);
}

/* Packs with one compression, and unpacks with the reader that modules go through. */
static void assert_unpacks(enum archive_compression compression, const char *magic, size_t magic_len)
{
	struct archive_out *a = new_archive(ARCHIVE_PLAIN), *b = new_archive(compression);
	_cleanup_free_ char *plain = NULL, *packed = NULL, *unpacked = NULL;
	size_t plain_len, packed_len, unpacked_len;
	_cleanup_close_ int fd = memfd_create("packed", MFD_CLOEXEC);

	fill(a);
	fill(b);
	assert_int_equal(archive_finish(a, &plain, &plain_len), 0);
	assert_int_equal(archive_finish(b, &packed, &packed_len), 0);
	assert_int_equal(packed_len % 512, 0);
	assert_memory_equal(packed, magic, magic_len);
	/* The kernel stops at the end of the packed data; this reader takes zeros for a broken frame of zstd. */
	while (compression == ARCHIVE_ZSTD && packed[packed_len - 1] == '\0')
		packed_len--;
	assert_int_equal(fs_write_all(fd, packed, packed_len), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(archive_read_compressed(fd, 1 << 20, &unpacked, &unpacked_len), 0);
	assert_true(unpacked_len <= plain_len);
	assert_memory_equal(unpacked, plain, unpacked_len);
}

static void a_packed_archive_is_the_plain_one_packed(void **state)
{
	assert_unpacks(ARCHIVE_GZIP, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8);
	assert_unpacks(ARCHIVE_ZSTD, "\x28\xb5\x2f\xfd", 4);
}

static void what_is_not_packed_is_read_as_it_is(void **state)
{
	_cleanup_close_ int fd = memfd_create("plain", MFD_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	size_t len;

	assert_int_equal(fs_write_all(fd,
				      "\x7f"
				      "ELF module",
				      11),
			 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(archive_read_compressed(fd, 100, &data, &len), 0);
	assert_int_equal(len, 11);
	assert_memory_equal(data,
			    "\x7f"
			    "ELF module",
			    11);
	free(data);
	data = NULL;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(archive_read_compressed(fd, 10, &data, &len), -EFBIG);
	assert_null(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_personality_holds_the_texts_of_the_wire),
		cmocka_unit_test(what_a_node_does_not_have_is_not_in_it),
		cmocka_unit_test(the_same_personality_has_the_same_bytes),
		cmocka_unit_test(devices_and_links_are_written_as_the_kernel_reads_them),
		cmocka_unit_test(a_packed_archive_is_the_plain_one_packed),
		cmocka_unit_test(what_is_not_packed_is_read_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
