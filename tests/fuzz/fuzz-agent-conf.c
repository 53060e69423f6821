/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent: its node.conf, and a node's files as its personality changes them. */
#include "config.h"

#include <string.h>

#include "agent/conf.h"
#include "agent/personal.h"
#include "tests/fuzz/fuzz.h"

/* Fit for a request line and for mount options. */
static void is_plain(const char *s)
{
	for (; s && *s; s++)
		fuzz_need(*s > ' ' && *s <= '~' && !strchr("\"'\\,", *s));
}

static void look_at(const struct conf *c)
{
	fuzz_need(strlen(c->token) == WIRE_TOKEN_LEN && *c->node && c->prefix <= 32 && c->port > 0);
	fuzz_need(c->interval >= 1 && c->interval <= 3600);
	fuzz_need(strspn(c->node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
		  strlen(c->node));
	is_plain(c->root_path);
	is_plain(c->nfs_export);
}

/* A root's password field goes in, and a second time changes nothing. */
static void personal(const char *text)
{
	char *once = NULL, *twice = NULL;

	if (personal_shadow(text, "$6$a$b", &once) == 0) {
		fuzz_need(personal_shadow(once, "$6$a$b", &twice) == 0 && strcmp(once, twice) == 0);
		free(once);
		free(twice);
	}
	if (personal_shadow("root:*:1::::::\n", text, &once) == 0) {
		size_t lines = 0;

		for (const char *p = once; *p; p++)
			lines += *p == '\n';
		fuzz_need(lines == 1);
		free(once);
	}
	if (personal_inittab(text, "/etc/muster/agent", &once) == 0)
		free(once);
	if (personal_rc_local(text, "/etc/muster/agent", &once) == 0)
		free(once);
}

FUZZ_TARGET(agent_conf)
{
	char *text = fuzz_text(data, size), *reason = NULL;
	struct conf c = { 0 };
	int r = conf_parse(text, size, &c, &reason);

	fuzz_need(r == 0 || (reason && *reason));
	if (r == 0)
		look_at(&c);
	conf_free(&c);
	free(reason);
	personal(text);
	free(text);
	return 0;
}
