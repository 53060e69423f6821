/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A marked block of ours in a file that others write too. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/strbuf.h"

#define BEGIN_MARK "# muster begin"
#define END_MARK "# muster end"

struct place {
	size_t begin, inside, inside_end, end; /* of the whole block, and of what is between the marks */
};

/* The line at `at` is this mark; *ret_next is where the next line starts. */
static bool mark_at(const char *text, size_t len, size_t at, const char *mark, size_t *ret_next)
{
	const char *nl = memchr(text + at, '\n', len - at);
	size_t line = (nl ? (size_t)(nl - text) : len) - at;

	*ret_next = at + line + (nl ? 1 : 0);
	return line == strlen(mark) && memcmp(text + at, mark, line) == 0;
}

/* A begin without an end is not a block: what stands behind it may be somebody else's. */
static bool find(const char *text, size_t len, struct place *ret)
{
	struct place p = { 0 };
	bool open = false;
	size_t next;

	for (size_t at = 0; at < len; at = next) {
		if (mark_at(text, len, at, BEGIN_MARK, &next)) {
			p.begin = at;
			p.inside = next;
			open = true;
		} else if (open && mark_at(text, len, at, END_MARK, &next)) {
			p.inside_end = at;
			p.end = next;
			*ret = p;
			return true;
		}
	}
	return false;
}

int block_get(const char *text, size_t len, char **ret, size_t *ret_len)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct place p;

	if (!find(text, len, &p))
		return -ENOENT;
	strbuf_add(&b, text + p.inside, p.inside_end - p.inside);
	return strbuf_take(&b, ret, ret_len);
}

int block_set(const char *text, size_t len, const char *block, size_t block_len, char **ret, size_t *ret_len)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct place p = { len, len, len, len };
	bool found = find(text, len, &p);

	strbuf_add(&b, text, p.begin);
	if (block) {
		if (!found && b.len > 0 && b.data[b.len - 1] != '\n')
			strbuf_addc(&b, '\n');
		strbuf_adds(&b, BEGIN_MARK "\n");
		strbuf_add(&b, block, block_len);
		if (block_len > 0 && block[block_len - 1] != '\n')
			strbuf_addc(&b, '\n');
		strbuf_adds(&b, END_MARK "\n");
	}
	strbuf_add(&b, text + p.end, len - p.end);
	return strbuf_take(&b, ret, ret_len);
}
