/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent: modules.conf, and devices' names looked up in it. The input: the table, a device's modalias; "%%" between. */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "agent/modules.h"
#include "tests/fuzz/fuzz.h"

static int insert(void *data, int at, const char *path)
{
	(*(unsigned *)data)++;
	return 0;
}

FUZZ_TARGET(agent_modules)
{
	struct fuzz_part table = fuzz_cut(&data, &size);
	char *alias = fuzz_text(data, size), *reason = NULL;
	struct modules *m = NULL;
	unsigned loaded = 0;
	int r;

	/* No device's name is longer, and fnmatch(3) takes its time. */
	if (size > 200)
		alias[200] = '\0';
	fuzz_put("modules.conf", table.data, table.size);
	fuzz_put("sys/bus/pci/devices/0000:00:03.0/modalias", alias, strlen(alias));
	r = modules_new(fuzz_dir_fd(), "modules.conf", insert, &loaded, &m, &reason);
	fuzz_need(r == 0 || (reason && *reason));
	if (r == 0) {
		modules_load(m);
		modules_settle(m);
		modules_knows(m, alias);
		modules_free(m);
	}
	free(reason);
	free(alias);
	return 0;
}
