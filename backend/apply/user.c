/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step kind "user": the system user that musterd runs as, on the running system only. */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/error.h"

#define COMMAND_MS 60000

bool user_missing(const struct apply *a)
{
	return strcmp(a->root_path, "/") == 0 && !getpwnam(APPLY_USER);
}

static int user_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	json_t *old = json_pack("{s:b}", "exists", !user_missing(a));

	json_object_set_new(record, "name", json_string(APPLY_USER));
	return json_object_set_new(record, "old", old) < 0 ? -ENOMEM : 0;
}

static int user_run(struct apply *a, const struct step *s, json_t *done)
{
	if (!user_missing(a))
		return 0;
	return apply_command(a, COMMAND_MS, "useradd", "--system", "--user-group", "--no-create-home",
			     "--home-dir", "/var/lib/muster/state", "--shell", "/usr/sbin/nologin",
			     "--comment", "muster boot server", APPLY_USER, NULL);
}

static int user_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	if (json_is_true(json_object_get(json_object_get(record, "old"), "exists")) || user_missing(a) ||
	    strcmp(a->root_path, "/") != 0)
		return 0;
	return apply_command(a, COMMAND_MS, "userdel", APPLY_USER, NULL);
}

const struct step_ops step_user = {
	.kind = "user",
	.before = user_before,
	.run = user_run,
	.undo = user_undo,
};
