/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent does with a machine, on made-up files: facts, modules, the network card, the personal root. */
#include "config.h"

#include "tests/unit/agent-room.h"

#include <arpa/inet.h>
#include <errno.h>

#include "agent/conf.h"
#include "agent/copies.h"
#include "agent/facts.h"
#include "agent/modules.h"
#include "agent/net.h"
#include "agent/personal.h"
#include "agent/power.h"
#include "agent/root.h"
#include "agent/switch.h"

/* ---- facts ---- */

static void memory_is_read_of_old_and_new_kernels(void **state)
{
	struct room *room = *state;
	unsigned long long total, rest;

	assert_int_equal(facts_memory(room->at, &total, &rest), -ENOENT);
	put(room, "proc/meminfo", "MemTotal:  352272 kB\nMemFree: 1 kB\nMemAvailable:   199672 kB\n");
	assert_int_equal(facts_memory(room->at, &total, &rest), 0);
	assert_int_equal(total, 352272);
	assert_int_equal(rest, 199672);
	put(room, "proc/meminfo",
	    "MemTotal:  100 kB\nMemFree: 10 kB\nBuffers: 2 kB\nCached: 3 kB\nSwapCached: 50 kB\n");
	assert_int_equal(facts_memory(room->at, &total, &rest), 0);
	assert_int_equal(rest, 10);
	put(room, "proc/meminfo", "nothing\n");
	assert_int_equal(facts_memory(room->at, &total, &rest), -EPROTO);
}

static void a_root_too_large_for_the_memory_is_known_before(void **state)
{
	struct room *room = *state;
	_cleanup_free_ char *reason = NULL;

	put(room, "proc/meminfo", "MemTotal: 131072 kB\nMemAvailable: 61440 kB\n");
	assert_int_equal(root_check_memory(room->at, 94ull << 20, &reason), -ENOMEM);
	assert_string_equal(reason,
			    "not enough memory: root needs 94 MB and 32 MB to run, 60 of 128 MB are free");
	assert_int_equal(root_check_memory(room->at, 20ull << 20, &reason), 0);
}

static void processors_are_counted(void **state)
{
	struct room *room = *state;
	struct facts f;

	assert_int_equal(facts_count_list("0-3,5,8-9\n"), 7);
	assert_int_equal(facts_count_list("0"), 1);
	assert_int_equal(facts_count_list(""), 0);
	assert_int_equal(facts_count_list("x"), 0);
	assert_int_equal(facts_count_list("3-0"), 0);
	put(room, "proc/stat", "cpu  1 2\ncpu0 1\ncpu1 1\nintr 5\n");
	put(room, "proc/loadavg", "0.02 0.01 0.00 1/60 100\n");
	facts_read(room->at, &f);
	assert_int_equal(f.processors, 2);
	assert_string_equal(f.load, "0.02");
	assert_true(f.uptime_ms > 0);
	put(room, "sys/devices/system/cpu/online", "0-63\n");
	facts_read(room->at, &f);
	assert_int_equal(f.processors, 64);
}

#define TCP_HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"

static void a_listening_port_is_seen(void **state)
{
	struct room *room = *state;

	assert_false(facts_listening(room->at, 22));
	put(room, "proc/net/tcp",
	    TCP_HEAD "   0: 0100007F:0016 0100007F:0016 01 00000000:00000000 00:00000000\n"
		     "   1: 00000000:2716 00000000:0000 0A 00000000:00000000 00:00000000\n"
		     "   2: 00000000:001\n   3\n:::\n");
	assert_false(facts_listening(room->at, 22));
	assert_true(facts_listening(room->at, 0x2716));
	put(room, "proc/net/tcp6",
	    TCP_HEAD "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A "
		     "00000000\n");
	assert_true(facts_listening(room->at, 22));
}

/* ---- modules ---- */

struct kernel {
	struct text loaded;
	struct room *room;
};

/* A kernel whose virtio_pci brings a device of its own bus. */
static int insert(void *data, int at, const char *path)
{
	struct kernel *k = data;

	text_addf(&k->loaded, "%s ", path);
	if (strcmp(path, "m/virtio_pci.ko") == 0)
		put(k->room, "sys/bus/virtio/devices/virtio0/modalias", "virtio:d00000001v00001AF4\n");
	return strstr(path, "bad") ? -ENOEXEC : strstr(path, "twice") ? -EEXIST : 0;
}

static void modules_are_loaded_until_nothing_new_appears(void **state)
{
	struct room *room = *state;
	struct kernel k = { .room = room };
	_cleanup_(modules_freep) struct modules *m = NULL;

	put(room, "t",
	    "# made by muster\nload /m/squashfs.ko /m/overlay.ko\nload /m/overlay.ko /m/bad.ko\n"
	    "alias virtio:d00000001v* /m/virtio.ko /m/virtio_net.ko\n"
	    "alias pci:v00001AF4d*sv*sd*bc*sc*i* /m/virtio.ko /m/twice.ko /m/virtio_pci.ko\n"
	    "alias pci:v00008086d000015F3sv*sd*bc*sc*i* /m/igc.ko\n");
	put(room, "sys/bus/pci/devices/0000:00:03.0/modalias",
	    "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00\n");
	put(room, "sys/bus/pci/devices/0000:00:04.0/vendor", "0x8086\n");
	assert_int_equal(modules_new(room->at, "t", insert, &k, &m, NULL), 0);
	modules_load(m);
	assert_string_equal(k.loaded.s, "m/squashfs.ko m/overlay.ko m/bad.ko ");
	assert_string_equal(modules_trouble(m),
			    "module bad.ko does not load: it was built for another kernel");
	text_free(&k.loaded);
	assert_int_equal(modules_settle(m), 3);
	assert_string_equal(k.loaded.s, "m/virtio.ko m/twice.ko m/virtio_pci.ko m/virtio_net.ko ");
	text_free(&k.loaded);
	assert_int_equal(modules_settle(m), 0);
	assert_null(k.loaded.s);
	assert_true(modules_knows(m, "pci:v00008086d000015F3sv1sd2bc3sc4i5"));
	assert_false(modules_knows(m, "pci:v00008086d000015F4sv1sd2bc3sc4i5"));
	assert_false(modules_knows(m, "pci:"));
}

static void a_wrong_table_is_refused_and_a_missing_one_is_empty(void **state)
{
	static const char *const wrong[] = { "load", "alias x", "insmod x y\n", "\x7f\x45LF" };
	struct room *room = *state;
	struct modules *m = NULL;

	assert_int_equal(modules_new(room->at, "none", insert, NULL, &m, NULL), 0);
	modules_load(m);
	assert_int_equal(modules_settle(m), 0);
	modules_free(m);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_free_ char *reason = NULL;

		put(room, "t", wrong[i]);
		assert_int_equal(modules_new(room->at, "t", insert, NULL, &m, &reason), -EINVAL);
		assert_string_equal(reason, "muster/modules.conf:1: neither a load nor an alias line");
	}
}

/* ---- net ---- */

static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x66, 0x00, 0x01 };

static void the_real_card_with_the_address_is_found(void **state)
{
	struct room *room = *state;
	_cleanup_free_ char *name = NULL;

	assert_int_equal(net_find(room->at, mac, &name), -ENODEV);
	put(room, "sys/class/net/br0/address", "52:54:00:66:00:01\n");
	put(room, "sys/class/net/eth0/address", "52:54:00:66:00:02\n");
	put(room, "sys/class/net/eth1/address", "52:54:00:66:00:01\n");
	put_link(room, "sys/class/net/eth1/device", "../../../0000:00:03.0");
	assert_int_equal(net_find(room->at, mac, &name), 0);
	assert_string_equal(name, "eth1");
}

static void the_card_is_known_by_its_id_on_the_bus(void **state)
{
	struct room *room = *state;
	char id[10] = "as it was";

	assert_int_equal(net_card(room->at, mac, id), -ENODEV);
	put(room, "sys/class/net/eth1/address", "52:54:00:66:00:01\n");
	put_link(room, "sys/class/net/eth1/device", "../../../0000:00:03.0");
	/* virtio and other buses */
	put(room, "sys/0000:00:03.0/vendor", "0x1af4\n");
	assert_int_equal(net_card(room->at, mac, id), -ENODEV);
	assert_string_equal(id, "as it was");
	put(room, "sys/0000:00:03.0/class", "0x020000\n");
	put(room, "sys/0000:00:03.0/vendor", "0x8086\n");
	assert_int_equal(net_card(room->at, mac, id), -ENODEV);
	put(room, "sys/0000:00:03.0/device", "0x15f3\n");
	assert_int_equal(net_card(room->at, mac, id), 0);
	assert_string_equal(id, "8086:15f3");
	put(room, "sys/0000:00:03.0/device", "0x15f3; reboot\n");
	assert_int_equal(net_card(room->at, mac, id), -ENODEV);
}

static void all_cards_on_the_bus_are_listed(void **state)
{
	struct room *room = *state;
	char cards[2 * 10], none[16] = "as it was";

	net_cards(room->at, none, sizeof(none));
	assert_string_equal(none, "");
	put(room, "sys/bus/pci/devices/0000:00:03.0/class", "0x020000\n");
	put(room, "sys/bus/pci/devices/0000:00:03.0/vendor", "0x8086\n");
	put(room, "sys/bus/pci/devices/0000:00:03.0/device", "0x15f3\n");
	/* of another kind */
	put(room, "sys/bus/pci/devices/0000:00:04.0/class", "0x030000\n");
	put(room, "sys/bus/pci/devices/0000:00:04.0/vendor", "0x1234\n");
	put(room, "sys/bus/pci/devices/0000:00:04.0/device", "0x1111\n");
	net_cards(room->at, cards, sizeof(cards));
	assert_string_equal(cards, "8086:15f3");
	/* A second one of its kind says nothing more, and more than fit are left out. */
	for (int i = 5; i < 9; i++) {
		_cleanup_free_ char *vendor = NULL, *device = NULL, *class = NULL;

		assert_true(asprintf(&class, "sys/bus/pci/devices/0000:00:0%d.0/class", i) > 0);
		assert_true(asprintf(&vendor, "sys/bus/pci/devices/0000:00:0%d.0/vendor", i) > 0);
		assert_true(asprintf(&device, "sys/bus/pci/devices/0000:00:0%d.0/device", i) > 0);
		put(room, class, "0x028000\n");
		put(room, vendor, i < 7 ? "0x8086\n" : "0x10ec\n");
		put(room, device, i < 7 ? "0x15f3\n" : i == 7 ? "0x8168\n" : "0x8169\n");
	}
	net_cards(room->at, cards, sizeof(cards));
	assert_int_equal(strlen(cards), 19);
	assert_non_null(strchr(cards, ' '));
}

static void a_missing_interface_is_explained(void **state)
{
	struct room *room = *state;
	_cleanup_(modules_freep) struct modules *m = NULL;
	_cleanup_free_ char *none = NULL, *unknown = NULL, *virtio = NULL, *other = NULL;

	assert_int_equal(modules_new(room->at, "none", insert, NULL, &m, NULL), 0);
	none = net_explain(room->at, mac, m);
	assert_string_equal(none, "this machine has no network card on its PCI bus");
	put(room, "sys/bus/pci/devices/0000:00:01.0/class", "0x060000\n");
	put(room, "sys/bus/pci/devices/0000:00:02.0/class", "0x020000\n");
	put(room, "sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
	put(room, "sys/bus/pci/devices/0000:00:02.0/device", "0x15f3\n");
	put(room, "sys/bus/pci/devices/0000:00:02.0/modalias", "pci:v00008086d000015F3sv1sd2bc3sc4i5\n");
	unknown = net_explain(room->at, mac, m);
	assert_int_equal(strncmp(unknown, "no driver for network card 8086:15f3 in kernel ", 47), 0);
	assert_non_null(strstr(unknown, ": modules.conf knows none"));
	put_link(room, "sys/bus/pci/devices/0000:00:02.0/driver", "../igc");
	put(room, "sys/bus/virtio/devices/virtio0/device", "0x0001\n");
	virtio = net_explain(room->at, mac, m);
	assert_int_equal(strncmp(virtio, "no driver for the virtio network card in kernel ", 48), 0);
	put_link(room, "sys/bus/virtio/devices/virtio0/driver", "../virtio_net");
	put(room, "sys/class/net/eth0/address", "52:54:00:66:00:02\n");
	other = net_explain(room->at, mac, m);
	assert_string_equal(
		other, "no interface has the address 52:54:00:66:00:01; there is eth0 52:54:00:66:00:02");
}

/* ---- personal, place, switch ---- */

static void roots_password_field_is_put_in(void **state)
{
	static const struct {
		const char *old, *field, *new;
	} cases[] = {
		{ "root:*:1:0:99999:7:::\nd:*:1::::::\n", "$6$x", "root:$6$x:1:0:99999:7:::\nd:*:1::::::\n" },
		{ "d:*:1::::::\nroot::1::::::", "*", "d:*:1::::::\nroot:*:1::::::\n" },
		{ "rooty:*:1::::::\n", "*", "rooty:*:1::::::\nroot:*:::::::\n" },
		{ "", "*", "root:*:::::::\n" },
		{ "root:\n", "*", "root:*:::::::\n" },
	};
	char *s = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(personal_shadow(cases[i].old, cases[i].field, &text), 0);
		assert_string_equal(text, cases[i].new);
	}
	assert_int_equal(personal_shadow("", "x:y", &s), -EINVAL);
	assert_int_equal(personal_shadow("", "x\ny", &s), -EINVAL);
	assert_null(s);
}

static mode_t mode_of(struct room *room, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(room->at, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static void no_link_of_the_root_is_followed(void **state)
{
	struct room *room = *state;
	_cleanup_free_ char *text = NULL;

	put(room, "outside/file", "mine");
	put_link(room, "new/etc/hosts", "../../outside/file");
	put_link(room, "new/root", "../outside");
	assert_int_equal(place_text(room->at, "new/etc/hosts", "theirs", 0644), 0);
	text = get(room, "outside/file");
	assert_string_equal(text, "mine");
	assert_int_equal(place_text(room->at, "new/root/.ssh/authorized_keys", "k", 0600), -ENOTDIR);
}

static void the_running_system_gets_the_agent_and_its_keys(void **state)
{
	struct room *room = *state;
	_cleanup_(conf_free) struct conf c = { 0 };
	_cleanup_close_ int new = -1, run = -1;
	_cleanup_free_ char *network = NULL;

	assert_int_equal(conf_parse(CONF_RAM, strlen(CONF_RAM), &c, NULL), 0);
	put(room, "muster/node.conf", CONF_RAM);
	put(room, "agent", "binary");
	assert_int_equal(place_folder(room->at, "new", 0755, &new), 0);
	assert_int_equal(place_folder(room->at, "run", 0755, &run), 0);
	assert_int_equal(personal_run(room->at, "agent", new, run, &c, NULL), 0);
	assert_int_equal(mode_of(room, "run/muster/muster-agent"), 0755);
	assert_int_equal(mode_of(room, "run/muster/node.conf"), 0600);
	assert_int_equal(mode_of(room, "run/systemd/system/muster-agent.service"), 0644);
	network = get(room, "run/systemd/network/00-muster.network");
	assert_non_null(strstr(network, "MACAddress=52:54:00:66:00:01\n"));
	assert_non_null(strstr(network, "KeepConfiguration=yes\n"));
	assert_int_equal(faccessat(new, "usr", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	c.dhcp = false;
	free(network);
	assert_int_equal(personal_run(room->at, "agent", new, run, &c, NULL), 0);
	network = get(room, "run/systemd/network/00-muster.network");
	assert_non_null(strstr(network, "Unmanaged=yes\n"));
}

/* What systemd runs when nothing else is left. */
static void the_agent_is_the_last_to_run_at_a_shutdown(void **state)
{
	struct room *room = *state;
	_cleanup_(conf_free) struct conf c = { 0 };
	_cleanup_close_ int new = -1, run = -1;
	char target[64] = "";

	assert_int_equal(conf_parse(CONF_RAM, strlen(CONF_RAM), &c, NULL), 0);
	put(room, "muster/node.conf", CONF_RAM);
	put(room, "agent", "binary");
	put(room, "new/usr/lib/systemd/systemd-shutdown", "");
	assert_int_equal(place_folder(room->at, "new", 0755, &new), 0);
	assert_int_equal(place_folder(room->at, "run", 0755, &run), 0);
	assert_int_equal(personal_run(room->at, "agent", new, run, &c, NULL), 0);
	assert_true(readlinkat(new, "usr/lib/systemd/system-shutdown/muster-agent", target,
			       sizeof(target) - 1) > 0);
	assert_string_equal(target, "/run/muster/muster-agent");
}

static void the_kernel_argument_init_is_obeyed(void **state)
{
	static const char *const cases[][2] = {
		{ "console=ttyS0 rdinit=/init\n", "/sbin/init" },
		{ "init=/bin/sh quiet\n", "/bin/sh" },
		{ "quiet init=/a init=/b\n", "/b" },
		{ "xinit=/bad init=relative", "/sbin/init" },
		{ "", "/sbin/init" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = switch_init_path(cases[i][0]);

		assert_string_equal(path, cases[i][1]);
	}
}

/* On a node without systemd; the server does not answer, which stops nothing. */
static void an_action_is_done_once_and_by_the_nodes_own_init(void **state)
{
	static const char script[] = "#!/bin/sh\necho \"$0\" >>done\n";
	struct room *room = *state;
	struct report_state s = { .interval = 10 };
	struct conf c = { .port = 1 };
	_cleanup_free_ char *done = NULL;

	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &c.server), 1);
	assert_int_equal(place_text(room->at, "sbin/reboot", script, 0755), 0);
	power_obey(room->at, &c, "ready", &s, false);
	assert_int_equal(faccessat(room->at, "done", F_OK, 0), -1);
	report_obey("action_id=9\naction=reboot\n", &s);
	power_obey(room->at, &c, "ready", &s, false);
	power_obey(room->at, &c, "ready", &s, false);
	report_obey("action_id=9\naction=reboot\n", &s);
	power_obey(room->at, &c, "ready", &s, false);
	done = get(room, "done");
	assert_string_equal(done, "sbin/reboot\n");
}

static void a_report_says_what_is_done(void **state)
{
	_cleanup_free_ char *body = NULL;
	struct facts f = { 0 };
	size_t len;

	assert_int_equal(report_body(&(struct report){ .stage = "ready", .done = 12 }, &f, &body, &len), 0);
	assert_non_null(strstr(body, "\ndone=12\n"));
}

/* ---- roots of an older time ---- */

static void an_inittab_starts_the_agent_too(void **state)
{
	_cleanup_free_ char *text = NULL, *none = NULL;

	assert_int_equal(personal_inittab("id:2:initdefault:\nsi::sysinit:/etc/rcS", "/a", &text), 0);
	assert_string_equal(text, "id:2:initdefault:\nsi::sysinit:/etc/rcS\nmstr:12345:respawn:/a\n");
	assert_int_equal(personal_inittab("::sysinit:/etc/rcS\n", "/a", &none), -ENOENT);
}

static void an_rc_local_starts_the_agent_before_it_ends(void **state)
{
	_cleanup_free_ char *text = NULL, *short_one = NULL, *none = NULL;

	assert_int_equal(personal_rc_local("#!/bin/sh -e\n# end\nexit 0\n", "/a", &text), 0);
	assert_string_equal(text, "#!/bin/sh -e\n/a &\n# end\nexit 0\n");
	assert_int_equal(personal_rc_local("#!/bin/sh", "/a", &short_one), 0);
	assert_string_equal(short_one, "#!/bin/sh\n/a &\n");
	assert_int_equal(personal_rc_local("nothing\n", "/a", &none), -ENOENT);
}

static void what_a_system_writes_to_is_copied_as_it_is(void **state)
{
	struct room *room = *state;
	_cleanup_close_ int from = -1, to = -1;
	_cleanup_free_ char *text = NULL;
	struct stat st;

	put(room, "old/etc/default/x", "y\n");
	put(room, "old/etc/su", "z\n");
	assert_int_equal(fchmodat(room->at, "old/etc/su", 04750, 0), 0);
	assert_int_equal(fchmodat(room->at, "old/etc/default", 01777, 0), 0);
	assert_int_equal(symlinkat("/proc/mounts", room->at, "old/etc/mtab"), 0);
	assert_int_equal(utimensat(room->at, "old/etc/su", (struct timespec[2]){ { 5, 0 }, { 5, 0 } }, 0), 0);
	assert_int_equal(mkdirat(room->at, "new", 0755), 0);
	from = openat(room->at, "old", O_RDONLY | O_DIRECTORY);
	to = openat(room->at, "new", O_RDONLY | O_DIRECTORY);
	assert_int_equal(copies_tree(from, to), 0);
	text = get(room, "new/etc/default/x");
	assert_string_equal(text, "y\n");
	assert_int_equal(fstatat(room->at, "new/etc/su", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 04750);
	assert_int_equal(st.st_mtime, 5);
	assert_int_equal(fstatat(room->at, "new/etc/default", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal(fstatat(room->at, "new/etc/mtab", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void without_systemd_the_agent_gets_a_place_and_a_line(void **state)
{
	struct room *room = *state;
	_cleanup_close_ int new = -1, run = -1;
	_cleanup_free_ char *reason = NULL, *inittab = NULL;
	struct conf c = { .node = "node01" };

	put(room, "agent", "agent");
	put(room, "muster/node.conf", "node=node01\n");
	put(room, "new/etc/inittab", "id:2:initdefault:\n");
	assert_int_equal(mkdirat(room->at, "run", 0755), 0);
	new = openat(room->at, "new", O_RDONLY | O_DIRECTORY);
	run = openat(room->at, "run", O_RDONLY | O_DIRECTORY);
	assert_int_equal(personal_run(room->at, "agent", new, run, &c, &reason), 0);
	inittab = get(room, "new/etc/inittab");
	assert_string_equal(inittab, "id:2:initdefault:\nmstr:12345:respawn:/etc/muster/muster-agent\n");
	assert_int_equal(faccessat(room->at, "new/etc/muster/muster-agent", X_OK, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_ROOM(memory_is_read_of_old_and_new_kernels),
		IN_ROOM(a_root_too_large_for_the_memory_is_known_before),
		IN_ROOM(processors_are_counted),
		IN_ROOM(a_listening_port_is_seen),
		IN_ROOM(modules_are_loaded_until_nothing_new_appears),
		IN_ROOM(a_wrong_table_is_refused_and_a_missing_one_is_empty),
		IN_ROOM(the_real_card_with_the_address_is_found),
		IN_ROOM(the_card_is_known_by_its_id_on_the_bus),
		IN_ROOM(all_cards_on_the_bus_are_listed),
		IN_ROOM(a_missing_interface_is_explained),
		cmocka_unit_test(roots_password_field_is_put_in),
		IN_ROOM(no_link_of_the_root_is_followed),
		IN_ROOM(the_running_system_gets_the_agent_and_its_keys),
		IN_ROOM(the_agent_is_the_last_to_run_at_a_shutdown),
		cmocka_unit_test(the_kernel_argument_init_is_obeyed),
		cmocka_unit_test(an_inittab_starts_the_agent_too),
		cmocka_unit_test(an_rc_local_starts_the_agent_before_it_ends),
		IN_ROOM(what_a_system_writes_to_is_copied_as_it_is),
		IN_ROOM(without_systemd_the_agent_gets_a_place_and_a_line),
		IN_ROOM(an_action_is_done_once_and_by_the_nodes_own_init),
		cmocka_unit_test(a_report_says_what_is_done),
	};

	return cmocka_run_group_tests_name("agent on its node", tests, NULL, NULL);
}
