/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/image/image.h"

#include <string.h>

#include "agent/wire.h"
#include "util/archive.h"

/* Where each text goes, as agent/wire.h has it; names in an archive have no slash in front. */
static const struct part {
	const char *path;
	mode_t mode;
	size_t offset;
} parts[] = {
	{ WIRE_NODE_CONF, 0600, offsetof(struct image_personality, node_conf) },
	{ WIRE_DIR "/authorized_keys", 0600, offsetof(struct image_personality, authorized_keys) },
	{ WIRE_DIR "/hosts", 0644, offsetof(struct image_personality, hosts) },
	{ WIRE_DIR "/shadow", 0600, offsetof(struct image_personality, shadow) },
	{ WIRE_DIR "/ssh_host_ed25519_key", 0600, offsetof(struct image_personality, ssh_key) },
	{ WIRE_DIR "/ssh_host_ed25519_key.pub", 0644, offsetof(struct image_personality, ssh_key_pub) },
};

/* Not compressed: it is a few kilobytes, and every boot makes one. */
int image_personality(const struct image_personality *p, char **ret, size_t *ret_len)
{
	struct archive_out *a;
	int r = archive_new(ARCHIVE_PLAIN, &a);

	if (r < 0)
		return r;
	archive_add_dir(a, WIRE_DIR + 1, 0755);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *text = *(const char *const *)((const char *)p + parts[i].offset);

		if (text)
			archive_add_file(a, parts[i].path + 1, parts[i].mode, text, strlen(text));
	}
	return archive_finish(a, ret, ret_len);
}
