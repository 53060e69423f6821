/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the journals tell of every apply. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/error.h"

/* ---- from a step's record to what it did -------------------------------------------------------------------------- */

static int add_deed(struct apply_record *r, const char *what, const char *kind, const char *name)
{
	struct apply_deed *more = reallocarray(r->deeds, r->n_deeds + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->deeds = more;
	more[r->n_deeds] = (struct apply_deed){ what, kind, strdup(name) };
	if (!more[r->n_deeds].name)
		return -ENOMEM;
	r->n_deeds++;
	return 0;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* No hash, but one that is empty: it was removed (files.c). */
static int file_deed(struct apply_record *r, const json_t *record, const json_t *done)
{
	const json_t *sha256 = json_object_get(record, "sha256"), *old = json_object_get(record, "old");
	bool removed = json_is_string(sha256) && !*json_string_value(sha256);

	return add_deed(r,
			removed					       ? "remove"
			: json_is_true(json_object_get(old, "exists")) ? "modify"
								       : "create",
			"file", text_of(record, "path"));
}

static int folder_deed(struct apply_record *r, const json_t *record, const json_t *done)
{
	const json_t *old = json_object_get(record, "old");

	return add_deed(r,
			json_is_true(json_object_get(record, "removed")) ? "remove"
			: json_is_true(json_object_get(old, "exists"))	 ? "modify"
									 : "create",
			"folder", text_of(record, "path"));
}

static int list_deeds(struct apply_record *r, const json_t *names, const char *what, const char *kind)
{
	const json_t *name;
	int e = 0;
	size_t i;

	json_array_foreach (names, i, name)
		if (e == 0 && json_is_string(name))
			e = add_deed(r, what, kind, json_string_value(name));
	return e;
}

/* Those that came along with the ones that were asked for, too, once it is done. */
static int package_deeds(struct apply_record *r, const json_t *record, const json_t *done)
{
	const json_t *added = json_object_get(done, "added");

	return list_deeds(r, added ? added : json_object_get(record, "names"), "install", "package");
}

static int key_deeds(struct apply_record *r, const json_t *record, const json_t *done)
{
	return list_deeds(r, json_object_get(record, "nodes"), "create", "ssh key");
}

static int user_deed(struct apply_record *r, const json_t *record, const json_t *done)
{
	return add_deed(r, "create", "user", text_of(record, "name"));
}

static int service_deed(struct apply_record *r, const json_t *record, const json_t *done)
{
	static const char *const actions[] = { "start", "restart", "stop", "release" };
	const char *action = text_of(record, "action");

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i], action) == 0)
			return add_deed(r, actions[i], "service", text_of(record, "name"));
	return add_deed(r, "start", "service", text_of(record, "name"));
}

static const struct {
	const char *kind;
	int (*tell)(struct apply_record *r, const json_t *record, const json_t *done);
} kinds[] = {
	{ "file", file_deed }, { "directory", folder_deed }, { "packages", package_deeds },
	{ "keys", key_deeds }, { "user", user_deed },	     { "service", service_deed },
};

/* ---- from a journal to a record ----------------------------------------------------------------------------------- */

void apply_records_free(struct apply_record *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		for (size_t k = 0; k < v[i].n_deeds; k++)
			free(v[i].deeds[k].name);
		free(v[i].deeds);
		free(v[i].when);
		free(v[i].who);
		free(v[i].answers);
	}
	free(v);
}

static int tell(const struct journal *j, struct apply_record *r)
{
	static const enum apply_state states[] = {
		[JOURNAL_UNFINISHED] = APPLY_CUT_OFF,
		[JOURNAL_APPLIED] = APPLY_STANDS,
		[JOURNAL_UNDONE] = APPLY_TAKEN_BACK,
	};
	json_t *record;
	int e = 0;
	size_t i;

	r->number = j->number;
	r->state = states[j->state];
	r->when = strdup(text_of(j->header, "when"));
	r->who = strdup(text_of(j->header, "who"));
	r->answers = strdup(text_of(j->header, "answers"));
	if (!r->when || !r->who || !r->answers)
		return -ENOMEM;
	json_array_foreach (j->steps, i, record) {
		const char *kind = text_of(record, "kind");
		char key[24];

		snprintf(key, sizeof(key), "%zu", i + 1);
		for (size_t k = 0; e == 0 && k < ARRAY_SIZE(kinds); k++)
			if (strcmp(kinds[k].kind, kind) == 0)
				e = kinds[k].tell(r, record, json_object_get(j->done, key));
	}
	return e;
}

int apply_history(struct apply *a, struct apply_record **ret, size_t *ret_n)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	struct apply_record *v;
	size_t n, count = 0;
	int r = journal_list(a->root_fd, &numbers, &n);

	if (r < 0)
		return r;
	v = calloc(n + 1, sizeof(*v));
	for (size_t i = 0; v && r == 0 && i < n; i++) {
		_cleanup_(journal_freep) struct journal *j = NULL;

		r = journal_read(a, numbers[i], &j);
		/* One without a header was cut off before anything was done. */
		if (r == 0 && j->header)
			r = tell(j, &v[count++]);
	}
	if (!v || r < 0) {
		apply_records_free(v, count);
		return v ? r : -ENOMEM;
	}
	*ret = v;
	*ret_n = count;
	return 0;
}
