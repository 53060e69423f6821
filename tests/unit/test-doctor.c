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
#include "util/error.h"
#include "util/fs.h"

/* ---- a machine of files, and what its programs say -------------------------------------------------------------- */

static char folder[] = "/tmp/muster-doctor-XXXXXX";
static int root_fd = -1;

static struct program {
	const char *name, *output; /* output NULL: it is not installed */
	int status;
} programs[5];

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

/* ---- how full its file systems are ---- */

static struct doctor_room rooms[2]; /* of /var/lib/muster, and of all others */

static int tell_room(const struct doctor *d, const char *path, struct doctor_room *ret)
{
	*ret = rooms[strcmp(path, "/var/lib/muster") != 0];
	return 0;
}

static int kvm_result;

static int tell_kvm(const struct doctor *d)
{
	return kvm_result;
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
	rooms[0] = rooms[1] = (struct doctor_room){ 10ULL << 30, 1000000, false };
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
		.room = tell_room,
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
	assert_true(n >= 21);
	for (size_t i = 0; i < n; i++)
		if (v[i].level != MUSTER_CHECK_OK)
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
}

static void the_clock_is_looked_at(void **state)
{
	struct doctor d = well();

	assert_found(&d, "clock", MUSTER_CHECK_OK, "is synchronised");
	d.synchronised = -1;
	assert_found(&d, "clock", MUSTER_CHECK_OK, "is plausible");
	d.synchronised = 0;
	assert_found(&d, "clock", MUSTER_CHECK_WARNING, "not synchronised");
	assert_string_equal(find(&d, "clock").command, "apt-get install systemd-timesyncd");
	put("/usr/sbin/chronyd", "");
	assert_string_equal(find(&d, "clock").command, "timedatectl set-ntp true");
	assert_int_equal(fs_unlink(root_fd, "/usr/sbin/chronyd"), 0);
	d.now = 500;
	assert_found(&d, "clock", MUSTER_CHECK_PROBLEM, "before this program was built");
	assert_non_null(strstr(find(&d, "clock").remedy, "timedatectl set-time"));
	d.now = (int64_t)40 * 365 * 24 * 3600;
	assert_found(&d, "clock", MUSTER_CHECK_PROBLEM, "it shows 2009-12-22");
	/* A file of now, and a clock of 1970: it stopped with its battery. */
	d.now = 2000;
	put("/etc/muster/cluster.json", "{}");
	assert_found(&d, "clock", MUSTER_CHECK_PROBLEM, "/etc/muster/cluster.json was written at 20");
	assert_int_equal(fs_unlink(root_fd, "/etc/muster/cluster.json"), 0);
	assert_found(&d, "clock", MUSTER_CHECK_WARNING, "not synchronised");
}

static void randomness_is_waited_for(void **state)
{
	struct doctor d = well();

	d.entropy = false;
	assert_found(&d, "randomness", MUSTER_CHECK_WARNING, "not ready");
	assert_string_equal(find(&d, "randomness").command, "apt-get install haveged");
	put("/sys/class/misc/hw_random/rng_current", "virtio_rng.0\n");
	assert_non_null(strstr(find(&d, "randomness").remedy, "virtio_rng.0 is there"));
	put("/sys/class/misc/hw_random/rng_current", "none\n");
	assert_non_null(strstr(find(&d, "randomness").remedy, "virtio-rng device"));
}

static void selinux_denies_or_will(void **state)
{
	struct plan p = {
		.dhcp_service = true, .nfs = PLAN_NFS_KERNEL, .http_port = 8066, .name = (char *)"krg"
	};
	struct doctor d = well();

	put("/sys/fs/selinux/enforce", "1");
	assert_found(&d, "selinux", MUSTER_CHECK_WARNING, "enforcing");
	assert_string_equal(find(&d, "selinux").command, "semanage permissive -a dnsmasq_t");
	d.plan = &p;
	put("/sys/fs/selinux/booleans/nfs_export_all_ro", "1 1");
	assert_found(&d, "selinux", MUSTER_CHECK_WARNING, "enforcing");
	put("/sys/fs/selinux/booleans/nfs_export_all_ro", "0 0");
	assert_found(&d, "selinux", MUSTER_CHECK_PROBLEM, "nfs_export_all_ro is off");
	assert_non_null(strstr(find(&d, "selinux").remedy, "setsebool -P nfs_export_all_ro on"));
	p.dhcp_service = false;
	p.nfs = PLAN_NFS_NONE;
	assert_found(&d, "selinux", MUSTER_CHECK_WARNING, "enforcing");
	assert_string_equal(find(&d, "selinux").command, "ausearch -m avc -ts recent");
	put("/sys/fs/selinux/enforce", "0");
	assert_found(&d, "selinux", MUSTER_CHECK_OK, "denies nothing");
	put("/etc/selinux/config", "# SELINUX=disabled\nSELINUX=enforcing\nSELINUXTYPE=targeted\n");
	assert_found(&d, "selinux", MUSTER_CHECK_WARNING, "after the next start");
	put("/etc/selinux/config", "#SELINUX=enforcing\nSELINUX=permissive\n");
	assert_found(&d, "selinux", MUSTER_CHECK_OK, "denies nothing");
	/* A kernel without it never will. */
	put("/etc/selinux/config", "SELINUX=enforcing\n");
	assert_int_equal(fs_remove_tree(root_fd, "/sys/fs/selinux"), 0);
	assert_found(&d, "selinux", MUSTER_CHECK_OK, "denies nothing");
	assert_int_equal(fs_remove_tree(root_fd, "/etc/selinux"), 0);
}

#define CPU(flags) "processor\t: 0\nflags\t\t: fpu " flags " sse\nvmx flags\t: vnmi\n\nprocessor\t: 1\n"

static void virtual_machines_are_fast_or_slow(void **state)
{
	struct doctor d = well();

	assert_found(&d, "virtualisation", MUSTER_CHECK_OK, "tries whether");
	d.kvm = tell_kvm;
	kvm_result = 0;
	assert_found(&d, "virtualisation", MUSTER_CHECK_OK, "A guest runs under /dev/kvm.");
	put("/proc/cpuinfo", CPU("vmx hypervisor"));
	assert_found(&d, "virtualisation", MUSTER_CHECK_OK, "virtual itself");
	kvm_result = -MUSTER_E_TIMEOUT;
	assert_found(&d, "virtualisation", MUSTER_CHECK_WARNING,
		     "hangs. The machines of rehearsals and labs");
	assert_non_null(strstr(find(&d, "virtualisation").remedy, "nested=1"));
	kvm_result = -MUSTER_E_UNSUPPORTED;
	assert_found(&d, "virtualisation", MUSTER_CHECK_WARNING, "no guest runs");
	kvm_result = -EACCES;
	assert_found(&d, "virtualisation", MUSTER_CHECK_OK, "may not open");
	assert_int_equal(fs_unlink(root_fd, "/dev/kvm"), 0);
	assert_found(&d, "virtualisation", MUSTER_CHECK_WARNING, "though the processor has");
	assert_string_equal(find(&d, "virtualisation").command, "modprobe kvm_intel");
	put("/proc/cpuinfo", CPU("svm"));
	assert_string_equal(find(&d, "virtualisation").command, "modprobe kvm_amd");
	put("/proc/cpuinfo", CPU("hypervisor"));
	assert_found(&d, "virtualisation", MUSTER_CHECK_WARNING, "its host passes no");
	put("/proc/cpuinfo", CPU("mmx"));
	assert_found(&d, "virtualisation", MUSTER_CHECK_WARNING,
		     "(vmx, svm). The machines of rehearsals and labs");
	assert_non_null(strstr(find(&d, "virtualisation").remedy, "firmware"));
	assert_int_equal(fs_unlink(root_fd, "/proc/cpuinfo"), 0);
	put("/dev/kvm", "");
}

static void room_is_looked_for(void **state)
{
	struct doctor d = well();

	assert_found(&d, "space", MUSTER_CHECK_OK, "/var/lib/muster has 10240 MiB free.");
	rooms[0].bytes = 2000 << 20;
	assert_found(&d, "space", MUSTER_CHECK_WARNING,
		     "/var/lib/muster has 2000 MiB free, which is little.");
	rooms[0].bytes = 500 << 20;
	assert_found(&d, "space", MUSTER_CHECK_PROBLEM, "500 MiB free, which is little.");
	assert_non_null(strstr(find(&d, "space").remedy, "Make room for 3072 MiB in /var/lib/muster."));
	d = well();
	rooms[1].bytes = 1 << 20;
	assert_found(&d, "space", MUSTER_CHECK_PROBLEM, "/tmp has 1 MiB free");
	d = well();
	rooms[0].inodes = 40000;
	assert_found(&d, "space", MUSTER_CHECK_WARNING, "can hold 40000 more files");
	rooms[0].inodes = 40;
	assert_found(&d, "space", MUSTER_CHECK_PROBLEM, "can hold 40 more files");
	d = well();
	rooms[1].read_only = true;
	assert_found(&d, "space", MUSTER_CHECK_PROBLEM,
		     "/etc is on a file system that is mounted read-only.");
	assert_non_null(strstr(find(&d, "space").command, "mount -o remount,rw"));
}

static void the_root_is_to_stay_in_memory(void **state)
{
	struct doctor d = well();
	struct host other = server;

	assert_found(&d, "memory", MUSTER_CHECK_OK, "4096 MiB");
	d.root_bytes = 300 << 20;
	put("/proc/meminfo", "MemTotal:  4194304 kB\nMemFree: 10 kB\nMemAvailable:  3145728 kB\n");
	assert_found(&d, "memory", MUSTER_CHECK_OK, "The node root of 300 MiB stays in it.");
	put("/proc/meminfo", "MemTotal:  4194304 kB\nMemAvailable:  204800 kB\n");
	assert_found(&d, "memory", MUSTER_CHECK_WARNING, "Of it 200 MiB can be had now");
	d.root_bytes = 5000ULL << 20;
	assert_found(&d, "memory", MUSTER_CHECK_WARNING, "5000 MiB does not fit into it");
	assert_int_equal(fs_unlink(root_fd, "/proc/meminfo"), 0);
	other.memory_kb = 800 * 1024;
	d = well();
	d.host = &other;
	assert_found(&d, "memory", MUSTER_CHECK_WARNING, "800 MiB");
}

static void by_what_the_checks_go_is_told(void **state)
{
	struct plan p = { .name = (char *)"krg", .http_port = 8066 };
	struct doctor d = well();

	assert_found(&d, "answers", MUSTER_CHECK_OK,
		     "TCP port 8066 for musterd are assumed, and no NFS. The interface is eth1.");
	d.chosen = false;
	assert_found(&d, "answers", MUSTER_CHECK_OK, "assumed to be eth1.");
	d.plan = &p;
	d.plan_from = DOCTOR_PLAN_GIVEN;
	assert_found(&d, "answers", MUSTER_CHECK_OK, "answers for the cluster krg");
	d.plan_from = DOCTOR_PLAN_ANSWERS;
	assert_found(&d, "answers", MUSTER_CHECK_OK, "of the last apply, for the cluster krg");
	d.plan_from = DOCTOR_PLAN_APPLIED;
	assert_found(&d, "answers", MUSTER_CHECK_WARNING, "what was applied for the cluster krg");
	assert_string_equal(find(&d, "answers").command, "muster check -f /etc/muster/answers.conf");
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
	assert_string_equal(find(&d, "packages").command,
			    "apt-get install --no-install-recommends ipxe dnsmasq-base");
	d.scratch = true;
	assert_found(&d, "packages", MUSTER_CHECK_WARNING, "installs none: ipxe, dnsmasq-base.");
	d.scratch = false;
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
	struct plan p = { .name = (char *)"krg", .nfs = PLAN_NFS_KERNEL, .http_port = 8066 };
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
	struct plan p = { .name = (char *)"krg", .dhcp = PLAN_DHCP_PROXY, .http_port = 8066 };
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
	assert_non_null(
		strstr(find(&d, "dhcp-port").remedy, "Stop that program. Or keep it, and write dhcp ="));
	assert_string_equal(find(&d, "dhcp-port").command, "");
	put("/proc/77/cgroup", "0::/system.slice/isc-dhcp-server.service\n");
	assert_string_equal(find(&d, "dhcp-port").command, "systemctl disable --now isc-dhcp-server.service");
	put("/proc/77/cgroup", "1:name=systemd:/user.slice/user-0.slice/session-1.scope\n");
	assert_string_equal(find(&d, "dhcp-port").command, "");
	assert_found(&d, "tftp-port", MUSTER_CHECK_OK, "is free");
	put("/proc/77/cmdline", "dnsmasq -C /etc/muster/dnsmasq.conf");
	assert_found(&d, "dhcp-port", MUSTER_CHECK_OK, "muster's own");
	assert_int_equal(unlink(link), 0);
	assert_found(&d, "dhcp-port", MUSTER_CHECK_PROBLEM, "another program");
	put("/proc/net/udp", "");
}

#define SOCKET(address, port, state, inode)                \
	"    0: " address ":" port " 00000000:0000 " state \
	" 00000000:00000000 00:00000000 00000000     0        0 " inode " 1\n"

static void a_port_of_another_address_is_free(void **state)
{
	struct plan p = { .name = (char *)"krg", .http_port = 8066, .dhcp_service = true };
	struct doctor d = well();

	assert_int_equal(ip4_net_parse("10.66.0.1/24", &p.net), 0);
	d.plan = &p;
	/* A resolver for this machine alone, at 127.0.0.53; then one for everybody, then one at the very address. */
	put("/proc/net/udp", "head\n" SOCKET("3500007F", "0035", "07", "12"));
	assert_found(&d, "dns-port", MUSTER_CHECK_OK, "is free");
	put("/proc/net/udp", "head\n" SOCKET("00000000", "0035", "07", "12"));
	assert_found(&d, "dns-port", MUSTER_CHECK_PROBLEM, "UDP port 53 (DNS) is held by");
	put("/proc/net/udp", "head\n" SOCKET("0100420A", "0035", "07", "12"));
	assert_found(&d, "dns-port", MUSTER_CHECK_PROBLEM, "UDP port 53 (DNS) is held by");
	p.dhcp_service = false;
	assert_found(&d, "dns-port", MUSTER_CHECK_WARNING, "UDP port 53 (DNS) is held by");
	put("/proc/net/udp", "");
}

static void another_port_for_musterd_is_named(void **state)
{
	struct doctor d = well();

	put("/proc/net/tcp",
	    "head\n" SOCKET("00000000", "1F82", "0A", "12") SOCKET("00000000", "1F83", "0A", "13"));
	assert_found(&d, "http-port", MUSTER_CHECK_PROBLEM, "TCP port 8066 (musterd) is held by");
	assert_non_null(
		strstr(find(&d, "http-port").remedy, "write http_port = 8068 in the section services"));
	/* A connection is nobody who listens. */
	put("/proc/net/tcp", "head\n" SOCKET("00000000", "1F82", "01", "12"));
	assert_found(&d, "http-port", MUSTER_CHECK_OK, "is free");
	put("/proc/net/tcp", "");
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
		cmocka_unit_test(the_clock_is_looked_at),
		cmocka_unit_test(randomness_is_waited_for),
		cmocka_unit_test(selinux_denies_or_will),
		cmocka_unit_test(virtual_machines_are_fast_or_slow),
		cmocka_unit_test(room_is_looked_for),
		cmocka_unit_test(the_root_is_to_stay_in_memory),
		cmocka_unit_test(by_what_the_checks_go_is_told),
		cmocka_unit_test(a_port_of_another_address_is_free),
		cmocka_unit_test(another_port_for_musterd_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
