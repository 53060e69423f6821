/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/text.h"

#include <string.h>

#include "util/i18n.h"
#include "util/strbuf.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
	return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool label(const char *s, size_t n)
{
	if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool text_is_label(const char *s)
{
	return label(s, strlen(s));
}

bool text_is_domain(const char *s)
{
	if (strlen(s) > 253)
		return false;
	for (;;) {
		size_t n = strcspn(s, ".");

		if (!label(s, n))
			return false;
		if (!s[n])
			return strspn(s, "0123456789") != n;
		s += n + 1;
	}
}

bool text_is_of(const char *s, const char *others)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!is_alnum(*s) && !strchr(others, *s))
			return false;
	return true;
}

bool text_number(const char *s, unsigned int min, unsigned int max, unsigned int *ret)
{
	unsigned long long n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (!is_digit(*s))
			return false;
		n = n * 10 + (unsigned long long)(*s - '0');
		if (n > max)
			return false;
	}
	if (n < min)
		return false;
	*ret = (unsigned int)n;
	return true;
}

bool text_is_crypt(const char *s)
{
	size_t parts = 0;

	if (s[0] != '$' || strlen(s) > 384 || !text_is_of(s, "./$=,-_"))
		return false;
	for (const char *p = s; *p; p++) {
		if (*p != '$')
			continue;
		parts++;
		if (p[1] == '$' || !p[1])
			return false;
	}
	return parts >= 3 && strlen(strrchr(s, '$')) > 20;
}

static bool ssh_type(const char *s, size_t n)
{
	/* sshd(8), AUTHORIZED_KEYS FILE FORMAT, without ssh-dss, which OpenSSH refuses since 7.0 */
	static const char *const types[] = {
		"ssh-ed25519",
		"ssh-rsa",
		"ecdsa-sha2-nistp256",
		"ecdsa-sha2-nistp384",
		"ecdsa-sha2-nistp521",
		"sk-ssh-ed25519@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com",
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i]) == n && memcmp(types[i], s, n) == 0)
			return true;
	return false;
}

/* Base64 (RFC 4648) whose first bytes are the type's length and the type, as RFC 4253, 6.6 has it. */
static bool ssh_blob(const char *s, size_t n, size_t type_len)
{
	size_t pad = 0;

	if (n < 48 || n % 4 != 0 || n > 8192)
		return false;
	while (pad < 2 && s[n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < n - pad; i++)
		if (!is_alnum(s[i]) && s[i] != '+' && s[i] != '/')
			return false;
	/* The length's three high bytes are zero, and so are their four digits. */
	return strncmp(s, "AAAA", 4) == 0 && type_len < 64;
}

bool text_is_ssh_key(const char *s, const char **ret_why)
{
	size_t type = strcspn(s, " "), blob;

	if (strstr(s, "PRIVATE KEY")) {
		*ret_why = _("is a private key, which must never leave its owner; "
			     "give the public one (the file that ends in .pub)");
		return false;
	}
	if (!ssh_type(s, type)) {
		*ret_why = _("does not begin with a key type such as ssh-ed25519 or ssh-rsa; "
			     "give a line as in a .pub file, without options");
		return false;
	}
	s += type;
	s += strspn(s, " ");
	blob = strcspn(s, " ");
	if (!ssh_blob(s, blob, type)) {
		*ret_why = _("has no sound base64 text behind its type (cut off while copying?); "
			     "give the whole line of the .pub file");
		return false;
	}
	if (strpbrk(s + blob, "$`\\\";|&<>")) {
		*ret_why = _("has one of $ ` \\ \" ; | & < > in its comment; take that out");
		return false;
	}
	return true;
}

/* How many letters must be put in, taken out, changed, or swapped with the next one (Damerau and Levenshtein, the
 * restricted form). Only the first 63 characters count. */
static size_t distance(const char *a, const char *b)
{
	unsigned char d[64][64];
	size_t na = strnlen(a, 63), nb = strnlen(b, 63);

	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned char)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			int least = MIN(d[i - 1][j], d[i][j - 1]) + 1;

			least = MIN(least, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				least = MIN(least, d[i - 2][j - 2] + 1);
			d[i][j] = (unsigned char)least;
		}
	}
	return d[na][nb];
}

const char *text_nearest(const char *name, const struct strv *candidates)
{
	const char *best = NULL;
	size_t least = 0;

	for (size_t i = 0; i < candidates->n; i++) {
		size_t d = distance(name, candidates->v[i]), len = strlen(candidates->v[i]);

		if (d <= (len + 2) / 3 && (!best || d < least)) {
			best = candidates->v[i];
			least = d;
		}
	}
	return best;
}

char *text_list(const struct strv *v, const char *none)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char *text;

	for (size_t i = 0; i < v->n; i++) {
		if (i > 0)
			strbuf_adds(&b, i + 1 == v->n ? _(" or ") : ", ");
		strbuf_adds(&b, v->v[i]);
	}
	if (v->n == 0)
		strbuf_adds(&b, none);
	return strbuf_take(&b, &text, NULL) == 0 ? text : NULL;
}
