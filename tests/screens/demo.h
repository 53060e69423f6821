/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screens of tui-demo beside its table. */
#pragma once

#include "tui/tui.h"

extern const struct screen_ops demo_form_screen, demo_pager_screen;
