/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/personal.h"
#include "agent/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PERSONALITY_MAX (1u << 20) /* bytes of one of its files */
#define WIRE_AT "muster/"	   /* WIRE_DIR below a root folder */
#define OLD_AGENT "etc/muster/muster-agent"
#define INIT_TEXT_MAX (1u << 16)

int personal_shadow(const char *old, const char *field, char **ret)
{
	_cleanup_text_ struct text t = { 0 };
	bool found = false;

	if (strpbrk(field, ":\n\r"))
		return -EINVAL;
	while (*old) {
		size_t len = strcspn(old, "\n");

		if (!found && strncmp(old, "root:", 5) == 0) {
			size_t name = 5, was = strcspn(old + name, ":\n");

			text_addf(&t, "root:%s", field);
			text_add(&t, old + name + was, len - name - was);
			/* A line that ends within its password field misses the other seven (shadow(5)). */
			if (old[name + was] != ':')
				text_addf(&t, ":::::::");
			found = true;
		} else {
			text_add(&t, old, len);
		}
		text_add(&t, "\n", 1);
		old += len + (old[len] == '\n');
	}
	if (!found)
		text_addf(&t, "root:%s:::::::\n", field);
	if (t.failed)
		return -ENOMEM;
	*ret = t.s;
	t.s = NULL;
	return 0;
}

/* Root's password field: from the personality, or "*": access by key only. */
static int read_field(int at, char **ret)
{
	int r = file_read_line(at, WIRE_AT "shadow", ret);

	if (r != -ENOENT)
		return r;
	*ret = strdup("*");
	return *ret ? 0 : -ENOMEM;
}

static int write_shadow(int at, int new)
{
	_cleanup_free_ char *old = NULL, *text = NULL, *field = NULL;
	_cleanup_close_ int folder = -1, fd = -1;
	int r = read_field(at, &field);

	if (r == 0)
		r = place_folder(new, "etc", 0755, &folder);
	if (r < 0)
		return r;
	r = file_read(folder, "shadow", PERSONALITY_MAX, &old, NULL);
	/* A root without a shadow file keeps its own ways. */
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = personal_shadow(old, field, &text);
	if (r < 0 || strcmp(old, text) == 0)
		return r;
	/* Written in place: its owner and mode are the distribution's affair. */
	fd = openat(folder, "shadow", O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : write_all(fd, text, strlen(text));
}

static int write_names(int at, int new, const struct conf *c)
{
	_cleanup_text_ struct text host = { 0 }, resolv = { 0 }, id = { 0 };
	int r;

	text_addf(&host, "%s\n", c->node);
	text_addf(&resolv, "# written by muster at boot\n");
	if (c->domain[0])
		text_addf(&resolv, "search %s\n", c->domain);
	if (c->dns.s_addr)
		text_addf(&resolv, "nameserver %s\n", inet_ntoa(c->dns));
	text_addf(&id, "%s\n", c->machine_id);
	if (host.failed || resolv.failed || id.failed)
		return -ENOMEM;
	r = place_text(new, "etc/hostname", host.s, 0644);
	if (r == 0)
		r = place_text(new, "etc/resolv.conf", resolv.s, 0644);
	/* machine-id(5) wants it read-only. */
	if (r == 0 && c->machine_id[0])
		r = place_text(new, "etc/machine-id", id.s, 0444);
	if (r == 0)
		r = place_copy(at, WIRE_AT "hosts", new, "etc/hosts", 0644);
	return r == -ENOENT ? 0 : r;
}

static int write_keys(int at, int new)
{
	static const struct {
		const char *from, *to;
		mode_t mode;
	} files[] = {
		{ WIRE_AT "ssh_host_ed25519_key", "etc/ssh/ssh_host_ed25519_key", 0600 },
		{ WIRE_AT "ssh_host_ed25519_key.pub", "etc/ssh/ssh_host_ed25519_key.pub", 0644 },
		{ WIRE_AT "authorized_keys", "root/.ssh/authorized_keys", 0600 },
	};
	_cleanup_close_ int folder = -1;
	int r = place_folder(new, "root/.ssh", 0700, &folder);

	if (r == 0 && fchmod(folder, 0700) < 0)
		r = -errno;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		r = place_copy(at, files[i].from, new, files[i].to, files[i].mode);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

int personal_root(int at, int new, const struct conf *c, char **reason)
{
	int r;

	if (sethostname(c->node, strlen(c->node)) < 0)
		log_line("the host name cannot be set: %s", strerror(errno));
	r = write_names(at, new, c);
	if (r < 0)
		return fail_with(reason, r, "the node's names cannot be written into its root: %s",
				 strerror(-r));
	r = write_keys(at, new);
	if (r < 0)
		return fail_with(reason, r, "the node's keys cannot be written into its root: %s",
				 strerror(-r));
	r = write_shadow(at, new);
	if (r < 0)
		return fail_with(reason, r, "root's password field cannot be written: %s", strerror(-r));
	return 0;
}

static const char unit[] =
	"[Unit]\n"
	"Description=muster agent: reports this node to its boot server\n"
	/* From the first moment on, so that a node that hangs on its way up still reports; and to the last: while it
	 * reports, none of the node's users can begin a boot in its name. */
	"DefaultDependencies=no\n"
	"StartLimitIntervalSec=0\n"
	"\n"
	"[Service]\n"
	"Type=simple\n"
	/* A name that begins with @ is spared by the kill at the end (https://systemd.io/ROOT_STORAGE_DAEMONS). */
	"ExecStart=@/run/muster/muster-agent @muster-agent\n"
	"Restart=on-failure\n"
	"RestartSec=2\n"
	"OOMScoreAdjust=-500\n";

/* Units that only cost time or memory on a node whose root is made anew at each boot. Measured: without
 * systemd-remount-fs and systemd-journal-flush a node is ready 0.5 to 0.7 s of 14 s earlier (one emulated processor).
 * A mask in /run gives way to what an operator puts into /etc/systemd/system. */
static const struct {
	const char *name;
	const char *why;
} masked[] = {
	{ "apt-daily.timer",
	  "would fetch package lists into memory; packages belong to the root's generation" },
	{ "apt-daily-upgrade.timer", "likewise, packages" },
	{ "dnf-makecache.timer", "likewise" },
	{ "man-db.timer", "its index would be in memory, and gone at the next boot" },
	{ "dpkg-db-backup.timer", "a backup in memory is none" },
	{ "e2scrub_all.timer", "checks ext4 volumes of LVM: the root has none" },
	{ "e2scrub_reap.service", "likewise; starts a shell at each boot" },
	{ "fstrim.timer", "the root is on no disk" },
	{ "systemd-firstboot.service", "asks at the console for what the personality has given" },
	{ "systemd-random-seed.service",
	  "the seed would be in memory; the kernel has seeded itself by then" },
	{ "systemd-pstore.service", "would move the kernel's crash records from safe storage into memory" },
	{ "systemd-remount-fs.service", "would give the overlay the options that /etc/fstab has for a disk" },
	{ "systemd-journal-flush.service", "would copy the journal from memory to memory" },
	{ "systemd-update-utmp-runlevel.service", "notes runlevels of SysV init in a file in memory" },
};

/* Each of the network managers that a distribution may have is told to leave the interface as it is: over it comes
 * the root. systemd.network(5), systemd.link(5), NetworkManager.conf(5). */
static int write_network(int new, int run, const struct conf *c)
{
	_cleanup_text_ struct text match = { 0 }, network = { 0 }, link = { 0 }, manager = { 0 };
	const char *units = "/usr/lib/systemd/system/systemd-networkd.service";
	char mac[18];
	struct stat st;
	int r;

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", c->mac[0], c->mac[1], c->mac[2],
		 c->mac[3], c->mac[4], c->mac[5]);
	text_addf(&match, "[Match]\nMACAddress=%s\nType=ether\n\n", mac);
	text_addf(&network, "%s", match.s);
	if (c->dhcp)
		text_addf(&network, "[Network]\nDHCP=ipv4\nKeepConfiguration=yes\n\n"
				    "[DHCPv4]\nClientIdentifier=mac\nUseHostname=no\nUseDNS=no\n");
	else
		text_addf(&network, "[Link]\nUnmanaged=yes\n");
	text_addf(&link, "%s[Link]\nNamePolicy=keep\nMACAddressPolicy=none\n", match.s);
	text_addf(&manager, "[keyfile]\nunmanaged-devices=mac:%s\n", mac);
	if (match.failed || network.failed || link.failed || manager.failed)
		return -ENOMEM;
	r = place_text(run, "systemd/network/00-muster.network", network.s, 0644);
	if (r == 0)
		r = place_text(run, "systemd/network/00-muster.link", link.s, 0644);
	if (r < 0 || !c->dhcp)
		return r < 0 ? r : place_text(run, "NetworkManager/conf.d/00-muster.conf", manager.s, 0644);
	if (fstatat(new, units + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		units = "/lib/systemd/system/systemd-networkd.service";
	return place_link(run, "systemd/system/multi-user.target.wants/systemd-networkd.service", units);
}

static int write_units(int run)
{
	int r = place_text(run, "systemd/system/muster-agent.service", unit, 0644);

	if (r == 0)
		r = place_link(run, "systemd/system/multi-user.target.wants/muster-agent.service",
			       "/run/systemd/system/muster-agent.service");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(masked); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "systemd/system/%s", masked[i].name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = place_link(run, path, "/dev/null");
	}
	return r;
}

/* systemd-shutdown(8) looks into the folder below /usr/lib only. A root without it is no systemd's. */
static int write_goodbye(int new)
{
	struct stat st;
	int r;

	if (fstatat(new, "usr/lib/systemd/systemd-shutdown", &st, 0) < 0)
		return 0;
	r = place_link(new, "usr/lib/systemd/system-shutdown/muster-agent", "/run/muster/muster-agent");
	/* Without an overlay there is no place for it. */
	return r == -EROFS ? 0 : r;
}

/* ---- init systems before systemd ---- */

int personal_inittab(const char *old, const char *program, char **ret)
{
	_cleanup_text_ struct text t = { 0 };

	/* What busybox calls so has no runlevels. */
	if (!strstr(old, ":initdefault:"))
		return -ENOENT;
	text_addf(&t, "%s%s", old, *old && old[strlen(old) - 1] != '\n' ? "\n" : "");
	text_addf(&t, "mstr:12345:respawn:%s\n", program);
	if (t.failed)
		return -ENOMEM;
	*ret = t.s;
	t.s = NULL;
	return 0;
}

/* In front: such a script often ends with an exit. */
int personal_rc_local(const char *old, const char *program, char **ret)
{
	_cleanup_text_ struct text t = { 0 };
	size_t first = strcspn(old, "\n");

	if (strncmp(old, "#!", 2) != 0)
		return -ENOENT;
	text_add(&t, old, first);
	text_addf(&t, "\n%s &\n%s", program, old[first] ? old + first + 1 : "");
	if (t.failed)
		return -ENOMEM;
	*ret = t.s;
	t.s = NULL;
	return 0;
}

static bool has_systemd(int new)
{
	struct stat st;

	return fstatat(new, "usr/lib/systemd/systemd", &st, 0) == 0 ||
	       fstatat(new, "lib/systemd/systemd", &st, 0) == 0;
}

/* Not in /run: older systems do not have it, or mount it so that nothing can be run from there. */
static int write_init(int at, const char *exe, int new)
{
	static const struct {
		const char *path;
		int (*change)(const char *old, const char *program, char **ret);
		mode_t mode;
	} files[] = { { "etc/inittab", personal_inittab, 0644 },
		      { "etc/rc.local", personal_rc_local, 0755 } };
	int r = place_copy(at, exe, new, OLD_AGENT, 0755);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *old = NULL, *text = NULL;

		r = file_read(new, files[i].path, INIT_TEXT_MAX, &old, NULL);
		if (r == 0)
			r = files[i].change(old, "/" OLD_AGENT, &text);
		if (r == 0)
			return place_text(new, files[i].path, text, files[i].mode);
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0)
		log_line("the root has neither systemd nor an inittab nor an rc.local: nothing will start "
			 "the agent there");
	return r;
}

int personal_run(int at, const char *exe, int new, int run, const struct conf *c, char **reason)
{
	int r = place_copy(at, exe, run, "muster/muster-agent", 0755);

	if (r == 0)
		r = place_copy(at, &WIRE_NODE_CONF[1], run, "muster/node.conf", 0600);
	if (r == 0)
		r = write_units(run);
	if (r == 0 && !has_systemd(new))
		r = write_init(at, exe, new);
	if (r == 0)
		r = write_network(new, run, c);
	if (r == 0)
		r = write_goodbye(new);
	if (r < 0)
		return fail_with(reason, r, "the agent cannot be put into /run: %s", strerror(-r));
	return 0;
}
