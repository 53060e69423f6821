/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/doctor.h"
#include "util/fs.h"

/* ---- a machine of files, and what its programs say -------------------------------------------------------------- */

static char folder[] = "/tmp/muster-doctor-XXXXXX";
static int root_fd = -1;

static struct program {
	const char *name, *output; /* output NULL: it is not installed */
	int status;
} programs[4];

static int run_program(const struct doctor *d, const char *const *argv, int *ret_status, char **ret_output)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs) && programs[i].name; i++)
		if (strcmp(programs[i].name, argv[0]) == 0 && programs[i].output) {
			*ret_status = programs[i].status;
			*ret_output = strdup(programs[i].output);
			assert_non_null(*ret_output);
			return 0;
		}
	return -ENOENT;
}

static int nobody(const struct doctor *d, struct dhcp_offer *ret)
{
	return 0;
}

static int somebody(const struct doctor *d, struct dhcp_offer *ret)
{
	*ret = (struct dhcp_offer){ { 0x0a000001 }, { 0x0a000032 }, { { 2, 0, 0, 0, 0, 1 } } };
	return 1;
}

static struct ip4_net addresses[] = { { { 0x0a420001 }, 24 } };
static struct host_interface interfaces[] = {
	{ .name = (char *)"eth0", .up = true, .link = true, .default_route = true },
	{ .name = (char *)"eth1", .up = true, .link = true, .addresses = addresses, .n_addresses = 1 },
	{ .name = (char *)"eth2", .up = false },
	{ .name = (char *)"wlan0", .up = true, .link = true, .wireless = true },
};
static struct host server = {
	.distribution = (char *)"debian",
	.version = (char *)"12",
	.codename = (char *)"bookworm",
	.pretty = (char *)"Debian 12",
	.family = (char *)"debian",
	.package_manager = (char *)"apt",
	.kernel = (char *)"6.1.0",
	.memory_kb = 4 << 20,
	.interfaces = interfaces,
	.n_interfaces = ARRAY_SIZE(interfaces),
};
static struct profile_distro distro = { .family = (char *)"debian" };
static const struct strv nothing = STRV_INIT;

/* Everything is well on it. */
static struct doctor well(void)
{
	memset(programs, 0, sizeof(programs));
	programs[0] = (struct program){ "dpkg", "", 0 };
	programs[1] = (struct program){ "nft", "{\"nftables\": []}", 0 };
	return (struct doctor){
		.host = &server,
		.distro = &distro,
		.interface = "eth1",
		.chosen = true,
		.system_fd = root_fd,
		.root_fd = root_fd,
		.root = true,
		.now = 2000,
		.built = 1000,
		.synchronised = 1,
		.entropy = true,
		.musterd = -1,
		.packages = &nothing,
		.probe = nobody,
		.command = run_program,
	};
}

static void put(const char *path, const char *text)
{
	static const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *parent = strdup(path);

	assert_non_null(parent);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(fs_mkdir_all(root_fd, parent, 0755), 0);
	assert_int_equal(fs_write(root_fd, path, text, strlen(text), &attr), 0);
}

static int set_up(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	root_fd = fs_root_open(folder);
	put("/dev/kvm", "");
	put("/proc/filesystems", "nodev\tproc\nnodev\tnfsd\n");
	return root_fd < 0;
}

static int tear_down(void **state)
{
	_cleanup_close_ int tmp = fs_root_open("/tmp");

	return fs_remove_tree(tmp, strrchr(folder, '/'));
}

struct check {
	enum muster_check_level level;
	char text[1000], remedy[1000], command[300];
};

static struct check find(const struct doctor *d, const char *name)
{
	struct check c = { 0 };
	struct muster_check *v;
	bool found = false;
	size_t n;

	assert_int_equal(doctor_run(d, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		/* Whatever is not well says what to do. */
		assert_true(v[i].level == MUSTER_CHECK_OK || v[i].remedy ||
			    strstr(v[i].text, "cannot be seen"));
		assert_int_equal(v[i].text[strlen(v[i].text) - 1], '.');
		if (strcmp(v[i].name, name) != 0)
			continue;
		found = true;
		c.level = v[i].level;
		snprintf(c.text, sizeof(c.text), "%s", v[i].text);
		snprintf(c.remedy, sizeof(c.remedy), "%s", v[i].remedy ? v[i].remedy : "");
		snprintf(c.command, sizeof(c.command), "%s", v[i].command ? v[i].command : "");
	}
	muster_checks_free(v, n);
	assert_true(found);
	return c;
}

static void assert_found(const struct doctor *d, const char *name, enum muster_check_level level,
			 const char *text)
{
	struct check c = find(d, name);

	if (c.level != level || !strstr(c.text, text))
		fail_msg("%s is %d: \"%s\", not %d: \"%s\"", name, c.level, c.text, level, text);
}

/* ---- the checks ---------------------------------------------------------------------------------------------------- */

static void a_fit_server_has_no_problem(void **state)
{
	struct doctor d = well();
	struct muster_check *v;
	size_t n;

	assert_int_equal(doctor_run(&d, &v, &n), 0);
	assert_true(n >= 18);
	for (size_t i = 0; i < n; i++)
		if (v[i].level != MUSTER_CHECK_OK && strcmp(v[i].name, "space") != 0)
			fail_msg("%s: %s", v[i].name, v[i].text);
	muster_checks_free(v, n);
}

static void the_machine_is_looked_at(void **state)
{
	struct doctor d = well();
	struct host other = server;

	d.distro = NULL;
	assert_found(&d, "distribution", MUSTER_CHECK_PROBLEM, "no profile");
	d = well();
	d.root = false;
	assert_found(&d, "rights", MUSTER_CHECK_PROBLEM, "not root");
	d = well();
	other.memory_kb = 300 * 1024;
	d.host = &other;
	assert_found(&d, "memory", MUSTER_CHECK_PROBLEM, "300 MiB");
	d = well();
	d.now = 500;
	assert_found(&d, "clock", MUSTER_CHECK_PROBLEM, "before this program was built");
	d.now = 2000;
	d.synchronised = 0;
	assert_found(&d, "clock", MUSTER_CHECK_WARNING, "not synchronised");
	d.entropy = false;
	assert_found(&d, "randomness", MUSTER_CHECK_WARNING, "not ready");
	put("/sys/fs/selinux/enforce", "1");
	assert_found(&d, "selinux", MUSTER_CHECK_WARNING, "enforcing");
	put("/sys/fs/selinux/enforce", "0");
	assert_found(&d, "selinux", MUSTER_CHECK_OK, "denies nothing");
	assert_int_equal(fs_unlink(root_fd, "/dev/kvm"), 0);
	assert_found(&d, "virtualisation", MUSTER_CHECK_WARNING, "/dev/kvm");
	put("/dev/kvm", "");
}

static void what_was_left_behind_is_told(void **state)
{
	struct doctor d = well();

	d.unfinished = 1;
	assert_found(&d, "journal", MUSTER_CHECK_WARNING, "cut off");
	d.applied = true;
	d.musterd = 0;
	assert_found(&d, "musterd", MUSTER_CHECK_PROBLEM, "does not run");
	d.musterd = 1;
	assert_found(&d, "musterd", MUSTER_CHECK_OK, "runs");
}

static void packages_are_looked_for(void **state)
{
	const struct strv missing = { (char *[]){ (char *)"ipxe", (char *)"dnsmasq-base", NULL }, 2 };
	struct doctor d = well();

	d.packages = &missing;
	programs[2] = (struct program){ "apt-cache",
					"ipxe:\n  Installed: (none)\n  Candidate: 1.0\n"
					"dnsmasq-base:\n  Installed: (none)\n  Candidate: 2.90\n",
					0 };
	assert_found(&d, "packages", MUSTER_CHECK_OK, "will be installed: ipxe, dnsmasq-base.");
	programs[2].output =
		"ipxe-qemu:\n  Candidate: 1.0\nipxe:\n  Candidate: (none)\ndnsmasq-base:\n  Candidate: 2\n";
	assert_found(&d, "packages", MUSTER_CHECK_PROBLEM, "none of them: ipxe.");
	assert_string_equal(find(&d, "packages").command, "apt-get update");
	programs[2].output = "";
	assert_found(&d, "packages", MUSTER_CHECK_PROBLEM, "ipxe, dnsmasq-base.");
	programs[2].output = NULL;
	assert_found(&d, "packages", MUSTER_CHECK_PROBLEM, "does not answer");
	programs[0].output = "The following packages are only half configured:\n dash\n";
	assert_found(&d, "packages", MUSTER_CHECK_PROBLEM, "interrupted");
	assert_string_equal(find(&d, "packages").command, "dpkg --configure -a");
}

static void nfs_is_wanted_or_not(void **state)
{
	struct plan p = { .nfs = PLAN_NFS_KERNEL, .http_port = 8066 };
	struct doctor d = well();

	d.plan = &p;
	assert_found(&d, "nfs", MUSTER_CHECK_OK, "can serve NFS");
	put("/proc/filesystems", "nodev\tproc\n");
	assert_found(&d, "nfs", MUSTER_CHECK_PROBLEM, "nfsd is not there");
	put("/lib/modules/6.1.0/modules.dep", "kernel/fs/nfsd/nfsd.ko: kernel/fs/lockd/lockd.ko\n");
	assert_found(&d, "nfs", MUSTER_CHECK_OK, "can serve NFS");
	p.nfs = PLAN_NFS_NONE;
	assert_found(&d, "nfs", MUSTER_CHECK_OK, "do not use");
	put("/proc/filesystems", "nodev\tproc\nnodev\tnfsd\n");
}

static void the_interface_is_looked_at(void **state)
{
	struct doctor d = well();

	assert_found(&d, "interface", MUSTER_CHECK_OK, "eth1 faces the nodes");
	d.interface = "eth0";
	assert_found(&d, "interface", MUSTER_CHECK_WARNING, "way to the outside");
	d.interface = "eth2";
	assert_found(&d, "interface", MUSTER_CHECK_WARNING, "is down");
	assert_string_equal(find(&d, "interface").command, "ip link set eth2 up");
	d.interface = "wlan0";
	assert_found(&d, "interface", MUSTER_CHECK_PROBLEM, "wireless");
	d.interface = "eth9";
	assert_found(&d, "interface", MUSTER_CHECK_PROBLEM, "no interface eth9");
	d.interface = NULL;
	assert_found(&d, "interface", MUSTER_CHECK_PROBLEM, "No interface");
}

static void another_dhcp_server_is_named(void **state)
{
	struct plan p = { .dhcp = PLAN_DHCP_PROXY, .http_port = 8066 };
	struct doctor d = well();

	assert_found(&d, "other-dhcp", MUSTER_CHECK_OK, "No other");
	d.probe = somebody;
	assert_found(&d, "other-dhcp", MUSTER_CHECK_PROBLEM,
		     "10.0.0.1 (02:00:00:00:00:01), answers on eth1 and offers 10.0.0.50");
	d.chosen = false;
	assert_found(&d, "other-dhcp", MUSTER_CHECK_WARNING, "10.0.0.1");
	d.plan = &p;
	assert_found(&d, "other-dhcp", MUSTER_CHECK_OK, "10.0.0.1");
	d.probe = nobody;
	assert_found(&d, "other-dhcp", MUSTER_CHECK_PROBLEM, "needs one");
	d.probe = NULL;
	assert_found(&d, "other-dhcp", MUSTER_CHECK_OK, "not looked for");
}

static void whoever_holds_a_port_is_named(void **state)
{
	_cleanup_free_ char *link = NULL;
	struct doctor d = well();

	put("/proc/net/udp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
			     "uid  timeout inode\n"
			     "    1: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000   "
			     "  0        0 4711 2\n");
	put("/proc/77/comm", "dhcpd\n");
	put("/proc/77/cmdline", "dhcpd");
	assert_int_equal(fs_mkdir_all(root_fd, "/proc/77/fd", 0755), 0);
	assert_true(asprintf(&link, "%s/proc/77/fd/5", folder) > 0);
	assert_int_equal(symlink("socket:[4711]", link), 0);
	assert_found(&d, "dhcp-port", MUSTER_CHECK_PROBLEM, "is held by dhcpd (process 77)");
	assert_found(&d, "tftp-port", MUSTER_CHECK_OK, "is free");
	put("/proc/77/cmdline", "dnsmasq -C /etc/muster/dnsmasq.conf");
	assert_found(&d, "dhcp-port", MUSTER_CHECK_OK, "muster's own");
	assert_int_equal(unlink(link), 0);
	assert_found(&d, "dhcp-port", MUSTER_CHECK_PROBLEM, "another program");
	put("/proc/net/udp", "");
}

#define CHAIN(policy)                                                                               \
	"{\"chain\": {\"family\": \"inet\", \"table\": \"filter\", \"name\": \"input\", \"hook\": " \
	"\"input\","                                                                                \
	" \"type\": \"filter\", \"prio\": 0, \"policy\": \"" policy "\"}}"
#define RULE(expr)                                                                                        \
	"{\"rule\": {\"family\": \"inet\", \"table\": \"filter\", \"chain\": \"input\", \"expr\": [" expr \
	", {\"accept\": null}]}}"
#define DROP(chain, expr)                                                              \
	"{\"rule\": {\"family\": \"inet\", \"table\": \"filter\", \"chain\": \"" chain \
	"\", \"expr\": [" expr "{\"drop\": null}]}}"
#define IIF(right) \
	"{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"iifname\"}}, \"right\": " right "}}"
#define DPORT(protocol, right)                                                            \
	"{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"" protocol \
	"\", \"field\": \"dport\"}}, \"right\": " right "}}"

static void a_firewall_that_keeps_nodes_out_is_told(void **state)
{
	static const struct {
		const char *rules;
		enum muster_check_level level;
		const char *text;
	} cases[] = {
		{ CHAIN("accept"), MUSTER_CHECK_OK, "No rule" },
		{ CHAIN("accept") "," DROP("input", ""), MUSTER_CHECK_WARNING, "DHCP" },
		{ CHAIN("accept") "," DROP("other", ""), MUSTER_CHECK_OK, "No rule" },
		{ CHAIN("accept") "," DROP("input", DPORT("tcp", "23") ","), MUSTER_CHECK_OK, "No rule" },
		{ CHAIN("drop"), MUSTER_CHECK_WARNING,
		  "opens UDP port 67 (DHCP), UDP port 69 (TFTP), TCP port 8066 (musterd) on eth1." },
		{ CHAIN("drop") "," RULE(IIF("\"eth1\"")), MUSTER_CHECK_OK, "No rule" },
		{ CHAIN("drop") "," RULE(IIF("{\"set\": [\"lo\", \"eth1\"]}")), MUSTER_CHECK_OK, "No rule" },
		{ CHAIN("drop") "," RULE(IIF("\"eth0\"")), MUSTER_CHECK_WARNING, "DHCP" },
		{ CHAIN("drop") "," RULE(IIF("\"eth1\"") "," DPORT("tcp", "22")), MUSTER_CHECK_WARNING,
		  "DHCP" },
		{ CHAIN("drop") "," RULE(DPORT("udp", "{\"set\": [67, 69]}")), MUSTER_CHECK_WARNING,
		  "opens TCP port 8066 (musterd) on eth1." },
		{ CHAIN("drop") "," RULE(DPORT("udp", "{\"range\": [60, 70]}")) "," RULE(
			  DPORT("tcp", "8066")),
		  MUSTER_CHECK_OK, "No rule" },
	};
	struct doctor d = well();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, "{\"nftables\": [{\"metainfo\": {}}, %s]}", cases[i].rules) > 0);
		programs[1].output = text;
		assert_found(&d, "firewall", cases[i].level, cases[i].text);
		if (cases[i].level != MUSTER_CHECK_OK)
			assert_string_equal(find(&d, "firewall").command,
					    "nft insert rule inet filter input iifname eth1 accept");
	}
	put("/usr/sbin/ufw", "");
	programs[1].output = "{\"nftables\": [" CHAIN("drop") "]}";
	assert_string_equal(find(&d, "firewall").command, "ufw allow in on eth1");
	assert_int_equal(fs_unlink(root_fd, "/usr/sbin/ufw"), 0);
	programs[1].output = "no JSON";
	assert_found(&d, "firewall", MUSTER_CHECK_WARNING, "cannot be seen");
	programs[1].output = NULL;
	assert_found(&d, "firewall", MUSTER_CHECK_OK, "not installed");
}

static void firewalld_is_asked_for_its_zone(void **state)
{
	struct doctor d = well();

	programs[1].output = "{\"nftables\": [{\"chain\": {\"family\": \"inet\", \"table\": \"firewalld\", "
			     "\"name\": \"filter_INPUT\", \"hook\": \"input\", \"policy\": \"accept\"}}, "
			     "{\"rule\": {\"family\": \"inet\", \"table\": \"firewalld\", \"chain\": "
			     "\"filter_INPUT\", \"expr\": [{\"reject\": {\"type\": \"icmpx\"}}]}}]}";
	put("/usr/sbin/firewalld", "");
	programs[2] = (struct program){ "firewall-cmd", "public\n", 0 };
	assert_found(&d, "firewall", MUSTER_CHECK_WARNING, "DHCP");
	assert_non_null(strstr(find(&d, "firewall").command, "firewall-cmd --permanent --zone=trusted"));
	programs[2].output = "trusted\n";
	assert_found(&d, "firewall", MUSTER_CHECK_OK, "No rule");
	assert_int_equal(fs_unlink(root_fd, "/usr/sbin/firewalld"), 0);
}

static void the_older_iptables_is_seen(void **state)
{
	struct doctor d = well();

	put("/proc/net/ip_tables_names", "nat\nfilter\n");
	programs[2] = (struct program){ "iptables-legacy", "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", 0 };
	assert_found(&d, "firewall", MUSTER_CHECK_WARNING, "DHCP");
	assert_string_equal(find(&d, "firewall").command, "iptables-legacy -I INPUT -i eth1 -j ACCEPT");
	programs[2].output = "-P INPUT DROP\n-A INPUT -i eth1 -j ACCEPT\n";
	assert_found(&d, "firewall", MUSTER_CHECK_OK, "No rule");
	programs[2].output = "-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n";
	assert_found(&d, "firewall", MUSTER_CHECK_WARNING, "DHCP");
	assert_int_equal(fs_unlink(root_fd, "/proc/net/ip_tables_names"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fit_server_has_no_problem),
		cmocka_unit_test(the_machine_is_looked_at),
		cmocka_unit_test(what_was_left_behind_is_told),
		cmocka_unit_test(packages_are_looked_for),
		cmocka_unit_test(nfs_is_wanted_or_not),
		cmocka_unit_test(the_interface_is_looked_at),
		cmocka_unit_test(another_dhcp_server_is_named),
		cmocka_unit_test(whoever_holds_a_port_is_named),
		cmocka_unit_test(a_firewall_that_keeps_nodes_out_is_told),
		cmocka_unit_test(firewalld_is_asked_for_its_zone),
		cmocka_unit_test(the_older_iptables_is_seen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
