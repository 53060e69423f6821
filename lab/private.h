/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the lab's own files. */
#pragma once

#include <sys/types.h>

#include "lab/lab.h"

/* ---- events.c ---- */
void lab_step(const struct lab_options *o, const char *name, const char *fmt, ...) _printf_(3, 4);
void lab_done(const struct lab_options *o, const char *name, int64_t began); /* began: clock_mono_ms() */
void lab_note(const struct lab_options *o, const char *fmt, ...) _printf_(2, 3);
void lab_warn(const struct lab_options *o, const char *fmt, ...) _printf_(2, 3);
void lab_error(const struct lab_options *o, const char *fmt, ...) _printf_(2, 3);

/* ---- keeper.c: the namespaces ---- */

/* Starts the process that holds new namespaces, with the loopback device up. tie: the reading end of a pipe; it ends by
 * itself, and all in there with it, when nobody has the writing end any more. -1: none. */
int keeper_start(int tie, pid_t *ret) _must_check_;
/* Ends it and with it everything in its namespaces; returns when all of that is gone. */
int keeper_stop(pid_t keeper) _must_check_;
/* Field 22 of /proc/PID/stat (proc(5)): with it a pid names one process for good. -ESRCH. */
/* Runs fn in a child inside the namespaces of the keeper; what it returns (0 or negative) comes back. Events that
 * the child emits through `o`, which fn uses and which is changed in the child only, are emitted by this process. */
int keeper_run(pid_t keeper, struct lab_options *o, int (*fn)(void *data), void *data) _must_check_;
/* Moves the calling process's network namespace: into the lab's (true), or back to where it came from. Only
 * inside keeper_run(). */
int keeper_network(bool inside) _must_check_;
/* Where it came from; likewise. Borrowed. */
int keeper_outer_network(void);

/* ---- state.c: lab.json ---- */

struct lab_machine {
	char *name, *mac;
	pid_t pid;
	enum lab_firmware firmware;
	unsigned int memory_mb;
};

struct lab_record {
	char *cluster, *interface, *accelerator;
	pid_t keeper;
	unsigned long long keeper_start; /* process_start_time() */
	unsigned int processors;
	struct lab_machine *machines;
	size_t n;
};
/* Takes the lab's folder for this process, and marks it as a lab's; held until the descriptor is closed, and by no
 * child. -MUSTER_E_BUSY, emitted, where another process has it. */
int record_lock(const struct lab_options *o, const char *dir, int *ret_fd) _must_check_;
/* Was the folder a lab's ever? */
bool record_marked(const char *dir);
/* Forgets the lab; the folder stays marked. */
int record_remove(const char *dir) _must_check_;
int record_read(const char *dir, struct lab_record *ret) _must_check_; /* -ENOENT */
int record_write(const char *dir, const struct lab_record *r) _must_check_;
/* The record of a lab that runs; -ENOENT, emitted, where none does. */
int record_open(const struct lab_options *o, struct lab_record *ret) _must_check_;
void record_free(struct lab_record *r);
/* Does the recorded keeper run? */
bool record_alive(const struct lab_record *r);

/* ---- lab.c: what a rehearsal makes likewise ---- */

/* The bridge that stands for the server's interface. Inside the lab's namespaces. */
int lab_make_interface(const struct lab_options *o, const struct muster_network *n) _must_check_;
/* Adds one to the record; powered off. */
int lab_add_machine(struct lab_record *r, const char *name, const char *mac, enum lab_firmware firmware,
		    unsigned int memory_mb) _must_check_;
/* What a machine gets that boots such a root. */
unsigned int lab_memory(const struct lab_options *o, enum lab_firmware firmware, enum plan_root root);
/* The folder as an absolute path; made where it is not there. */
int lab_absolute(const char *dir, char **ret) _must_check_;
/* Removes these paths below the folder; `names` ends in NULL. */
int lab_remove_each(const char *dir, const char *const *names) _must_check_;

/* ---- qemu.c: the machines ---- */

/* Starts the machine `index` of the record; inside the lab's namespaces. Its pid is set. */
int qemu_start(const struct lab_options *o, struct lab_record *r, size_t index) _must_check_;
/* Does a real guest run under KVM here? `kernel` is a kernel's path to try. Takes up to some seconds. */
bool qemu_kvm_works(const char *kernel);
