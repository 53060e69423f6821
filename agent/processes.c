/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/processes.h"
#include "agent/look.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK "run/muster/ssi-ps.lock"
#define LINE_MAX_BYTES 100
#define NAME_MAX_BYTES 31
#define RUNS_FIRST (1ULL << 62)

struct process {
	unsigned long long pid, uid, ms, kb, weight;
	int node; /* -1: unknown */
	char state;
	bool kernel;
	char name[NAME_MAX_BYTES + 1];
};

struct list {
	struct process v[PROCESSES_MAX]; /* the busiest first */
	size_t n;
	unsigned total;
};

/* ---- reading them, in the child ---------------------------------------------------------------------------- */

/* Fields of /proc/PID/stat, as proc(5) counts them. */
enum { FIRST = 4, UTIME = 14, STIME = 15, VSIZE = 23, RSS = 24, PROCESSOR = 39, FIELDS };

/* The name is whatever the process wants: it ends at the last bracket. */
static bool parse_stat(char *line, struct process *p, long long fields[FIELDS])
{
	char *name = strchr(line, '('), *end = strrchr(line, ')'), *next;
	size_t len;

	if (!name || !end || end < name || end[1] != ' ' || !end[2])
		return false;
	len = MIN((size_t)(end - name - 1), sizeof(p->name) - 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[1 + i];

		p->name[i] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
	p->name[len] = '\0';
	p->state = end[2];
	end += 3;
	for (int i = FIRST; i < FIELDS; i++, end = next) {
		fields[i] = strtoll(end, &next, 10);
		if (next == end)
			return false;
	}
	return true;
}

/* What ends while it is read is none. `per_node` is how many processor numbers each node has; 0: unknown. */
static bool read_process(int proc, const char *pid, unsigned long long per_node, struct process *p)
{
	_cleanup_close_ int fd = -1;
	char path[32], line[1024];
	long long f[FIELDS], tick = MAX(sysconf(_SC_CLK_TCK), 1L);
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	if (n <= 0)
		return false;
	line[n] = '\0';
	if (!parse_stat(line, p, f))
		return false;
	p->uid = st.st_uid;
	p->ms = ((unsigned long long)MAX(f[UTIME], 0LL) + (unsigned long long)MAX(f[STIME], 0LL)) * 1000 /
		(unsigned long long)tick;
	p->kb = (unsigned long long)MAX(f[RSS], 0LL) * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024;
	p->kernel = f[VSIZE] == 0 && p->state != 'Z' && p->state != 'X';
	p->node = per_node ? (int)((unsigned long long)MAX(f[PROCESSOR], 0LL) / per_node) : -1;
	p->weight = p->ms + (p->state == 'R' ? RUNS_FIRST : 0);
	return true;
}

/* Among those that are kept, where it is one of the busiest. */
static void keep(struct list *l, const struct process *p)
{
	size_t i = l->n;

	l->total++;
	if (i < ARRAY_SIZE(l->v))
		l->n++;
	else if (l->v[--i].weight >= p->weight)
		return;
	for (; i > 0 && l->v[i - 1].weight < p->weight; i--)
		l->v[i] = l->v[i - 1];
	l->v[i] = *p;
}

/* On the first processor of its node, the number of the one where this process is says it. 0: it says nothing. */
static unsigned long long per_node_by_place(int at, int home)
{
	_cleanup_close_ int proc = openat(at, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process p = { .node = -1 };
	cpu_set_t all, first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (home <= 0 || proc < 0 || sched_getaffinity(0, sizeof(all), &all) < 0 ||
	    sched_setaffinity(0, sizeof(first), &first) < 0)
		return 0;
	if (!read_process(proc, "self", 1, &p) || p.node % home != 0)
		p.node = 0;
	sched_setaffinity(0, sizeof(all), &all);
	return (unsigned)MAX(p.node, 0) / (unsigned)home;
}

unsigned long long processes_per_node(int at, int home)
{
	_cleanup_free_ char *last = NULL;
	unsigned long long n;

	/* Linux tells it since 2.6.29. */
	if (file_read_line(at, "sys/devices/system/cpu/kernel_max", &last) == 0 &&
	    parse_number(last, INT_MAX - 1, &n) == 0)
		return n + 1;
	return per_node_by_place(at, home);
}

int processes_node(int at, pid_t pid, unsigned long long per_node)
{
	_cleanup_close_ int proc = openat(at, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process p;
	char name[16];

	snprintf(name, sizeof(name), "%d", (int)pid);
	return proc >= 0 && read_process(proc, name, per_node, &p) ? p.node : -1;
}

static void add_list(const struct list *l, struct text *out)
{
	text_addf(out, "%lld %u\n", now_ms(), l->total);
	for (size_t i = 0; i < l->n && out->len < PROCESSES_BYTES - LINE_MAX_BYTES; i++) {
		const struct process *p = &l->v[i];

		text_addf(out, "%llu %d %c%s %llu %llu %llu %s\n", p->pid, p->node, p->state,
			  p->kernel ? "k" : "", p->uid, p->ms, p->kb, p->name);
	}
}

/* Who looks, and who waits for it. */
static bool is_ours(pid_t pid)
{
	return pid == getpid() || (pid == getppid() && pid != 1);
}

void processes_look(int at, int kernel, struct text *out)
{
	_cleanup_free_ char *own = NULL;
	unsigned long long home = 0, per_node;
	int fd = openat(at, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	static struct list list;
	struct process p;

	list.n = list.total = 0;
	if (file_read_line(at, "sys/kerrighed/node_id", &own) < 0 || parse_number(own, INT_MAX, &home) < 0)
		home = 0;
	per_node = processes_per_node(at, (int)home);
	for (struct dirent *e; d && (e = readdir(d));)
		if (parse_number(e->d_name, INT_MAX, &p.pid) == 0 && !is_ours((pid_t)p.pid) &&
		    read_process(fd, e->d_name, per_node, &p) && (kernel || !p.kernel))
			keep(&list, &p);
	add_list(&list, out);
}

int processes_list(int at, int timeout_ms, bool kernel, struct text *out)
{
	return look_run(at, LOCK, timeout_ms, processes_look, kernel, out);
}
