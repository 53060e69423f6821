/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's actions, asked through the backend of the real musterd. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "backend/muster.h"
#include "daemon/wake.h"
#include "tests/daemon/client.h"
#include "util/fs.h"
#include "util/spawn.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define SCRIPT1_EFI "/boot.ipxe?mac=" MAC1 "&platform=efi"
#define SCRIPT2 "/boot.ipxe?mac=" MAC2 "&platform=pcbios"
#define READY "stage=ready\nkernel=6.1.0\n"

struct fixture {
	struct server *server;
	struct muster *m;
};

static void yes(void *data, struct muster_question *q)
{
	assert_int_equal(q->type, MUSTER_QUESTION_POWER);
	assert_non_null(strstr(q->text, "node01"));
	q->answer = true;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct muster_config config = { .on_question = yes };

	f->server = server_new();
	server_start(f->server, NULL);
	config.root = f->server->root;
	*state = f;
	return muster_new(&config, &f->m);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	muster_free(f->m);
	server_free(f->server);
	free(f);
	return 0;
}

/* Asks for it on node01; the code of the result, whose text must have this in it. */
static int power(struct fixture *f, enum muster_power what, const char *text)
{
	struct muster_result *v;
	size_t n;
	int code;

	assert_int_equal(muster_power(f->m, "node01", what, &v, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].name, "node01");
	assert_non_null(strstr(v[0].text, text));
	code = v[0].code;
	muster_results_free(v, n);
	return code;
}

static void assert_told(struct fixture *f, const char *from, const char *token, const char *body,
			const char *want)
{
	_cleanup_free_ char *answer = client_report(f->server, from, token, body);

	if (want)
		assert_non_null(strstr(answer, want));
	else
		assert_string_equal(answer, "");
}

static void assert_last_event(struct fixture *f, const char *kind, const char *text)
{
	struct muster_history *h = NULL;
	bool found = false;

	assert_int_equal(muster_history(f->m, "node01", &h), 0);
	for (size_t i = 0; i < h->n_events; i++)
		found |= strcmp(h->events[i].kind, kind) == 0 && strstr(h->events[i].text, text);
	muster_history_free(h);
	assert_true(found);
}

static void an_action_is_told_until_the_node_says_that_it_does_it(void **state)
{
	struct fixture *f = *state;
	char token[33];

	assert_int_equal(power(f, MUSTER_POWER_REBOOT, "does not report"), -EHOSTDOWN);
	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_told(f, NODE1, token, READY, NULL);
	assert_int_equal(power(f, MUSTER_POWER_REBOOT, "within 1 s"), 0);
	assert_told(f, NODE1, token, READY, "action_id=1\naction=reboot\n");
	assert_told(f, NODE1, token, READY, "action=reboot\n");
	assert_told(f, NODE1, token, READY "done=7\n", NULL);
	assert_told(f, NODE1, token, READY, "action=reboot\n");
	assert_told(f, NODE1, token, READY "done=1\n", NULL);
	assert_told(f, NODE1, token, READY, NULL);
	assert_last_event(f, "power", "reboot: asked for by user");
	assert_last_event(f, "power", "reboot: the node does it");
}

static void a_goodbye_and_a_new_boot_end_an_action(void **state)
{
	struct fixture *f = *state;
	char token[33];

	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_told(f, NODE1, token, READY, NULL);
	assert_int_equal(power(f, MUSTER_POWER_OFF, "Asked"), 0);
	assert_told(f, NODE1, token, READY, "action=poweroff\n");
	assert_told(f, NODE1, token, "stage=off\n", NULL);
	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_told(f, NODE1, token, READY, NULL);
	assert_last_event(f, "power", "poweroff: the node does it");
	/* Both in one report, where nothing comes after it: its next boot has to wait for nothing. */
	assert_int_equal(power(f, MUSTER_POWER_REBOOT, "Asked"), 0);
	assert_told(f, NODE1, token, READY, "action_id=2\naction=reboot\n");
	assert_told(f, NODE1, token, "stage=off\ndone=2\n", NULL);
	assert_last_event(f, "power", "reboot: the node does it");
	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_told(f, NODE1, token, READY, NULL);
}

static void a_node_ends_no_action_of_another(void **state)
{
	struct fixture *f = *state;
	char token[33], other[33];

	client_boot(f->server, NODE1, SCRIPT1, token);
	client_boot(f->server, NODE2, SCRIPT2, other);
	assert_told(f, NODE1, token, READY, NULL);
	assert_int_equal(power(f, MUSTER_POWER_REBOOT, "Asked"), 0);
	assert_told(f, NODE2, other, READY, NULL);
	assert_told(f, NODE1, token, READY, "action=reboot\n");
	assert_told(f, NODE2, other, READY "done=1\n", NULL);
	assert_told(f, NODE1, token, READY, "action=reboot\n");
}

static void a_restart_of_musterd_forgets_no_action(void **state)
{
	struct fixture *f = *state;
	char token[33];

	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_told(f, NODE1, token, READY, NULL);
	assert_int_equal(power(f, MUSTER_POWER_OFF, "Asked"), 0);
	assert_int_equal(server_stop(f->server), 0);
	server_start(f->server, NULL);
	assert_told(f, NODE1, token, READY, "action=poweroff\n");
}

static void an_agent_that_knows_no_actions_is_given_up(void **state)
{
	struct fixture *f = *state;
	char token[33];

	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_told(f, NODE1, token, READY, NULL);
	assert_int_equal(power(f, MUSTER_POWER_REBOOT, "Asked"), 0);
	for (int i = 0; i < 5; i++)
		assert_told(f, NODE1, token, READY, "action=reboot\n");
	assert_told(f, NODE1, token, READY, NULL);
	assert_last_event(f, "power", "given up");
}

static void a_magic_packet_has_the_address_sixteen_times(void **state)
{
	unsigned char packet[WAKE_PACKET];
	struct mac mac;

	assert_int_equal(mac_parse("02:03:04:05:06:07", &mac), 0);
	wake_packet(mac, packet);
	for (size_t i = 0; i < sizeof(packet); i++)
		assert_int_equal(packet[i], i < 6 ? 0xff : 2 + i % 6);
}

static void waking_sends_the_packet_to_the_network(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(WAKE_PORT) };
	unsigned char got[200], want[WAKE_PACKET];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct mac mac;

	assert_int_equal(inet_pton(AF_INET, "127.255.255.255", &at.sin_addr), 1);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		skip(); /* only root has such a port, and somebody else may */
	assert_int_equal(power(f, MUSTER_POWER_WAKE, "was sent to 52:54:00:00:00:01"), 0);
	assert_true(poll(&p, 1, 10000) > 0);
	assert_int_equal(recv(fd, got, sizeof(got), 0), WAKE_PACKET);
	assert_int_equal(mac_parse(MAC1, &mac), 0);
	wake_packet(mac, want);
	assert_memory_equal(got, want, WAKE_PACKET);
	assert_last_event(f, "power", "wake");
}

static int boot_next(struct fixture *f, const char *what, bool always, const char *text)
{
	struct muster_result *v;
	size_t n;
	int code;

	assert_int_equal(muster_boot_next(f->m, "node01", what, always, &v, &n), 0);
	assert_int_equal(n, 1);
	assert_non_null(strstr(v[0].text, text));
	code = v[0].code;
	muster_results_free(v, n);
	return code;
}

static void assert_script(struct fixture *f, const char *path, const char *text)
{
	struct reply r = get(f->server, NODE1, path);

	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, text));
	reply_free(&r);
}

static void assert_next(struct fixture *f, const char *what, bool always)
{
	struct node_state *v = node_now(f->server, "node01");

	/* That something has come to the node is known a moment later. */
	for (int i = 0; i < 500 && strcmp(v->next, what) != 0; i++) {
		node_states_free(v, 1);
		usleep(20000);
		v = node_now(f->server, "node01");
	}
	assert_string_equal(v->next, what);
	assert_int_equal(v->next_always, always);
	node_states_free(v, 1);
}

static void a_node_boots_its_disk_once_or_always(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(boot_next(f, "disk", false, "once"), 0);
	assert_next(f, "disk", false);
	assert_script(f, SCRIPT1, "sanboot --no-describe --drive 0x80 ||\n");
	assert_next(f, "", false);
	assert_script(f, SCRIPT1, "/roots/g1/vmlinuz");
	assert_int_equal(boot_next(f, "disk", true, "From now on"), 0);
	assert_script(f, SCRIPT1_EFI, "\nexit\n");
	assert_script(f, SCRIPT1_EFI, "\nexit\n");
	assert_next(f, "disk", true);
	assert_int_equal(boot_next(f, "system", false, "the cluster's system"), 0);
	assert_next(f, "", false);
	assert_script(f, SCRIPT1, "/roots/g1/vmlinuz");
}

static void the_memory_test_is_used_up_when_it_is_fetched(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *path = NULL;
	char token[33];
	struct reply r;

	assert_int_equal(boot_next(f, "memtest", false, "install the package"), -ENOENT);
	server_put(f->server, "/boot/memtest86+x64.bin", "a memory test", 13);
	assert_int_equal(boot_next(f, "memtest", false, "once"), 0);
	assert_script(f, SCRIPT1_EFI, "install the package");
	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_next(f, "memtest", false);
	assert_true(asprintf(&path, "/boot/%s/memtest.bin", token) > 0);
	assert_int_equal(get_status(f->server, STRANGER, path), 403);
	r = get(f->server, NODE1, path);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "a memory test");
	reply_free(&r);
	assert_next(f, "", false);
}

static void what_cannot_be_booted_is_refused(void **state)
{
	struct fixture *f = *state;
	struct muster_result *v;
	size_t n;

	assert_int_equal(boot_next(f, "floppy", false, "It can boot"), -EINVAL);
	assert_true(muster_boot_next(f->m, "node01", "root:../etc", false, &v, &n) < 0);
	assert_int_equal(muster_boot_next(f->m, "node77", "disk", false, &v, &n), -EINVAL);
	assert_int_equal(muster_power(f->m, "node[", MUSTER_POWER_WAKE, &v, &n), -EINVAL);
}

/* The program itself; its exit status, and what it said. */
static int muster(struct fixture *f, char **ret_output, const char *a, const char *b, const char *c,
		  const char *d)
{
	const char *const argv[] = { MUSTER_BUILDDIR "/muster", "--root", f->server->root, a, b, c, d, NULL };
	struct spawn spawn = { .argv = argv, .timeout_ms = 30000 };
	int status = -1;

	assert_int_equal(spawn_run(&spawn, &status, ret_output), 0);
	return status;
}

/* "user NAME", or "user NUMBER" for one that has no name. */
static const char *asked_by_me(void)
{
	const struct passwd *me = getpwuid(getuid());
	static char text[64];

	if (me)
		snprintf(text, sizeof(text), "asked for by user %s", me->pw_name);
	else
		snprintf(text, sizeof(text), "asked for by user %d", (int)getuid());
	return text;
}

static void the_program_shows_what_musterd_tells(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *watch = NULL, *why = NULL, *power = NULL, *down = NULL, *quiet = NULL,
			    *said = NULL;
	char token[33];

	client_boot(f->server, NODE1, SCRIPT1, token);
	assert_told(f, NODE1, token, READY, NULL);
	assert_int_equal(muster(f, &watch, "status", "--until-ready", "-n", "node01"), 0);
	assert_non_null(strstr(watch, "node01  ready"));
	assert_null(strstr(watch, "does not answer"));
	assert_int_equal(muster(f, &power, "power", "reboot", "-n", "node[01-02]"), 1);
	assert_non_null(strstr(power, "node01  Asked; it hears it within 1 s."));
	assert_non_null(strstr(power, "node02  It is off and does not report"));
	assert_int_equal(muster(f, &why, "why", "node01", NULL, NULL), 0);
	assert_non_null(strstr(why, "It is up."));
	assert_non_null(strstr(why, "power: reboot: asked for by user"));
	assert_non_null(strstr(why, asked_by_me()));
	assert_int_equal(muster(f, &quiet, "status", "-n", "node01", NULL), 0);
	assert_null(strstr(quiet, "does not answer"));
	assert_int_equal(server_stop(f->server), 0);
	assert_int_equal(muster(f, &said, "status", "-n", "node01", NULL), 0);
	assert_non_null(strstr(said, "musterd does not answer; this is what it last knew."));
	assert_int_equal(muster(f, &down, "status", "--until-ready", "-n", "node01"), 0);
	assert_non_null(strstr(down, "musterd does not answer; this is what it last knew."));
}

static void assert_card(struct fixture *f, const char *asked, const char *want)
{
	_cleanup_free_ char *path = NULL;
	struct node_state *v;
	struct reply r;

	assert_true(asprintf(&path, SCRIPT1 "&card=%s", asked) > 0);
	r = get(f->server, NODE1, path);
	assert_int_equal(r.status, 200);
	reply_free(&r);
	v = node_now(f->server, "node01");
	assert_string_equal(v->card, want);
	node_states_free(v, 1);
}

static void the_loader_says_over_which_card_the_node_boots(void **state)
{
	struct fixture *f = *state;

	/* What a loader sends that does not know it, or whose card is none of PCI, or who is no loader. */
	assert_card(f, "", "");
	assert_card(f, "0100000000", "");
	assert_card(f, "01ffffffff", "");
	assert_card(f, "028086100e", "");
	assert_card(f, "018086100", "");
	assert_card(f, "018086100x", "");
	assert_card(f, "${netX/busid:hexraw}", "");
	/* QEMU's e1000, then another card in the same machine. */
	assert_card(f, "018086100e", "8086:100e");
	assert_card(f, "011af41000", "1af4:1000");
	assert_card(f, "", "1af4:1000");
	/* Also where the boot itself is refused. */
	assert_int_equal(fs_unlink(f->server->root_fd, "/var/lib/muster/initramfs/i1.img"), 0);
	assert_card(f, "0110ec8168", "10ec:8168");
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(an_action_is_told_until_the_node_says_that_it_does_it),
		RUNNING(a_goodbye_and_a_new_boot_end_an_action),
		RUNNING(a_node_ends_no_action_of_another),
		RUNNING(a_restart_of_musterd_forgets_no_action),
		RUNNING(an_agent_that_knows_no_actions_is_given_up),
		cmocka_unit_test(a_magic_packet_has_the_address_sixteen_times),
		RUNNING(waking_sends_the_packet_to_the_network),
		RUNNING(a_node_boots_its_disk_once_or_always),
		RUNNING(the_memory_test_is_used_up_when_it_is_fetched),
		RUNNING(what_cannot_be_booted_is_refused),
		RUNNING(the_loader_says_over_which_card_the_node_boots),
		RUNNING(the_program_shows_what_musterd_tells),
	};

	return cmocka_run_group_tests_name("actions", tests, NULL, NULL);
}
