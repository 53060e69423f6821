/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What nobody is to read over an operator's shoulder, or in a log that he sends around. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/hash.h"
#include "util/strbuf.h"

#define SHOWN 8 /* digits of its SHA-256: another password is seen to be another one */

/* A password's hash as crypt(5) has it: "$6$salt$hash", "$y$j9T$salt$hash". Its length; 0: there is none here. */
static size_t hash_at(const char *s, size_t len)
{
	static const char method[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static const char rest[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$=,-";
	size_t n = 1, dollars = 0;

	if (len < 2 || *s != '$')
		return 0;
	while (n < len && s[n] && strchr(method, s[n]))
		n++;
	if (n == 1 || n > 9 || n == len || s[n] != '$')
		return 0;
	for (n++; n < len && s[n] && strchr(rest, s[n]); n++)
		dollars += s[n] == '$';
	return dollars > 0 ? n : 0;
}

int secrets_hide(const char *data, size_t len, char **ret, size_t *ret_len)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0, n; i < len; i += n) {
		const char *next = memchr(data + i, '$', len - i);
		char text[HASH_TEXT];

		n = next ? (size_t)(next - data) - i : len - i;
		strbuf_add(&b, data + i, n);
		if (!next)
			break;
		i += n;
		n = hash_at(data + i, len - i);
		if (n == 0) {
			n = 1;
			strbuf_addc(&b, '$');
			continue;
		}
		hash_text(data + i, n, text);
		strbuf_addf(&b, "(a secret, %.*s)", SHOWN, text);
	}
	strbuf_adds(&b, "");
	return strbuf_take(&b, ret, ret_len);
}
