/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/events.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/dhcp_event.h"
#include "daemon/run_dir.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

#define MESSAGES_AT_A_TIME 256
#define RECEIVE_BUFFER \
	(1024 * 1024) /* for the leases of thousands of machines that are switched on at once */

static const struct {
	const char *word;
	enum event_kind kind;
} kinds[] = {
	{ "add", EVENT_DHCP_ADD },
	{ "old", EVENT_DHCP_OLD },
	{ "del", EVENT_DHCP_DEL },
	{ "tftp", EVENT_TFTP },
};

static int parse_dhcp(char **save, struct event *e)
{
	const char *mac = strtok_r(NULL, " ", save), *address = strtok_r(NULL, " ", save);

	if (!mac || !address || mac_parse(mac, &e->mac) < 0 || ip4_parse(address, &e->address) < 0)
		return -EINVAL;
	e->has_mac = true;
	return mac_is_unicast(e->mac) ? 0 : -EINVAL;
}

static int parse_tftp(char **save, struct event *e)
{
	const char *size = strtok_r(NULL, " ", save), *address = strtok_r(NULL, " ", save);

	if (!size || !address || ip4_parse(address, &e->address) < 0)
		return -EINVAL;
	for (char *p = *save; p && *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	e->path = *save && **save ? *save : "a file";
	return 0;
}

int event_parse(char *message, struct event *ret)
{
	char *save = NULL;
	const char *word = strtok_r(message, " ", &save);

	for (size_t i = 0; word && i < ARRAY_SIZE(kinds); i++) {
		struct event e = { .kind = kinds[i].kind };
		int r;

		if (strcmp(word, kinds[i].word) != 0)
			continue;
		r = e.kind == EVENT_TFTP ? parse_tftp(&save, &e) : parse_dhcp(&save, &e);
		if (r == 0)
			*ret = e;
		return r;
	}
	return -EINVAL;
}

int events_open(int root_fd, uid_t uid, gid_t gid)
{
	const int buffer = RECEIVE_BUFFER;
	int fd = run_dir_socket(root_fd, EVENTS_SOCKET, SOCK_DGRAM, 0600, uid, gid);

	/* Only a wish: without the right to it the system's own limit stays. */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0)
		log_debug("the buffer for events stays as it is: %s", strerror(errno));
	return fd;
}

static const struct plan_node *node_of(const struct view *v, const struct event *e)
{
	const struct plan_node *n = NULL;

	if (e->has_mac && v->plan->ip_mode == PLAN_IP_MAC)
		n = view_by_mac(v, e->mac);
	return n ? n : view_by_address(v, e->address);
}

/* No address of the network is as large. */
static uint64_t mac_number(struct mac mac)
{
	uint64_t n = 1;

	for (size_t i = 0; i < sizeof(mac.b); i++)
		n = n << 8 | mac.b[i];
	return n;
}

static void take_event(struct daemon *d, const struct event *e)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	const struct plan_node *n = node_of(v, e);
	int64_t now = clock_wall_ms();
	struct store *s;
	int r = 0;

	if (!n || e->kind == EVENT_DHCP_OLD || e->kind == EVENT_DHCP_DEL)
		return;
	if (!limit_pass(&d->leases, e->has_mac ? mac_number(e->mac) : e->address.n, clock_mono_ms())) {
		atomic_fetch_add(&d->metrics.leases_untaken, 1);
		return;
	}
	s = daemon_store_lock(d);
	if (e->kind == EVENT_DHCP_ADD)
		r = store_dhcp(s, now, n->name, MAC(e->mac));
	else if (e->kind == EVENT_TFTP)
		r = store_event(s, now, n->name, "tftp", e->path);
	daemon_store_unlock(d);
	if (r < 0)
		log_warning("an event of %s was not kept: %s", n->name, muster_strerror(r));
}

void events_take(struct daemon *d, int fd)
{
	for (int i = 0; i < MESSAGES_AT_A_TIME; i++) {
		char message[EVENT_MAX + 1];
		ssize_t len = recv(fd, message, EVENT_MAX, 0);
		struct event e;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return;
		message[len] = '\0';
		if (event_parse(message, &e) == 0)
			take_event(d, &e);
	}
}
