/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What answers take from, and leave in, files of their own: lists of MAC addresses, and root's password as a hash. */
#include "config.h"

#include "backend/muster.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/context.h"
#include "backend/plan/draft.h"
#include "backend/plan/text.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define MACS_FILE_MAX (4 * 1024 * 1024)

static int add_mac(struct draft *d, const char *word, int *ret_added)
{
	struct mac mac;

	if (mac_parse(word, &mac) < 0 || !mac_is_unicast(mac))
		return -MUSTER_E_FORMAT;
	for (size_t i = 0; i < d->macs.n; i++)
		if (strcasecmp(d->macs.v[i], MAC(mac)) == 0)
			return 0;
	(*ret_added)++;
	return strv_add(&d->macs, MAC(mac));
}

int muster_draft_add_macs(struct muster *m, struct draft *d, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r = fd < 0 ? -errno : fs_read_fd(fd, MACS_FILE_MAX, &text, NULL), added = 0, line_number = 0;

	if (r < 0)
		context_error(m, _("%s cannot be read: %s"), path, muster_strerror(r));
	for (char *line = text; r == 0 && line && *line;) {
		char *next = line + strcspn(line, "\n"), *word;

		if (*next)
			*next++ = '\0';
		line_number++;
		line[strcspn(line, "#")] = '\0';
		word = strtok_r(line, " \t\r,;", &save);
		r = word ? add_mac(d, word, &added) : 0;
		if (r == -MUSTER_E_FORMAT)
			context_error(m, _("%s:%d: \"%s\" is no MAC address; write it as 52:54:00:66:00:01"),
				      path, line_number, word);
		line = next;
	}
	return r < 0 ? r : added;
}

int muster_draft_set_password(struct muster *m, struct draft *d, const char *password, const char *path)
{
	struct crypt_data data = { 0 };
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *hash;
	char *copy;
	int r;

	/* NULL: the library's preferred method, with its own cost and randomness (crypt_gensalt(3)). */
	if (!crypt_gensalt_rn(NULL, 0, NULL, 0, salt, sizeof(salt)))
		return -errno;
	hash = crypt_r(password, salt, &data);
	if (!hash || *hash == '*')
		return -EIO;
	strbuf_addf(&text, "%s\n", hash);
	explicit_bzero(&data, sizeof(data));
	if (text.failed)
		return -ENOMEM;
	r = fs_mkdir_all(m->root_fd, "/etc/muster", 0755);
	if (r == 0)
		r = fs_write(m->root_fd, path, text.data, text.len, &(struct fs_attr){ .mode = 0600 });
	if (r < 0) {
		context_error(m, _("%s cannot be written: %s"), path, muster_strerror(r));
		return r;
	}
	copy = fs_join(m->root_path, path);
	if (!copy)
		return -ENOMEM;
	free(d->root_password_file);
	d->root_password_file = copy;
	return 0;
}
