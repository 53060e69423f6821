/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A monkey at the keyboard: random keys, pastes and sizes against any program that has screens. It must neither crash nor
 * hang, and must give the terminal back. What it does follows from the seed, which it prints; Ctrl-L must always be
 * answered, for that is how a hang is told from a wait.
 *
 *     monkey [-n EVENTS] [-s SEED] PROGRAM [ARGUMENT]...
 */
#include "config.h"

#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "vt.h"

#define CHECK_EVERY 50
#define SANITIZER_STATUS 99 /* what ASan and UBSan end with */
#define STRING_(x) #x
#define STRING(x) STRING_(x)

static const char *const keys[] = {
	"\r",
	"\t",
	"\x1b",
	" ",
	"\x7f",
	"\x1bOA",
	"\x1bOB",
	"\x1bOC",
	"\x1bOD",
	"\x1b[5~",
	"\x1b[6~",
	"\x1bOH",
	"\x1bOF",
	"\x1b[3~",
	"\x1b[Z",
	"\x1bOP",
	"\x0c",
	"\x1a",
	"\x15",
	"\x01",
	"\x05",
	"\x0b",
	"\x17",
	"/",
	"?",
	"q",
	"j",
	"k",
	"g",
	"G",
	"v",
	"s",
	"S",
	"n",
	"N",
	"é",
	"漢",
	"\x1b[1;2A",
	"\x1b[1;2B",
	"\x1b[<0;10;10M",
	"\x1b[<65;5;5M",
	"\x1b[",
	"\x1b[200~",
	"\x1b[201~",
	"\xff",
	"\xc3",
	"\x1bx",
	"b",
	"p",
	"\r",
	"\t",
	"\x1bOB",
};

static const char *const pastes[] = {
	"52:54:00:66:00:01\n52:54:00:66:00:02\n",
	"a",
	"",
	"\x1b[2J\x1b]0;title\x07",
	"漢字é\xff\xfe\t\t\n\n\n",
	"10.66.0.1/24 and a line that is much longer than any field of any form, so that it must be cut or "
	"scrolled or dropped",
};

static uint64_t state;

/* xorshift64* (Vigna 2014): the same sequence everywhere. */
static unsigned int chance(unsigned int below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned int)((state * 2685821657736338717ULL) >> 33) % below;
}

static void act(struct vt *v)
{
	unsigned int n = chance(100);
	char c[2] = { (char)(' ' + chance(95)), '\0' };

	if (n < 60)
		vt_send(v, keys[chance(ARRAY_SIZE(keys))]);
	else if (n < 88)
		vt_send(v, c);
	else if (n < 92)
		vt_paste(v, pastes[chance(ARRAY_SIZE(pastes))]);
	else if (n < 94)
		/* In one column libvterm writes a wide character's second half beyond its row. */
		vt_resize(v, 1 + (int)chance(30), 2 + (int)chance(100));
	else if (n < 98)
		vt_resize(v, 24 + (int)chance(30), 80 + (int)chance(80));
	else
		vt_click(v, (int)chance(24), (int)chance(80));
}

static int bad(struct vt *v, long event, const char *what)
{
	printf("not ok 1 - event %ld: %s\n", event, what);
	printf("%s", vt_screen(v));
	return 1;
}

/* It hangs: what it waits for, and, from a program with ASan, where. */
static int hangs(struct vt *v, long event, const char *what)
{
	static const char *const files[] = { "syscall", "wchan" };
	int r = bad(v, event, what);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[64], text[256];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)vt_pid(v), files[i]);
		f = fopen(path, "re");
		if (f && fgets(text, sizeof(text), f))
			printf("%s: %s\n", files[i], text);
		if (f)
			fclose(f);
	}
	vt_resize(v, 70, 200);
	kill(vt_pid(v), SIGSEGV);
	vt_wait_exit(v, VT_PATIENCE, NULL);
	printf("%s", vt_screen(v));
	return r;
}

/* Whether it still answers: a repaint of everything is never nothing. */
static bool answers(struct vt *v)
{
	size_t before;

	/* A paste that was begun takes all keys until it ends. */
	vt_send(v, "\x1b[201~");
	vt_settle(v, 60, VT_PATIENCE);
	before = vt_bytes(v);
	vt_send(v, "\x0c");
	vt_pump(v, VT_PATIENCE);
	return vt_bytes(v) > before;
}

/* A screen may have been left by its own key, or the program was told to end; what matters is how. */
static bool is_good_end(struct vt *v, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) == SANITIZER_STATUS || WEXITSTATUS(status) == 127)
		return false;
	return WEXITSTATUS(status) == 0 || WEXITSTATUS(status) > 10 || vt_find(v, "cancelled", NULL, NULL);
}

static int judge_end(struct vt *v, long event)
{
	const char *left = vt_left_behind(v);
	char text[128];
	int status;

	if (!vt_wait_exit(v, VT_PATIENCE, &status))
		return hangs(v, event, "it does not end");
	left = vt_left_behind(v);
	if (left) {
		snprintf(text, sizeof(text), "it leaves %s behind", left);
		return bad(v, event, text);
	}
	if (is_good_end(v, status))
		return 0;
	snprintf(text, sizeof(text), "it ended with status 0x%x", status);
	return bad(v, event, text);
}

static int play(const char *const argv[], const char *first, long events)
{
	static const char *const env[] = {
		"DEMO_TAME=1", "ASAN_OPTIONS=exitcode=" STRING(SANITIZER_STATUS),
		"UBSAN_OPTIONS=print_stacktrace=1:exitcode=" STRING(SANITIZER_STATUS), NULL
	};
	struct vt *v = NULL;
	long starts = 0;
	int r = 0;

	for (long i = 0; i < events && r == 0; i++) {
		if (!v) {
			if (vt_start(argv, env, 24, 80, &v) < 0)
				return 2;
			vt_pump(v, VT_PATIENCE);
			if (first) {
				vt_send(v, first);
				vt_settle(v, 300, VT_PATIENCE);
			}
			starts++;
		}
		act(v);
		vt_pump(v, 0);
		if (vt_wait_exit(v, 0, NULL) || (i % CHECK_EVERY == 0 && !answers(v))) {
			if (!vt_wait_exit(v, 1000, NULL))
				r = hangs(v, i, "it does not answer");
			else
				r = judge_end(v, i);
			vt_free(TAKE_PTR(v));
		}
	}
	if (v && r == 0) {
		/* Large enough for what it says then. */
		vt_resize(v, 24, 80);
		kill(vt_pid(v), SIGTERM);
		r = judge_end(v, events);
	}
	vt_free(v);
	if (r == 0)
		printf("ok 1 - %ld events, %ld starts\n", events, starts);
	return r;
}

int main(int argc, char **argv)
{
	const char *first = NULL;
	long events = 3000;
	unsigned long seed = (unsigned long)time(NULL);
	int c;

	setlocale(LC_ALL, "C.UTF-8");
	while ((c = getopt(argc, argv, "+k:n:s:")) != -1) {
		if (c == 'n')
			events = strtol(optarg, NULL, 10);
		else if (c == 'k')
			first = optarg;
		else if (c == 's')
			seed = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind >= argc) {
		fprintf(stderr,
			"usage: monkey [-k FIRST_KEYS] [-n EVENTS] [-s SEED] PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	state = seed * 2654435761UL + 1;
	printf("1..1\n# seed %lu\n", seed);
	fflush(stdout);
	return play((const char *const *)argv + optind, first, events);
}
