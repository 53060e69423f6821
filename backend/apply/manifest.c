/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/changeset.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define MANIFEST_MAX (64 * 1024 * 1024)

/* Every path is an absolute one without "..": they name what an apply may remove. */
static bool paths_are_plain(const json_t *files)
{
	const char *path;
	json_t *entry;

	json_object_foreach ((json_t *)(uintptr_t)files, path, entry) {
		if (path[0] != '/' || strstr(path, "/../") || !json_is_object(entry) ||
		    (strlen(path) >= 3 && strcmp(path + strlen(path) - 3, "/..") == 0))
			return false;
	}
	return true;
}

/* As it is in manifests of before there was such a thing: none was found. */
static json_t *found_of(const json_t *whole)
{
	json_t *found = json_object_get(whole, "services_found");

	return found ? json_incref(found) : json_object();
}

int manifest_read(struct apply *a, json_t **ret_files, json_t **ret_services, json_t **ret_found)
{
	_cleanup_free_ char *text = NULL;
	json_t *whole = NULL, *files, *services, *found;
	size_t len = 0;
	int r = fs_read(a->root_fd, APPLY_MANIFEST, MANIFEST_MAX, &text, &len);

	if (r == -ENOENT) {
		files = json_object();
		services = json_array();
		found = json_object();
	} else {
		whole = r < 0 ? NULL : json_loadb(text, len, 0, NULL);
		files = json_incref(json_object_get(whole, "files"));
		services = json_incref(json_object_get(whole, "services"));
		found = found_of(whole);
		json_decref(whole);
	}
	if (!json_is_object(files) || !json_is_array(services) || !json_is_object(found) ||
	    !paths_are_plain(files)) {
		json_decref(files);
		json_decref(services);
		json_decref(found);
		apply_error(
			a,
			_("%s, which says what muster owns on this server, is damaged. Move it away: files "
			  "of earlier "
			  "applies that are not wanted any more are not found then."),
			APPLY_MANIFEST);
		return r < 0 && r != -ENOENT ? r : -MUSTER_E_FORMAT;
	}
	*ret_files = files;
	*ret_services = services;
	*ret_found = found;
	return 0;
}
