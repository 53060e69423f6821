/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "backend/plan/conf.h"

/*
 * Walks over the text, notes every mistake of form, and returns the tree of sections and options with all lines
 * but without texts, together with what libconfuse shall read to fill those in: the sound options, each
 * title written as the option "_title", in libconfuse's syntax.
 */
int walk(const char *file, const char *text, size_t len, const struct conf_form *forms,
	 struct plan_mistakes *mistakes, struct conf **ret, char **ret_sound) _must_check_;
