/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scratch root with a running musterd, and an HTTP client that can choose its address and send anything. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "backend/nodes/store.h"
#include "backend/plan/model.h"

#define SERVER "127.0.0.2"
#define NODE1 "127.0.0.11"
#define NODE2 "127.0.0.12"
#define STRANGER "127.0.0.99"
#define MAC1 "52-54-00-00-00-01"
#define MAC2 "52-54-00-00-00-02"

struct server {
	char root[32];
	int root_fd;
	unsigned int port;
	struct plan plan;     /* written by server_write_plan() */
	pid_t pid;	      /* 0: not running */
	const char *at;	      /* its address; NULL: SERVER */
	const char *interval; /* between reports, seconds; NULL: 1 */
	bool as_root;	      /* what is asked comes from a port below 1024, as an agent's */
};

struct reply {
	int status; /* 0: the connection was closed without an answer */
	char *head; /* status line and header */
	char *body; /* NUL behind its end */
	size_t len;
};

/* A root with the nodes node01 (127.0.0.11) and node02, a generation g1, an initramfs i1, and the host key of
 * node01 and node02. Not running yet. */
struct server *server_new(void);
void server_free(struct server *s); /* ends it too */
void server_put(struct server *s, const char *path, const void *data, size_t len);
/* The root.json of a generation whose root.squashfs has these bytes. */
void server_put_facts(struct server *s, const char *id, const void *root, size_t len);
void server_write_plan(struct server *s);
/* Starts musterd with --interval and these words (NULL-terminated; may be NULL); waits until it answers. */
void server_start(struct server *s, const char *user);
/* SIGTERM, and its exit status. */
int server_stop(struct server *s);
/* What it has written to standard error so far; owned. */
char *server_log(struct server *s);

/* Sends these bytes from that address, and reads until the server closes. */
struct reply exchange(struct server *s, const char *from, const void *data, size_t len);
struct reply get(struct server *s, const char *from, const char *path);
struct reply request(struct server *s, const char *from, const char *method, const char *path,
		     const char *header, const char *body);
void reply_free(struct reply *r);
/* The status alone. */
int get_status(struct server *s, const char *from, const char *path);

/* For cmocka: a server that runs, or does not yet, as the state; and its end. */
int client_setup(void **state);
int client_setup_stopped(void **state);
int client_teardown(void **state);

/* A connection from there, with the smallest buffer that the system gives (1) or its own choice (0); -1: it is refused. */
int client_dial(struct server *s, const char *from, int buffer);
void client_say(int fd, const char *text);
/* Begins to fetch, and takes only what its little buffer takes; the connection. */
int client_fetch_slowly(struct server *s, const char *from, const char *path);

/* Asks for the boot script at this path, and copies the token out of it. */
void client_boot(struct server *s, const char *from, const char *path, char token[33]);
/* Whether the script at this path boots the node; else it waits, or says why not. */
bool client_is_booted(struct server *s, const char *from, const char *path);
/* Asks for the personality of this boot: the answer's status, and whether a secret is in it. */
int client_personality(struct server *s, const char *from, const char *token, bool *ret_secret);
/* Reports once; the answer's status. */
int client_report_once(struct server *s, const char *from, const char *token, const char *body);
/* Reports, as soon as it may; the answer's body (owned, "" for none) where its status is 200 or 204, else the test fails. */
char *client_report(struct server *s, const char *from, const char *token, const char *body);

/* This process, and what it starts, get a network of their own; false: without the right to it. */
bool client_own_network(void);
/* In there, the machine with this MAC address answers at that address. */
void client_neighbour(const char *address, const char *mac);
/* On one of the two interfaces "wire" (the one that the other function takes) and "other". */
void client_neighbour_on(const char *interface, const char *address, const char *mac);

/* The state of a node, as another process reads it; freed with node_states_free(v, 1). */
struct node_state *node_now(struct server *s, const char *name);
/* Waits up to 15 s until the node is in this stage. */
bool wait_for_stage(struct server *s, const char *name, enum node_stage stage);
/* How many events of this kind there are. */
size_t count_events(struct server *s, const char *kind);
