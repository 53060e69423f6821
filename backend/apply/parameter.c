/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel parameters that a service sets: an undo puts them back. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define VALUE_MAX 256

/* "net.ipv4.ip_forward" → "/proc/sys/net/ipv4/ip_forward", owned. */
static char *path_of(const char *name)
{
	char *path = fs_join("/proc/sys", name);

	for (char *p = path ? path + strlen("/proc/sys/") : NULL; p && *p; p++)
		if (*p == '.')
			*p = '/';
	return path;
}

int parameter_save(struct apply *a, const char *name, json_t *record)
{
	_cleanup_free_ char *path = path_of(name), *value = NULL;

	if (!path)
		return -ENOMEM;
	if (fs_read(a->root_fd, path, VALUE_MAX, &value, NULL) < 0)
		return 0;
	value[strcspn(value, "\n")] = '\0';
	return json_object_set_new(record, "parameter",
				   json_pack("{s:s, s:s}", "name", name, "value", value)) < 0
		       ? -ENOMEM
		       : 0;
}

static int write_value(int root_fd, const char *path, const char *value)
{
	_cleanup_close_ int fd = fs_open(root_fd, path, O_WRONLY, 0);
	_cleanup_free_ char *line = NULL;
	int n = asprintf(&line, "%s\n", value);

	if (n < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return fd < 0 ? fd : fs_write_all(fd, line, (size_t)n);
}

int parameter_restore(struct apply *a, const json_t *record)
{
	const json_t *parameter = json_object_get(record, "parameter");
	const char *name = json_string_value(json_object_get(parameter, "name"));
	const char *value = json_string_value(json_object_get(parameter, "value"));
	_cleanup_free_ char *path = NULL, *now = NULL;
	int r;

	if (!parameter)
		return 0;
	if (!name || !value || strstr(name, ".."))
		return -MUSTER_E_FORMAT;
	path = path_of(name);
	if (!path)
		return -ENOMEM;
	r = fs_read(a->root_fd, path, VALUE_MAX, &now, NULL);
	if (r == 0) {
		now[strcspn(now, "\n")] = '\0';
		r = strcmp(now, value) == 0 ? 0 : write_value(a->root_fd, path, value);
	}
	if (r < 0)
		apply_error(a, _("The kernel's parameter %s cannot be given its old value %s: %s."), name,
			    value, muster_strerror(r));
	return r;
}
