/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>

#include "lab/private.h"
#include "util/clock.h"

static void emit_text(const struct lab_options *o, enum muster_event_type type, const char *fmt, va_list ap)
{
	struct muster_event e = { .type = type };
	char *text;

	if (!o->on_event || vasprintf(&text, fmt, ap) < 0)
		return;
	e.text = text;
	o->on_event(o->data, &e);
	free(text);
}

void lab_step(const struct lab_options *o, const char *name, const char *fmt, ...)
{
	struct muster_event e = { .type = MUSTER_EVENT_STEP };
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	e.step.name = name;
	e.step.text = text ? text : "";
	if (o->on_event)
		o->on_event(o->data, &e);
	free(text);
}

void lab_done(const struct lab_options *o, const char *name, int64_t began)
{
	const struct muster_event e = { .type = MUSTER_EVENT_DONE,
					.done = { .name = name, .ms = clock_mono_ms() - began } };

	if (o->on_event)
		o->on_event(o->data, &e);
}

void lab_note(const struct lab_options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(o, MUSTER_EVENT_NOTE, fmt, ap);
	va_end(ap);
}

void lab_warn(const struct lab_options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(o, MUSTER_EVENT_WARNING, fmt, ap);
	va_end(ap);
}

void lab_error(const struct lab_options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(o, MUSTER_EVENT_ERROR, fmt, ap);
	va_end(ap);
}
