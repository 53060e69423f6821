/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/hash.h"

#include <errno.h>
#include <sha2.h>
#include <string.h>

struct hash {
	SHA2_CTX ctx;
};

int hash_new(struct hash **ret)
{
	struct hash *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	SHA256Init(&h->ctx);
	*ret = h;
	return 0;
}

void hash_free(struct hash *h)
{
	free(h);
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	SHA256Update(&h->ctx, data, len);
}

void hash_add_string(struct hash *h, const char *s)
{
	hash_add(h, s, strlen(s) + 1);
}

int hash_add_fd(struct hash *h, int fd)
{
	char block[65536];

	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		hash_add(h, block, (size_t)n);
	}
}

static void finish(SHA2_CTX *ctx, char ret[HASH_TEXT])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256Final(digest, ctx);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret + i * 2, 3, "%02x", digest[i]);
}

void hash_end(struct hash *h, char ret[HASH_TEXT])
{
	finish(&h->ctx, ret);
	free(h);
}

void hash_text(const void *data, size_t len, char ret[HASH_TEXT])
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, data, len);
	finish(&ctx, ret);
}

void hash_written(const struct stat *st, char ret[HASH_TEXT])
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%llu %lld.%09ld %lld", (unsigned long long)st->st_ino,
			   (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long long)st->st_size);

	hash_text(text, (size_t)len, ret);
}
