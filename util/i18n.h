/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts in the operator's language. Without a catalogue each text is shown as it stands in the source. */
#pragma once

#include <libintl.h>
#include <stdio.h>

/* Translates now. */
#define _(text) gettext(text)
/* Marks a text of a table, which is translated when it is shown. */
#define N_(text) (text)

/* The same for a text that means one thing in one place and another elsewhere: i18n_in() with this context translates it. */
#define NC_(context, text) (text)

/* The translation of a text of a table. "" stays "": gettext(3) has a meaning of its own for it. */
static inline const char *i18n(const char *text)
{
	return text && *text ? gettext(text) : "";
}

/* Likewise within a context. */
static inline const char *i18n_in(const char *context, const char *text)
{
	char key[128];
	const char *found;
	int n = snprintf(key, sizeof(key), "%s\004%s", context, text);

	if (n < 0 || (size_t)n >= sizeof(key))
		return text;
	/* What has no translation comes back as it was given. */
	found = gettext(key);
	return found == key ? text : found;
}
