/* SPDX-License-Identifier: GPL-3.0-or-later */
/* muster-agent: init of the initramfs as process 1, otherwise the running system's agent. */
#include "config.h"

#include "agent/common.h"
#include "agent/init.h"
#include "agent/service.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (getpid() == 1)
		init_main(argv);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("muster-agent " PACKAGE_VERSION);
		return 0;
	}
	if (argc != 1) {
		fputs("usage: muster-agent [--version]\n", stderr);
		return 2;
	}
	return service_main();
}
