/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the room needs of the list of mistakes besides plan.h. */
#pragma once

#include <stdarg.h>

#include "backend/plan/model.h"
#include "util/macro.h"

/* A file that is wrong throughout needs no more than this many lines to say so; further ones are dropped. */
#define PLAN_MISTAKES_MAX 500

int plan_mistakes_vadd(struct plan_mistakes *m, const char *file, unsigned int line, const char *fmt,
		       va_list ap) _printf_(4, 0);
/* By file, the file `first` before all others, then by line. */
void plan_mistakes_sort(struct plan_mistakes *m, const char *first);
