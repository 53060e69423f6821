/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors are negative: an errno below 1024, or one of the project's own codes from 1024 on.
 * The detail of an error is logged or emitted as an event where it arises, once; the code is
 * what callers decide by.
 */
#pragma once

/* X(name, number, text); the text is translated by muster_strerror(). */
#define MUSTER_ERRORS(X)                                                  \
	X(ANSWERS, 1024, N_("the answers have mistakes"))                 \
	X(UNSUPPORTED, 1025, N_("not supported on this server"))          \
	X(COMMAND, 1026, N_("a command failed"))                          \
	X(TIMEOUT, 1027, N_("it took too long"))                          \
	X(CONFLICT, 1028, N_("something else is in the way"))             \
	X(FORMAT, 1029, N_("the data has not the expected form"))         \
	X(NOT_APPLIED, 1030, N_("there is nothing to take back"))         \
	X(BUSY, 1031, N_("another muster is changing this server"))       \
	X(MISSING, 1032, N_("something that is needed is not installed")) \
	X(UNHEALTHY, 1033, N_("a service did not come up"))               \
	X(CANCELLED, 1034, N_("cancelled"))                               \
	X(REFUSED, 1035, N_("refused"))

enum muster_error {
#define X(name, number, text) MUSTER_E_##name = (number),
	MUSTER_ERRORS(X)
#undef X
};

/* The text for a code, given as a negative or a positive number. Never NULL; static or thread-local. */
const char *muster_strerror(int error);
