/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/why.h"
#include "util/i18n.h"

#include <string.h>

#define SECONDS(n) ((n)*INT64_C(1000))

enum when {
	ANY,
	NEVER, /* it was never seen to boot */
	NO_MAC /* never, and its MAC address is not known */
};

/* The first row that fits counts: the stage, the least time in it, and words of the reason that a failed node gave. */
static const struct row {
	enum node_stage stage;
	enum when when;
	int64_t least;
	const char *reason; /* NULL: whatever it is */
	bool trouble;
	const char *what, *advice;
} rows[] = {
	{ NODE_OFF, NO_MAC, 0, NULL, true, N_("It was never seen, and its MAC address is not known."),
	  N_("Give its MAC address in the answers and apply them, so that it can be told from other "
	     "machines.") },
	{ NODE_OFF, NEVER, 0, NULL, true, N_("It was never seen: it has not asked for an address."),
	  N_("Switch it on. Where it is on, let its firmware boot from the network first, and see that "
	     "its cable leads to the cluster's network and that the MAC address in the answers is that "
	     "of this card.") },
	{ NODE_OFF, ANY, 0, NULL, false, N_("It was shut down in good order."),
	  N_("'muster power wake' switches it on, where its firmware is set to obey.") },
	{ NODE_DHCP, ANY, SECONDS(60), NULL, true,
	  N_("It has got an address, and has not asked for its boot script since."),
	  N_("It could not fetch or start the boot loader. See that nothing blocks TFTP (port 69) and "
	     "HTTP on the cluster's interface, that Secure Boot is off, and that its network card comes "
	     "before its disk. Where it runs another system that only renewed its address, this means "
	     "nothing.") },
	{ NODE_DHCP, ANY, 0, NULL, false, N_("Its firmware has got an address, and fetches the boot loader."),
	  "" },
	{ NODE_LOADER, ANY, SECONDS(120), NULL, true,
	  N_("It has its boot script, and has not fetched all that it needs since."),
	  N_("Look at its screen or serial console: the boot loader says there what it could not fetch. "
	     "Where it was to start its disk or its memory test, this is as far as it can be followed.") },
	{ NODE_LOADER, ANY, 0, NULL, false, N_("It fetches its kernel and its initramfs."), "" },
	{ NODE_KERNEL, ANY, SECONDS(60), NULL, true,
	  N_("Its kernel was started, and nothing was heard from it since."),
	  N_("Look at its screen or serial console. The kernel may have stopped, or may have no driver "
	     "for its network card; the kernel \"distro\" has more drivers than \"distro-cloud\".") },
	{ NODE_KERNEL, ANY, 0, NULL, false, N_("Its kernel starts."), "" },
	{ NODE_INITRAMFS, ANY, SECONDS(300), NULL, true,
	  N_("It is in its initramfs for a long time, and reports no failure."),
	  N_("Look at its screen or serial console. Where its network is slow, fetching the root may "
	     "take so long.") },
	{ NODE_INITRAMFS, ANY, 0, NULL, false, N_("It is in its initramfs, and gets its root."), "" },
	{ NODE_ROOT, ANY, SECONDS(300), NULL, true,
	  N_("Its system starts for a long time, and is not ready."),
	  N_("Look at its screen or serial console: a service of the system may hang. It is ready when "
	     "its ssh server answers.") },
	{ NODE_ROOT, ANY, 0, NULL, false, N_("Its root is there, and its system starts."), "" },
	{ NODE_READY, ANY, 0, NULL, false, N_("It is up."), "" },
	{ NODE_JOINED, ANY, 0, NULL, false, N_("It is up, and part of the single system."), "" },
	{ NODE_LOST, ANY, 0, NULL, true, N_("It was up, and has stopped reporting."),
	  N_("It may have lost its power or its network, or its kernel has stopped: Look at its screen "
	     "or serial console. Reach it with ping; where it does not answer, switch it off and on.") },
	{ NODE_FAILED, ANY, 0, "not enough memory", true, N_("It has too little memory for its root."),
	  N_("Give it more memory, or set root = \"nfs\" in the answers, which needs less.") },
	{ NODE_FAILED, ANY, 0, "no interface has this boot's MAC address", true,
	  N_("Its kernel shows no network card with the address that it booted from."),
	  N_("Its kernel has no driver for that card: use the kernel \"distro\", or another one that "
	     "has it, and build the root again.") },
	{ NODE_FAILED, ANY, 0, "no link", true, N_("Its network card has no link."),
	  N_("It tries again by itself until it succeeds. See to its cable and its switch's port.") },
	{ NODE_FAILED, ANY, 0, "is the root built", true,
	  N_("The server does not have the root that it is to boot."),
	  N_("It tries again by itself until it succeeds. Build it: 'muster root build', then 'muster "
	     "apply'.") },
	{ NODE_FAILED, ANY, 0, "does not let this node in", true, N_("The NFS server does not let it in."),
	  N_("It tries again by itself until it succeeds. Apply the answers again, and look at the "
	     "exports with 'exportfs -v'.") },
	{ NODE_FAILED, ANY, 0, "NFS version 4", true, N_("Its kernel has no NFS version 4."),
	  N_("Set root = \"ram\" in the answers, or use a kernel that has it.") },
	{ NODE_FAILED, ANY, 0, "NFS export", true, N_("Its root cannot be mounted over NFS."),
	  N_("It tries again by itself until it succeeds. See that the NFS server runs, and that "
	     "nothing blocks port 2049.") },
	{ NODE_FAILED, ANY, 0, "squashfs", true, N_("Its root cannot be mounted."),
	  N_("Its kernel may lack squashfs, or the file is damaged: build the root again.") },
	{ NODE_FAILED, ANY, 0, "overlay", true, N_("Nothing can be laid over its root."),
	  N_("Its kernel has no overlayfs: use another kernel.") },
	{ NODE_FAILED, ANY, 0, "cannot be reached", true, N_("It cannot reach the server."),
	  N_("It tries again by itself until it succeeds. See that musterd runs and that nothing blocks "
	     "its port.") },
	{ NODE_FAILED, ANY, 0, "did not answer", true, N_("The server stopped answering it."),
	  N_("It tries again by itself until it succeeds. See that musterd runs, and that the network "
	     "is not overloaded.") },
	{ NODE_FAILED, ANY, 0, "personality", true, N_("It has not got what makes it this node."),
	  N_("Restart it: only a new boot can fetch that.") },
	{ NODE_FAILED, ANY, 0, NULL, true, N_("A step of its boot failed."),
	  N_("It tries again by itself until it succeeds. Look at its screen or serial console for more.") },
};

static int64_t time_in_stage(const struct node_state *s, int64_t now)
{
	const struct node_stage_time *t = s->n_stages ? &s->stages[s->n_stages - 1] : NULL;

	return t && t->stage == s->stage ? now - t->at : 0;
}

static bool fits(const struct row *row, const struct node_state *s, int64_t ms)
{
	if (row->stage != s->stage || ms < row->least)
		return false;
	if (row->when != ANY && s->n_stages)
		return false;
	if (row->when == NO_MAC && *s->mac)
		return false;
	return !row->reason || strstr(s->reason, row->reason);
}

void node_why(const struct node_state *s, int64_t now, struct node_why *ret)
{
	int64_t ms = time_in_stage(s, now);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!fits(&rows[i], s, ms))
			continue;
		*ret = (struct node_why){ i18n(rows[i].what), i18n(rows[i].advice), rows[i].trouble };
		return;
	}
	*ret = (struct node_why){ _("Nothing is known of it."), "", false };
}
