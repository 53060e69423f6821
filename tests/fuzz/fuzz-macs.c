/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of MAC addresses, as macs_file names one; addresses by themselves. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "backend/plan/plan.h"
#include "tests/fuzz/house.h"

static void as_address(const char *text)
{
	struct ip4_net net;
	struct ip4 address;
	struct mac mac, again;

	if (mac_parse(text, &mac) == 0) {
		fuzz_need(mac_parse(MAC(mac), &again) == 0);
		fuzz_need(mac_compare(mac, again) == 0);
	}
	if (ip4_parse(text, &address) == 0)
		fuzz_need(strcmp(IP4(address), text) == 0);
	if (ip4_net_parse(text, &net) == 0)
		fuzz_need(net.prefix <= 32);
}

FUZZ_TARGET(macs)
{
	static const char form[] =
		"cluster { name = \"a\" domain = \"a.lan\" profile = \"plain\" }\n"
		"network \"eth1\" { address = \"10.66.0.1/24\" }\n"
		"nodes { first_address = \"10.66.0.11\" macs_file = \"/proc/self/fd/%d\" }\n";
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *text = fuzz_text(data, size);
	_cleanup_close_ int fd = fuzz_file(data, size);
	struct plan *p = NULL;
	char answers[512];
	size_t lines = 1;
	int n;

	house_quiet();
	n = snprintf(answers, sizeof(answers), form, fd);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (plan_read_text("answers", answers, (size_t)n, house_server(), HOUSE_PROFILES, &mistakes, &p) < 0)
		fuzz_need(mistakes.n > 0);
	for (size_t i = 0; i < mistakes.n; i++) {
		fuzz_need(fuzz_is_clean(mistakes.v[i].text, false));
		fuzz_need(strcmp(mistakes.v[i].file, "answers") == 0 || mistakes.v[i].line <= lines);
	}
	plan_free(p);
	as_address(text);
	return 0;
}
