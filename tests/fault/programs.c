/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands between the project and the programs that an apply runs, which would take most of these tests' time: ssh-keygen makes keys
 * that are none, dnsmasq refuses a configuration with "wrong" in it, and diff has nothing to show. All others are run.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "tests/fault/faults.h"
#include "util/fs.h"
#include "util/spawn.h"

int __real_spawn_run(const struct spawn *s, int *ret_status, char **ret_output);
int __wrap_spawn_run(const struct spawn *s, int *ret_status, char **ret_output);

static const char *value_of(const struct spawn *s, const char *option)
{
	for (const char *const *p = s->argv; *p; p++)
		if (strcmp(*p, option) == 0)
			return p[1];
	return "";
}

static int write_text(const char *path, const char *text, const char *more, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return 1;
	r = dprintf(fd, "%s%s\n", text, more) < 0;
	close(fd);
	return r;
}

static int ssh_keygen(const struct spawn *s)
{
	const char *file = value_of(s, "-f"), *node = value_of(s, "-C");
	char pub[512];
	int r;

	snprintf(pub, sizeof(pub), "%s.pub", file);
	fault_point();
	r = write_text(file, "private ", node, 0600);
	fault_point();
	return r ? r : write_text(pub, "ssh-ed25519 AAAA", node, 0644);
}

static int dnsmasq(const struct spawn *s)
{
	_cleanup_close_ int top = fs_root_open("/");
	_cleanup_free_ char *text = NULL;

	for (const char *const *p = s->argv; *p; p++)
		if (strncmp(*p, "--conf-file=", 12) == 0 && fs_read(top, *p + 12, 4096, &text, NULL) == 0)
			return strstr(text, "wrong") != NULL;
	return 2;
}

int __wrap_spawn_run(const struct spawn *s, int *ret_status, char **ret_output)
{
	char *output;

	if (strcmp(s->argv[0], "ssh-keygen") == 0)
		*ret_status = ssh_keygen(s);
	else if (strcmp(s->argv[0], "dnsmasq") == 0)
		*ret_status = dnsmasq(s);
	else if (strcmp(s->argv[0], "diff") == 0)
		*ret_status = 0;
	else
		return __real_spawn_run(s, ret_status, ret_output);
	output = strdup(*ret_status ? "bad option at line 1" : "");
	if (!output)
		return -ENOMEM;
	if (ret_output)
		*ret_output = output;
	else
		free(output);
	return 0;
}
