/* SPDX-License-Identifier: GPL-3.0-or-later */
/* muster-agent: init of the initramfs as process 1, otherwise the running system's agent. */
#include "config.h"

#include "agent/common.h"
#include "agent/init.h"
#include "agent/inside.h"
#include "agent/service.h"

#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

static int is_shutdown(const char *word)
{
	static const char *const words[] = { "poweroff", "reboot", "halt", "kexec" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return 1;
	return 0;
}

/* By its first argument, or by the path that the kernel was given (getauxval(3)). */
static int is_called(const char *argv0, const char *path)
{
	const char *name = strrchr(path, '/') + 1, *given = (const char *)getauxval(AT_EXECFN);
	const char *const ways[] = { argv0, given };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const char *slash = ways[i] ? strrchr(ways[i], '/') : NULL;

		if (ways[i] && strcmp(slash ? slash + 1 : ways[i], name) == 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	/* In a container both are its process 1. */
	if (is_called(argv[0], INSIDE_HELPER))
		return inside_helper_main();
	if (is_called(argv[0], INSIDE_INIT))
		return inside_init_main();
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
