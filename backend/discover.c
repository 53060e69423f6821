/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facade's part for machines that ask for an address. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>

#include "backend/context.h"
#include "backend/nodes/discover.h"
#include "backend/plan/draft.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"

/* The plan's, or that of the answers applied last, or the one that suggests itself. */
static const char *choose_interface(struct muster *m)
{
	const struct host_interface *i;
	const struct host *h;
	const struct plan *p;

	if (m->plan)
		return m->plan->interface;
	if (fs_exists(m->root_fd, CONTEXT_ANSWERS) && muster_plan(m, NULL, &p) == 0)
		return p->interface;
	if (muster_host(m, &h) < 0)
		return NULL;
	i = draft_propose_interface(h);
	return i ? i->name : NULL;
}

int muster_discover_open(struct muster *m, const char *interface, struct discover **ret)
{
	int r;

	if (!interface)
		interface = choose_interface(m);
	if (!interface) {
		context_error(m, _("No interface of this server can face the nodes; name one."));
		return -ENODEV;
	}
	r = discover_open(interface, ret);
	if (r < 0)
		context_error(m,
			      r == -EPERM ? _("%s cannot be listened on: %s. Only root can.")
			      : r == -ENODEV
				      ? _("%s cannot be listened on: %s. 'muster host' lists the interfaces.")
			      : r == -ENETDOWN ? _("%s cannot be listened on: %s. 'ip link set up' wakes it.")
					       : _("%s cannot be listened on: %s."),
			      interface, muster_strerror(r));
	else
		context_note(m, _("Listening on %s."), interface);
	return r;
}

int muster_discover_fd(const struct discover *d)
{
	return discover_fd(d);
}

int muster_discover_read(struct discover *d)
{
	int r = discover_read(d, clock_wall_ms()), named;

	if (r <= 0)
		return r;
	named = discover_name(d, host_mac_vendor);
	return named < 0 ? named : r;
}

const struct machine *muster_discover_list(const struct discover *d, size_t *ret_n)
{
	return discover_list(d, ret_n);
}

void muster_discover_close(struct discover *d)
{
	discover_close(d);
}
