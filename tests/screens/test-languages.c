/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screens in the languages that there are catalogues of, from the build tree. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/daemon/client.h"
#include "tests/screens/golden.h"
#include "tests/screens/seen.h"
#include "tests/screens/vt.h"
#include "util/fs.h"

#define MUSTER MUSTER_BUILDDIR "/muster"
#define CATALOGUES "MUSTER_LOCALEDIR=" MUSTER_BUILDDIR "/po/locale"
#define PAGE_DOWN "\033[6~"

static const char *const french[] = { CATALOGUES, "LANGUAGE=fr", NULL };
static const char *const chinese[] = { CATALOGUES, "LANGUAGE=zh_TW", NULL };
static const char *const english[] = { CATALOGUES, "LANGUAGE=en", NULL };
/* The C locale has one language, whatever is wished. */
static const char *const plain[] = { CATALOGUES, "LANGUAGE=fr", "LC_ALL=C", NULL };

static const char host[] = "{\"architecture\": \"x86_64\", \"kernel\": \"6.1.0\", \"memory_kb\": 8388608,"
			   " \"distribution\": {\"id\": \"debian\", \"version\": \"12\", \"codename\": "
			   "\"bookworm\", \"family\": \"debian\", \"pretty\": \"Debian GNU/Linux 12\"},"
			   " \"interfaces\": [{\"name\": \"eth0\", \"mac\": \"52:54:00:aa:00:00\","
			   "   \"link\": true, \"up\": true, \"default_route\": true,"
			   "   \"addresses\": [\"192.168.7.5/24\"]},"
			   "  {\"name\": \"eth1\", \"mac\": \"52:54:00:aa:00:01\", \"link\": true,"
			   "   \"up\": true, \"vendor\": \"Intel\", \"model\": \"I210\","
			   "   \"addresses\": [\"10.66.0.1/24\"]}]}";

/* ---- the wizard ------------------------------------------------------------------------------------------------------- */

struct room {
	char dir[32];
	int fd;
};

static int enter_room(void **state)
{
	struct room *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "/tmp/muster-lang.XXXXXX");
	if (!mkdtemp(r->dir) || chdir(r->dir) < 0 || mkdir("root", 0755) < 0)
		return -1;
	r->fd = fs_root_open(r->dir);
	*state = r;
	return fs_write(r->fd, "/host.json", host, strlen(host), &(struct fs_attr){ .mode = 0644 });
}

static int leave_room(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int top = fs_root_open("/");

	close(r->fd);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(fs_remove_tree(top, r->dir), 0);
	free(r);
	return 0;
}

static struct vt *wizard(const char *const *env, const char *answers)
{
	const char *const argv[] = { MUSTER,	  "setup", "--root", "root", "--host",
				     "host.json", "-f",	   answers,  NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, env, 24, 80, &v), 0);
	return v;
}

static void the_wizard_speaks_french(void **state)
{
	struct vt *v = wizard(french, "answers.conf");

	assert_seen(v, "Bienvenue");
	assert_seen(v, "Enter commencer");
	assert_seen(v, "1er démarrage");
	vt_send(v, "\r");
	assert_seen(v, "Intel I210");
	assert_golden(v, "setup-server-fr");
	vt_free(v);
}

static void the_wizard_speaks_chinese(void **state)
{
	struct vt *v = wizard(chinese, "answers.conf");

	assert_seen(v, "歡迎");
	assert_seen(v, "Enter 開始");
	assert_seen(v, "首次開機");
	vt_send(v, "\r");
	assert_seen(v, "Intel I210");
	assert_golden(v, "setup-server-zh_TW");
	vt_free(v);
}

static void in_the_c_locale_it_is_english_and_ascii(void **state)
{
	struct vt *v = wizard(plain, "answers.conf");

	assert_seen(v, "Enter begin");
	vt_send(v, "\r");
	assert_seen(v, "Which interface leads to the nodes?");
	for (const char *p = vt_screen(v); *p; p++)
		if ((unsigned char)*p >= 0x80)
			fail_msg("this is not ASCII:\n%s", vt_screen(v));
	vt_free(v);
}

/* Up to the step of the nodes, whose heading is this; the answers are written on the way. */
static char *written_in(const struct room *r, const char *const *env, const char *heading)
{
	struct vt *v = wizard(env, "answers.conf");
	char *text = NULL;

	assert_seen(v, "Enter ");
	vt_send(v, "\r");
	assert_seen(v, "Intel I210");
	vt_send(v, "\r");
	assert_seen(v, "10.66.0.1/24");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, heading);
	vt_free(v);
	assert_int_equal(fs_read(r->fd, "/answers.conf", 65536, &text, NULL), 0);
	assert_int_equal(unlink("answers.conf"), 0);
	return text;
}

static void what_is_written_is_the_same_in_every_language(void **state)
{
	const struct room *r = *state;
	_cleanup_free_ char *en = written_in(r, english, "How do the nodes get their addresses?");
	_cleanup_free_ char *fr = written_in(r, french, "Comment les nœuds reçoivent-ils leurs adresses");
	_cleanup_free_ char *zh = written_in(r, chinese, "節點如何取得位址？");

	assert_non_null(strstr(en, "10.66.0.1/24"));
	assert_string_equal(fr, en);
	assert_string_equal(zh, en);
}

/* ---- the console ------------------------------------------------------------------------------------------------------- */

static int new_server(void **state)
{
	*state = server_new();
	server_start(*state, NULL);
	return 0;
}

static int free_server(void **state)
{
	server_free(*state);
	return 0;
}

static struct vt *console(struct server *s, const char *const *env)
{
	const char *const argv[] = { MUSTER, "console", "--root", s->root, NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, env, 24, 80, &v), 0);
	return v;
}

static void the_console_speaks_french(void **state)
{
	struct vt *v = console(*state, french);

	assert_seen(v, "En attente du premier nœud");
	assert_golden(v, "console-first-fr");
	vt_send(v, "t");
	assert_seen(v, "NŒUD");
	assert_seen(v, "à l'arrêt");
	/* What is shown is what the filter's words are looked for in. */
	vt_send(v, "/arrêt\r");
	assert_true(vt_wait_gone(v, "garder le filtre", VT_PATIENCE));
	assert_seen(v, "node02");
	vt_send(v, "/\025prêt\r");
	assert_seen(v, "aucune ligne ne l'a");
	vt_free(v);
}

static void the_console_speaks_chinese(void **state)
{
	struct vt *v = console(*state, chinese);

	assert_seen(v, "正在等待第一個節點");
	assert_golden(v, "console-first-zh_TW");
	vt_send(v, "t");
	assert_seen(v, "位址");
	assert_seen(v, "關機");
	vt_free(v);
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, enter_room, leave_room)
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, new_server, free_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(the_wizard_speaks_french),
		WITH_ROOM(the_wizard_speaks_chinese),
		WITH_ROOM(in_the_c_locale_it_is_english_and_ascii),
		WITH_ROOM(what_is_written_is_the_same_in_every_language),
		WITH_SERVER(the_console_speaks_french),
		WITH_SERVER(the_console_speaks_chinese),
	};

	return cmocka_run_group_tests_name("languages", tests, NULL, NULL);
}
