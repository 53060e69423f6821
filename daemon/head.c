/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/head.h"

#include <string.h>

#define DIGITS_MAX 15

enum http_method http_method_of(const char *name)
{
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {
		{ "GET", HTTP_GET },
		{ "HEAD", HTTP_HEAD },
		{ "POST", HTTP_POST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return HTTP_OTHER;
}

long long http_body_length(const char *content_length, const char *transfer_encoding)
{
	const char *text = content_length;
	long long n = 0;

	if (transfer_encoding)
		return -1;
	if (!text)
		return 0;
	if (strlen(text) > DIGITS_MAX)
		return INT64_MAX;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = n * 10 + (*text - '0');
	}
	return n;
}
