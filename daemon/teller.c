/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/teller.h"

#include <stdlib.h>
#include <string.h>

#define SILENT_MS 25000 /* two and a half of the common report intervals: then another node tells */

bool teller_is(struct teller *t, const char *node, bool joined, int64_t now)
{
	bool is_it;

	pthread_mutex_lock(&t->lock);
	is_it = t->node && strcmp(t->node, node) == 0;
	if (joined ? !is_it && (!t->node || now - t->heard > SILENT_MS) : is_it) {
		free(t->node);
		t->node = joined ? strdup(node) : NULL;
		is_it = t->node != NULL;
	}
	if (is_it)
		t->heard = now;
	pthread_mutex_unlock(&t->lock);
	return is_it;
}
