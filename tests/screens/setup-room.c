/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/screens/setup-room.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fs.h"
#include "util/spawn.h"

static const char host[] =
	"{\"architecture\": \"x86_64\", \"kernel\": \"6.1.0\","
	" \"distribution\": {\"id\": \"debian\", \"version\": \"12\", \"codename\": \"bookworm\", "
	"\"family\": \"debian\","
	"                  \"pretty\": \"Debian GNU/Linux 12 (bookworm)\"},"
	" \"interfaces\": ["
	"  {\"name\": \"eth0\", \"mac\": \"52:54:00:aa:00:00\", \"link\": true, \"up\": true, "
	"\"default_route\": true,"
	"   \"driver\": \"virtio_net\", \"addresses\": [\"192.168.7.5/24\"]},"
	"  {\"name\": \"eth1\", \"mac\": \"52:54:00:aa:00:01\", \"link\": true, \"up\": true, \"vendor\": "
	"\"Intel\","
	"   \"model\": \"I210\", \"driver\": \"igb\", \"speed\": 1000, \"addresses\": [\"10.66.0.1/24\"]}]}";

void room_write(const struct room *r, const char *name, const void *data, size_t len)
{
	_cleanup_free_ char *path = NULL;
	FILE *f;

	assert_true(asprintf(&path, "%s/%s", r->dir, name) > 0);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

void room_answers(const struct room *r, const char *text)
{
	room_write(r, r->answers, text, strlen(text));
}

char *room_read_answers(const struct room *r)
{
	_cleanup_close_ int fd = open(r->answers, O_RDONLY | O_CLOEXEC);
	char *text = NULL;

	assert_true(fd >= 0);
	assert_int_equal(fs_read_fd(fd, 1 << 20, &text, NULL), 0);
	return text;
}

void room_kernel(const struct room *r, const char *name, const char *release)
{
	char image[0x500] = { 0 };

	/* Documentation/arch/x86/boot.rst of the Linux kernel. */
	memcpy(image + 0x202, "HdrS", 4);
	image[0x20f] = 0x02;
	snprintf(image + 0x400, 0x80, "%s (builder@test) #1 SMP", release);
	room_write(r, name, image, sizeof(image));
}

bool room_can_apply(void)
{
	_cleanup_free_ char *pack = spawn_find("mksquashfs"), *busybox = spawn_find("busybox");

	return pack && busybox && access("/usr/lib/ipxe/snponly.efi", R_OK) == 0;
}

int room_setup(void **state)
{
	struct room *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	snprintf(r->dir, sizeof(r->dir), "/tmp/muster-setup.XXXXXX");
	if (!mkdtemp(r->dir))
		return -1;
	snprintf(r->host, sizeof(r->host), "%s/host.json", r->dir);
	snprintf(r->root, sizeof(r->root), "%s/root", r->dir);
	r->answers = "answers.conf";
	room_write(r, "host.json", host, strlen(host));
	if (mkdir(r->root, 0755) < 0 || chdir(r->dir) < 0)
		return -1;
	*state = r;
	return 0;
}

int room_teardown(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int tmp = fs_root_open("/");

	assert_int_equal(chdir("/"), 0);
	assert_int_equal(fs_remove_tree(tmp, r->dir), 0);
	free(r);
	return 0;
}

struct vt *wizard_in(const struct room *r, int rows, int columns, const char *const env[])
{
	const char *const argv[] = { MUSTER,  "setup", "--root",   r->root, "--host",
				     r->host, "-f",    r->answers, NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, env, rows, columns, &v), 0);
	assert_seen(v, "Enter begin");
	return v;
}

struct vt *wizard(const struct room *r)
{
	return wizard_in(r, 24, 80, NULL);
}

void wizard_go_by(struct vt *v, const char *text, const char *key)
{
	static const char *const marks[] = { "Enter begin",
					     "Which interface leads to the nodes?",
					     "This server's address there",
					     "How do the nodes get their addresses?",
					     "Which kernel do the nodes run?",
					     "The cluster's name",
					     "Public ssh keys",
					     "A node root to be built",
					     NULL };

	for (size_t i = 0; marks[i]; i++) {
		assert_seen(v, marks[i]);
		if (strcmp(marks[i], text) == 0)
			return;
		vt_send(v, key);
	}
	assert_seen(v, text);
}

void wizard_go(struct vt *v, const char *text)
{
	wizard_go_by(v, text, PAGE_DOWN);
}

void wizard_ended(struct vt *v)
{
	const char *left;
	int status;

	if (!vt_wait_exit(v, VT_PATIENCE, &status))
		fail_msg("it goes on:\n%s", vt_screen(v));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	left = vt_left_behind(v);
	if (left)
		fail_msg("it leaves %s behind", left);
	vt_free(v);
}

void wizard_leave(struct vt *v)
{
	vt_send(v, ESCAPE);
	assert_seen(v, "Leave the wizard?");
	vt_send(v, "L");
	wizard_ended(v);
}

int room_muster(const struct room *r, const char *verb, const char *option)
{
	const char *const argv[] = { MUSTER,  verb, "--root",	r->root, "--host",
				     r->host, "-f", r->answers, option,	 NULL };
	const struct spawn s = { .argv = argv, .timeout_ms = 20000 };
	_cleanup_free_ char *output = NULL;
	int status = -1;

	assert_int_equal(spawn_run(&s, &status, &output), 0);
	if (status != 0)
		print_message("%s\n", output);
	return status;
}
