/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes' MAC addresses, from the list in the answers or from a file of their own. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "backend/plan/scan.h"
#include "backend/plan/text.h"
#include "util/i18n.h"

void answers_macs_free(struct answers_macs *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].name);
	free(m->v);
	free(m->path);
	*m = (struct answers_macs){ NULL, 0, NULL };
}

bool answers_mac(struct answers *a, const char *file, unsigned int line, const char *text, struct mac *ret)
{
	struct mac m;

	if (mac_parse(text, &m) < 0) {
		answers_wrong_in(a, file, line, _("\"%s\" is no MAC address; write it as 52:54:00:66:00:01"),
				 text);
		return false;
	}
	if (m.b[0] & 1) {
		answers_wrong_in(a, file, line,
				 _("%s is a group (multicast) address, which no machine has as its own; look "
				   "it up again"),
				 text);
		return false;
	}
	if (!mac_is_unicast(m)) {
		answers_wrong_in(a, file, line, _("%s is no machine's address; look it up again"), text);
		return false;
	}
	for (size_t i = 0; i < a->host->n_interfaces; i++) {
		if (mac_compare(a->host->interfaces[i].mac, m) == 0) {
			answers_wrong_in(a, file, line,
					 _("%s is this server's own interface %s; give the node's"), text,
					 a->host->interfaces[i].name);
			return false;
		}
	}
	*ret = m;
	return true;
}

static int compare(const void *x, const void *y)
{
	const struct answers_mac *a = x, *b = y;
	int r = mac_compare(a->mac, b->mac);

	if (r == 0)
		r = strcmp(a->file, b->file);
	if (r == 0)
		r = a->line < b->line ? -1 : a->line > b->line;
	return r;
}

void answers_macs_twice(struct answers *a, struct answers_mac *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), compare);
	for (size_t i = 1; i < n; i++) {
		const struct answers_mac *x = &v[i - 1], *y = &v[i];

		if (mac_compare(x->mac, y->mac) != 0)
			continue;
		if (strcmp(x->file, y->file) == 0)
			answers_wrong_in(a, y->file, y->line,
					 _("the MAC address %s is in line %u already; each node has its own"),
					 MAC(y->mac), x->line);
		else
			answers_wrong_in(
				a, y->file, y->line,
				_("the MAC address %s is in line %u of %s already; each node has its own"),
				MAC(y->mac), x->line, x->file);
	}
}

static void add(struct answers *a, struct answers_macs *m, const char *file, unsigned int line,
		struct mac mac, char *name)
{
	struct answers_mac *v = m->v;

	/* Grows by doubling: an array is full whenever its length is a power of two. */
	if ((m->n & (m->n - 1)) == 0) {
		v = reallocarray(v, m->n ? m->n * 2 : 1, sizeof(*v));
		if (!v) {
			free(name);
			a->error = -ENOMEM;
			return;
		}
		m->v = v;
	}
	v[m->n++] = (struct answers_mac){ .mac = mac, .file = file, .line = line, .name = name };
}

static bool sound_bytes(const char *p, const char *end)
{
	while (p < end) {
		size_t n = scan_utf8(p, end);

		if (n == 0 || ((unsigned char)*p < ' ' && *p != '\t' && *p != '\r'))
			return false;
		p += n;
	}
	return true;
}

/* One line of macs_file, which it may change: "MAC [name] [# comment]". */
static void file_line(struct answers *a, struct answers_macs *m, char *text, unsigned int line)
{
	char *save = NULL, *word, *name, *copy = NULL;
	struct mac mac;

	if (!sound_bytes(text, text + strlen(text))) {
		answers_wrong_in(
			a, m->path, line,
			_("this line is no plain text; write one MAC address a line, as 52:54:00:66:00:01"));
		return;
	}
	text[strcspn(text, "#")] = '\0';
	word = strtok_r(text, " \t\r", &save);
	if (!word)
		return;
	name = strtok_r(NULL, " \t\r", &save);
	if (name && strtok_r(NULL, " \t\r", &save)) {
		answers_wrong_in(
			a, m->path, line,
			_("more than two words; a line is a MAC address and, if need be, the node's name"));
		return;
	}
	if (name && !text_is_label(name)) {
		answers_wrong_in(
			a, m->path, line,
			_("\"%s\" is no host name; take lower-case letters, digits and '-' (RFC 1123)"),
			name);
		return;
	}
	if (!answers_mac(a, m->path, line, word, &mac))
		return;
	if (name && !(copy = strdup(name))) {
		a->error = -ENOMEM;
		return;
	}
	add(a, m, m->path, line, mac, copy);
}

static void read_file(struct answers *a, const struct conf_value *v, struct answers_macs *m)
{
	_cleanup_free_ char *data = NULL;
	unsigned int line = 1;
	size_t len;

	if (!answers_load(a, v, "macs_file", &m->path, &data, &len))
		return;
	for (char *p = data; *p; line++) {
		char *end = p + strcspn(p, "\n");
		bool last = !*end;

		*end = '\0';
		file_line(a, m, p, line);
		p = last ? end : end + 1;
	}
}

void answers_macs_read(struct answers *a, const struct conf_section *s, struct answers_macs *ret)
{
	const struct conf_option *list = conf_option(s, "macs");
	const struct conf_value *file = answers_value(s, "macs_file");

	if (list && list->n > 0 && file) {
		answers_wrong(a, file->line,
			      _("macs were given in line %u already; keep one of macs and macs_file"),
			      list->line);
		return;
	}
	for (size_t i = 0; list && i < list->n; i++) {
		struct mac mac;

		if (answers_mac(a, a->file, list->v[i].line, list->v[i].text, &mac))
			add(a, ret, a->file, list->v[i].line, mac, NULL);
	}
	if (file)
		read_file(a, file, ret);
}
