/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the tests of drafts: a server to plan for, drafts of texts, and drafts held against each other. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "backend/host/host.h"
#include "backend/muster.h"
#include "backend/plan/draft.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define PROFILES MUSTER_SRCDIR "/profiles"
#define KEY                                                                                      \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ admin" \
	"@example"

/* eth0 to the world, eth1 to nodes, wlan0 without a cable, docker0 to nowhere. */
static const char host_text[] =
	"{\"distribution\": {\"id\": \"debian\", \"version\": \"12\"}, \"interfaces\": ["
	"{\"name\": \"docker0\", \"mac\": \"02:42:00:00:00:01\", \"driver\": \"bridge\", \"link\": true,"
	" \"addresses\": [\"172.17.0.1/16\"]},"
	"{\"name\": \"eth0\", \"mac\": \"52:54:00:12:34:56\", \"driver\": \"e1000e\", \"link\": true,"
	" \"default_route\": true, \"addresses\": [\"192.168.1.5/24\"]},"
	"{\"name\": \"eth1\", \"mac\": \"52:54:00:12:34:57\", \"driver\": \"igb\", \"link\": true%s},"
	"{\"name\": \"eth2\", \"mac\": \"52:54:00:12:34:58\", \"driver\": \"igb\"},"
	"{\"name\": \"wlan0\", \"mac\": \"52:54:00:12:34:59\", \"driver\": \"iwlwifi\", \"link\": true,"
	" \"wireless\": true, \"addresses\": [\"192.168.7.2/24\"]}]}";

static inline struct host *host_of(const char *eth1)
{
	_cleanup_free_ char *text = NULL;
	struct host *h;

	assert_true(asprintf(&text, host_text, eth1) > 0);
	assert_int_equal(host_from_json(text, strlen(text), &h, NULL), 0);
	return h;
}

static inline struct draft *draft_of(const char *text)
{
	struct draft *d;

	assert_int_equal(draft_parse(text, strlen(text), &d), 0);
	return d;
}

static inline void set(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	assert_non_null(*to);
}

/* Everything in a draft as one text, which no value can forge. */
static inline char *all_of(const struct draft *d)
{
	struct strbuf b = STRBUF_INIT;
	char *text;

	strbuf_addf(&b, "%zu:%s\n", strlen(d->interface), d->interface);
	for (const struct draft_field *f = draft_fields; f->section; f++) {
		strbuf_addf(&b, "%s.%s", f->section, f->key);
		for (size_t i = 0; f->list && i < draft_list(d, f)->n; i++)
			strbuf_addf(&b, " %zu:%s", strlen(draft_list(d, f)->v[i]), draft_list(d, f)->v[i]);
		if (!f->list)
			strbuf_addf(&b, " %zu:%s", strlen(*draft_text(d, f)), *draft_text(d, f));
		strbuf_addc(&b, '\n');
	}
	for (size_t i = 0; i < d->n_nodes; i++)
		strbuf_addf(&b, "%s|%s|%s|%s\n", d->nodes[i].name, d->nodes[i].mac, d->nodes[i].address,
			    d->nodes[i].arch);
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

static inline void assert_same(const struct draft *a, const struct draft *b)
{
	_cleanup_free_ char *x = all_of(a), *y = all_of(b);

	assert_string_equal(x, y);
}
