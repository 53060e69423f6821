/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define SMALL_FILE 16384
#define TCP_LISTEN 0x0a /* st in /proc/net/tcp: include/net/tcp_states.h */

/* The number behind "NAME:" in /proc/meminfo, in kB. */
static bool meminfo_value(const char *text, const char *name, unsigned long long *ret)
{
	size_t len = strlen(name);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, len) == 0 && p[len] == ':') {
			*ret = strtoull(p + len + 1, NULL, 10);
			return true;
		}
	}
	return false;
}

int facts_memory_in(int at, const char *path, unsigned long long *ret_total_kb,
		    unsigned long long *ret_free_kb)
{
	unsigned long long total, available, buffers = 0, cached = 0;
	_cleanup_free_ char *s = NULL;
	int r = file_read(at, path, SMALL_FILE, &s, NULL);

	if (r < 0)
		return r;
	if (!meminfo_value(s, "MemTotal", &total))
		return -EPROTO;
	/* MemAvailable came with Linux 3.14. */
	if (!meminfo_value(s, "MemAvailable", &available)) {
		if (!meminfo_value(s, "MemFree", &available))
			return -EPROTO;
		meminfo_value(s, "Buffers", &buffers);
		meminfo_value(s, "Cached", &cached);
	}
	*ret_total_kb = total;
	*ret_free_kb = available;
	return 0;
}

int facts_memory(int at, unsigned long long *ret_total_kb, unsigned long long *ret_free_kb)
{
	return facts_memory_in(at, "proc/meminfo", ret_total_kb, ret_free_kb);
}

bool facts_is_load(const char *s)
{
	size_t whole = strspn(s, "0123456789"),
	       part = s[whole] == '.' ? strspn(s + whole + 1, "0123456789") : 0;

	return whole > 0 && whole <= 6 && part > 0 && part <= 6 && s[whole + 1 + part] == '\0';
}

unsigned facts_count_list(const char *list)
{
	unsigned long n = 0;

	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last - first > 65535)
			return 0;
		n += last - first + 1;
		list = *end == ',' ? end + 1 : end;
	}
	return (unsigned)n;
}

static unsigned count_processors(int at)
{
	_cleanup_free_ char *list = NULL, *stat = NULL;
	unsigned n = 0;

	if (file_read_line(at, "sys/devices/system/cpu/online", &list) == 0)
		n = facts_count_list(list);
	/* Kernels before 2.6.26 have no such list. */
	if (n > 0 || file_read(at, "proc/stat", 1u << 20, &stat, NULL) < 0)
		return n;
	for (const char *p = stat; (p = strstr(p, "\ncpu")); p += 4)
		n += p[4] >= '0' && p[4] <= '9';
	return n;
}

void facts_read(int at, struct facts *ret)
{
	struct facts f = { .uptime_ms = now_ms() };
	_cleanup_free_ char *load = NULL;
	size_t len;

	if (file_read_line(at, "proc/loadavg", &load) == 0) {
		len = strcspn(load, " ");
		if (len < sizeof(f.load))
			memcpy(f.load, load, len);
		if (!facts_is_load(f.load))
			f.load[0] = '\0';
	}
	if (facts_memory(at, &f.memory_kb, &f.memory_free_kb) < 0)
		f.memory_kb = f.memory_free_kb = 0;
	f.processors = count_processors(at);
	uname(&f.kernel);
	*ret = f;
}

/* "  0: 00000000:0016 00000000:0000 0A ..." */
static bool line_listens(const char *line, uint16_t port)
{
	const char *p = strchr(line, ':');
	unsigned long n;
	char *end;

	p = p ? strchr(p + 1, ':') : NULL;
	if (!p)
		return false;
	n = strtoul(p + 1, &end, 16);
	if (end != p + 5 || n != port || *end != ' ')
		return false;
	p = strchr(end + 1, ' ');
	return p && strtoul(p, &end, 16) == TCP_LISTEN && *end == ' ';
}

static bool table_listens(int at, const char *path, uint16_t port)
{
	_cleanup_close_ int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
	char buf[8192];
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	/* The kernel lists listening sockets before the others, so a busy table is not read to its end. */
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0) {
		char *line = buf, *end;

		len += (size_t)n;
		buf[len] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			if (line_listens(line, port))
				return true;
			line = end + 1;
		}
		len -= (size_t)(line - buf);
		memmove(buf, line, len);
		if (len == sizeof(buf) - 1)
			return false;
	}
	return false;
}

bool facts_listening(int at, uint16_t port)
{
	return table_listens(at, "proc/net/tcp", port) || table_listens(at, "proc/net/tcp6", port);
}
