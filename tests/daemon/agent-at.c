/* SPDX-License-Identifier: GPL-3.0-or-later */
/* muster-agent, as it runs in a node's system, for a tree that stands for a node's: agent-at DIR. */
#include "config.h"

#include <fcntl.h>

#include "agent/service.h"

int main(int argc, char **argv)
{
	return argc == 2 ? service_run(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) : 2;
}
