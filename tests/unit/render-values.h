/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that mean something to somebody: to a shell, to a reader of configuration, to a terminal. */
#pragma once

#include <stddef.h>

/* Ends with NULL. The long ones among them are made by values_seed(). */
extern const char *values_fixed[];

size_t values_count(void);

/* Takes the seed of MUSTER_PROPERTY_SEED, or one of the clock, and prints it. */
void values_seed(void);
/* MUSTER_PROPERTY_ROUNDS, or what `make check` has the time for. */
size_t values_rounds(void);
#define VALUES_MANY 1000 /* so many rounds are for a long run */
/* A random number below n. */
size_t values_pick(size_t n);
/* The next random one; owned. */
char *values_random(void);
