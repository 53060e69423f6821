/* SPDX-License-Identifier: GPL-3.0-or-later */
/* muster-agent: init of the initramfs as process 1, otherwise the running system's agent. */
#include "config.h"

#include "agent/common.h"
#include "agent/init.h"
#include "agent/service.h"

#include <stdio.h>
#include <string.h>

static int is_shutdown(const char *word)
{
	static const char *const words[] = { "poweroff", "reboot", "halt", "kexec" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (getpid() == 1)
		init_main(argv);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("muster-agent " PACKAGE_VERSION);
		return 0;
	}
	/* As systemd-shutdown(8) calls what lies in its folder. */
	if (argc == 2 && is_shutdown(argv[1]))
		return service_goodbye();
	if (argc != 1) {
		fputs("usage: muster-agent [--version | poweroff | reboot | halt | kexec]\n", stderr);
		return 2;
	}
	return service_main();
}
