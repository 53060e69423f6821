/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signals of a program that has a terminal. The usual ones write a byte into a pipe that the loop reads. On a crash the
 * handler uses only what signal-safety(7) allows, gives the terminal back, and lets the signal do what it would have done.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>

#include "tui/private.h"

static const int loop_signs[] = { SIGWINCH, SIGTSTP, SIGHUP, SIGTERM, SIGINT, SIGCONT };
static const int crash_signs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

#define ALT_STACK 65536

/* The terminal's state is the one thing that a handler must reach, hence not part of struct tui. */
static struct {
	int pipe[2];
	int fd;
	char *restore;
	size_t len;
	struct termios termios;
	volatile sig_atomic_t guard;
	struct sigaction old_loop[ARRAY_SIZE(loop_signs)], old_crash[ARRAY_SIZE(crash_signs)];
	void *stack;
	stack_t old_stack;
	bool armed;
} state = { .pipe = { -1, -1 } };

static void on_loop_signal(int sig)
{
	int saved = errno;
	unsigned char c = (unsigned char)sig;

	/* When the pipe is full, the loop has enough to read. */
	if (write(state.pipe[1], &c, 1) < 0)
		errno = saved;
	errno = saved;
}

static void give_back(void)
{
	if (!state.guard)
		return;
	state.guard = 0;
	for (size_t done = 0; done < state.len;) {
		ssize_t n = write(state.fd, state.restore + done, state.len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	tcsetattr(state.fd, TCSANOW, &state.termios);
}

static void on_crash(int sig)
{
	give_back();
	for (size_t i = 0; i < ARRAY_SIZE(crash_signs); i++)
		if (crash_signs[i] == sig)
			sigaction(sig, &state.old_crash[i], NULL);
	/* Blocked until this handler returns; a fault happens again by itself. */
	raise(sig);
}

/* A library may end the program, too: libdialog does. */
static void at_exit(void)
{
	give_back();
}

static void remember(const int *signs, size_t n, struct sigaction *old)
{
	for (size_t i = 0; i < n; i++)
		sigaction(signs[i], NULL, &old[i]);
}

static void install(const int *signs, size_t n, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < n; i++)
		sigaction(signs[i], &sa, NULL);
}

static void put_back(const int *signs, size_t n, const struct sigaction *old)
{
	for (size_t i = 0; i < n; i++)
		sigaction(signs[i], &old[i], NULL);
}

int signals_open(int fd)
{
	static bool registered;
	int r;

	if (pipe2(state.pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	/* A stack that overflowed has no room for a handler. */
	state.stack = mmap(NULL, ALT_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (state.stack == MAP_FAILED || tcgetattr(fd, &state.termios) < 0 ||
	    (!registered && atexit(at_exit) != 0)) {
		r = errno ? -errno : -ENOMEM;
		state.stack = state.stack == MAP_FAILED ? NULL : state.stack;
		signals_close();
		return r;
	}
	registered = true;
	state.fd = fd;
	remember(loop_signs, ARRAY_SIZE(loop_signs), state.old_loop);
	remember(crash_signs, ARRAY_SIZE(crash_signs), state.old_crash);
	return 0;
}

int signals_arm(const char *restore, size_t len)
{
	stack_t stack = { .ss_sp = state.stack, .ss_size = ALT_STACK };

	state.restore = malloc(len + 1);
	if (!state.restore)
		return -ENOMEM;
	memcpy(state.restore, restore, len);
	state.len = len;
	sigaltstack(&stack, &state.old_stack);
	install(loop_signs, ARRAY_SIZE(loop_signs), on_loop_signal, SA_RESTART);
	install(crash_signs, ARRAY_SIZE(crash_signs), on_crash, SA_ONSTACK);
	state.armed = true;
	state.guard = 1;
	return 0;
}

void signals_close(void)
{
	state.guard = 0;
	if (state.armed) {
		put_back(loop_signs, ARRAY_SIZE(loop_signs), state.old_loop);
		put_back(crash_signs, ARRAY_SIZE(crash_signs), state.old_crash);
		sigaltstack(&state.old_stack, NULL);
	}
	state.armed = false;
	if (state.stack)
		munmap(state.stack, ALT_STACK);
	state.stack = NULL;
	free(state.restore);
	state.restore = NULL;
	closep(&state.pipe[0]);
	closep(&state.pipe[1]);
	state.pipe[0] = state.pipe[1] = -1;
}

int signals_fd(void)
{
	return state.pipe[0];
}

unsigned int signals_read(void)
{
	unsigned int got = 0;
	unsigned char c[64];
	ssize_t n;

	while ((n = read(state.pipe[0], c, sizeof(c))) > 0)
		for (ssize_t i = 0; i < n; i++)
			got |= c[i] == SIGWINCH	 ? SIGNAL_RESIZE
			       : c[i] == SIGTSTP ? SIGNAL_STOP
			       : c[i] == SIGHUP	 ? SIGNAL_HANGUP
			       : c[i] == SIGCONT ? SIGNAL_CONTINUE
						 : SIGNAL_TERMINATE;
	return got;
}

void signals_interrupt(bool on)
{
	if (state.armed)
		install(loop_signs, ARRAY_SIZE(loop_signs), on_loop_signal, on ? 0 : SA_RESTART);
}

void signals_guard(bool on)
{
	state.guard = on;
}

void signals_stop(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL }, ours;
	sigset_t set, old;

	sigemptyset(&usual.sa_mask);
	sigaction(SIGTSTP, &usual, &ours);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	/* All of the job, as the terminal does it. */
	kill(0, SIGTSTP);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGTSTP, &ours, NULL);
}
