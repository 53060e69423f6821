/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events as lines of JSON: {"event": "step", "name": ..., "text": ...}. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const char *const words[] = {
	[MUSTER_EVENT_STEP] = "step",	[MUSTER_EVENT_PROGRESS] = "progress",
	[MUSTER_EVENT_LINE] = "line",	[MUSTER_EVENT_DONE] = "done",
	[MUSTER_EVENT_ERROR] = "error", [MUSTER_EVENT_WARNING] = "warning",
	[MUSTER_EVENT_NOTE] = "note",
};

/* Texts come from programs, too, and may be no UTF-8: then each byte stands for the character of its number, and
 * "bytes" says so. */
static int set_text(json_t *o, const char *key, const char *text)
{
	_cleanup_free_ char *wide = NULL;
	json_t *value = json_string(text);
	size_t n = 0;

	if (value)
		return json_object_set_new(o, key, value);
	wide = malloc(strlen(text) * 2 + 1);
	if (!wide)
		return -1;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p >= 0x80)
			wide[n++] = (char)(0xc0 | *p >> 6);
		wide[n++] = (char)(*p >= 0x80 ? 0x80 | (*p & 0x3f) : *p);
	}
	wide[n] = '\0';
	json_object_set_new(o, "bytes", json_true());
	return json_object_set_new(o, key, json_string(wide));
}

int muster_event_encode(const struct muster_event *e, char **ret)
{
	json_t *o = json_pack("{s:s}", "event", words[e->type]);
	_cleanup_free_ char *line = NULL;
	int r = o ? 0 : -1;
	size_t len;

	switch (e->type) {
	case MUSTER_EVENT_STEP:
		r |= set_text(o, "name", e->step.name);
		r |= set_text(o, "text", e->step.text);
		break;
	case MUSTER_EVENT_PROGRESS:
		r |= json_object_set_new(o, "permille", json_integer(e->progress.permille));
		break;
	case MUSTER_EVENT_DONE:
		r |= set_text(o, "name", e->done.name);
		r |= json_object_set_new(o, "ms", json_integer(e->done.ms));
		break;
	case MUSTER_EVENT_LINE:
	case MUSTER_EVENT_ERROR:
	case MUSTER_EVENT_WARNING:
	case MUSTER_EVENT_NOTE:
		r |= set_text(o, "text", e->text);
		break;
	}
	line = r == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!line)
		return -ENOMEM;
	len = strlen(line);
	*ret = realloc(line, len + 2);
	if (!*ret)
		return -ENOMEM;
	TAKE_PTR(line);
	memcpy(*ret + len, "\n", 2);
	return 0;
}

static int find_type(const char *word, enum muster_event_type *ret)
{
	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0) {
			*ret = (enum muster_event_type)i;
			return 0;
		}
	return -MUSTER_E_FORMAT;
}

/* In place: characters below U+0100 become the bytes that they stand for. */
static void narrow(char *text)
{
	unsigned char *out = (unsigned char *)text;

	for (const unsigned char *p = out; *p; p++) {
		if (*p >= 0xc0 && p[1]) {
			*out++ = (unsigned char)((*p & 0x3) << 6 | (p[1] & 0x3f));
			p++;
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
}

static char *get_text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));
	char *text = value ? strdup(value) : NULL;

	if (text && json_is_true(json_object_get(o, "bytes")))
		narrow(text);
	return text;
}

int muster_event_decode(const char *line, size_t len,
			void (*fn)(void *data, const struct muster_event *event), void *data)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	_cleanup_free_ char *name = get_text(o, "name"), *text = get_text(o, "text");
	struct muster_event e = { 0 };
	int r = find_type(json_string_value(json_object_get(o, "event")), &e.type);

	if (r == 0) {
		switch (e.type) {
		case MUSTER_EVENT_STEP:
			e.step.name = name;
			e.step.text = text;
			r = name && text ? 0 : -MUSTER_E_FORMAT;
			break;
		case MUSTER_EVENT_PROGRESS:
			e.progress.permille = (int)json_integer_value(json_object_get(o, "permille"));
			break;
		case MUSTER_EVENT_DONE:
			e.done.name = name;
			e.done.ms = json_integer_value(json_object_get(o, "ms"));
			r = name ? 0 : -MUSTER_E_FORMAT;
			break;
		case MUSTER_EVENT_LINE:
		case MUSTER_EVENT_ERROR:
		case MUSTER_EVENT_WARNING:
		case MUSTER_EVENT_NOTE:
			e.text = text;
			r = text ? 0 : -MUSTER_E_FORMAT;
			break;
		}
	}
	json_decref(o);
	if (r == 0)
		fn(data, &e);
	return r;
}
