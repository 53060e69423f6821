/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/probe.h"
#include "agent/command.h"
#include "agent/processes.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>

#define TOOL_MS 15000
#define ARRIVE_MS 5000 /* from when the tool has ended */
#define UNTOLD_MS 500  /* where nobody can see that it arrives */
#define RESULT_MS 10000
#define LOOK_MS 20
#define ROUND_US 10000 /* so that the same is soon computed again */
#define ROUNDS_MAX 20000
#define WORDS (1 << 17)
#define FAILED 1

struct probe {
	int at, out;
	int home, away;		     /* ids of nodes */
	unsigned long long per_node; /* as processes_per_node() tells it */
};

struct result {
	unsigned long long rounds, digest;
};

/* ---- what moves ---------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t told;

static void be_told(int signal)
{
	told = 1;
}

/* Every word takes part in the digest, and depends on all before it. */
static unsigned long long mix(unsigned long long *words, size_t n, unsigned long long digest)
{
	for (size_t i = 0; i < n; i++) {
		digest = (digest ^ words[i]) * 6364136223846793005ULL + 1442695040888963407ULL;
		words[i] = digest ^ digest >> 29;
	}
	return digest;
}

/* Computes until it is told that it is enough, or for so many rounds. */
static struct result compute(unsigned long long rounds)
{
	static unsigned long long words[WORDS];
	struct result r = { 0 };

	for (size_t i = 0; i < WORDS; i++)
		words[i] = i;
	while (rounds ? r.rounds < rounds : !told) {
		r.digest = mix(words, WORDS, r.digest);
		r.rounds++;
		if (!rounds)
			usleep(ROUND_US);
	}
	return r;
}

/* Half of the memory is what was written at home; the other half is the answer. */
static struct result answer_shared(int id)
{
	struct result r = { .rounds = 1 };
	unsigned long long *words;

	while (!told)
		usleep(ROUND_US);
	words = shmat(id, NULL, 0);
	if (words == (void *)-1)
		return (struct result){ 0 };
	r.digest = mix(words, WORDS / 2, 0);
	memcpy(words + WORDS / 2, words, WORDS / 2 * sizeof(*words));
	return r;
}

struct mover {
	pid_t pid;
	int in; /* its result */
};

/* shared < 0: it computes. */
static int start_mover(const struct probe *p, int shared, struct mover *ret)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		struct result r;

		signal(SIGUSR1, be_told);
		/* The fewer files a process has, the less there is to move. */
		dup2(ends[1], STDOUT_FILENO);
		for (int fd = STDERR_FILENO + 1; fd < FD_SETSIZE; fd++)
			close(fd);
		r = shared < 0 ? compute(0) : answer_shared(shared);
		_exit(write_all(STDOUT_FILENO, &r, sizeof(r)) < 0);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	*ret = (struct mover){ pid, ends[0] };
	return 0;
}

static void end_mover(const struct mover *m)
{
	kill(m->pid, SIGKILL);
	close(m->in);
	waitpid(m->pid, NULL, WNOHANG);
}

/* ---- the parts ----------------------------------------------------------------------------------------------- */

/* part may be NULL: it is a piece of another one. */
static int say(const struct probe *p, const char *part, long long began, int status, const char *why)
{
	_cleanup_text_ struct text t = { 0 };

	if (!part)
		return status;
	text_addf(&t, "%s %lld %d%s%.*s\n", part, now_ms() - began, status, why ? " " : "",
		  why ? (int)strcspn(why, "\n") : 0, why ? why : "");
	return t.failed || write_all(p->out, t.s, t.len) < 0 ? FAILED : status;
}

static int move(const struct probe *p, const struct mover *m, int node, const char *part)
{
	_cleanup_text_ struct text said = { 0 };
	long long began = now_ms(), end;
	char pid[16], id[16], why[64];
	int r, now = -1, settle_ms = p->per_node ? ARRIVE_MS : UNTOLD_MS;

	snprintf(pid, sizeof(pid), "%d", (int)m->pid);
	snprintf(id, sizeof(id), "%d", node);
	r = command_run(p->at, (const char *const[]){ "krgcapset", "-k", pid, "-e", "+CAN_MIGRATE", NULL },
			now_ms() + TOOL_MS, NULL, &said);
	if (r == 0)
		r = command_run(p->at, (const char *const[]){ "migrate", pid, id, NULL }, now_ms() + TOOL_MS,
				NULL, &said);
	if (r != 0)
		return say(p, part, began, r, said.s);
	for (end = now_ms() + settle_ms; now_ms() < end && now != node; poll(NULL, 0, LOOK_MS))
		now = p->per_node ? processes_node(p->at, m->pid, p->per_node) : -1;
	if (!p->per_node)
		return say(p, part, began, 0, "the kernel does not tell where a process is");
	snprintf(why, sizeof(why), "it runs on node %d and not on node %d", now, node);
	return now == node ? say(p, part, began, 0, NULL) : say(p, part, began, FAILED, why);
}

/* Told that it is enough, it says what it has. */
static int read_result(const struct mover *m, struct result *ret)
{
	long long end = now_ms() + RESULT_MS;
	size_t len = 0;

	kill(m->pid, SIGUSR1);
	while (len < sizeof(*ret)) {
		struct pollfd fd = { .fd = m->in, .events = POLLIN };
		ssize_t n;

		if (poll(&fd, 1, (int)MAX(end - now_ms(), 0LL)) <= 0)
			return COMMAND_TIMEOUT;
		n = read(m->in, (char *)ret + len, sizeof(*ret) - len);
		if (n <= 0)
			return FAILED;
		len += (size_t)n;
	}
	return 0;
}

static int check_result(const struct probe *p, const struct mover *m)
{
	long long began = now_ms();
	struct result r, same;
	int status = read_result(m, &r);

	if (status != 0)
		return say(p, "result", began, status,
			   status == COMMAND_TIMEOUT ? "it does not end" : "it ended without a result");
	/* What is no count of rounds is no result. */
	if (r.rounds == 0 || r.rounds > ROUNDS_MAX)
		return say(p, "result", began, FAILED, "its result is wrong");
	same = compute(r.rounds);
	return same.digest == r.digest ? say(p, "result", began, 0, NULL)
				       : say(p, "result", began, FAILED, "its result is wrong");
}

static int check_moved(const struct probe *p)
{
	struct mover m;
	int r = start_mover(p, -1, &m);

	if (r < 0)
		return say(p, "leave", now_ms(), FAILED, strerror(-r));
	r = move(p, &m, p->away, "leave");
	if (r == 0)
		r = move(p, &m, p->home, "return");
	if (r == 0)
		r = check_result(p, &m);
	end_mover(&m);
	return r;
}

static int exchange(const struct probe *p, int id, unsigned long long *words, char *why, size_t size)
{
	static unsigned long long copy[WORDS / 2];
	struct mover m;
	struct result answer;
	int r = start_mover(p, id, &m);

	if (r < 0)
		return FAILED;
	for (size_t i = 0; i < WORDS / 2; i++)
		words[i] = copy[i] = ~i;
	snprintf(why, size, "a process cannot be moved there");
	r = move(p, &m, p->away, NULL);
	if (r == 0) {
		r = read_result(&m, &answer);
		snprintf(why, size, "it does not answer");
	}
	if (r == 0 && (answer.rounds != 1 || answer.digest != mix(copy, WORDS / 2, 0))) {
		r = FAILED;
		snprintf(why, size, "it read something else than was written");
	}
	if (r == 0 && memcmp(words + WORDS / 2, copy, sizeof(copy)) != 0) {
		r = FAILED;
		snprintf(why, size, "its answer is not what it wrote");
	}
	end_mover(&m);
	return r;
}

/* With a name, so that what one leaves behind which was ended in the middle goes with the next. */
static int get_shared(void)
{
	struct shmid_ds is;
	int old = shmget(PROBE_SHARED_KEY, 0, 0);

	if (old >= 0 && shmctl(old, IPC_STAT, &is) == 0 && is.shm_nattch == 0)
		shmctl(old, IPC_RMID, NULL);
	return shmget(PROBE_SHARED_KEY, WORDS * sizeof(unsigned long long), IPC_CREAT | IPC_EXCL | 0600);
}

static int check_shared(const struct probe *p)
{
	int id = get_shared();
	unsigned long long *words = id >= 0 ? shmat(id, NULL, 0) : (void *)-1;
	char why[64] = "there is no shared memory";
	long long began = now_ms();
	int r = FAILED;

	if (words != (void *)-1)
		r = exchange(p, id, words, why, sizeof(why));
	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	return say(p, "shared", began, r, r ? why : NULL);
}

/* The last one of the list that is not this node. */
static int other_node(const char *ids, int home)
{
	int away = -1;

	for (const char *s = ids; s; s = strpbrk(s, ",-")) {
		long id;

		s += *s < '0';
		id = strtol(s, NULL, 10);
		if (id != home && id > 0 && id < 255)
			away = (int)id;
	}
	return away;
}

int probe_run(int at, const char *args, int out)
{
	_cleanup_free_ char *own = NULL;
	struct probe p = { .at = at, .out = out };
	unsigned long long id;
	int r;

	if (file_read_line(at, "sys/kerrighed/node_id", &own) < 0 || parse_number(own, INT_MAX, &id) < 0)
		return say(&p, "leave", now_ms(), FAILED, "this node's id cannot be read");
	p.home = (int)id;
	p.away = other_node(args, p.home);
	p.per_node = processes_per_node(at, p.home);
	if (p.away < 0)
		return say(&p, "leave", now_ms(), FAILED, "there is no other node");
	r = check_moved(&p);
	return r ? r : check_shared(&p);
}
