/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request's head says of itself, read without the library. Pure. */
#pragma once

#include "daemon/http.h"

/* HTTP_OTHER: musterd has no use for it. */
enum http_method http_method_of(const char *name);

/* The length of the body as these fields say (NULL: absent): 0 or more, also where they say nothing; -1: of no known length. */
long long http_body_length(const char *content_length, const char *transfer_encoding);
