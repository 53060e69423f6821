/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of `muster setup`: real jobs below a scratch root, which succeed, fail, are stopped, and outlive their terminal. Their
 * nodes boot an initramfs with a kernel that is none but by its header, so that nothing is fetched and nothing is built for long.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/screens/golden.h"
#include "backend/muster.h"
#include "tests/screens/setup-room.h"
#include "util/fs.h"
#include "util/spawn.h"

#define LOADERS "root/var/lib/muster/tftp"

/* In place of mksquashfs, which the job runs: it waits until the room has a file "go". */
static const char slow[] = "#!/bin/sh\necho waiting for go\nwhile ! [ -e '%s/go' ]; do sleep 0.05; done\n"
			   "PATH=${PATH#*:}\nexec mksquashfs \"$@\"\n";

static int setup(void **state)
{
	char *answers;
	struct room *r;

	if (room_setup(state) < 0)
		return -1;
	r = *state;
	room_kernel(r, "vmlinuz", "6.1.0-test");
	if (asprintf(&answers,
		     "cluster { name = \"krg\" }\nboot { kernel = \"%s/vmlinuz\" root = \"initramfs\" }\n"
		     "network \"eth1\" { address = \"10.66.0.1/24\" }\n"
		     "nodes { count = 2 macs = {\"52:54:00:66:00:01\"} }\n",
		     r->dir) < 0)
		return -1;
	room_answers(r, answers);
	free(answers);
	return 0;
}

/* Another mksquashfs comes first in the path. */
static struct vt *wizard_slow(const struct room *r)
{
	_cleanup_free_ char *script = NULL, *path = NULL;
	const char *env[] = { NULL, NULL };

	assert_true(asprintf(&script, slow, r->dir) > 0);
	assert_true(mkdir("bin", 0755) == 0 || errno == EEXIST);
	room_write(r, "bin/mksquashfs", script, strlen(script));
	assert_int_equal(chmod("bin/mksquashfs", 0755), 0);
	assert_true(asprintf(&path, "PATH=%s/bin:%s", r->dir, getenv("PATH")) > 0);
	env[0] = path;
	return wizard_in(r, 24, 80, env);
}

static void go_to_apply(struct vt *v)
{
	wizard_go(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Cluster krg, 2 nodes");
	vt_send(v, "a");
	assert_seen(v, "Enter begins.");
}

static bool plans_nothing(const struct room *r)
{
	const char *const argv[] = { MUSTER,  "plan", "--root",	  r->root, "--host",
				     r->host, "-f",   r->answers, NULL };
	const struct spawn s = { .argv = argv, .timeout_ms = 20000 };
	_cleanup_free_ char *output = NULL;
	int status = -1;

	assert_int_equal(spawn_run(&s, &status, &output), 0);
	return status == 0 && strstr(output, "Nothing to change");
}

static void a_job_that_succeeds_leads_on_to_the_first_boot(void **state)
{
	struct room *r = *state;
	struct vt *v;

	if (!room_can_apply())
		skip_because("no root, namespaces or mksquashfs here");
	v = wizard(r);
	go_to_apply(v);
	assert_golden(v, "setup-apply");
	vt_send(v, ENTER);
	assert_seen(v, "● squashfs");
	assert_seen(v, "● initramfs");
	assert_seen(v, "● files");
	assert_seen(v, "All is done.");
	assert_false(vt_find(v, "✗", NULL, NULL));
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Switch the nodes on now.");
	assert_seen(v, "● Apply");
	vt_send(v, "q");
	wizard_ended(v);
	/* The same answers by themselves change nothing. */
	assert_true(plans_nothing(r));
	assert_int_equal(room_muster(r, "apply", "--yes"), 0);
	/* And the wizard says so. */
	v = wizard(r);
	assert_seen(v, "Answers of an earlier run were found");
	wizard_go(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Nothing is to be changed");
	wizard_leave(v);
	/* What was taken back since is to be made anew, whatever the last job came to. */
	assert_int_equal(room_muster(r, "undo", "--yes"), 0);
	v = wizard(r);
	go_to_apply(v);
	vt_send(v, ENTER);
	assert_seen(v, "All is done.");
	wizard_leave(v);
	assert_true(plans_nothing(r));
}

static void what_somebody_else_wrote_is_replaced_only_when_one_says_so(void **state)
{
	static const char theirs[] = "port=0\n";
	struct room *r = *state;
	struct vt *v;

	if (!room_can_apply())
		skip_because("no root, namespaces or mksquashfs here");
	assert_true(mkdir("root/etc", 0755) == 0 || errno == EEXIST);
	assert_true(mkdir("root/etc/muster", 0755) == 0 || errno == EEXIST);
	room_write(r, "root/etc/muster/dnsmasq.conf", theirs, strlen(theirs));
	v = wizard(r);
	wizard_go(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Cluster krg, 2 nodes");
	vt_send(v, "/dnsmasq.conf\r");
	assert_seen(v, "! not muster's /etc/muster/dnsmasq.conf");
	vt_send(v, "a");
	assert_seen(v, "Enter begins.");
	vt_send(v, ENTER);
	assert_seen(v, "/etc/muster/dnsmasq.conf");
	assert_golden(v, "setup-not-ours");
	/* The cursor stands on "Leave". */
	vt_send(v, ENTER);
	assert_gone(v, "Replace them?");
	assert_seen(v, "Enter begins.");
	vt_send(v, ENTER);
	assert_seen(v, "Replace them?");
	vt_send(v, "R");
	assert_seen(v, "All is done.");
	wizard_leave(v);
}

static void a_failure_says_what_was_put_back_and_what_to_do(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int root = fs_root_open(r->root);
	struct vt *v;

	if (!room_can_apply() || geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
		skip_because("no root, namespaces or mksquashfs here");
	/* The loaders cannot be written: their folder is read-only. */
	assert_int_equal(fs_mkdir_all(root, "/var/lib/muster/tftp", 0755), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("muster-test", LOADERS, "tmpfs", MS_RDONLY, NULL), 0);
	v = wizard(r);
	go_to_apply(v);
	vt_send(v, ENTER);
	assert_seen(v, "It failed.");
	assert_seen(v, "✗ files");
	assert_seen(v, "● undo");
	assert_seen(v, "Read-only file");
	assert_seen(v, "is taken back");
	assert_seen(v, "Enter begins again.");
	assert_false(fs_exists(root, "/etc/muster/dnsmasq.conf"));
	/* It is mended. */
	assert_int_equal(umount(LOADERS), 0);
	vt_send(v, ENTER);
	assert_seen(v, "All is done.");
	assert_true(fs_exists(root, "/etc/muster/dnsmasq.conf"));
	wizard_leave(v);
}

static void before_anything_is_changed_a_failure_says_so(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int root = fs_root_open(r->root);
	static const char fails[] = "#!/bin/sh\necho FATAL ERROR: no room left >&2\nexit 1\n";
	_cleanup_free_ char *path = NULL;
	const char *env[] = { NULL, NULL };
	struct vt *v;

	if (!room_can_apply())
		skip_because("no root, namespaces or mksquashfs here");
	assert_int_equal(mkdir("bin", 0755), 0);
	room_write(r, "bin/mksquashfs", fails, strlen(fails));
	assert_int_equal(chmod("bin/mksquashfs", 0755), 0);
	assert_true(asprintf(&path, "PATH=%s/bin:%s", r->dir, getenv("PATH")) > 0);
	env[0] = path;
	v = wizard_in(r, 24, 80, env);
	go_to_apply(v);
	vt_send(v, ENTER);
	assert_seen(v, "It failed.");
	assert_seen(v, "✗ squashfs");
	assert_seen(v, "no room left");
	assert_seen(v, "Nothing on this server was changed.");
	wizard_leave(v);
	assert_false(fs_exists(root, "/etc/muster/dnsmasq.conf"));
}

static void a_job_is_stopped_when_it_is_asked_to(void **state)
{
	struct room *r = *state;
	struct vt *v;

	if (!room_can_apply())
		skip_because("no root, namespaces or mksquashfs here");
	v = wizard_slow(r);
	go_to_apply(v);
	vt_send(v, ENTER);
	assert_seen(v, "◐ squashfs");
	vt_send(v, "c");
	assert_seen(v, "Stop, and take back");
	vt_send(v, "G");
	assert_gone(v, "Stop, and take back");
	vt_send(v, "c");
	assert_seen(v, "Stop, and take back");
	vt_send(v, "S");
	assert_seen(v, "It was stopped.");
	assert_seen(v, "Nothing on this server was changed.");
	wizard_leave(v);
}

static void a_job_outlives_its_terminal_and_is_found_again(void **state)
{
	struct room *r = *state;
	struct vt *v;
	int status;

	if (!room_can_apply())
		skip_because("no root, namespaces or mksquashfs here");
	v = wizard_slow(r);
	go_to_apply(v);
	vt_send(v, ENTER);
	assert_seen(v, "◐ squashfs");
	assert_seen(v, "This goes on if the terminal closes");
	vt_hang_up(v);
	assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
	vt_free(v);
	/* Another wizard finds it, without a question. */
	{
		const char *const argv[] = { MUSTER,  "setup", "--root",   r->root, "--host",
					     r->host, "-f",    r->answers, NULL };

		assert_int_equal(vt_start(argv, NULL, 24, 80, &v), 0);
	}
	assert_seen(v, "◐ squashfs");
	assert_seen(v, "▸ Apply");
	/* Left on purpose: it goes on. */
	vt_send(v, ESCAPE);
	assert_seen(v, "The job goes on");
	vt_send(v, "S");
	assert_gone(v, "The job goes on");
	room_write(r, "go", "", 0);
	assert_seen(v, "All is done.");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Switch the nodes on now.");
	vt_send(v, "q");
	wizard_ended(v);
	assert_true(plans_nothing(r));
	/* It is told to who was not there; and with nothing to be changed the way on is open. */
	v = wizard(r);
	assert_seen(v, "The last apply ended well");
	vt_send(v, ENTER);
	assert_seen(v, "Nothing is to be changed");
	wizard_leave(v);
}

/* What a rehearsal tells that went well, as its job wrote it. */
static const char told[] =
	"{\"job\": \"rehearsal\", \"pid\": 1, \"started\": 4102444800000}\n"
	"{\"event\": \"step\", \"name\": \"network\", \"text\": \"eth1 with 10.66.0.1/24 in a network "
	"namespace\"}\n"
	"{\"event\": \"done\", \"name\": \"network\", \"ms\": 61}\n"
	"{\"event\": \"step\", \"name\": \"nodes\", \"text\": \"2 nodes of 512 MB, 2 at a time\"}\n"
	"{\"event\": \"note\", \"text\": \"node01 (BIOS) was ready 31.1 s after power-on.\"}\n"
	"{\"event\": \"done\", \"name\": \"nodes\", \"ms\": 40200}\n"
	"{\"event\": \"line\", \"text\": \"Seconds in each stage, and until it was ready:\"}\n"
	"{\"event\": \"line\", \"text\": \"  NODE        dhcp loader kernel initramfs root READY\"}\n"
	"{\"event\": \"line\", \"text\": \"\u25cf node01-bios  0.0    1.3    5.9       0.1 23.0  31.1\"}\n"
	"{\"event\": \"line\", \"text\": \"\u25cf node02-uefi  2.4    1.0    5.5       0.1 20.3  39.2\"}\n"
	"{\"event\": \"note\", \"text\": \"2 of 2 nodes became ready.\"}\n"
	"{\"end\": 0, \"at\": 4102444850000}\n";

static void a_rehearsal_that_went_well_is_shown_with_its_table(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int root = fs_root_open(r->root);
	struct vt *v;

	assert_int_equal(fs_mkdir_all(root, "/var/lib/muster/job", 0700), 0);
	room_write(r, "root/var/lib/muster/job/current.log", told, sizeof(told) - 1);
	room_write(r, "root/var/lib/muster/job/lock", "", 0);
	v = wizard(r);
	go_to_apply(v);
	assert_seen(v, "Not rehearsed");
	vt_send(v, "r");
	assert_seen(v, "Every node became ready.");
	assert_seen(v, "● node02-uefi  2.4    1.0    5.5       0.1 20.3  39.2");
	assert_golden(v, "setup-rehearsal");
	vt_send(v, "q");
	assert_seen(v, "Enter begins.");
	wizard_leave(v);
}

/* In place of a daemon, one that refuses its configuration. */
static const char refuses[] = "#!/bin/sh\necho 'dnsmasq: bad dhcp-range at line 21' >&2\nexit 1\n";

static void a_rehearsal_that_fails_shows_the_daemons_own_lines(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int root = fs_root_open(r->root);
	_cleanup_free_ char *path = NULL;
	const char *env[] = { NULL, NULL };
	struct vt *v;

	if (!room_can_apply() || geteuid() != 0 || access("/usr/bin/qemu-system-x86_64", X_OK) < 0 ||
	    access("/usr/share/OVMF/OVMF_CODE_4M.fd", R_OK) < 0)
		skip_because("no root, namespaces, mksquashfs or qemu here");
	assert_true(mkdir("bin", 0755) == 0 || errno == EEXIST);
	room_write(r, "bin/dnsmasq", refuses, strlen(refuses));
	assert_int_equal(chmod("bin/dnsmasq", 0755), 0);
	assert_true(asprintf(&path, "PATH=%s/bin:%s", r->dir, getenv("PATH")) > 0);
	env[0] = path;
	v = wizard_in(r, 24, 80, env);
	go_to_apply(v);
	vt_send(v, "r");
	assert_seen(v, "Not every node became ready.");
	assert_seen(v, "bad dhcp-range at line 21");
	/* Of the server nothing is touched, and the rehearsal has left its report. */
	assert_false(fs_exists(root, "/etc/muster"));
	assert_true(fs_exists(root, MUSTER_REHEARSAL_FOLDER "/report.txt"));
	vt_send(v, "q");
	assert_seen(v, "Enter begins.");
	wizard_leave(v);
}

/* Also when the test failed while it was mounted. */
static int unmount(void **state)
{
	if (umount(LOADERS) < 0 && errno != EINVAL && errno != ENOENT && errno != EPERM)
		return -1;
	return room_teardown(state);
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(a_job_that_succeeds_leads_on_to_the_first_boot),
		cmocka_unit_test_setup_teardown(a_failure_says_what_was_put_back_and_what_to_do, setup,
						unmount),
		WITH_ROOM(what_somebody_else_wrote_is_replaced_only_when_one_says_so),
		WITH_ROOM(before_anything_is_changed_a_failure_says_so),
		WITH_ROOM(a_job_is_stopped_when_it_is_asked_to),
		WITH_ROOM(a_rehearsal_that_went_well_is_shown_with_its_table),
		WITH_ROOM(a_rehearsal_that_fails_shows_the_daemons_own_lines),
		WITH_ROOM(a_job_outlives_its_terminal_and_is_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
