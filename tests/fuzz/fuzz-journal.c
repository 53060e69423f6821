/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an apply reads back: its journal, what it tells of it, the manifest; a marked block in another's file; secrets. */
#include "config.h"

#include <string.h>

#include "backend/apply/changeset.h"
#include "backend/apply/step.h"
#include "tests/fuzz/house.h"

static void as_journal(struct apply *a, const char *text, size_t len)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	struct apply_record *records = NULL;
	size_t n = 0;

	fuzz_put("var/lib/muster/journal/0001/journal", text, len);
	if (journal_read(a, 1, &j) == 0) {
		fuzz_need(j->good >= 0 && (size_t)j->good <= len);
		fuzz_need(json_array_size(j->steps) + 1 == journal_next(j));
	}
	if (apply_history(a, &records, &n) == 0)
		apply_records_free(records, n);
}

static void as_manifest(struct apply *a, const char *text, size_t len)
{
	json_t *files = NULL, *services = NULL, *found = NULL, *entry;
	const char *path;

	fuzz_put("var/lib/muster/manifest.json", text, len);
	if (manifest_read(a, &files, &services, &found) < 0)
		return;
	json_object_foreach (files, path, entry)
		fuzz_need(path[0] == '/' && !strstr(path, "/../"));
	json_decref(files);
	json_decref(services);
	json_decref(found);
}

/* A block put in is found again, and taking it out takes nothing else than blocks. */
static void as_block(const char *text, size_t len)
{
	static const char block[] = "one\ntwo\n";
	_cleanup_free_ char *with = NULL, *found = NULL, *without = NULL, *again = NULL;
	size_t with_len, found_len, without_len, again_len;

	if (block_set(text, len, block, strlen(block), &with, &with_len) < 0)
		return;
	fuzz_need(block_get(with, with_len, &found, &found_len) == 0);
	fuzz_need(found_len == strlen(block) && memcmp(found, block, found_len) == 0);
	fuzz_need(block_set(with, with_len, NULL, 0, &without, &without_len) == 0);
	fuzz_need(block_set(without, without_len, NULL, 0, &again, &again_len) == 0);
	/* Another one, which somebody copied there, goes the next time. */
	fuzz_need(again_len <= without_len);
}

FUZZ_TARGET(journal)
{
	struct apply a = { .root_fd = fuzz_dir_fd(), .root_path = fuzz_dir(), .cancel_fd = -1 };
	_cleanup_free_ char *text = fuzz_text(data, size), *hidden = NULL;
	size_t len;

	house_quiet();
	as_journal(&a, text, size);
	as_manifest(&a, text, size);
	as_block(text, size);
	fuzz_need(secrets_hide(text, size, &hidden, &len) == 0);
	return 0;
}
