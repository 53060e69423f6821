/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which interfaces exist in this process's network namespace, and their state: rtnetlink(7). Where they sit: the
 * ethtool ioctl of netdevice(7), which obeys the namespace, too. */
#include "config.h"

#include "backend/host/private.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/i18n.h"
#include "util/log.h"

static void socket_freep(struct nl_sock **s)
{
	nl_socket_free(*s);
}

static void cache_freep(struct nl_cache **c)
{
	nl_cache_free(*c);
}

static int ethtool(int fd, const char *name, void *request)
{
	struct ifreq ifr = { .ifr_data = request };

	memcpy(ifr.ifr_name, name, MIN(strlen(name), sizeof(ifr.ifr_name) - 1));
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* Driver, bus and speed as far as the driver tells them: most virtual ones do not. */
static int add_hardware(int fd, struct found_interface *f)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ethtool_cmd settings = { .cmd = ETHTOOL_GSET };
	uint32_t speed;
	int r = 0;

	if (ethtool(fd, f->facts.name, &info) == 0) {
		info.driver[sizeof(info.driver) - 1] = info.bus_info[sizeof(info.bus_info) - 1] = '\0';
		if (!f->virtual)
			r = host_set(&f->facts.driver, info.driver);
		if (r == 0 && *info.bus_info && strcmp(info.bus_info, "N/A") != 0)
			r = host_set(&f->bus, info.bus_info);
	}
	if (f->facts.link && ethtool(fd, f->facts.name, &settings) == 0) {
		/* ethtool_cmd_speed() of the kernel's header shifts into the sign. */
		speed = (uint32_t)settings.speed_hi << 16 | settings.speed;
		/* The low half of "unknown" alone is what drivers of the old interface give. */
		if (speed != (uint32_t)SPEED_UNKNOWN && speed != UINT16_MAX && speed <= INT32_MAX)
			f->facts.speed = (int)speed;
	}
	return r;
}

static int add_link(struct found *f, struct rtnl_link *link)
{
	struct nl_addr *address = rtnl_link_get_addr(link);
	const char *name = rtnl_link_get_name(link), *kind = rtnl_link_get_type(link);
	unsigned int flags = rtnl_link_get_flags(link);
	struct found_interface *v, *i;
	int r;

	if (!name || flags & IFF_LOOPBACK)
		return 0;
	v = reallocarray(f->v, f->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	f->v = v;
	i = &v[f->n++];
	*i = (struct found_interface){ .index = rtnl_link_get_ifindex(link), .virtual = kind };
	i->master = rtnl_link_get_master(link);
	i->facts.up = flags & IFF_UP;
	i->facts.link = (flags & IFF_UP) && rtnl_link_get_carrier(link);
	if (rtnl_link_get_arptype(link) == ARPHRD_ETHER && address &&
	    nl_addr_get_len(address) == sizeof(i->facts.mac.b))
		memcpy(i->facts.mac.b, nl_addr_get_binary_addr(address), sizeof(i->facts.mac.b));
	r = host_set(&i->facts.name, name);
	return r == 0 && kind ? host_set(&i->facts.driver, kind) : r;
}

/* The names of the bridges and bonds, when all interfaces are known. One in another namespace stays unnamed. */
static int add_masters(struct found *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n; i++)
		for (size_t k = 0; r == 0 && f->v[i].master && k < f->n; k++)
			if (f->v[k].index == f->v[i].master)
				r = host_set(&f->v[i].facts.master, f->v[k].facts.name);
	return r;
}

static int add_address(struct found *f, struct rtnl_addr *a)
{
	struct nl_addr *local = rtnl_addr_get_local(a);
	struct found_interface *i = NULL;
	struct ip4_net *v;
	const uint8_t *b;

	if (rtnl_addr_get_family(a) != AF_INET || !local || nl_addr_get_len(local) != 4)
		return 0;
	for (size_t k = 0; k < f->n; k++)
		if (f->v[k].index == rtnl_addr_get_ifindex(a))
			i = &f->v[k];
	if (!i)
		return 0;
	v = reallocarray(i->facts.addresses, i->facts.n_addresses + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	i->facts.addresses = v;
	b = nl_addr_get_binary_addr(local);
	v[i->facts.n_addresses++] = (struct ip4_net){
		.address = { (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] },
		.prefix = (unsigned int)rtnl_addr_get_prefixlen(a),
	};
	return 0;
}

/* The way to the outside: routes of the main table to everywhere. */
static void add_route(struct found *f, struct rtnl_route *route)
{
	struct nl_addr *to = rtnl_route_get_dst(route);

	if (rtnl_route_get_table(route) != RT_TABLE_MAIN || rtnl_route_get_type(route) != RTN_UNICAST ||
	    (to && nl_addr_get_prefixlen(to) > 0))
		return;
	for (int i = 0; i < rtnl_route_get_nnexthops(route); i++) {
		struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, i);

		for (size_t k = 0; hop && k < f->n; k++)
			if (f->v[k].index == rtnl_route_nh_get_ifindex(hop))
				f->v[k].facts.default_route = true;
	}
}

static void add_routes(struct found *f, struct nl_sock *s)
{
	_cleanup_(cache_freep) struct nl_cache *routes = NULL;
	int r = rtnl_route_alloc_cache(s, AF_UNSPEC, 0, &routes);

	if (r < 0) {
		log_warning(_("the kernel does not list its routes: %s"), nl_geterror(r));
		return;
	}
	for (struct nl_object *o = nl_cache_get_first(routes); o; o = nl_cache_get_next(o))
		add_route(f, (struct rtnl_route *)o);
}

int netlink_interfaces(struct found *ret)
{
	_cleanup_(socket_freep) struct nl_sock *socket_ = nl_socket_alloc();
	_cleanup_(cache_freep) struct nl_cache *links = NULL, *addresses = NULL;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (!socket_)
		return -ENOMEM;
	r = nl_connect(socket_, NETLINK_ROUTE);
	if (r == 0)
		r = rtnl_link_alloc_cache(socket_, AF_UNSPEC, &links);
	if (r == 0)
		r = rtnl_addr_alloc_cache(socket_, &addresses);
	if (r < 0) {
		log_warning(_("the kernel does not list its network interfaces: %s"), nl_geterror(r));
		if (!links)
			return 0;
	}
	r = 0;
	for (struct nl_object *o = nl_cache_get_first(links); r == 0 && o; o = nl_cache_get_next(o))
		r = add_link(ret, (struct rtnl_link *)o);
	if (r == 0)
		r = add_masters(ret);
	for (struct nl_object *o = addresses ? nl_cache_get_first(addresses) : NULL; r == 0 && o;
	     o = nl_cache_get_next(o))
		r = add_address(ret, (struct rtnl_addr *)o);
	if (r == 0)
		add_routes(ret, socket_);
	for (size_t i = 0; r == 0 && fd >= 0 && i < ret->n; i++)
		r = add_hardware(fd, &ret->v[i]);
	return r;
}
