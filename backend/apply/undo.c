/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking an apply back, from its journal alone. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define UNIT_FOLDER "/etc/systemd/system"

static const struct step_ops *ops_of(const json_t *record)
{
	return step_ops_find(json_string_value(json_object_get(record, "kind")));
}

static const json_t *done_of(const struct journal *j, size_t i)
{
	char key[24];

	snprintf(key, sizeof(key), "%zu", i + 1);
	return json_object_get(j->done, key);
}

static bool touches_units(const struct journal *j)
{
	size_t i;
	json_t *record;

	json_array_foreach (j->steps, i, record) {
		const char *path = json_string_value(json_object_get(record, "path"));

		if (path && path_below(path, UNIT_FOLDER))
			return true;
	}
	return false;
}

/* Backwards over every step begun. One that cannot be taken back does not keep the others from it. */
static int undo_steps(struct apply *a, struct journal *j)
{
	int r = 0;

	for (size_t i = json_array_size(j->steps); i-- > 0;) {
		const json_t *record = json_array_get(j->steps, i);
		const struct step_ops *ops = ops_of(record);
		int e;

		if (!ops) {
			apply_error(a,
				    _("%s/journal holds a step that this muster does not know (%s). Use the "
				      "one that made it."),
				    j->path, json_string_value(json_object_get(record, "kind")));
			return -MUSTER_E_UNSUPPORTED;
		}
		e = ops->undo(a, j, record, done_of(j, i));
		r = r < 0 ? r : e;
	}
	return r;
}

static int settle_steps(struct apply *a, struct journal *j)
{
	int r = 0;

	for (size_t i = 0; i < json_array_size(j->steps); i++) {
		const json_t *record = json_array_get(j->steps, i);
		const struct step_ops *ops = ops_of(record);
		int e = ops && ops->settle ? ops->settle(a, record) : 0;

		r = r < 0 ? r : e;
	}
	return r;
}

/* All of it, as far as it goes: a file that cannot be put back keeps no service of before from running again. *ret_settled: what
 * became of these. */
static int take_back(struct apply *a, struct journal *j, int *ret_settled)
{
	int r = undo_steps(a, j), e = 0;

	*ret_settled = 0;
	if (r == -MUSTER_E_UNSUPPORTED)
		return r;
	if (touches_units(j) && a->services && a->services->reload_units)
		e = a->services->reload_units(a);
	*ret_settled = e < 0 ? e : settle_steps(a, j);
	return r;
}

int undo_journal(struct apply *a, struct journal *j)
{
	struct apply mine = *a;
	int r, settled = 0, end;

	/* What was begun here is brought to its end: half an undo helps nobody. */
	mine.cancel_fd = -1;
	/* A service of before may listen elsewhere than the one that was to be: that it runs is enough. */
	mine.http_address = NULL;
	/* An unfinished journal says by itself that it is to be taken back: that must go without writing, for the disk may
	 * be full. */
	r = j->state == JOURNAL_APPLIED ? journal_undo_begins(j) : 0;
	if (r == 0)
		r = take_back(&mine, j, &settled);
	a->said = mine.said;
	if (r < 0) {
		apply_error(a,
			    _("Not everything could be taken back. Mend what is said above, then run `muster "
			      "undo` again; "
			      "the record is in %s."),
			    j->path);
		return r;
	}
	/* A service of before that does not come up again is reported; its files are back, which is all that undo can do. */
	end = journal_end(j, "undone");
	if (end < 0)
		apply_error(a, _("All is taken back, but the journal %s cannot be ended: %s."), j->path,
			    muster_strerror(end));
	return end < 0 ? end : settled;
}

int recover_locked(struct apply *a)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	int r = journal_newest(a, &j);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || j->state != JOURNAL_UNFINISHED)
		return r;
	apply_say(a, NC_("step", "recover"), _("taking back the apply of %s, which was cut off"),
		  json_string_value(json_object_get(j->header, "when")));
	r = undo_journal(a, j);
	return r < 0 ? r : 1;
}

int apply_recover(struct apply *a)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	_cleanup_close_ int lock = -1;
	int r = journal_newest(a, &j);

	/* Nothing is written, no lock either, where there is nothing to do. */
	if (r == -ENOENT || (r == 0 && j->state != JOURNAL_UNFINISHED))
		return 0;
	if (r == 0)
		r = lock_take(a, &lock);
	return r < 0 ? r : recover_locked(a);
}

static int undo_said(struct apply *a, struct journal *j)
{
	apply_say(a, NC_("step", "undo"), _("taking back the apply of %s by %s"),
		  json_string_value(json_object_get(j->header, "when")),
		  json_string_value(json_object_get(j->header, "who")));
	return undo_journal(a, j);
}

int undo_to_locked(struct apply *a, unsigned int number, unsigned int *ret_n)
{
	int r = 0;

	*ret_n = 0;
	while (r == 0) {
		_cleanup_(journal_freep) struct journal *j = NULL;

		r = journal_newest(a, &j);
		if (r == -ENOENT || (r == 0 && j->number <= number))
			return 0;
		if (r == 0)
			r = undo_said(a, j);
		*ret_n += r == 0;
	}
	return r;
}

int apply_undo_to(struct apply *a, unsigned int number, unsigned int *ret_n)
{
	_cleanup_close_ int lock = -1;
	int r = lock_take(a, &lock);

	*ret_n = 0;
	return r < 0 ? r : undo_to_locked(a, number, ret_n);
}

int apply_undo(struct apply *a)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	_cleanup_close_ int lock = -1;
	int r = lock_take(a, &lock);

	if (r == 0)
		r = journal_newest(a, &j);
	if (r < 0)
		return r == -ENOENT ? -MUSTER_E_NOT_APPLIED : r;
	return undo_said(a, j);
}

int apply_unfinished(struct apply *a)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	_cleanup_close_ int lock = fs_open(a->root_fd, APPLY_LOCK, O_RDONLY, 0);
	int r;

	/* Whoever works on it holds the lock. */
	if (lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0)
		return 0;
	r = journal_newest(a, &j);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : j->state == JOURNAL_UNFINISHED;
}
