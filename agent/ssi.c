/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/ssi.h"
#include "agent/basis.h"
#include "agent/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#define SYS "sys/kerrighed"
#define NODES "proc/kerrighed/nodes"
#define WIDE "proc/nodes"      /* the same, of a kernel with CLUSTER_WIDE_PROC */
#define CPUINFO_MAX (4u << 20) /* a processor takes about 1 KB there */
#define SMALL_FILE 16384

/* ---- what is read, in the child ---------------------------------------------------------------------------- */

static void take_int(int at, const char *path, int *ret)
{
	_cleanup_free_ char *s = NULL;
	unsigned long long n;
	bool minus;

	if (file_read_line(at, path, &s) < 0)
		return;
	minus = *s == '-';
	if (parse_number(s + minus, INT_MAX, &n) == 0)
		*ret = minus ? -(int)n : (int)n;
}

static void read_node_id(int at, const char *path, struct ssi *s)
{
	take_int(at, path, &s->node_id);
}

static void read_session(int at, const char *path, struct ssi *s)
{
	take_int(at, path, &s->session_id);
}

static void read_subsession(int at, const char *path, struct ssi *s)
{
	take_int(at, path, &s->subsession_id);
}

static void read_max_nodes(int at, const char *path, struct ssi *s)
{
	take_int(at, path, &s->max_nodes);
}

static void read_abi(int at, const char *path, struct ssi *s)
{
	_cleanup_free_ char *abi = NULL;

	if (file_read_line(at, path, &abi) == 0 && strlen(abi) < sizeof(s->abi))
		memcpy(s->abi, abi, strlen(abi) + 1);
}

/* "ONLINE:4\nPRESENT:4\nPOSSIBLE:256\n" */
static void read_counts(int at, const char *path, struct ssi *s)
{
	const struct {
		const char *word;
		int *field;
	} counts[] = {
		{ "ONLINE:", &s->online },
		{ "PRESENT:", &s->present },
		{ "POSSIBLE:", &s->possible },
	};
	_cleanup_free_ char *text = NULL;

	if (file_read(at, path, SMALL_FILE, &text, NULL) < 0)
		return;
	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
			size_t len = strlen(counts[i].word);

			if (strncmp(p, counts[i].word, len) == 0)
				*counts[i].field =
					(int)MIN(strtoul(p + len, NULL, 10), (unsigned long)INT_MAX);
		}
	}
}

static void read_processors(int at, const char *path, struct ssi *s)
{
	_cleanup_free_ char *text = NULL;
	unsigned n = 0;

	if (file_read(at, path, CPUINFO_MAX, &text, NULL) < 0)
		return;
	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, "processor", 9) == 0 && (p[9] == '\t' || p[9] == ' ' || p[9] == ':'))
			n++;
	}
	s->processors = n;
}

static void read_memory(int at, const char *path, struct ssi *s)
{
	/* What cannot be read stays unknown. */
	if (facts_memory_in(at, path, &s->memory_kb, &s->memory_free_kb) < 0)
		return;
}

static void read_load(int at, const char *path, struct ssi *s)
{
	_cleanup_free_ char *load = NULL;
	size_t len;

	if (file_read_line(at, path, &load) < 0)
		return;
	len = strcspn(load, " ");
	if (len < sizeof(s->load)) {
		memcpy(s->load, load, len);
		s->load[len] = '\0';
	}
}

static const struct probe {
	const char *path;
	void (*read)(int at, const char *path, struct ssi *s);
	bool merged; /* of the whole machine: read only while this node is in it */
} probes[] = {
	{ SYS "/node_id", read_node_id, false },
	{ SYS "/session_id", read_session, false },
	{ SYS "/subsession_id", read_subsession, false },
	{ SYS "/max_nodes", read_max_nodes, false },
	{ SYS "/abi", read_abi, false },
	{ NODES "/nrnodes", read_counts, false },
	{ NODES "/cluster/cpuinfo", read_processors, true },
	{ NODES "/cluster/meminfo", read_memory, true },
	{ NODES "/cluster/loadavg", read_load, true },
	{ WIDE "/nrnodes", read_counts, false },
	{ WIDE "/cluster/cpuinfo", read_processors, true },
	{ WIDE "/cluster/meminfo", read_memory, true },
	{ WIDE "/cluster/loadavg", read_load, true },
};

/* From the child to its parent after each probe, in one write: it is far below PIPE_BUF. */
struct message {
	struct ssi ssi;
	size_t done; /* probes */
};

static const struct ssi unknown = { .node_id = -1, .session_id = -1, .subsession_id = -1 };

static _Noreturn void child(int at, int out)
{
	struct message m = { .ssi = unknown };

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!probes[i].merged || m.ssi.subsession_id >= 0)
			probes[i].read(at, probes[i].path, &m.ssi);
		m.done = i + 1;
		if (write_all(out, &m, sizeof(m)) < 0)
			break;
	}
	_exit(0);
}

/* ---- the parent --------------------------------------------------------------------------------------------- */

/* Takes messages until the child has closed its end, or the time is over. */
static void listen_to(int in, long long deadline, struct message *m)
{
	struct message next;
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = in, .events = POLLIN };
		long long left = MAX(deadline - now_ms(), 0LL);
		ssize_t n;

		if (poll(&p, 1, (int)left) <= 0) {
			if (left == 0)
				return;
			continue;
		}
		n = read(in, (char *)&next + len, sizeof(next) - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		if (len == sizeof(next)) {
			*m = next;
			len = 0;
		}
	}
}

static bool probe_all(int at, int timeout_ms, struct ssi_probe *probe)
{
	struct message m = { .ssi = unknown };
	int ends[2];
	pid_t pid;

	/* pipe2() came with Linux 2.6.27. */
	if (pipe(ends) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child(at, ends[1]);
	}
	close(ends[1]);
	if (pid > 0)
		listen_to(ends[0], now_ms() + timeout_ms, &m);
	close(ends[0]);
	if (pid < 0)
		return false;
	probe->child = basis_end_child(pid) ? 0 : pid;
	probe->last = m.ssi;
	if (m.done < ARRAY_SIZE(probes)) {
		const char *path = probes[m.done].path;

		probe->last.stuck[0] = '/';
		memcpy(probe->last.stuck + 1, path, strlen(path) + 1);
	}
	return true;
}

bool ssi_read(int at, int timeout_ms, struct ssi_probe *probe, struct ssi *ret)
{
	struct stat st;

	if (probe->child > 0 && basis_is_gone(probe->child))
		probe->child = 0;
	if (probe->child == 0) {
		if (fstatat(at, SYS, &st, 0) < 0 || !S_ISDIR(st.st_mode))
			return false;
		if (!probe_all(at, timeout_ms, probe))
			return false;
	}
	*ret = probe->last;
	return true;
}
