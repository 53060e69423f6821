/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/ssi.h"
#include "agent/basis.h"
#include "agent/command.h"
#include "agent/facts.h"
#include "agent/inside.h"
#include "agent/look.h"
#include "agent/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYS "sys/kerrighed"
#define NODES "proc/kerrighed/nodes"
#define WIDE "proc/nodes"      /* the same, of a kernel with CLUSTER_WIDE_PROC */
#define CPUINFO_MAX (4u << 20) /* a processor takes about 1 KB there */
#define SMALL_FILE 16384
#define INSIDE_MS 1700 /* more than the container takes, less than a report waits */
#define MERGED_LOCK "run/muster/ssi-merged.lock"

/* ---- what is read, in the child ---------------------------------------------------------------------------- */

static void take_int(int at, const char *path, int *ret)
{
	_cleanup_free_ char *s = NULL;
	unsigned long long n;
	bool minus;

	if (file_read_line(at, path, &s) < 0)
		return;
	minus = *s == '-';
	/* Below 0 all are one: there is none. */
	if (parse_number(s + minus, WIRE_SSI_NUMBER_MAX, &n) == 0)
		*ret = minus ? -1 : (int)n;
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
			unsigned long n;

			if (strncmp(p, counts[i].word, len) != 0)
				continue;
			n = strtoul(p + len, NULL, 10);
			if (n <= WIRE_SSI_NUMBER_MAX)
				*counts[i].field = (int)n;
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
	if (!facts_is_load(s->load))
		s->load[0] = '\0';
}

/* Generation 3.0: who is not in the container sees his own node alone there, under the merged names. */
static void read_inside(int at, const char *path, struct ssi *s)
{
	_cleanup_text_ struct text said = { 0 };
	unsigned long long *const fields[] = { &s->memory_kb, &s->memory_free_kb };
	char *p, *end;
	int r = inside_ask(at, "merged", "", now_ms() + INSIDE_MS, &said);

	if (r == COMMAND_TIMEOUT)
		snprintf(s->stuck, sizeof(s->stuck), "/%s", path);
	if (r != 0 || !said.s)
		return;
	s->processors = (unsigned)strtoul(said.s, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		*fields[i] = strtoull(end, &end, 10);
	p = end + strspn(end, " ");
	p[strcspn(p, "\n")] = '\0';
	if (strlen(p) < sizeof(s->load) && facts_is_load(p))
		memcpy(s->load, p, strlen(p) + 1);
}

static const struct probe {
	const char *path;
	void (*read)(int at, const char *path, struct ssi *s);
	enum { HERE, OUTSIDE, INSIDE } where; /* of the whole machine: read only while this node is in it */
} probes[] = {
	{ SYS "/node_id", read_node_id, HERE },
	{ SYS "/session_id", read_session, HERE },
	{ SYS "/subsession_id", read_subsession, HERE },
	{ SYS "/max_nodes", read_max_nodes, HERE },
	{ SYS "/abi", read_abi, HERE },
	{ NODES "/nrnodes", read_counts, HERE },
	{ WIDE "/nrnodes", read_counts, HERE },
	{ NODES "/cluster/cpuinfo", read_processors, OUTSIDE },
	{ NODES "/cluster/meminfo", read_memory, OUTSIDE },
	{ NODES "/cluster/loadavg", read_load, OUTSIDE },
	{ NODES "/cluster", read_inside, INSIDE },
};

/* Generation 3.0, or later? */
static bool has_container(int at)
{
	return faccessat(at, SYS "/hotplug", F_OK, 0) == 0;
}

static bool is_due(const struct probe *p, int at, const struct ssi *s, bool merged)
{
	return p->where == HERE ||
	       (merged && s->subsession_id >= 0 && (p->where == INSIDE) == has_container(at));
}

/* From the child to its parent after each probe, in one write: it is far below PIPE_BUF. */
struct message {
	struct ssi ssi;
	size_t done; /* probes */
};

static const struct ssi unknown = { .node_id = -1, .session_id = -1, .subsession_id = -1 };

static _Noreturn void child(int at, bool merged, int out)
{
	struct message m = { .ssi = unknown };

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		if (is_due(&probes[i], at, &m.ssi, merged))
			probes[i].read(at, probes[i].path, &m.ssi);
		m.done = i + 1;
		if (write_all(out, &m, sizeof(m)) < 0)
			break;
	}
	_exit(0);
}

void ssi_look(int at, bool merged, struct ssi *ret)
{
	*ret = unknown;
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		if (is_due(&probes[i], at, ret, merged))
			probes[i].read(at, probes[i].path, ret);
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
		child(at, probe->merged, ends[1]);
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

static void be_patient(struct ssi_probe *probe, struct ssi *s)
{
	if (!*s->stuck) {
		probe->good = *s;
		probe->slow_since = 0;
		return;
	}
	if (!probe->slow_since)
		probe->slow_since = now_ms();
	if (s->node_id < 0 || now_ms() - probe->slow_since >= SSI_PATIENCE_MS)
		return;
	s->stuck[0] = '\0';
	if (s->present == 0) {
		s->online = probe->good.online;
		s->present = probe->good.present;
		s->possible = probe->good.possible;
	}
	if (s->subsession_id < 0 || !probe->merged)
		return;
	s->processors = probe->good.processors;
	s->memory_kb = probe->good.memory_kb;
	s->memory_free_kb = probe->good.memory_free_kb;
	memcpy(s->load, probe->good.load, sizeof(s->load));
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
	be_patient(probe, ret);
	probe->given = *ret;
	probe->has_given = true;
	return true;
}

bool ssi_again(const struct ssi_probe *probe, struct ssi *ret)
{
	*ret = probe->given;
	return probe->has_given;
}

/* ---- in the container --------------------------------------------------------------------------------------- */

static void look_merged(int at, int what, struct text *out)
{
	static const char *const places[] = { NODES, WIDE };
	struct ssi s = unknown;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_close_ int cluster = -1,
				    nodes = openat(at, places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		cluster = nodes < 0 ? -1 : openat(nodes, "cluster", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (cluster < 0)
			continue;
		read_processors(cluster, "cpuinfo", &s);
		read_memory(cluster, "meminfo", &s);
		read_load(cluster, "loadavg", &s);
	}
	text_addf(out, "%u %llu %llu %s\n", s.processors, s.memory_kb, s.memory_free_kb, s.load);
}

int ssi_merged(int at, int timeout_ms, struct text *out)
{
	return look_run(at, MERGED_LOCK, timeout_ms, look_merged, 0, out);
}
