/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/klog.h"

#include <string.h>
#include <sys/klog.h>

#define SYSLOG_ACTION_READ_ALL 3 /* syslog(2): the last bytes that fit, nothing is consumed */
#define TAIL_BYTES 12288	 /* fits a report (WIRE_REPORT_MAX) with what escaping adds */

const char *klog_last_lines(const char *text, unsigned lines)
{
	const char *p = text + strlen(text);

	if (p > text && p[-1] == '\n')
		p--;
	while (p > text && (p[-1] != '\n' || --lines > 0))
		p--;
	return p;
}

char *klog_without_levels(const char *text)
{
	struct text t = { 0 };

	while (*text) {
		size_t len = strcspn(text, "\n"), level = 0;

		if (*text == '<')
			level = 1 + strspn(text + 1, "0123456789");
		if (level > 1 && text[level] == '>')
			level++;
		else
			level = 0;
		len += text[len] == '\n';
		text_add(&t, text + level, len - level);
		text += len;
	}
	text_add(&t, "", 0);
	return t.s;
}

char *klog_tail(unsigned lines)
{
	_cleanup_free_ char *buf = malloc(TAIL_BYTES + 1);
	const char *start;
	int n;

	if (!buf)
		return NULL;
	n = klogctl(SYSLOG_ACTION_READ_ALL, buf, TAIL_BYTES);
	if (n < 0)
		return NULL;
	buf[n] = '\0';
	start = buf;
	/* The first line of a full buffer is a part of one. */
	if (n >= TAIL_BYTES - 256 && buf[0] != '<' && strchr(buf, '\n'))
		start = strchr(buf, '\n') + 1;
	return klog_without_levels(klog_last_lines(start, lines));
}
