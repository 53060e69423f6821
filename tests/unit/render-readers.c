/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "render-readers.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/render/render.h"
#include "util/strbuf.h"

#define END "\n"

static int add(struct strv *ret, struct strbuf *b)
{
	_cleanup_free_ char *text = NULL;
	int r = strbuf_take(b, &text, NULL);

	return r < 0 ? r : strv_add(ret, text);
}

/* ---- dnsmasq 2.90, src/option.c: read_file(), hide_meta(), split() --------------------------------------------------- */

#define DNSMASQ_LINE 1024

/* A line without its quotes; in `kept` the characters that stood in quotes and therefore mean nothing. */
static int dnsmasq_unquote(const char *p, size_t len, char *line, bool *kept, size_t *ret)
{
	const char *end = p + len;
	bool white = true;
	size_t n = 0;

	while (p < end) {
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++) {
				static const char from[] = "\"tnebr\\", to[] = "\"\t\n\033\b\r\\";
				const char *at = *p == '\\' && p + 1 < end ? strchr(from, p[1]) : NULL;

				line[n] = at ? to[at - from] : *p;
				kept[n] = line[n] == ',' || line[n] == ' ';
				n++;
				p += at != NULL;
			}
			if (p >= end)
				return -EINVAL;
			/* What stands right behind the quote is no quote. */
			if (++p >= end)
				break;
		}
		if (white && *p == '#')
			break;
		white = isspace((unsigned char)*p);
		line[n] = white ? ' ' : *p;
		kept[n++] = false;
		p++;
	}
	*ret = n;
	return 0;
}

static int dnsmasq_line(const char *p, size_t len, bool options, struct strv *ret)
{
	_cleanup_free_ char *line = malloc(len + 1);
	_cleanup_free_ bool *kept = calloc(len + 1, sizeof(*kept));
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	size_t n = 0, i = 0;
	int r;

	if (!line || !kept)
		return -ENOMEM;
	r = dnsmasq_unquote(p, len, line, kept, &n);
	if (r < 0)
		return r;
	while (n > 0 && line[n - 1] == ' ' && !kept[n - 1])
		n--;
	while (i < n && line[i] == ' ' && !kept[i])
		i++;
	if (i == n)
		return 0;
	for (bool in_option = options; i < n && r == 0; i++) {
		if ((in_option && line[i] == '=') || (!in_option && line[i] == ',' && !kept[i])) {
			r = strv_add(ret, b.data ? b.data : "");
			strbuf_reset(&b);
			in_option = false;
			while (i + 1 < n && line[i + 1] == ' ' && !kept[i + 1])
				i++;
		} else {
			strbuf_addc(&b, line[i]);
		}
	}
	if (r == 0)
		r = strv_add(ret, b.data ? b.data : "");
	return r < 0 ? r : strv_add(ret, END);
}

static int read_dnsmasq(const char *p, size_t len, bool options, struct strv *ret)
{
	const char *end = p + len;
	int r = 0;

	while (p < end && r == 0) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = newline ? (size_t)(newline - p) + 1 : (size_t)(end - p);

		if (n > DNSMASQ_LINE)
			n = DNSMASQ_LINE;
		r = dnsmasq_line(p, n, options, ret);
		p += n;
	}
	return r;
}

static int read_dnsmasq_conf(const char *p, size_t len, struct strv *ret)
{
	return read_dnsmasq(p, len, true, ret);
}

static int read_dnsmasq_hosts(const char *p, size_t len, struct strv *ret)
{
	return read_dnsmasq(p, len, false, ret);
}

/* ---- hosts(5) and others that are words in lines --------------------------------------------------------------------------- */

static int read_plain(const char *p, size_t len, struct strv *ret)
{
	const char *end = p + len;
	int r = 0;

	while (p < end && r == 0) {
		size_t n = strcspn(p, " \t\r\v\f\n#");

		if (n)
			r = strv_addf(ret, "%.*s", (int)n, p);
		p += n;
		if (p < end && *p == '#')
			p += strcspn(p, "\n");
		if (p < end && *p == '\n' && r == 0)
			r = strv_add(ret, END);
		p += p < end;
	}
	return r;
}

/* ---- exports(5): nfs-utils 2.6.2, support/nfs/xio.c and exports.c ----------------------------------------------------------- */

struct exports {
	const char *p, *end;
};

static int exports_getc(struct exports *x)
{
	int c = x->p < x->end ? (unsigned char)*x->p++ : -1;

	if (c != '\\' || x->p >= x->end || *x->p != '\n')
		return c;
	for (x->p++; x->p < x->end && (*x->p == ' ' || *x->p == '\t'); x->p++)
		;
	return ' ';
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* 1: a word, 0: none, -EINVAL: it is too long. */
static int exports_word(struct exports *x, size_t max, struct strv *ret)
{
	_cleanup_free_ char *tok = malloc(max + 1);
	bool quoted = false;
	size_t i = 0;
	int c = 0, r;

	if (!tok)
		return -ENOMEM;
	while (i < max && (c = exports_getc(x)) != -1 && (quoted || (c && !isspace(c)))) {
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		tok[i++] = (char)c;
		if (i >= 4 && tok[i - 4] == '\\' && is_octal(tok[i - 3]) && is_octal(tok[i - 2]) &&
		    is_octal(tok[i - 1])) {
			int value = (tok[i - 3] - '0') * 64 + (tok[i - 2] - '0') * 8 + tok[i - 1] - '0';

			if (value < 256) {
				i -= 4;
				tok[i++] = (char)value;
			}
		}
	}
	if (c == '\n')
		x->p--;
	if (i >= max)
		return -EINVAL;
	tok[i] = '\0';
	r = i ? strv_add(ret, tok) : 0;
	return r < 0 ? r : i > 0;
}

static void exports_skip(struct exports *x, const char *what)
{
	while (x->p < x->end && (strchr(what, *x->p) || *x->p == '#')) {
		if (*x->p == '#')
			x->p += strcspn(x->p, "\n");
		else
			x->p++;
	}
}

static int read_exports(const char *p, size_t len, struct strv *ret)
{
	struct exports x = { p, p + len };
	int r;

	for (;;) {
		exports_skip(&x, " \t\n");
		r = exports_word(&x, 1025, ret);
		if (r <= 0)
			return r;
		do {
			exports_skip(&x, " \t");
			r = exports_word(&x, 512, ret);
		} while (r > 0);
		if (r < 0)
			return r;
		r = strv_add(ret, END);
		if (r < 0)
			return r;
	}
}

/* ---- nfs-ganesha 4.3, config_parsing/conf_lex.l and analyse.c: save_token() ---------------------------------------------------- */

/* Of DQUOTE, \"(\\.|[^\"])*\", the longest match, as flex(1) takes it: its length, or 0. */
static size_t ganesha_string(const char *p, size_t len)
{
	_cleanup_free_ bool *reached = calloc(len + 3, sizeof(*reached));
	size_t longest = 0;

	if (!reached)
		return 0;
	reached[1] = true;
	for (size_t i = 1; i < len; i++) {
		if (!reached[i])
			continue;
		if (p[i] == '"')
			longest = i + 1;
		else
			reached[i + 1] = true;
		if (p[i] == '\\' && i + 1 < len && p[i + 1] != '\n')
			reached[i + 2] = true;
	}
	return longest;
}

static int ganesha_unquote(const char *p, size_t len, struct strv *ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 1; i + 1 < len; i++) {
		static const char from[] = "ntr", to[] = "\n\t\r";
		const char *at = NULL;

		if (p[i] == '\\')
			at = strchr(from, p[++i]);
		strbuf_addc(&b, at ? to[at - from] : p[i]);
	}
	return add(ret, &b);
}

static int read_ganesha(const char *p, size_t len, struct strv *ret)
{
	const char *end = p + len;
	int r = 0;

	while (p < end && r == 0) {
		size_t n = strcspn(p, " \t\r\f\n;={}\"#");

		if (n) {
			r = strv_addf(ret, "%.*s", (int)n, p);
		} else if (*p == '"') {
			n = ganesha_string(p, (size_t)(end - p));
			r = n ? ganesha_unquote(p, n, ret) : -EINVAL;
		} else if (*p == '#') {
			n = strcspn(p, "\n");
		} else if (strchr(";={}", *p)) {
			r = strv_addf(ret, "%c", *p);
			n = 1;
		} else {
			n = 1;
		}
		p += n;
	}
	return r;
}

/* ---- nft(8): strings in double quotes have no escapes ---------------------------------------------------------------------------- */

static int read_nft(const char *p, size_t len, struct strv *ret)
{
	const char *end = p + len;
	int r = 0;

	while (p < end && r == 0) {
		size_t n = strcspn(p, " \t\n;{}\"#");

		if (n) {
			r = strv_addf(ret, "%.*s", (int)n, p);
		} else if (*p == '"') {
			n = strcspn(p + 1, "\"\n");
			r = p[1 + n] == '"' ? strv_addf(ret, "%.*s", (int)n, p + 1) : -EINVAL;
			n += 2;
		} else if (*p == '#') {
			n = strcspn(p, "\n");
		} else {
			if (!strchr(" \t", *p))
				r = strv_addf(ret, "%c", *p);
			n = 1;
		}
		p += n;
	}
	return r;
}

/* ---- ssh_config(5): OpenSSH 9.2p1, misc.c: argv_split() --------------------------------------------------------------------------- */

static int ssh_line(const char *p, size_t len, struct strv *ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *end = p + len;
	size_t before = ret->n;
	int r = 0;

	while (r == 0) {
		char quote = 0;

		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (p >= end || *p == '#')
			break;
		strbuf_reset(&b);
		for (; p < end && (quote || (*p != ' ' && *p != '\t')); p++) {
			if (*p == '\\' && p + 1 < end && (strchr("'\"\\", p[1]) || (!quote && p[1] == ' ')))
				strbuf_addc(&b, *++p);
			else if (!quote && (*p == '"' || *p == '\''))
				quote = *p;
			else if (quote && *p == quote)
				quote = 0;
			else
				strbuf_addc(&b, *p);
		}
		r = quote ? -EINVAL : strv_add(ret, b.data ? b.data : "");
	}
	return r == 0 && ret->n > before ? strv_add(ret, END) : r;
}

int reader_lines(const char *p, size_t len, int (*line)(const char *p, size_t len, struct strv *ret),
		 struct strv *ret)
{
	const char *end = p + len;
	int r = 0;

	while (p < end && r == 0) {
		size_t n = strcspn(p, "\n");

		r = line(p, n, ret);
		p += n + 1;
	}
	return r;
}

static int read_ssh(const char *p, size_t len, struct strv *ret)
{
	return reader_lines(p, len, ssh_line, ret);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------------------------- */

static int json_words(const json_t *j, struct strv *ret)
{
	const char *key;
	json_t *v;
	size_t i;
	int r = 0;

	if (json_is_object(j)) {
		json_object_foreach ((json_t *)j, key, v) {
			r = strv_addf(ret, "key %s", key);
			if (r == 0)
				r = json_words(v, ret);
			if (r < 0)
				return r;
		}
	} else if (json_is_array(j)) {
		json_array_foreach (j, i, v) {
			r = json_words(v, ret);
			if (r < 0)
				return r;
		}
	} else if (json_is_string(j)) {
		return strv_add(ret, json_string_value(j));
	} else {
		_cleanup_free_ char *text = json_dumps(j, JSON_ENCODE_ANY);

		return text ? strv_add(ret, text) : -ENOMEM;
	}
	return strv_add(ret, END);
}

static int read_json(const char *p, size_t len, struct strv *ret)
{
	json_t *j = json_loadb(p, len, JSON_REJECT_DUPLICATES, NULL);
	int r = j ? json_words(j, ret) : -EINVAL;

	json_decref(j);
	return r;
}

/* ---- iPXE: core/exec.c, image/script.c --------------------------------------------------------------------------------------------------- */

/* The words of one line; "${...}" is left as it is, for a value cannot hold one. A comment ends the line. */
static int ipxe_line(const char *p, size_t len, struct strv *ret)
{
	const char *end = p + len;
	int r = 0;

	while (r == 0) {
		const char *from;

		while (p < end && isspace((unsigned char)*p))
			p++;
		from = p;
		while (p < end && !isspace((unsigned char)*p))
			p++;
		if (p == from || *from == '#')
			break;
		/* A command ends here. */
		if (p - from == 2 && (strncmp(from, "||", 2) == 0 || strncmp(from, "&&", 2) == 0))
			r = strv_add(ret, END);
		else if (p - from == 1 && *from == ';')
			r = strv_add(ret, END);
		else
			r = strv_addf(ret, "%.*s", (int)(p - from), from);
	}
	return r < 0 ? r : strv_add(ret, END);
}

int reader_ipxe(const char *script, struct strv *ret)
{
	if (strncmp(script, "#!ipxe\n", 7) != 0)
		return -EINVAL;
	return reader_lines(script + 7, strlen(script + 7), ipxe_line, ret);
}

/* ---- which reads what ---------------------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

int reader_words(const char *path, const char *data, size_t len, struct strv *ret)
{
	static const struct {
		const char *end;
		int (*read)(const char *p, size_t len, struct strv *ret);
	} readers[] = {
		{ RENDER_DNSMASQ_CONF, read_dnsmasq_conf },
		{ RENDER_DNSMASQ_HOSTS, read_dnsmasq_hosts },
		{ "/hosts", read_plain },
		{ RENDER_EXPORTS, read_exports },
		{ RENDER_GANESHA_CONF, read_ganesha },
		{ RENDER_GATEWAY_NFT, read_nft },
		{ RENDER_SSH_CONF, read_ssh },
		{ RENDER_CLUSTER, read_json },
		{ ".service", reader_unit },
	};

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (ends_with(path, readers[i].end))
			return readers[i].read(data, len, ret);
	/* A new file wants its reader here. */
	return -ENOENT;
}
