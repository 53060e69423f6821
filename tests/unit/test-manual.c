/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The manual pages of the screens have the keys that there are. With MUSTER_GOLDEN=write in the environment the pages are
 * written instead.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "screens/console/private.h"
#include "screens/console/results.h"
#include "tui/theme.h"
#include "util/fs.h"

#define BEGIN ".\\\" begin of the keys\n"
#define END ".\\\" end of the keys\n"
#define MAPS_MAX 32

/* A key by itself is an argument of a macro: what roff would take for its own is escaped. */
static void add_key(struct strbuf *b, int key)
{
	char buf[16];
	const char *name = keymap_key_name(key, GLYPHS_ASCII, buf);

	if (strlen(name) == 1 && strchr("?.,:;()[]!|/", *name))
		strbuf_adds(b, "\\&");
	strbuf_adds(b, name);
}

static void add_map(struct strbuf *b, const struct keymap *m)
{
	/* "In" would be a macro. */
	strbuf_addf(b, ".Ss \\&%s\n.Bl -tag -width Ds\n", m->title);
	for (size_t i = 0; i < m->n; i++) {
		const struct keymap_entry *e = &m->entries[i];

		strbuf_adds(b, ".It Ic ");
		add_key(b, e->key);
		if (e->alternative) {
			strbuf_adds(b, " , ");
			add_key(b, e->alternative);
		}
		strbuf_addf(b, "\n%s.\n", e->help);
	}
	strbuf_adds(b, ".El\n");
}

/* The tables of these screens, NULL-terminated, each once. */
static char *keys_of(const struct screen_ops *const screens[])
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const struct keymap *seen[MAPS_MAX];
	size_t n = 0;
	char *text;

	for (; *screens; screens++)
		for (const struct keymap *m = (*screens)->keys; m; m = m->also) {
			size_t i = 0;

			while (i < n && seen[i]->entries != m->entries &&
			       strcmp(seen[i]->title, m->title) != 0)
				i++;
			if (i < n)
				continue;
			assert_true(n < MAPS_MAX);
			seen[n++] = m;
			add_map(&b, m);
		}
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

static void assert_manual(const char *name, const struct screen_ops *const screens[])
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int dir = fs_root_open(MUSTER_SRCDIR "/doc");
	_cleanup_free_ char *page = NULL, *want = keys_of(screens), *whole = NULL;
	const char *mode = getenv("MUSTER_GOLDEN"), *from, *to;

	assert_int_equal(fs_read(dir, name, SIZE_MAX, &page, NULL), 0);
	from = strstr(page, BEGIN);
	to = strstr(page, END);
	assert_true(from && to && from < to);
	from += strlen(BEGIN);
	if (mode && strcmp(mode, "write") == 0) {
		assert_true(asprintf(&whole, "%.*s%s%s", (int)(from - page), page, want, to) > 0);
		assert_int_equal(fs_write(dir, name, whole, strlen(whole), &attr), 0);
		return;
	}
	if (strlen(want) != (size_t)(to - from) || strncmp(from, want, strlen(want)) != 0) {
		printf("# the keys are\n%s", want);
		fail_msg("doc%s has other keys than the program (MUSTER_GOLDEN=write)", name);
	}
}

static void the_consoles_page_has_its_keys(void **state)
{
	static const struct screen_ops *const screens[] = { &nodes_screen,  &node_screen,    &ssi_screen,
							    &events_screen, &results_screen, NULL };

	assert_manual("/muster-console.8", screens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_consoles_page_has_its_keys),
	};

	return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
