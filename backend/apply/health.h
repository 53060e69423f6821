/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What musterd's /health says beside "ok", for an apply to see whether the cluster.json that it wrote is served. */
#pragma once

/* Begins the second line; hash_written() of the file that was loaded ends it. Anybody on the boot network may read it. */
#define HEALTH_PLAN "plan "
