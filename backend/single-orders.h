/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Orders to nodes' agents, given over the control socket, and what became of them. For the facade's own files. */
#pragma once

#include "backend/context.h"

struct order {
	char *name; /* of the node */
	int64_t id; /* 0: it could not be given */
	bool ended, done;
	int status;   /* of a done one */
	char *output; /* what was said, or why it is not done; never NULL */
};

struct orders {
	struct order *v;
	size_t n;
};

/*
 * Has these nodes do it, and waits until all have ended or the time is over, where what has not ended counts as not done. A
 * failure of one node stands in its order; what is returned is that of the whole (emitted), or -MUSTER_E_CANCELLED.
 */
int orders_run(struct muster *m, const struct strv *names, const char *what, const char *args,
	       int64_t timeout_ms, struct orders *ret) _must_check_;
void orders_free(struct orders *o);
static inline bool order_is_fine(const struct order *o)
{
	return o->done && o->status == 0;
}
/* Why it is not fine, as the end of a sentence; owned, NULL when memory runs out. */
char *order_why(const struct order *o);
