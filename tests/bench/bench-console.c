/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measures `muster console` with so many nodes (10,000, or as the first word says) on a pseudo-terminal, beside a real
 * musterd on the loopback device. Prints numbers; holds against nothing.
 *
 * A time is from the key, or from the start, until what it brings stands on the screen; a processor's cost is what the
 * kernel accounts to the console (schedstat).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/screens/cluster.h"
#include "tests/screens/vt.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define FIRST 0x7f010001U /* 127.1.0.1 */
#define STARTS 11
#define KEYS 100
#define REFRESHES 20
#define CHANGING 100 /* nodes in each refresh */
#define IDLE_MS 10000

static void die(const char *what, struct vt *v)
{
	fprintf(stderr, "bench: %s\n%s", what, v ? vt_screen(v) : "");
	exit(EXIT_FAILURE);
}

static void row(const char *what, const char *aim, const char *fmt, ...) _printf_(3, 4);
static void row(const char *what, const char *aim, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%-58s %14s   %s\n", what, text, aim);
	fflush(stdout);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

/* A number behind a word in one of the process's files; behind nothing: the file's first. */
static long long number_of(struct vt *v, const char *file, const char *key)
{
	_cleanup_close_ int top = fs_root_open(NULL);
	_cleanup_free_ char *path = NULL, *text = NULL;
	const char *p;

	if (asprintf(&path, "/proc/%d/%s", (int)vt_pid(v), file) < 0 ||
	    fs_read(top, path, 65536, &text, NULL) < 0)
		die("/proc", NULL);
	p = key ? strstr(text, key) : text;
	return p ? strtoll(p + (key ? strlen(key) : 0), NULL, 10) : 0;
}

static double cpu_ms(struct vt *v)
{
	return (double)number_of(v, "schedstat", NULL) / 1e6;
}

static struct vt *start(struct cluster *c)
{
	const char *const argv[] = { MUSTER_BUILDDIR "/muster", "console", "--root", c->root, NULL };
	struct vt *v;

	if (vt_start(argv, NULL, 24, 80, &v) < 0)
		die("the console", NULL);
	return v;
}

static void wait_for(struct vt *v, const char *text)
{
	if (!vt_wait(v, text, VT_PATIENCE))
		die(text, v);
}

static void leave(struct vt *v)
{
	vt_send(v, "q");
	if (!vt_wait_exit(v, VT_PATIENCE, NULL))
		die("it goes on", v);
	vt_free(v);
}

static void measure_start(struct cluster *c)
{
	double drawn[STARTS], whole[STARTS];

	for (int i = 0; i < STARTS; i++) {
		double t = now_ms();
		struct vt *v = start(c);

		wait_for(v, "q quit");
		drawn[i] = now_ms() - t;
		wait_for(v, " ready  ");
		whole[i] = now_ms() - t;
		leave(v);
	}
	row("start to the first drawn screen, ms (median of 11)", "under 100", "%.0f", median(drawn, STARTS));
	row("start until every node is there, ms (median of 11)", "", "%.0f", median(whole, STARTS));
}

/* From the key until the text is there. */
static double answer(struct vt *v, const char *key, const char *text)
{
	double t = now_ms();

	vt_send(v, key);
	wait_for(v, text);
	return now_ms() - t;
}

static void measure_keys(struct vt *v)
{
	double down[KEYS], t;
	char text[32];

	for (int i = 0; i < KEYS; i++) {
		snprintf(text, sizeof(text), "─ node%05d ─", i + 2);
		down[i] = answer(v, "j", text);
	}
	t = median(down, KEYS);
	row("a key that moves, ms (median of 100)", "under 30", "%.1f", t);
	row("the same, the slowest of them", "under 30", "%.1f", down[KEYS - 1]);
	row("to the last row, ms", "under 30", "%.1f", answer(v, "G", "─ node10000 ─"));
	row("sorting all by another column, ms", "under 30", "%.1f", answer(v, "s", "ADDRESS ▾"));
	row("and the other way round, ms", "under 30", "%.1f", answer(v, "S", "ADDRESS ▴"));
	vt_send(v, "/");
	wait_for(v, "keep the filter");
	row("a letter of a filter, ms", "under 30", "%.1f", answer(v, "f", "/f"));
	vt_send(v, "\033");
	wait_for(v, "q quit");
	for (int i = 0; i < 11; i++)
		vt_send(v, "s");
	wait_for(v, "NODE ▾");
	vt_send(v, "g");
	wait_for(v, "─ node00001 ─");
}

static void measure_refreshes(struct cluster *c, struct vt *v)
{
	double cpu, idle, began;
	size_t bytes;

	vt_settle(v, 300, VT_PATIENCE);
	began = now_ms();
	cpu = cpu_ms(v);
	while (now_ms() - began < IDLE_MS)
		vt_pump(v, 100);
	idle = (cpu_ms(v) - cpu) / (now_ms() - began);
	row("idle, share of one processor", "under 1 %", "%.2f %%", idle * 100);
	began = now_ms();
	cpu = cpu_ms(v);
	for (int k = 0; k < REFRESHES; k++) {
		char text[16];

		/* The first node is seen, and last to change. */
		for (size_t i = CHANGING; i-- > 0;)
			if (!cluster_report(c, i, 10 + k + 0.25))
				die("a report is refused", v);
		snprintf(text, sizeof(text), " %d.25 ", 10 + k);
		wait_for(v, text);
	}
	row("100 of them change: the console's processor time, ms", "under 20", "%.1f",
	    (cpu_ms(v) - cpu - idle * (now_ms() - began)) / REFRESHES);
	vt_settle(v, 1500, VT_PATIENCE);
	bytes = vt_bytes(v);
	if (!cluster_report(c, 4, 77.25))
		die("a report is refused", v);
	wait_for(v, "77.25");
	row("one changes: bytes written to the terminal", "", "%zu", vt_bytes(v) - bytes);
}

int main(int argc, char **argv)
{
	size_t nodes = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	struct cluster *c = cluster_new_at(nodes, FIRST);
	struct vt *v;

	cluster_seed(c, false);
	cluster_start(c);
	measure_start(c);
	v = start(c);
	wait_for(v, " ready  ");
	measure_keys(v);
	measure_refreshes(c, v);
	row("resident, MB", "under 60", "%.1f", (double)number_of(v, "status", "VmRSS:") / 1024);
	leave(v);
	cluster_free(c);
	return 0;
}
