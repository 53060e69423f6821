/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answer files: read as answers, as a draft of answers, and back. */
#include "config.h"

#include <string.h>

#include "backend/plan/draft.h"
#include "backend/plan/plan.h"
#include "tests/fuzz/house.h"

#define NAME "/nowhere/answers.conf"

/* A mistake is a sentence with its place in the file; what is not there at all is in no line. */
static void look_at(const struct plan_mistakes *m, size_t lines)
{
	fuzz_need(m->n > 0);
	for (size_t i = 0; i < m->n; i++) {
		fuzz_need(m->v[i].text && strlen(m->v[i].text) > 8);
		fuzz_need(strcmp(m->v[i].file, NAME) != 0 || m->v[i].line <= lines);
		fuzz_need(fuzz_is_clean(m->v[i].text, false));
	}
}

/* What musterd is given says the same as what was read. */
static void through_json(const struct plan *p)
{
	_cleanup_free_ char *text = NULL, *again = NULL;
	struct plan *back = NULL;

	fuzz_need(plan_to_json(p, &text) == 0);
	fuzz_need(plan_from_json(text, strlen(text), &back) == 0);
	fuzz_need(plan_to_json(back, &again) == 0);
	fuzz_need(strcmp(text, again) == 0);
	plan_free(back);
}

/* What is written back reads as the same draft, and is laid out as it was. */
static void as_draft(const char *text, size_t len)
{
	_cleanup_(draft_freep) struct draft *d = NULL, *back = NULL;
	_cleanup_free_ char *out = NULL, *again = NULL;

	if (draft_parse(text, len, &d) < 0 || draft_format(d, &out) < 0)
		return;
	fuzz_need(draft_parse(out, strlen(out), &back) == 0);
	fuzz_need(draft_format(back, &again) == 0);
	fuzz_need(strcmp(out, again) == 0);
}

FUZZ_TARGET(answers)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct plan *p = NULL;
	size_t lines = 1;
	int r;

	house_quiet();
	/* The file is read before it is parsed, which refuses a NUL in it. */
	if (memchr(text, '\0', size))
		return 0;
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	r = plan_read_text(NAME, text, size, house_server(), HOUSE_PROFILES, &mistakes, &p);
	if (r == 0)
		through_json(p);
	else
		look_at(&mistakes, lines);
	plan_free(p);
	as_draft(text, size);
	return 0;
}
