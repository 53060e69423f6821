/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The section access: who may log in to the nodes. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/plan/answers.h"
#include "backend/plan/scan.h"
#include "backend/plan/text.h"
#include "util/i18n.h"

#define KEYS_MAX 1000

static void add_key(struct answers *a, const char *file, unsigned int line, const char *text)
{
	const char *why;

	if (a->plan->ssh_keys.n > KEYS_MAX)
		return;
	if (!text_is_ssh_key(text, &why))
		answers_wrong_in(a, file, line, _("the ssh key %s"), why);
	else if (strv_has(&a->plan->ssh_keys, text))
		answers_wrong_in(a, file, line, _("this ssh key is there twice; keep one"));
	else if (strv_add(&a->plan->ssh_keys, text) < 0)
		a->error = -ENOMEM;
	else if (a->plan->ssh_keys.n > KEYS_MAX)
		answers_wrong_in(a, file, line,
				 _("these are more than %d ssh keys; keep those that are needed"), KEYS_MAX);
}

static bool sound_line(const char *p)
{
	const char *end = p + strlen(p);

	while (p < end) {
		size_t n = scan_utf8(p, end);

		if (n == 0 || (unsigned char)*p < ' ' || *p == 0x7f)
			return false;
		p += n;
	}
	return true;
}

/* Lines as in authorized_keys(5); '#' begins a comment line. */
static void keys_file(struct answers *a, const struct conf_value *v)
{
	_cleanup_free_ char *path = NULL, *data = NULL;
	unsigned int line = 1;
	size_t len;

	if (!answers_load(a, v, "ssh_keys_file", &path, &data, &len))
		return;
	for (char *p = data; *p; line++) {
		char *end = p + strcspn(p, "\n");
		bool last = !*end;
		size_t n;

		*end = '\0';
		n = strlen(p);
		while (n > 0 && strchr(" \t\r", p[n - 1]))
			p[--n] = '\0';
		p += strspn(p, " \t");
		if (strstr(p, "PRIVATE KEY")) {
			add_key(a, path, line, p);
			return;
		}
		if (*p && *p != '#' && !sound_line(p))
			answers_wrong_in(a, path, line,
					 _("this line is no plain text; it must be a line of a .pub file"));
		else if (*p && *p != '#')
			add_key(a, path, line, p);
		p = last ? end : end + 1;
	}
}

static void password_file(struct answers *a, const struct conf_value *v)
{
	_cleanup_free_ char *path = NULL, *data = NULL;
	struct stat st;
	size_t len;

	if (!answers_load(a, v, "root_password_file", &path, &data, &len))
		return;
	if (stat(path, &st) == 0 && st.st_mode & S_IROTH)
		answers_wrong(a, v->line,
			      _("%s can be read by every user of this server; run: chmod 600 on it"), path);
	while (len > 0 && strchr("\r\n", data[len - 1]))
		data[--len] = '\0';
	if (!text_is_crypt(data))
		answers_wrong(
			a, v->line,
			_("%s does not hold one password hash of the form $y$... or $6$...; make it with: "
			  "mkpasswd, or openssl passwd -6 (never the password itself)"),
			path);
	else
		answers_set(a, &a->plan->root_password, data);
	explicit_bzero(data, len);
}

void answers_access(struct answers *a)
{
	const struct conf_section *s = conf_section(a->conf, "access");
	const struct conf_option *keys = conf_option(s, "ssh_keys");
	const struct conf_value *file = answers_value(s, "ssh_keys_file");
	const struct conf_value *password = answers_value(s, "root_password_file");

	for (size_t i = 0; keys && i < keys->n; i++)
		add_key(a, a->file, keys->v[i].line, keys->v[i].text);
	if (file)
		keys_file(a, file);
	if (password)
		password_file(a, password);
}
