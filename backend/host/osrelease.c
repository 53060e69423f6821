/* SPDX-License-Identifier: GPL-3.0-or-later */
/* os-release(5): a file of assignments that a shell could read. */
#include "config.h"

#include "backend/host/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "util/fs.h"

#define MAX_SIZE (64 * 1024)
#define MAX_LINKS 8

static const struct {
	const char *id, *family;
} families[] = {
	{ "debian", "debian" }, { "ubuntu", "debian" },	     { "raspbian", "debian" },
	{ "devuan", "debian" }, { "fedora", "redhat" },	     { "rhel", "redhat" },
	{ "centos", "redhat" }, { "rocky", "redhat" },	     { "almalinux", "redhat" },
	{ "ol", "redhat" },	{ "amzn", "redhat" },	     { "suse", "suse" },
	{ "opensuse", "suse" }, { "opensuse-leap", "suse" }, { "opensuse-tumbleweed", "suse" },
	{ "sles", "suse" },
};

static const char *family_of(const char *id, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (strlen(families[i].id) == len && strncmp(families[i].id, id, len) == 0)
			return families[i].family;
	return NULL;
}

const char *os_release_family(const char *id, const char *id_like)
{
	const char *family = family_of(id, strlen(id));

	/* ID_LIKE lists the nearest relative first. */
	for (const char *p = id_like; !family && *p;) {
		size_t len = strcspn(p, " \t");

		family = family_of(p, len);
		p += len;
		p += strspn(p, " \t");
	}
	return family ? family : "";
}

/* Undoes the quoting of a value in place: '...', "..." with \ before $ " \ `, or a bare word. False where a quote is
 * not closed or something follows it. */
static bool unquote(char *value)
{
	char quote = *value == '"' || *value == '\'' ? *value : '\0';
	char *in = quote ? value + 1 : value, *out = value;

	for (; *in && *in != quote; in++) {
		if (!quote && (*in == ' ' || *in == '\t'))
			break;
		if (*in == '\\' && quote != '\'' && in[1] && (!quote || strchr("$\"\\`", in[1])))
			in++;
		*out++ = *in;
	}
	if (quote && *in++ != quote)
		return false;
	*out = '\0';
	in += strspn(in, " \t");
	return !*in || *in == '#';
}

static int assign(struct host *h, const char *key, const char *value, char **id_like)
{
	const struct {
		const char *key;
		char **field;
	} keys[] = {
		{ "ID", &h->distribution },
		{ "VERSION_ID", &h->version },
		{ "VERSION_CODENAME", &h->codename },
		{ "PRETTY_NAME", &h->pretty },
		{ "ID_LIKE", id_like },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].key, key) == 0)
			return host_set(keys[i].field, value);
	return 0;
}

int os_release_parse(const char *text, struct host *h)
{
	_cleanup_free_ char *copy = strdup(text), *id_like = strdup("");
	char *save = NULL;
	int r = 0;

	if (!copy || !id_like)
		return -ENOMEM;
	for (char *line = strtok_r(copy, "\r\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\r\n", &save)) {
		char *equals;

		line += strspn(line, " \t");
		equals = strchr(line, '=');
		if (*line == '#' || !equals)
			continue;
		*equals = '\0';
		if (unquote(equals + 1))
			r = assign(h, line, equals + 1, &id_like);
	}
	if (r == 0)
		r = host_set(&h->family, os_release_family(h->distribution, id_like));
	return r;
}

/* fs_read() refuses a link at the end of the path, and /etc/os-release usually is one. */
static int read_following(int root_fd, const char *path, char **ret)
{
	_cleanup_free_ char *at = strdup(path);

	for (int i = 0; at && i < MAX_LINKS; i++) {
		_cleanup_close_ int dir = -1;
		const char *name;
		char target[PATH_MAX];
		char *next;
		ssize_t len;
		int r;

		r = fs_read(root_fd, at, MAX_SIZE, ret, NULL);
		if (r != -ELOOP)
			return r;
		dir = fs_open_parent(root_fd, at, &name);
		if (dir < 0)
			return dir;
		len = readlinkat(dir, name, target, sizeof(target) - 1);
		if (len < 0)
			return -errno;
		target[len] = '\0';
		if (target[0] == '/')
			next = strdup(target);
		else if (asprintf(&next, "%.*s%s", (int)(name - at), at, target) < 0)
			next = NULL;
		free(at);
		at = next;
	}
	return at ? -ELOOP : -ENOMEM;
}

int os_release_read(int root_fd, struct host *h)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = read_following(root_fd, "/etc/os-release", &text);
	if (r < 0 && r != -ENOMEM)
		r = read_following(root_fd, "/usr/lib/os-release", &text);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return os_release_parse(text, h);
}
