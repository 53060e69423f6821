/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernel check: will it run there? */
#include "config.h"

#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

static int check_mode(struct cli *c, const char *mode)
{
	static const char *const modes[] = { "ram", "nfs", "initramfs" };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (!mode || strcmp(mode, modes[i]) == 0)
			return 0;
	return cli_refuse(c, _("--mode is ram, nfs or initramfs, not \"%s\""), mode);
}

static int print_verdicts(const struct style *s, const struct muster_check *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		doctor_format(s, &v[i], &b);
	return cli_print(&b);
}

int kernel_check_verb(struct cli *c, struct muster *m)
{
	_cleanup_strv_ struct strv cards = STRV_INIT;
	struct muster_kernel_place place = {
		.mode = cli_value(c, "mode"),
		.root = c->argc > 2 ? c->argv[2] : NULL,
		.range = c->range,
	};
	struct muster_check *v = NULL;
	bool problem = false;
	size_t n = 0;
	int r = check_mode(c, place.mode);

	if (r == 0)
		r = cli_lines(cli_value(c, "card"), &cards);
	place.cards = (const char *const *)cards.v;
	if (r == 0)
		r = muster_kernel_check(m, c->argv[1], &place, &v, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		problem = problem || v[i].level == MUSTER_CHECK_PROBLEM;
	r = c->json ? cli_print_json(c, doctor_json(v, n)) : print_verdicts(&c->out, v, n);
	muster_checks_free(v, n);
	/* Everything is said. */
	c->said = c->said || problem;
	return r < 0 || !problem ? r : -MUSTER_E_UNSUPPORTED;
}
