/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/net.h"
#include "agent/uevent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define LINK_POLL_MS 10

static DIR *open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

static struct dirent *next_entry(DIR *d)
{
	struct dirent *e;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			return e;
	return NULL;
}

/* The first line of FOLDER/NAME/FILE below a folder's descriptor; NULL when there is none. */
static char *attribute(int folder, const char *name, const char *file)
{
	_cleanup_free_ char *path = NULL;
	char *s = NULL;

	if (asprintf(&path, "%s/%s", name, file) < 0) {
		path = NULL;
		return NULL;
	}
	return file_read_line(folder, path, &s) < 0 ? NULL : s;
}

static bool has(int folder, const char *name, const char *file)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", name, file) < 0) {
		path = NULL;
		return false;
	}
	return fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static char *mac_text(const uint8_t mac[6])
{
	char *s;

	if (asprintf(&s, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]) < 0)
		return NULL;
	return s;
}

int net_find(int at, const uint8_t mac[6], char **ret)
{
	_cleanup_closedir_ DIR *d = open_folder(at, "sys/class/net");
	_cleanup_free_ char *wanted = mac_text(mac), *found = NULL;
	bool real = false;
	struct dirent *e;

	if (!wanted)
		return -ENOMEM;
	while (d && !real && (e = next_entry(d))) {
		_cleanup_free_ char *address = attribute(dirfd(d), e->d_name, "address");

		if (!address || strcasecmp(address, wanted) != 0)
			continue;
		real = has(dirfd(d), e->d_name, "device");
		if (found && !real)
			continue;
		free(found);
		found = strdup(e->d_name);
		if (!found)
			return -ENOMEM;
	}
	if (!found)
		return -ENODEV;
	*ret = found;
	found = NULL;
	return 0;
}

/* 0x and four hexadecimal digits, as the kernel writes an id. */
static bool is_id(const char *s)
{
	return s && strlen(s) == 6 && strncmp(s, "0x", 2) == 0 && strspn(s + 2, "0123456789abcdef") == 4;
}

int net_card(int at, const uint8_t mac[6], char ret[10])
{
	_cleanup_free_ char *name = NULL, *device = NULL, *class = NULL, *vendor_id = NULL, *device_id = NULL;
	_cleanup_closedir_ DIR *d = open_folder(at, "sys/class/net");
	int r = d ? net_find(at, mac, &name) : -ENODEV;

	if (r < 0)
		return r;
	if (asprintf(&device, "%s/device", name) < 0) {
		device = NULL;
		return -ENOMEM;
	}
	class = attribute(dirfd(d), device, "class");
	vendor_id = attribute(dirfd(d), device, "vendor");
	device_id = attribute(dirfd(d), device, "device");
	/* Other buses have no class 02, or none at all. */
	if (!class || strncmp(class, "0x02", 4) != 0 || !is_id(vendor_id) || !is_id(device_id))
		return -ENODEV;
	memcpy(ret, vendor_id + 2, 4);
	ret[4] = ':';
	memcpy(ret + 5, device_id + 2, 5);
	return 0;
}

/* "8086:15f3" of a device of the PCI bus. */
static char *pci_id(int folder, const char *name)
{
	_cleanup_free_ char *vendor = attribute(folder, name, "vendor");
	_cleanup_free_ char *device = attribute(folder, name, "device");
	char *s;

	if (!vendor || !device || strncmp(vendor, "0x", 2) != 0 || strncmp(device, "0x", 2) != 0 ||
	    asprintf(&s, "%s:%s", vendor + 2, device + 2) < 0)
		return NULL;
	return s;
}

/* Network cards are class 02 (PCI Code and ID Assignment Specification). */
static bool is_network_card(int folder, const char *name)
{
	_cleanup_free_ char *class = attribute(folder, name, "class");

	return class && strncmp(class, "0x02", 4) == 0;
}

void net_cards(int at, char *ret, size_t size)
{
	_cleanup_closedir_ DIR *d = open_folder(at, "sys/bus/pci/devices");
	struct dirent *e;
	size_t len = 0;

	*ret = '\0';
	while (d && (e = next_entry(d))) {
		_cleanup_free_ char *id =
			is_network_card(dirfd(d), e->d_name) ? pci_id(dirfd(d), e->d_name) : NULL;

		if (!id || strlen(id) != 9 || len + 11 > size + 1 || strstr(ret, id))
			continue;
		len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? " " : "", id);
	}
}

/* A virtio card has a PCI device, which virtio_pci drives, and below it one of type 1, a network card (Virtual I/O
 * Device specification, section 5), which wants a driver of its own. */
static bool lacks_virtio_driver(int at)
{
	_cleanup_closedir_ DIR *d = open_folder(at, "sys/bus/virtio/devices");
	struct dirent *e;

	while (d && (e = next_entry(d))) {
		_cleanup_free_ char *type = attribute(dirfd(d), e->d_name, "device");

		if (type && strcmp(type, "0x0001") == 0 && !has(dirfd(d), e->d_name, "driver"))
			return true;
	}
	return false;
}

static char *explain_cards(int at, const struct modules *m)
{
	_cleanup_closedir_ DIR *d = open_folder(at, "sys/bus/pci/devices");
	struct utsname u = { 0 };
	bool any = false;
	struct dirent *e;
	char *s = NULL;

	uname(&u);
	while (d && !s && (e = next_entry(d))) {
		_cleanup_free_ char *id = NULL, *modalias = NULL;

		if (!is_network_card(dirfd(d), e->d_name))
			continue;
		any = true;
		if (has(dirfd(d), e->d_name, "driver"))
			continue;
		id = pci_id(dirfd(d), e->d_name);
		modalias = attribute(dirfd(d), e->d_name, "modalias");
		if (!modalias || !modules_knows(m, modalias))
			fail_with(&s, 0,
				  "no driver for network card %s in kernel %s: modules.conf knows none",
				  id ? id : e->d_name, u.release);
		else
			fail_with(&s, 0, "network card %s has a driver, but it did not take the card: %s",
				  id ? id : e->d_name,
				  modules_trouble(m) ? modules_trouble(m) : "the kernel's log may say why");
	}
	if (!s && lacks_virtio_driver(at))
		fail_with(&s, 0, "no driver for the virtio network card in kernel %s: %s", u.release,
			  modules_trouble(m) ? modules_trouble(m) : "modules.conf knows none");
	if (!s && !any)
		fail_with(&s, 0, "this machine has no network card on its PCI bus");
	return s;
}

/* "eth0 52:54:00:00:00:01, eth1 …" of what there is but the loopback. */
static char *list_interfaces(int at)
{
	_cleanup_closedir_ DIR *d = open_folder(at, "sys/class/net");
	struct text t = { 0 };
	struct dirent *e;

	while (d && (e = next_entry(d))) {
		_cleanup_free_ char *address = attribute(dirfd(d), e->d_name, "address");

		if (address && *address && strcmp(e->d_name, "lo") != 0)
			text_addf(&t, "%s%s %s", t.len ? ", " : "", e->d_name, address);
	}
	return t.s;
}

char *net_explain(int at, const uint8_t mac[6], const struct modules *m)
{
	_cleanup_free_ char *others = list_interfaces(at), *wanted = mac_text(mac),
			    *cards = explain_cards(at, m);
	char *s = NULL;

	if (!others)
		fail_with(&s, 0, "%s", cards ? cards : "the network cards' drivers made no interface");
	else
		fail_with(&s, 0, "no interface has the address %s; there is %s%s%s", wanted ? wanted : "",
			  others, cards ? "; " : "", cards ? cards : "");
	return s;
}

static int set_flags(int sock, const char *name, short flags)
{
	struct ifreq ifr = { 0 };

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		return -errno;
	ifr.ifr_flags |= flags;
	return ioctl(sock, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

/* The flag follows the carrier once the kernel lets frames through: what is sent before is lost, and would be sent
 * again a second later only. */
static bool is_running(int sock, const char *name)
{
	struct ifreq ifr = { 0 };

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(sock, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_RUNNING);
}

static int set_in_addr(int sock, const char *name, unsigned long request, struct in_addr a)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = a };
	struct ifreq ifr = { 0 };

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	memcpy(&ifr.ifr_addr, &sa, sizeof(sa));
	return ioctl(sock, (int)request, &ifr) < 0 ? -errno : 0;
}

static struct in_addr netmask(unsigned prefix)
{
	return (struct in_addr){ .s_addr = prefix == 0 ? 0 : htonl(~0u << (32 - prefix)) };
}

/* A route to dst/mask: through gateway, or over the interface itself when that is 0. */
static int add_route(int sock, char *name, struct in_addr dst, struct in_addr mask, struct in_addr gateway)
{
	struct sockaddr_in d = { .sin_family = AF_INET, .sin_addr = dst };
	struct sockaddr_in m = { .sin_family = AF_INET, .sin_addr = mask };
	struct sockaddr_in g = { .sin_family = AF_INET, .sin_addr = gateway };
	struct rtentry rt = { .rt_flags = RTF_UP, .rt_dev = name };

	memcpy(&rt.rt_dst, &d, sizeof(d));
	memcpy(&rt.rt_genmask, &m, sizeof(m));
	if (gateway.s_addr) {
		memcpy(&rt.rt_gateway, &g, sizeof(g));
		rt.rt_flags |= RTF_GATEWAY;
	}
	if (mask.s_addr == INADDR_NONE)
		rt.rt_flags |= RTF_HOST;
	return ioctl(sock, SIOCADDRT, &rt) < 0 && errno != EEXIST ? -errno : 0;
}

static int set_addresses(int sock, const struct conf *c, char *name, char **reason)
{
	static const struct in_addr any = { 0 }, all = { INADDR_NONE };
	struct in_addr mask = netmask(c->prefix);
	int r = set_in_addr(sock, name, SIOCSIFADDR, c->address);

	if (r == 0)
		r = set_in_addr(sock, name, SIOCSIFNETMASK, mask);
	if (r < 0)
		return fail_with(reason, r, "%s does not take the address %s/%u: %s", name,
				 inet_ntoa(c->address), c->prefix, strerror(-r));
	if (c->gateway.s_addr == 0)
		return 0;
	/* A gateway outside the node's own network is reached over the interface. */
	if ((c->gateway.s_addr ^ c->address.s_addr) & mask.s_addr)
		r = add_route(sock, name, c->gateway, all, any);
	if (r == 0)
		r = add_route(sock, name, any, any, c->gateway);
	if (r < 0)
		return fail_with(reason, r, "the gateway %s cannot be used: %s", inet_ntoa(c->gateway),
				 strerror(-r));
	return 0;
}

static int wait_for_interface(int at, const struct conf *c, struct modules *m, int uevents, int wait_ms,
			      char **ret, char **reason)
{
	long long deadline = now_ms() + wait_ms;

	for (;;) {
		_cleanup_free_ char *why = NULL;
		long long left;
		int r;

		modules_settle(m);
		r = net_find(at, c->mac, ret);
		if (r != -ENODEV)
			return r;
		left = deadline - now_ms();
		if (left <= 0) {
			why = net_explain(at, c->mac, m);
			return fail_with(reason, -ENODEV, "%s",
					 why ? why : "no interface has this boot's MAC address");
		}
		uevent_wait(uevents, (int)left);
	}
}

int net_up(int at, const struct conf *c, struct modules *m, int uevents, int wait_ms, char **ret_name,
	   char **reason)
{
	_cleanup_close_ int sock = socket(AF_INET, SOCK_DGRAM, 0);
	_cleanup_free_ char *name = NULL;
	long long deadline;
	int r;

	if (sock < 0)
		return fail_with(reason, -errno, "this kernel has no IPv4: %s", strerror(errno));
	r = wait_for_interface(at, c, m, uevents, wait_ms, &name, reason);
	if (r < 0)
		return r;
	r = set_flags(sock, "lo", IFF_UP);
	if (r < 0)
		log_line("lo does not come up: %s", strerror(-r));
	r = set_flags(sock, name, IFF_UP);
	if (r < 0)
		return fail_with(reason, r, "%s does not come up: %s", name, strerror(-r));
	r = set_addresses(sock, c, name, reason);
	if (r < 0)
		return r;
	for (deadline = now_ms() + wait_ms; !is_running(sock, name); poll(NULL, 0, LINK_POLL_MS))
		if (now_ms() >= deadline)
			return fail_with(reason, -ENETDOWN, "no link on %s after %d s", name, wait_ms / 1000);
	*ret_name = name;
	name = NULL;
	return 0;
}
