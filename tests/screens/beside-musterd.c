/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a program beside a musterd with a cluster of nodes that are not there, and takes both away at its end. The words
 * @ROOT@ and @HOST@ become the scratch root and a file with the facts of a made-up server.
 *
 *     beside-musterd NODES PROGRAM [ARGUMENT]...
 *
 * NODES 0: an empty scratch root alone, as before anything was set up. In PATH is nothing that could do harm: PROGRAM is a
 * path. TZ is set so that times are always the same.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/screens/cluster.h"
#include "util/fs.h"

#define HISTORY_UP_TO 100 /* nodes: with more, seeding takes long */

static const char *filled_in(const struct cluster *c, const char *word)
{
	if (strcmp(word, "@ROOT@") == 0)
		return c->root;
	return strcmp(word, "@HOST@") == 0 ? fs_join(c->root, "host.json") : word;
}

int main(int argc, char **argv)
{
	static const int signs[] = { SIGHUP, SIGINT, SIGTERM };
	char *joined = argc > 2 ? strchr(argv[1], '+') : NULL;
	size_t nodes = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct cluster *c;
	int status = 0;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: beside-musterd NODES[+JOINED] PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	c = cluster_new(nodes);
	putenv(strdup(cluster_zone(c)));
	putenv(strdup(cluster_path(c)));
	if (nodes) {
		cluster_seed(c, nodes <= HISTORY_UP_TO);
		cluster_join(c, joined ? strtoul(joined + 1, NULL, 10) : 0);
		cluster_start(c);
	} else if (fs_remove_tree(c->root_fd, "/etc") < 0 || fs_remove_tree(c->root_fd, "/var") < 0) {
		return 99;
	}
	for (int i = 2; i < argc; i++)
		argv[i] = (char *)(uintptr_t)filled_in(c, argv[i]);
	/* Whatever ends the program, the scratch folder goes afterwards. */
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		signal(signs[i], SIG_IGN);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
			signal(signs[i], SIG_DFL);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			status = 99 << 8;
	cluster_free(c);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
