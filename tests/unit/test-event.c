/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/muster.h"
#include "util/log.h"
#include "util/strbuf.h"

struct heard {
	enum muster_event_type type;
	char name[64], text[256];
	int64_t number;
	int times;
};

static void hear(void *data, const struct muster_event *e)
{
	struct heard *h = data;

	h->type = e->type;
	h->times++;
	switch (e->type) {
	case MUSTER_EVENT_STEP:
		snprintf(h->name, sizeof(h->name), "%s", e->step.name);
		snprintf(h->text, sizeof(h->text), "%s", e->step.text);
		break;
	case MUSTER_EVENT_PROGRESS:
		h->number = e->progress.permille;
		break;
	case MUSTER_EVENT_DONE:
		snprintf(h->name, sizeof(h->name), "%s", e->done.name);
		h->number = e->done.ms;
		break;
	default:
		snprintf(h->text, sizeof(h->text), "%s", e->text);
		break;
	}
}

static struct heard through(const struct muster_event *e)
{
	_cleanup_free_ char *line = NULL;
	struct heard h = { 0 };

	assert_int_equal(muster_event_encode(e, &line), 0);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_int_equal(muster_event_decode(line, strlen(line), hear, &h), 0);
	assert_int_equal(h.times, 1);
	assert_int_equal(h.type, e->type);
	return h;
}

static void each_kind_of_event_comes_through(void **state)
{
	struct heard h =
		through(&(struct muster_event){ MUSTER_EVENT_STEP, .step = { "files", "a\n\"b\"" } });

	assert_string_equal(h.name, "files");
	assert_string_equal(h.text, "a\n\"b\"");
	h = through(&(struct muster_event){ MUSTER_EVENT_PROGRESS, .progress = { -1 } });
	assert_int_equal(h.number, -1);
	h = through(&(struct muster_event){ MUSTER_EVENT_DONE, .done = { "files", INT64_C(5000000000) } });
	assert_string_equal(h.name, "files");
	assert_int_equal(h.number, INT64_C(5000000000));
	for (enum muster_event_type t = MUSTER_EVENT_LINE; t <= MUSTER_EVENT_NOTE; t++) {
		if (t == MUSTER_EVENT_DONE)
			continue;
		h = through(&(struct muster_event){ t, .text = "caf\xc3\xa9" });
		assert_string_equal(h.text, "caf\xc3\xa9");
	}
}

static void bytes_that_are_no_utf8_come_through_as_they_are(void **state)
{
	struct heard h = through(
		&(struct muster_event){ MUSTER_EVENT_LINE, .text = "\xe9t\xe9 \xff\x80\xc3\xa9 \x01" });

	assert_string_equal(h.text, "\xe9t\xe9 \xff\x80\xc3\xa9 \x01");
}

static void what_is_no_event_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"7",
		"{\"event\": 3}",
		"{\"event\": \"dance\"}",
		"{\"event\": \"line\"}",
		"{\"event\": \"step\", \"name\": \"x\"}",
		"{\"event\": \"done\", \"ms\": 1}",
	};
	struct heard h = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(muster_event_decode(wrong[i], strlen(wrong[i]), hear, &h), -MUSTER_E_FORMAT);
	assert_int_equal(h.times, 0);
}

static void what_is_logged_while_a_context_lives_is_its_event(void **state)
{
	struct heard h = { 0 };
	const struct muster_config config = { .on_event = hear, .data = &h };
	struct muster *m;

	assert_int_equal(muster_new(&config, &m), 0);
	log_error("no room in %s", "/var");
	assert_int_equal(h.type, MUSTER_EVENT_ERROR);
	assert_string_equal(h.text, "no room in /var");
	log_warning("it is late");
	assert_int_equal(h.type, MUSTER_EVENT_WARNING);
	assert_int_equal(h.times, 2);
	muster_free(m);
	log_warning("this one goes to standard error");
	assert_int_equal(h.times, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_event_comes_through),
		cmocka_unit_test(bytes_that_are_no_utf8_come_through_as_they_are),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(what_is_logged_while_a_context_lives_is_its_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
