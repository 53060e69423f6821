/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page of the single system, shared by its own files. */
#pragma once

#include "screens/console/private.h"
#include "screens/console/ssi-model.h"
#include "tui/table.h"

struct ssi_page {
	struct console *console;
	struct ssi_model *model;
	struct tui_table *table;
	uint64_t seen;			/* the console's changes that the model has taken in */
	struct muster_asking *asking;	/* for the processes; NULL: nobody is asked */
	int64_t asked;			/* since when, steady clock; 0: it is not */
	int64_t hung;			/* when a look last did not come back, likewise */
	int refused;			/* why musterd cannot be asked; 0: it can */
	size_t first_node, shown_nodes; /* of the part that has them */
	int64_t now;			/* of the present drawing */
	struct job_feed *job;		/* what is done to a process; NULL: nothing */
	char *job_text, *job_error;	/* what that is; what went wrong with it; NULL: nothing */
};

/* ---- ssi-draw.c ---- */

/* All of it but the processes: they go into *ret, which has no rows where something else is to be said. */
void ssi_draw(struct ssi_page *p, struct canvas *c, struct canvas *ret_table);

/* ---- ssi-actions.c ---- */

int ssi_start(struct ssi_page *p) _must_check_;
int ssi_add(struct ssi_page *p) _must_check_;
int ssi_remove(struct ssi_page *p) _must_check_;
int ssi_reset(struct ssi_page *p) _must_check_;
int ssi_stop(struct ssi_page *p) _must_check_;
int ssi_test(struct ssi_page *p) _must_check_;
int ssi_scheduler(struct ssi_page *p) _must_check_;
/* The process under the cursor. */
int ssi_migrate(struct ssi_page *p, const struct ssi_model_process *process) _must_check_;
void ssi_leave_job(struct ssi_page *p); /* it goes on */
