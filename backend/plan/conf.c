/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libconfuse's lexer is global: only one conf_parse() may run at a time in a process. */
#include "config.h"

#include "backend/plan/conf.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/plan/plan.h"
#include "backend/plan/walk.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define TITLE_KEY "_title" /* no key of a form begins with '_' */

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_sections; i++) {
		struct conf_section *s = &c->sections[i];

		for (size_t j = 0; j < s->n_options; j++) {
			for (size_t k = 0; k < s->options[j].n; k++)
				free(s->options[j].v[k].text);
			free(s->options[j].v);
		}
		free(s->options);
		free(s->title);
	}
	free(c->sections);
	free(c);
}

const struct conf_section *conf_section(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_sections; i++)
		if (strcmp(c->sections[i].form->name, name) == 0)
			return &c->sections[i];
	return NULL;
}

const struct conf_option *conf_option(const struct conf_section *s, const char *key)
{
	for (size_t i = 0; s && i < s->n_options; i++)
		if (strcmp(s->options[i].key->name, key) == 0)
			return &s->options[i];
	return NULL;
}

int conf_load(const char *path, char **ret, size_t *ret_len, char **ret_why)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *data = NULL;
	const char *why = NULL;
	struct stat st;
	size_t len = 0;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		why = r == -ENOENT ? _("does not exist") : muster_strerror(r);
	} else if (S_ISDIR(st.st_mode)) {
		r = -EISDIR;
		why = _("is a folder; name a file");
	} else if (!S_ISREG(st.st_mode)) {
		r = -EINVAL;
		why = _("is no ordinary file; name a text file");
	} else if (st.st_size > (off_t)CONF_FILE_MAX ||
		   (r = fs_read_fd(fd, CONF_FILE_MAX, &data, &len)) == -EFBIG) {
		r = -MUSTER_E_ANSWERS;
		why = _("is larger than 4 MiB; that is no file of this kind");
	} else if (r < 0) {
		why = muster_strerror(r);
	} else if (len == 0) {
		r = -MUSTER_E_ANSWERS;
		why = _("is empty");
	} else if (memchr(data, '\0', len)) {
		r = -MUSTER_E_ANSWERS;
		why = _("is a binary file; name a text file");
	}
	if (r < 0) {
		*ret_why = strdup(why);
		return *ret_why ? r : -ENOMEM;
	}
	*ret_len = len;
	*ret = TAKE_PTR(data);
	return 0;
}

/* ---- libconfuse: what the scanner found sound, read by the library ------------------------------------- */

static void say_nothing(_unused_ cfg_t *cfg, _unused_ const char *fmt, _unused_ va_list ap)
{
}

struct schema {
	cfg_opt_t *sections;
	cfg_opt_t **keys;
};

static void schema_free(struct schema *s)
{
	for (size_t i = 0; s->keys && s->keys[i]; i++)
		free(s->keys[i]);
	free(s->keys);
	free(s->sections);
}

static int schema_make(const struct conf_form *forms, struct schema *ret)
{
	_cleanup_(schema_free) struct schema s = { NULL, NULL };
	size_t n = 0;

	while (forms[n].name)
		n++;
	s.sections = calloc(n + 1, sizeof(*s.sections));
	s.keys = calloc(n + 1, sizeof(cfg_opt_t *));
	if (!s.sections || !s.keys)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t n_keys = 0;

		while (forms[i].keys[n_keys].name)
			n_keys++;
		s.keys[i] = calloc(n_keys + 2, sizeof(cfg_opt_t));
		if (!s.keys[i])
			return -ENOMEM;
		for (size_t j = 0; j < n_keys; j++) {
			const struct conf_key *k = &forms[i].keys[j];

			if (k->list)
				s.keys[i][j] = (cfg_opt_t)CFG_STR_LIST(k->name, NULL, CFGF_NONE);
			else
				s.keys[i][j] = (cfg_opt_t)CFG_STR(k->name, NULL, CFGF_NONE);
		}
		s.keys[i][n_keys] = (cfg_opt_t)CFG_STR(TITLE_KEY, NULL, CFGF_NONE);
		s.keys[i][n_keys + 1] = (cfg_opt_t)CFG_END();
		s.sections[i] = (cfg_opt_t)CFG_SEC(forms[i].name, s.keys[i], CFGF_MULTI);
	}
	s.sections[n] = (cfg_opt_t)CFG_END();
	*ret = s;
	s = (struct schema){ NULL, NULL };
	return 0;
}

static int copy_text(const char *text, char **ret)
{
	if (!text)
		return -MUSTER_E_FORMAT;
	free(*ret);
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int fill_section(cfg_t *cfg, struct conf_section *s)
{
	int r = s->form->titled ? copy_text(cfg_getstr(cfg, TITLE_KEY), &s->title) : 0;

	for (size_t i = 0; r == 0 && i < s->n_options; i++) {
		struct conf_option *o = &s->options[i];

		if (o->bad)
			continue;
		if (o->n > 0 && cfg_size(cfg, o->key->name) != o->n)
			return -MUSTER_E_FORMAT;
		for (size_t k = 0; r == 0 && k < o->n; k++)
			r = copy_text(cfg_getnstr(cfg, o->key->name, (unsigned int)k), &o->v[k].text);
	}
	return r;
}

static int fill(const char *sound, const struct conf_form *forms, struct conf *c)
{
	_cleanup_(schema_free) struct schema schema = { NULL, NULL };
	cfg_t *cfg;
	int r = schema_make(forms, &schema);

	if (r < 0)
		return r;
	cfg = cfg_init(schema.sections, CFGF_NONE);
	if (!cfg)
		return -ENOMEM;
	cfg_set_error_function(cfg, say_nothing);
	if (cfg_parse_buf(cfg, sound) != CFG_SUCCESS)
		r = -MUSTER_E_FORMAT;
	for (size_t i = 0; r == 0 && forms[i].name; i++) {
		unsigned int n = 0;

		for (size_t j = 0; r == 0 && j < c->n_sections; j++) {
			struct conf_section *s = &c->sections[j];

			if (s->form != &forms[i] || s->bad)
				continue;
			if (n >= cfg_size(cfg, forms[i].name))
				r = -MUSTER_E_FORMAT;
			else
				r = fill_section(cfg_getnsec(cfg, forms[i].name, n++), s);
		}
	}
	cfg_free(cfg);
	return r;
}

int conf_parse(const char *file, const char *text, size_t len, const struct conf_form *forms,
	       struct plan_mistakes *mistakes, struct conf **ret)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_free_ char *sound = NULL;
	int r;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
		text += 3;
		len -= 3;
	}
	r = walk(file, text, len, forms, mistakes, &c, &sound);
	if (r < 0)
		return r;
	r = fill(sound, forms, c);
	if (r == -MUSTER_E_FORMAT &&
	    plan_mistakes_add(mistakes, file, 0, _("libconfuse does not take this file's form")) < 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}
