/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/screens/golden.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define PAGE_DIR MUSTER_SRCDIR "/doc"
#define PAGE "screens.md"
#define FENCE "```"
#define POLL_MS 50

/* The page, and where the block's text begins and ends in it; both at the end of the page: there is none. */
static int read_page(const char *name, char **ret, size_t *ret_from, size_t *ret_to)
{
	_cleanup_close_ int dir = fs_root_open(PAGE_DIR);
	_cleanup_free_ char *page = NULL, *head = NULL;
	const char *from, *to;
	int r = dir < 0 ? dir : fs_read(dir, PAGE, SIZE_MAX, &page, NULL);

	if (r < 0)
		return r;
	if (asprintf(&head, "\n" FENCE "text %s\n", name) < 0)
		return -ENOMEM;
	from = strstr(page, head);
	from = from ? from + strlen(head) : page + strlen(page);
	to = strstr(from, FENCE "\n");
	*ret_from = (size_t)(from - page);
	*ret_to = to ? (size_t)(to - page) : strlen(page);
	*ret = TAKE_PTR(page);
	return 0;
}

static int write_page(const char *name, const char *page, size_t from, size_t to, const char *screen)
{
	FILE *f = fopen(PAGE_DIR "/" PAGE, "we");

	if (!f)
		return -errno;
	fprintf(f, "%.*s", (int)from, page);
	if (page[from])
		fprintf(f, "%s%s", screen, page + to);
	else
		fprintf(f, "\n" FENCE "text %s\n%s" FENCE "\n", name, screen);
	return fclose(f) == 0 ? 0 : -errno;
}

/* The day before a time, "25 Nov 14:30:00", is the page's: the tests choose the hour with TZ, but no TZ is days away. */
static void settle_days(char *text)
{
	static const char form[] = "dd Mmm dd:dd:dd";

	for (; strlen(text) >= strlen(form); text++) {
		size_t i = 0;

		while (form[i] && (form[i] == 'd'   ? text[i] >= '0' && text[i] <= '9'
				   : form[i] == 'M' ? text[i] >= 'A' && text[i] <= 'Z'
				   : form[i] == 'm' ? text[i] >= 'a' && text[i] <= 'z'
						    : text[i] == form[i]))
			i++;
		if (!form[i])
			memcpy(text, "24 Nov", 6);
	}
}

/* Without the empty rows at the end, each row ended by a newline. */
static char *drawn(struct vt *v)
{
	_cleanup_free_ char *text = strdup(vt_screen(v));
	char *whole;
	size_t n;

	if (!text)
		return NULL;
	settle_days(text);
	for (n = strlen(text); n > 0 && text[n - 1] == '\n';)
		n--;
	return asprintf(&whole, "%.*s\n", (int)n, text) < 0 ? NULL : whole;
}

static void tell(const char *page, size_t from, size_t to, const char *screen)
{
	printf("# the page has\n%.*s# and the screen is\n%s", (int)(to - from), page + from, screen);
}

bool golden_is(struct vt *v, const char *name, int ms)
{
	const char *mode = getenv("MUSTER_GOLDEN");
	int64_t deadline = clock_mono_ms() + ms;
	_cleanup_free_ char *page = NULL;
	size_t from, to;

	if (read_page(name, &page, &from, &to) < 0)
		return false;
	if (mode && strcmp(mode, "write") == 0) {
		_cleanup_free_ char *screen = vt_settle(v, 300, ms) ? drawn(v) : NULL;

		return screen && write_page(name, page, from, to, screen) == 0;
	}
	for (;;) {
		_cleanup_free_ char *screen = drawn(v);

		if (!screen)
			return false;
		if (strlen(screen) == to - from && strncmp(page + from, screen, to - from) == 0)
			return true;
		if (clock_mono_ms() >= deadline) {
			tell(page, from, to, screen);
			return false;
		}
		vt_pump(v, POLL_MS);
	}
}
