/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "render-values.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/macro.h"

#define ROUNDS 100
#define LONG 65536

static char letters[LONG + 1], quotes[LONG + 1], lines[LONG + 1], option[1100], edge[1100];

const char *values_fixed[] = {
	"",
	" ",
	"a",
	"a b",
	" a",
	"a ",
	"-a",
	"--help",
	"-",
	"+x",
	"@x",
	"!x",
	".",
	"..",
	"../../etc/passwd",
	"/",
	"//",
	"/a/../b",
	"a,b",
	"a:b",
	"a=b",
	"a#b",
	"a #b",
	"#",
	";",
	"a;b",
	" ; reboot",
	"a && reboot",
	"||",
	"&&",
	"|| reboot",
	"\"",
	"\"\"",
	"a\"b",
	"a\" b",
	"\";\n}\nEXPORT {",
	"'",
	"a'b",
	"'; reboot; '",
	"\\",
	"\\\\",
	"a\\",
	"a\\\"b",
	"\\n",
	"\\t\\e\\b\\r",
	"\\040",
	"\\101",
	"\\1011",
	"\\\\101",
	"\\x41",
	"\\u0041",
	"\\1 01",
	"`reboot`",
	"$(reboot)",
	"${reboot}",
	"${net0/mac}",
	"$HOME",
	"$$",
	"$",
	"$MAINPID",
	"%n %%",
	"%",
	"%h",
	"%%n",
	"%s%s%n",
	"*",
	"?",
	"[a-z]",
	"~",
	"~root",
	"{a,b}",
	"a\nb",
	"a\nport=53",
	"\ndhcp-script=/bin/sh",
	"a\rb",
	"a\r\nExecStartPre=/bin/sh",
	"a\tb",
	"a\vb\fc",
	"\x01",
	"\x1b[2J",
	"\x7f",
	"\xc2\x9b"
	"2J",
	"caf\xc3\xa9",
	"\xe2\x80\xa8",
	"a\xe2\x80\xae"
	"b",
	"\xe6\x9d\xb1\xe4\xba\xac",
	"\xf0\x9f\x92\xa5",
	"\xff",
	"\xc3",
	"\xc0\xaf",
	"\xed\xa0\x80",
	"a\xc2\xa0"
	"b",
	"<script>",
	"a(rw)",
	"(rw,no_root_squash)",
	"root:x:0:0",
	"command=\"reboot\" ssh-rsa",
	"rdinit=/bin/sh",
	"null",
	"true",
	"0",
	letters,
	quotes,
	lines,
	option,
	edge,
	NULL,
};

static uint64_t state;

/* xorshift64*: the same numbers on every machine. */
static uint32_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 2685821657736338717ULL) >> 32);
}

void values_seed(void)
{
	const char *seed = getenv("MUSTER_PROPERTY_SEED");
	unsigned long long n = seed ? strtoull(seed, NULL, 0) : (unsigned long long)time(NULL);

	printf("# MUSTER_PROPERTY_SEED=%llu\n", n);
	fflush(stdout);
	state = n * 0x9e3779b97f4a7c15ULL + 1;
	memset(letters, 'a', LONG);
	memset(quotes, '"', LONG);
	for (size_t i = 0; i < LONG; i++)
		lines[i] = "a\n"[i % 2];
	/* A line that a reader cuts after 1024 bytes, so that the rest is an option of its own: of "domain=zq." and this. */
	memset(option, 'a', 1014);
	memcpy(option + 1014, "log-queries", sizeof("log-queries"));
	memset(edge, 'a', sizeof(edge) - 1);
}

size_t values_count(void)
{
	return ARRAY_SIZE(values_fixed) - 1;
}

size_t values_pick(size_t n)
{
	return next() % n;
}

size_t values_rounds(void)
{
	const char *rounds = getenv("MUSTER_PROPERTY_ROUNDS");

	return rounds ? strtoul(rounds, NULL, 10) : ROUNDS;
}

static const char *const pieces[] = {
	"a",	"b",	"0",
	"7",	"101",	"zq2",
	"-",	".",	"_",
	"/",	" ",	"\"",
	"'",	"\\",	"\\\\",
	"\n",	"\r",	"\t",
	"\x01", "#",	";",
	"$",	"%",	"`",
	"=",	",",	":",
	"{",	"}",	"(",
	")",	"&&",	"|",
	"||",	"<",	"*",
	"?",	"~",	"!",
	"@",	"$(x)", "${",
	"}",	"%%",	"\xc3\xa9",
	" ",	"\xe2", "\x80",
	"^",	"[",	"]",
	"+",	"\x7f", "\"",
	"\\",	"\\0",	"\xe2\x80\xae",
	" ",	"/..",	"\\x",
};

/* Now and then only what names are made of, so that some get through; now and then long. */
char *values_random(void)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	uint32_t kind = next();
	size_t n = kind % 64 == 0 ? 800 + next() % 400 : 1 + next() % 24, len = 0;
	char *s = calloc(n + 1, 8);

	for (size_t i = 0; s && i < n; i++) {
		const char *piece = pieces[next() % ARRAY_SIZE(pieces)];

		if ((kind >> 8) % 3 == 0 || (kind >> 16) % 3 == next() % 4)
			s[len++] = plain[next() % (sizeof(plain) - 1)];
		else
			len = (size_t)(stpcpy(s + len, piece) - s);
	}
	return s;
}
