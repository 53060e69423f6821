/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What musterd and a program on the same server say to each other over CONTROL_SOCKET, a stream socket that only root
 * and musterd's own user and group reach. Each side sends lines: one JSON object, UTF-8, ended by a newline. Times are
 * milliseconds since the epoch, or lengths in milliseconds. Unknown keys are ignored.
 *
 * A request is answered by the lines named below, in the order of the requests. One that cannot be answered gets
 * {"error": SENTENCE, "code": N} with N as in util/error.h, and the connection goes on.
 *
 *   {"follow": {"since": N, "events_since": M}}
 *     {"cluster": {"name", "domain", "generation", "version", "nodes", "interval", "all"}}, then the lines of one
 *     batch, and from then on a batch whenever something changed, at most every CONTROL_BATCH_MS. A batch is
 *     {"node": STATE} for each node with a change above N, {"gone": NAME} for each that was dropped,
 *     {"event": {"id", "at", "node", "kind", "text"}} for each event above M (at most the newest CONTROL_EVENTS_MAX;
 *     without "events_since": from now on), and {"seq": N, "event": M} at its end: what to follow with the next time.
 *     Where "all" is true, N was of no use and all nodes come: what was known before is void. After a reload the line
 *     "cluster" comes again. STATE holds what struct node_state does, without what is empty or unknown;
 *     "stages" is [[STAGE, AT], ...], and "ssi" an
 *     object with what struct node_ssi holds.
 *   {"cluster": {}}
 *     That line alone, once.
 *   {"history": NAME}
 *     {"history": {"node": STATE, "boots": [{"began", "ms", "root", "kernel", "stage", "stages": [[STAGE, AT, MS],
 *     ...]}], "medians": {STAGE: MS}, "events": [...]}}
 *   {"power": {"what": "reboot" | "off" | "reset" | "wake", "nodes": [NAME, ...]}}
 *   {"next": {"what": "system" | "disk" | "memtest" | "root:ID", "initramfs": ID, "always": BOOL, "nodes": [...]}}
 *     {"results": [{"name", "code", "text"}, ...]}: code 0, or what went wrong with this node; text a sentence.
 *     "initramfs" is that of the root, where it is not the cluster's own.
 *   {"order": {"what": WORD, "args": TEXT, "nodes": [NAME, ...]}}
 *     Likewise, each result with an "id". The words are those of agent/wire.h that have a result.
 *   {"poke": {"nodes": [NAME, ...]}}
 *     Likewise: they are asked to report now. Whether they do, their state tells; those that cannot, report at their time.
 *   {"outcomes": [ID, ...]}
 *     {"outcomes": [{"id", "state": "waiting" | "running" | "done" | "dropped", "status", "output"}, ...]}, in the
 *     order of the request: status as agent/wire.h has it, of what is done; output what was said, or why it was dropped.
 *   {"processes": {"kernel": BOOL}}
 *     {"processes": {"node", "at", "clock", "status", "text", "total", "list": [[PID, NODE, STATE, KERNEL, UID, MS, KB,
 *     NAME], ...]}} as soon as a node of the single system has told of them, and then about every two seconds, until the
 *     connection is closed: its processes, the kernel's own threads only with "kernel". "node" is who told, "at" when, and
 *     "clock" its own clock at that time; the others are as agent/wire.h has them, "text" the reason where "status" is
 *     not 0.
 *
 * Limits: a request's line has at most CONTROL_REQUEST_MAX bytes, and there are at most CONTROL_CLIENTS_MAX
 * connections; what goes beyond is closed. So is a reader that is so slow that more than CONTROL_QUEUE_MAX bytes wait
 * for it, or that takes nothing of what waits for CONTROL_STALL_MS. A line of musterd's has at most CONTROL_LINE_MAX
 * bytes.
 */
#pragma once

#include <jansson.h>

#include "backend/nodes/node.h"
#include "util/macro.h"

#define CONTROL_SOCKET "/run/muster/control.sock"

#define CONTROL_CLIENTS_MAX 32
#define CONTROL_REQUEST_MAX (1024 * 1024)
#define CONTROL_QUEUE_MAX (4 * 1024 * 1024)
#define CONTROL_LINE_MAX (1024 * 1024)
#define CONTROL_STALL_MS 10000
#define CONTROL_BATCH_MS 250
#define CONTROL_EVENTS_MAX 1000
#define CONTROL_HISTORY_EVENTS 50

/* STATE, a new reference; NULL when memory runs out. */
json_t *control_state_json(const struct node_state *s) _must_check_;
/* STATE read; its stages are measured until `now`. -EINVAL: it is none. */
int control_state_parse(const json_t *o, int64_t now, struct node_state *ret) _must_check_;
