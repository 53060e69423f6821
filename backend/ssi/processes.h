/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes of the single system, as musterd tells of them (backend/nodes/control.h). Pure. */
#pragma once

#include <jansson.h>

#include "backend/ssi/model.h"

#define SSI_PID_NODE_SHIFT 22 /* a process's number begins with the id of the node where it began */

/* Of the object "processes". -EINVAL: it is none. */
int ssi_processes_parse(const json_t *o, struct ssi_processes **ret) _must_check_;
void ssi_processes_free(struct ssi_processes *p);
DEFINE_CLEANUP(struct ssi_processes *, ssi_processes_free)
