/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaves services alone: below another root. */
#include "config.h"

#include "backend/apply/drivers.h"

const struct service_driver service_driver_none = {
	.name = "none",
};
