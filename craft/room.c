/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of this room share. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "craft/craft.h"
#include "util/clock.h"
#include "util/fs.h"

bool craft_is_sha256(const char *s)
{
	return strlen(s) == HASH_TEXT - 1 && s[strspn(s, "0123456789abcdefABCDEF")] == '\0';
}

char *craft_host_path(const struct craft_env *env, const char *path)
{
	return fs_join(env->root_path && *env->root_path ? env->root_path : "/", path);
}

void craft_progress(const struct craft_env *env, const char *step, const char *text, int permille,
		    const char *line)
{
	if (env->progress)
		env->progress(env->data, step, text, permille, line);
}

bool craft_cancelled(const struct craft_env *env)
{
	struct pollfd p = { .fd = env->cancel_fd > 0 ? env->cancel_fd : -1, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int craft_time_text(char **ret)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char text[32];
	struct tm tm;

	if (!gmtime_r(&now, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return -EINVAL;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}
