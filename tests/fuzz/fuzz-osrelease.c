/* SPDX-License-Identifier: GPL-3.0-or-later */
/* os-release(5), and apt's lists of sources. */
#include "config.h"

#include "backend/host/private.h"
#include "backend/image/sources.h"
#include "tests/fuzz/house.h"

static void as_sources(const char *text)
{
	struct sources_want want = { "debian", "bookworm", "12", "amd64" };
	struct sources list = SOURCES_INIT, deb822 = SOURCES_INIT;
	char *out = NULL;

	fuzz_need(sources_parse_list(&list, text) == 0);
	if (sources_render(&list, &want, &out) == 0)
		free(out);
	fuzz_need(sources_parse_deb822(&deb822, text) == 0);
	if (sources_render(&deb822, &want, &out) == 0) {
		struct sources again = SOURCES_INIT;
		_cleanup_free_ char *first = out;

		/* What is written is read again as the same. */
		fuzz_need(sources_parse_deb822(&again, first) == 0);
		sources_free(&again);
	}
	sources_free(&list);
	sources_free(&deb822);
}

FUZZ_TARGET(osrelease)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	_cleanup_(host_freep) struct host *h = NULL;

	house_quiet();
	fuzz_need(host_new(&h) == 0);
	fuzz_need(os_release_parse(text, h) == 0);
	fuzz_need(h->distribution && h->version && h->codename && h->pretty && h->family);
	as_sources(text);
	return 0;
}
