/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step kind "user": the system user that musterd runs as, on the running system only. */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/error.h"

#define COMMAND_MS 60000

bool user_missing(const struct apply *a)
{
	return strcmp(a->root_path, "/") == 0 && !getpwnam(APPLY_USER);
}

/* Groups may be older than the user, or outlive it: userdel(8) leaves one that has other members. */
static bool group_there(void)
{
	return getgrnam(APPLY_USER);
}

static int user_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	json_t *old = json_pack("{s:b, s:b}", "exists", !user_missing(a), "group", group_there());

	json_object_set_new(record, "name", json_string(APPLY_USER));
	return json_object_set_new(record, "old", old) < 0 ? -ENOMEM : 0;
}

static int user_run(struct apply *a, const struct step *s, json_t *done)
{
	if (!user_missing(a))
		return 0;
	return apply_command(a, COMMAND_MS, "useradd", "--system", "--no-create-home", "--home-dir",
			     "/var/lib/muster/state", "--shell", "/usr/sbin/nologin", "--comment",
			     "muster boot server", group_there() ? "--gid=" APPLY_USER : "--user-group",
			     APPLY_USER, NULL);
}

static int user_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	const json_t *old = json_object_get(record, "old");
	int r = 0;

	if (json_is_true(json_object_get(old, "exists")) || strcmp(a->root_path, "/") != 0)
		return 0;
	if (!user_missing(a))
		r = apply_command(a, COMMAND_MS, "userdel", APPLY_USER, NULL);
	if (r == 0 && !json_is_true(json_object_get(old, "group")) && group_there())
		r = apply_command(a, COMMAND_MS, "groupdel", APPLY_USER, NULL);
	return r;
}

const struct step_ops step_user = {
	.kind = "user",
	.before = user_before,
	.run = user_run,
	.undo = user_undo,
};
