/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts in the operator's language. Without a catalogue each text is shown as it stands in the source. */
#pragma once

#include <libintl.h>

/* Translates now. */
#define _(text) gettext(text)
/* Marks a text of a table, which is translated when it is shown. */
#define N_(text) (text)

/* The translation of a text of a table. "" stays "": gettext(3) has a meaning of its own for it. */
static inline const char *i18n(const char *text)
{
	return text && *text ? gettext(text) : "";
}
