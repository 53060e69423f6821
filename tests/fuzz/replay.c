/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives the kept inputs to their targets again, as TAP. No compiler with libFuzzer is needed: it is built with AddressSanitizer
 * and UndefinedBehaviorSanitizer by whichever compiler builds muster.
 *
 *   replay                  every target: the files of its folders, each whole, cut short, and with single bytes changed
 *   replay TARGET FILE...   these files, each whole
 *
 * What is cut and changed comes from the file's own bytes and number, so that it is the same every time. A target runs in a
 * process of its own: the input at which it ended is told.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

#ifdef REPLAY_AGENT
#define TARGETS FUZZ_AGENT
#else
#define TARGETS FUZZ_HOUSE
#endif

#define VARIATIONS 4 /* of each kept file: cut short, and with a byte changed */
#define INPUT_MAX ((size_t)1 << 20)
#define TARGET_CPU_S 120 /* of a processor; what takes longer hangs */
#define TARGET_S 1800	 /* and of the clock, on whatever busy machine */

#define X(name, folders) int fuzz_one_##name(const uint8_t *data, size_t size);
TARGETS(X)
#undef X

static const struct target {
	const char *name, *folders;
	int (*one)(const uint8_t *data, size_t size);
} targets[] = {
#define X(name, folders) { #name, folders, fuzz_one_##name },
	TARGETS(X)
#undef X
};

/* Where the child is, for its parent to tell. */
struct progress {
	char file[512];
	char how[64];
	unsigned int files, inputs;
};

static struct progress *progress;

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;
	ssize_t n;

	fuzz_need(fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	data = malloc(INPUT_MAX);
	fuzz_need(data);
	n = read(fd, data, INPUT_MAX);
	fuzz_need(n >= 0);
	close(fd);
	*ret_size = (size_t)n;
	return data;
}

/* From memory of exactly that size, so that a byte read beyond it is seen. */
static void give(const struct target *t, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	fuzz_need(copy);
	if (size)
		memcpy(copy, data, size);
	progress->inputs++;
	t->one(copy, size);
	free(copy);
}

static void give_file(const struct target *t, const char *path, int variations)
{
	size_t size = 0;
	uint8_t *data = read_file(path, &size);
	uint32_t state = 2463534242U ^ (uint32_t)size;

	snprintf(progress->file, sizeof(progress->file), "%s", path);
	snprintf(progress->how, sizeof(progress->how), "whole");
	progress->files++;
	give(t, data, size);
	for (size_t i = 0; i < size && i < 4096; i++)
		state = (state ^ data[i]) * 16777619U;
	state |= 1;
	for (int i = 0; size > 1 && i < variations; i++) {
		size_t n = next_random(&state) % size;

		snprintf(progress->how, sizeof(progress->how), "cut to %zu bytes", n);
		give(t, data, n);
	}
	for (int i = 0; size > 0 && i < variations; i++) {
		size_t at = next_random(&state) % size;
		uint8_t was = data[at];

		data[at] ^= (uint8_t)(1U << next_random(&state) % 8);
		snprintf(progress->how, sizeof(progress->how), "byte %zu as %02x", at, data[at]);
		give(t, data, size);
		data[at] = was;
	}
	free(data);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void give_folder(const struct target *t, const char *folder, int variations)
{
	struct dirent **v = NULL;
	int n = scandir(folder, &v, NULL, by_name);

	for (int i = 0; i < n; i++) {
		char *path = NULL;
		struct stat st;

		fuzz_need(asprintf(&path, "%s/%s", folder, v[i]->d_name) > 0);
		if (v[i]->d_name[0] != '.' && stat(path, &st) == 0 && S_ISREG(st.st_mode))
			give_file(t, path, variations);
		free(path);
		free(v[i]);
	}
	free(v);
}

static void give_all(const struct target *t)
{
	char *corpus = NULL, *folders = strdup(t->folders), *save = NULL;

	fuzz_need(folders && asprintf(&corpus, MUSTER_SRCDIR "/tests/fuzz/corpus/%s", t->name) > 0);
	give_folder(t, corpus, VARIATIONS);
	free(corpus);
	for (char *f = strtok_r(folders, " ", &save); f; f = strtok_r(NULL, " ", &save)) {
		char *path = NULL;

		fuzz_need(asprintf(&path, MUSTER_SRCDIR "/%s", f) > 0);
		/* There are hundreds of them. */
		give_folder(t, path, 1);
		free(path);
	}
	free(folders);
	/* Nothing at all is an input, too. */
	snprintf(progress->file, sizeof(progress->file), "an empty input");
	give(t, (const uint8_t *)"", 0);
	snprintf(progress->file, sizeof(progress->file), "the end (what leaks is found there)");
}

static bool run(const struct target *t)
{
	int status = 0;
	pid_t pid;

	memset(progress, 0, sizeof(*progress));
	fflush(stdout);
	pid = fork();
	fuzz_need(pid >= 0);
	if (pid == 0) {
		const struct rlimit limit = { TARGET_CPU_S, TARGET_CPU_S };

		alarm(TARGET_S);
		if (setrlimit(RLIMIT_CPU, &limit) < 0)
			exit(1);
		give_all(t);
		exit(0); /* leaks are looked for there */
	}
	fuzz_need(waitpid(pid, &status, 0) == pid);
	if (status == 0)
		return true;
	printf("# %s ended with status %d, signal %d\n", t->name, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	printf("# at %s, %s\n", progress->file, progress->how);
	return false;
}

static const struct target *find(const char *name)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (strcmp(targets[i].name, name) == 0)
			return &targets[i];
	fprintf(stderr, "there is no target %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	size_t n = sizeof(targets) / sizeof(targets[0]);
	bool good = true;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fuzz_need(progress != MAP_FAILED);
	if (argc > 1) {
		for (int i = 2; i < argc; i++)
			give_file(find(argv[1]), argv[i], 0);
		return 0;
	}
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		bool ok = run(&targets[i]);

		/* A target without a corpus was not tested. */
		printf("%sok %zu - %s took %u inputs from %u files\n",
		       ok && progress->files > 0 ? "" : "not ", i + 1, targets[i].name, progress->inputs,
		       progress->files);
		good = good && ok && progress->files > 0;
	}
	return !good;
}
