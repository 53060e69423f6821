/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/why.h"

#include <string.h>

#define SECONDS(n) ((n)*INT64_C(1000))
#define AGAIN "It tries again by itself until it succeeds. "
#define SCREEN "Look at its screen or serial console"

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
	{ NODE_OFF, NO_MAC, 0, NULL, true, "It was never seen, and its MAC address is not known.",
	  "Give its MAC address in the answers and apply them, so that it can be told from other machines." },
	{ NODE_OFF, NEVER, 0, NULL, true, "It was never seen: it has not asked for an address.",
	  "Switch it on. Where it is on, let its firmware boot from the network first, and see that its "
	  "cable leads to "
	  "the cluster's network and that the MAC address in the answers is that of this card." },
	{ NODE_OFF, ANY, 0, NULL, false, "It was shut down in good order.",
	  "'muster power wake' switches it on, where its firmware is set to obey." },
	{ NODE_DHCP, ANY, SECONDS(60), NULL, true,
	  "It has got an address, and has not asked for its boot script since.",
	  "It could not fetch or start the boot loader. See that nothing blocks TFTP (port 69) and HTTP on "
	  "the cluster's "
	  "interface, that Secure Boot is off, and that its network card comes before its disk. Where it "
	  "runs another "
	  "system that only renewed its address, this means nothing." },
	{ NODE_DHCP, ANY, 0, NULL, false, "Its firmware has got an address, and fetches the boot loader.",
	  "" },
	{ NODE_LOADER, ANY, SECONDS(120), NULL, true,
	  "It has its boot script, and has not fetched all that it needs since.",
	  SCREEN ": the boot loader says there what it could not fetch. Where it was to start its disk or "
		 "its memory "
		 "test, this is as far as it can be followed." },
	{ NODE_LOADER, ANY, 0, NULL, false, "It fetches its kernel and its initramfs.", "" },
	{ NODE_KERNEL, ANY, SECONDS(60), NULL, true,
	  "Its kernel was started, and nothing was heard from it since.",
	  SCREEN ". The kernel may have stopped, or may have no driver for its network card; the kernel "
		 "\"distro\" has more "
		 "drivers than \"distro-cloud\"." },
	{ NODE_KERNEL, ANY, 0, NULL, false, "Its kernel starts.", "" },
	{ NODE_INITRAMFS, ANY, SECONDS(300), NULL, true,
	  "It is in its initramfs for a long time, and reports no failure.",
	  SCREEN ". Where its network is slow, fetching the root may take so long." },
	{ NODE_INITRAMFS, ANY, 0, NULL, false, "It is in its initramfs, and gets its root.", "" },
	{ NODE_ROOT, ANY, SECONDS(300), NULL, true, "Its system starts for a long time, and is not ready.",
	  SCREEN ": a service of the system may hang. It is ready when its ssh server answers." },
	{ NODE_ROOT, ANY, 0, NULL, false, "Its root is there, and its system starts.", "" },
	{ NODE_READY, ANY, 0, NULL, false, "It is up.", "" },
	{ NODE_JOINED, ANY, 0, NULL, false, "It is up, and part of the single system.", "" },
	{ NODE_LOST, ANY, 0, NULL, true, "It was up, and has stopped reporting.",
	  "It may have lost its power or its network, or its kernel has stopped: " SCREEN
	  ". Reach it with ping; where it "
	  "does not answer, switch it off and on." },
	{ NODE_FAILED, ANY, 0, "not enough memory", true, "It has too little memory for its root.",
	  "Give it more memory, or set root = \"nfs\" in the answers, which needs less." },
	{ NODE_FAILED, ANY, 0, "no interface has this boot's MAC address", true,
	  "Its kernel shows no network card with the address that it booted from.",
	  "Its kernel has no driver for that card: use the kernel \"distro\", or another one that has it, "
	  "and build the root "
	  "again." },
	{ NODE_FAILED, ANY, 0, "no link", true, "Its network card has no link.",
	  AGAIN "See to its cable and its switch's port." },
	{ NODE_FAILED, ANY, 0, "is the root built", true,
	  "The server does not have the root that it is to boot.",
	  AGAIN "Build it: 'muster root build', then 'muster apply'." },
	{ NODE_FAILED, ANY, 0, "does not let this node in", true, "The NFS server does not let it in.",
	  AGAIN "Apply the answers again, and look at the exports with 'exportfs -v'." },
	{ NODE_FAILED, ANY, 0, "NFS version 4", true, "Its kernel has no NFS version 4.",
	  "Set root = \"ram\" in the answers, or use a kernel that has it." },
	{ NODE_FAILED, ANY, 0, "NFS export", true, "Its root cannot be mounted over NFS.",
	  AGAIN "See that the NFS server runs, and that nothing blocks port 2049." },
	{ NODE_FAILED, ANY, 0, "squashfs", true, "Its root cannot be mounted.",
	  "Its kernel may lack squashfs, or the file is damaged: build the root again." },
	{ NODE_FAILED, ANY, 0, "overlay", true, "Nothing can be laid over its root.",
	  "Its kernel has no overlayfs: use another kernel." },
	{ NODE_FAILED, ANY, 0, "cannot be reached", true, "It cannot reach the server.",
	  AGAIN "See that musterd runs and that nothing blocks its port." },
	{ NODE_FAILED, ANY, 0, "did not answer", true, "The server stopped answering it.",
	  AGAIN "See that musterd runs, and that the network is not overloaded." },
	{ NODE_FAILED, ANY, 0, "personality", true, "It has not got what makes it this node.",
	  "Restart it: only a new boot can fetch that." },
	{ NODE_FAILED, ANY, 0, NULL, true, "A step of its boot failed.", AGAIN SCREEN " for more." },
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
		*ret = (struct node_why){ rows[i].what, rows[i].advice, rows[i].trouble };
		return;
	}
	*ret = (struct node_why){ "Nothing is known of it.", "", false };
}
