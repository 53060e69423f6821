/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/report.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "agent/wire.h"
#include "util/strbuf.h"

#define KERNEL_MAX 128
#define REASON_MAX 512
#define RESULT_MAX 4096
#define PROCESSES_MAX 49152 /* each byte of a report may become three */
#define LOG_MAX 12288	    /* of its end, which says what went wrong */
#define MEMORY_MAX_KB (INT64_C(1) << 50)
#define PROCESSORS_MAX 65536
#define ACTION_MAX (INT64_C(1) << 53)
#define LOAD_MAX 1000000
#define UPTIME_MAX_MS (INT64_C(1) << 53)
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Decodes one character of UTF-8 (RFC 3629) at p. Returns its length; 0: what stands there is none. */
static size_t decode(const unsigned char *p, size_t len, uint32_t *ret)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(forms); n++) {
		uint32_t c = p[0] & (unsigned char)~forms[n].mask;

		if ((p[0] & forms[n].mask) != forms[n].lead)
			continue;
		if (len < n + 1)
			return 0;
		for (size_t i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < forms[n].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return 0;
		*ret = c;
		return n + 1;
	}
	return 0;
}

/* Controls of both sets, and those of the writing direction, which make a text look like another one. */
static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

/* The text clean, as whole characters, its first `max` bytes. */
static int clean(const char *text, size_t len, size_t max, bool lines, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < len;) {
		const unsigned char *p = (const unsigned char *)text + i;
		uint32_t c = 0;
		size_t n = decode(p, len - i, &c);
		const char *out = text + i;
		size_t out_len = n;

		if (n > 0 && (c == '\n' || c == '\t')) {
			out = lines ? out : " ";
		} else if (n == 0 || is_harmful(c)) {
			out = REPLACEMENT;
			out_len = strlen(REPLACEMENT);
		}
		if (out_len > max - b.len)
			break;
		strbuf_add(&b, out, out_len);
		i += MAX(n, (size_t)1);
	}
	return strbuf_take(&b, ret, NULL);
}

/* Resolves "\n" and "\\" into a copy. */
static int unescape(const char *value, size_t len, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *out = malloc(len + 1);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		if (value[i] != '\\') {
			out[n++] = value[i];
			continue;
		}
		if (++i == len || (value[i] != 'n' && value[i] != '\\'))
			return -EINVAL;
		out[n++] = value[i] == 'n' ? '\n' : '\\';
	}
	out[n] = '\0';
	*ret = TAKE_PTR(out);
	*ret_len = n;
	return 0;
}

static int read_number(const char *value, size_t len, int64_t max, int64_t *ret)
{
	int64_t n = 0;

	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return -EINVAL;
		n = n * 10 + (value[i] - '0');
		if (n > max)
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

/* "0.02": digits, and digits behind a point. */
static int read_load(const char *value, size_t len, double *ret)
{
	const char *point = memchr(value, '.', len);
	size_t whole_len = point ? (size_t)(point - value) : len;
	size_t part_len = point ? len - whole_len - 1 : 0;
	int64_t whole, part = 0, scale = 1;

	if (read_number(value, whole_len, LOAD_MAX, &whole) < 0)
		return -EINVAL;
	if (point && (part_len > 6 || read_number(point + 1, part_len, 1000000, &part) < 0))
		return -EINVAL;
	for (size_t i = 0; i < part_len; i++)
		scale *= 10;
	*ret = (double)whole + (double)part / (double)scale;
	return 0;
}

static int take_stage(struct report *r, const char *value, size_t len)
{
	static const enum node_stage may[] = { NODE_INITRAMFS, NODE_ROOT, NODE_READY, NODE_FAILED, NODE_OFF };

	for (size_t i = 0; i < ARRAY_SIZE(may); i++) {
		const char *text = node_stage_text(may[i]);

		if (strlen(text) == len && memcmp(text, value, len) == 0) {
			r->values.stage = may[i];
			r->has_stage = true;
			return 0;
		}
	}
	return -EINVAL;
}

static int take_processors(struct report *r, const char *value, size_t len)
{
	int64_t n;
	int err = read_number(value, len, PROCESSORS_MAX, &n);

	if (err == 0)
		r->values.processors = (int)n;
	return err;
}

static int take_memory(struct report *r, const char *value, size_t len)
{
	int64_t n;
	int err = read_number(value, len, MEMORY_MAX_KB, &n);

	if (err == 0)
		r->values.memory_kb = n;
	return err;
}

static int take_memory_free(struct report *r, const char *value, size_t len)
{
	int64_t n;
	int err = read_number(value, len, MEMORY_MAX_KB, &n);

	if (err == 0)
		r->values.memory_free_kb = n;
	return err;
}

static int take_load(struct report *r, const char *value, size_t len)
{
	return read_load(value, len, &r->values.load);
}

#define CARD_LEN 9

/* Nothing keeps it yet; a wrong one is a wrong report all the same. */
static int take_uptime(struct report *r, const char *value, size_t len)
{
	int64_t n;

	return read_number(value, len, UPTIME_MAX_MS, &n);
}

/* "8086:15f3" */
static bool is_card(const char *value)
{
	for (size_t i = 0; i < CARD_LEN; i++)
		if (i == 4 ? value[i] != ':' : !value[i] || !strchr("0123456789abcdef", value[i]))
			return false;
	return true;
}

static int take_card(struct report *r, const char *value, size_t len)
{
	if (len != CARD_LEN || !is_card(value))
		return -EINVAL;
	memcpy(r->values.card, value, len);
	return 0;
}

/* Each with a blank behind, but the last. */
static int take_cards(struct report *r, const char *value, size_t len)
{
	if (len % (CARD_LEN + 1) != CARD_LEN || len >= sizeof(r->values.cards))
		return -EINVAL;
	for (size_t i = 0; i < len; i += CARD_LEN + 1)
		if (!is_card(value + i) || (i > 0 && value[i - 1] != ' '))
			return -EINVAL;
	memcpy(r->values.cards, value, len);
	return 0;
}

static int take_done(struct report *r, const char *value, size_t len)
{
	return read_number(value, len, ACTION_MAX, &r->done);
}

static int take_busy(struct report *r, const char *value, size_t len)
{
	return read_number(value, len, 1, &r->busy);
}

/* -1: it is not started there. */
static int take_subsession(struct report *r, const char *value, size_t len)
{
	bool minus = len > 0 && *value == '-';
	int64_t n;
	int err = read_number(value + minus, len - minus, WIRE_SSI_NUMBER_MAX, &n);

	if (err < 0 || (minus && n != 1))
		return -EINVAL;
	r->values.ssi.known = true;
	r->values.ssi.subsession = minus ? -1 : (int)n;
	return 0;
}

static int take_ssi_load(struct report *r, const char *value, size_t len)
{
	return read_load(value, len, &r->values.ssi.load);
}

static int take_text(char **field, const char *value, size_t len, size_t max, bool lines)
{
	_cleanup_free_ char *plain = NULL;
	char *text = NULL;
	size_t plain_len;
	int err = unescape(value, len, &plain, &plain_len);

	if (err == 0)
		err = clean(plain, plain_len, max, lines, &text);
	if (err < 0)
		return err;
	free(*field);
	*field = text;
	return 0;
}

static int take_kernel(struct report *r, const char *value, size_t len)
{
	return take_text(&r->kernel, value, len, KERNEL_MAX, false);
}

static int take_version(struct report *r, const char *value, size_t len)
{
	return take_text(&r->version, value, len, KERNEL_MAX, false);
}

/* Cut to the field's size. */
static int take_short(char *field, size_t size, const char *value, size_t len)
{
	_cleanup_free_ char *text = NULL;
	int err = take_text(&text, value, len, size - 1, false);

	if (err == 0)
		memcpy(field, text, strlen(text) + 1);
	return err;
}

static int take_ssi_abi(struct report *r, const char *value, size_t len)
{
	return take_short(r->values.ssi.abi, sizeof(r->values.ssi.abi), value, len);
}

static int take_ssi_stuck(struct report *r, const char *value, size_t len)
{
	return take_short(r->values.ssi.stuck, sizeof(r->values.ssi.stuck), value, len);
}

static int take_reason(struct report *r, const char *value, size_t len)
{
	return take_text(&r->reason, value, len, REASON_MAX, false);
}

static int take_result_id(struct report *r, const char *value, size_t len)
{
	return read_number(value, len, ACTION_MAX, &r->result_id);
}

static int take_result_status(struct report *r, const char *value, size_t len)
{
	return read_number(value, len, 255, &r->result_status);
}

static int take_result(struct report *r, const char *value, size_t len)
{
	return take_text(&r->result, value, len, RESULT_MAX, true);
}

static int take_processes_status(struct report *r, const char *value, size_t len)
{
	return read_number(value, len, 255, &r->processes_status);
}

static int take_processes(struct report *r, const char *value, size_t len)
{
	return take_text(&r->processes, value, len, PROCESSES_MAX, true);
}

static int take_log(struct report *r, const char *value, size_t len)
{
	int err = take_text(&r->log, value, len, SIZE_MAX, true);
	size_t n = err == 0 ? strlen(r->log) : 0, skip = n > LOG_MAX ? n - LOG_MAX : 0;
	const char *line;

	if (skip == 0)
		return err;
	line = strchr(r->log + skip, '\n');
	if (line && line[1])
		skip = (size_t)(line + 1 - r->log);
	else /* one endless line: cut between two characters */
		while (((unsigned char)r->log[skip] & 0xc0) == 0x80)
			skip++;
	memmove(r->log, r->log + skip, n - skip + 1);
	return 0;
}

static const struct {
	const char *key;
	int (*take)(struct report *r, const char *value, size_t len);
} keys[] = {
	{ WIRE_REPORT_STAGE, take_stage },
	{ WIRE_REPORT_UPTIME, take_uptime },
	{ WIRE_REPORT_LOAD, take_load },
	{ WIRE_REPORT_MEMORY, take_memory },
	{ WIRE_REPORT_MEMORY_FREE, take_memory_free },
	{ WIRE_REPORT_PROCESSORS, take_processors },
	{ WIRE_REPORT_CARD, take_card },
	{ WIRE_REPORT_CARDS, take_cards },
	{ WIRE_REPORT_DONE, take_done },
	{ WIRE_REPORT_BUSY, take_busy },
	{ WIRE_REPORT_RESULT_ID, take_result_id },
	{ WIRE_REPORT_RESULT_STATUS, take_result_status },
	{ WIRE_REPORT_RESULT, take_result },
	{ WIRE_REPORT_PROCESSES_STATUS, take_processes_status },
	{ WIRE_REPORT_PROCESSES, take_processes },
	{ WIRE_REPORT_KERNEL, take_kernel },
	{ WIRE_REPORT_VERSION, take_version },
	{ WIRE_REPORT_SSI_SUBSESSION, take_subsession },
	{ WIRE_REPORT_SSI_LOAD, take_ssi_load },
	{ WIRE_REPORT_SSI_ABI, take_ssi_abi },
	{ WIRE_REPORT_SSI_STUCK, take_ssi_stuck },
	{ WIRE_REPORT_REASON, take_reason },
	{ WIRE_REPORT_LOG, take_log },
};

static const struct {
	const char *key;
	size_t offset;
} ssi_numbers[] = {
	{ WIRE_REPORT_SSI_SESSION, offsetof(struct node_ssi, session) },
	{ WIRE_REPORT_SSI_NODE, offsetof(struct node_ssi, node) },
	{ WIRE_REPORT_SSI_MAX_NODES, offsetof(struct node_ssi, max_nodes) },
	{ WIRE_REPORT_SSI_ONLINE, offsetof(struct node_ssi, online) },
	{ WIRE_REPORT_SSI_PRESENT, offsetof(struct node_ssi, present) },
	{ WIRE_REPORT_SSI_POSSIBLE, offsetof(struct node_ssi, possible) },
	{ WIRE_REPORT_SSI_PROCESSORS, offsetof(struct node_ssi, processors) },
};

static const struct {
	const char *key;
	size_t offset;
} ssi_memory[] = {
	{ WIRE_REPORT_SSI_MEMORY, offsetof(struct node_ssi, memory_kb) },
	{ WIRE_REPORT_SSI_MEMORY_FREE, offsetof(struct node_ssi, memory_free_kb) },
};

static bool is_key(const char *key, const char *line, size_t len)
{
	return strlen(key) == len && memcmp(key, line, len) == 0;
}

static int take_ssi_number(struct report *r, const char *key, size_t key_len, const char *value, size_t len)
{
	char *ssi = (char *)&r->values.ssi;
	int64_t n;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ssi_numbers); i++) {
		if (!is_key(ssi_numbers[i].key, key, key_len))
			continue;
		err = read_number(value, len, WIRE_SSI_NUMBER_MAX, &n);
		if (err == 0)
			*(int *)(void *)(ssi + ssi_numbers[i].offset) = (int)n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ssi_memory); i++) {
		if (!is_key(ssi_memory[i].key, key, key_len))
			continue;
		err = read_number(value, len, MEMORY_MAX_KB, &n);
		if (err == 0)
			*(long long *)(void *)(ssi + ssi_memory[i].offset) = n;
	}
	return err;
}

static int take_line(struct report *r, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	size_t key_len;

	if (!equals)
		return len == 0 ? 0 : -EINVAL;
	key_len = (size_t)(equals - line);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (is_key(keys[i].key, line, key_len))
			return keys[i].take(r, equals + 1, len - key_len - 1);
	return take_ssi_number(r, line, key_len, equals + 1, len - key_len - 1);
}

/* What a report does not say is an empty text, so that nobody has to ask for NULL. */
static int settle_texts(struct report *r)
{
	char **const texts[] = { &r->kernel, &r->version, &r->reason, &r->log, &r->result, &r->processes };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!*texts[i])
			*texts[i] = strdup("");
		if (!*texts[i])
			return -ENOMEM;
	}
	r->values.kernel = r->kernel;
	r->values.version = r->version;
	r->values.reason = r->reason;
	r->values.log = r->log;
	return 0;
}

int report_parse(const char *body, size_t len, struct report *ret)
{
	struct report r = {
		.values = { .stage = NODE_OFF, .load = -1, .ssi = { .node = -1, .session = -1, .load = -1 } }
	};
	int err = len > WIRE_REPORT_MAX ? -EINVAL : 0;

	while (err == 0 && len > 0) {
		const char *end = memchr(body, '\n', len);
		size_t line = end ? (size_t)(end - body) : len;

		err = take_line(&r, body, line);
		line += end ? 1 : 0;
		body += line;
		len -= line;
	}
	if (err == 0 && !r.has_stage)
		err = -EINVAL;
	if (r.values.stage == NODE_READY && r.values.ssi.known && r.values.ssi.subsession >= 0)
		r.values.stage = NODE_JOINED;
	if (err == 0)
		err = settle_texts(&r);
	if (err < 0) {
		report_free(&r);
		return err;
	}
	*ret = r;
	return 0;
}

void report_free(struct report *r)
{
	free(r->kernel);
	free(r->version);
	free(r->reason);
	free(r->log);
	free(r->result);
	free(r->processes);
	*r = (struct report){ 0 };
}
