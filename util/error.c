/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/error.h"

#include <string.h>

#include "util/i18n.h"

const char *muster_strerror(int error)
{
	if (error < 0)
		error = -error;
	switch (error) {
#define X(name, number, text) \
	case number:          \
		return gettext(text);
		MUSTER_ERRORS(X)
#undef X
	default:
		return strerror(error);
	}
}
