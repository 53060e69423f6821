/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a node and musterd say to each other. This is the one header that both sides include; the agent
 * depends on nothing else of ours.
 *
 * 1. The personality. musterd hands each boot a cpio archive (newc) as its last initramfs; the kernel
 *    unpacks it. It holds, below WIRE_DIR:
 *      node.conf            0600  lines "key=value", keys WIRE_KEY_*; a value ends at the newline
 *      authorized_keys      0600  access by ssh
 *      hosts                0644  the node's /etc/hosts
 *      shadow               0600  root's password field (crypt(5)); absent when there is none
 *      ssh_host_ed25519_key       0600
 *      ssh_host_ed25519_key.pub   0644
 * 2. Reports. The agent sends "POST WIRE_REPORT_PATH HTTP/1.0" with the headers Content-Length and
 *    "Authorization: Bearer TOKEN". Its body is lines "key=value", keys WIRE_REPORT_*, UTF-8 or plain
 *    bytes, where a newline inside a value is sent as "\n" and a backslash as "\\". The answer is 204, or
 *    200 with lines "key=value" of the same form (what the agent shall do; unknown keys are ignored), 403 for a
 *    wrong token, address or boot. It comes from a port below 1024 where the agent gets one, as none but root does: such
 *    connections have a share of their own at the server, which the node's users cannot use up.
 * 3. Pokes. When musterd has something for a node in its running system, it sends it an empty UDP datagram from its own
 *    address to WIRE_POKE_PORT: the node reports now and not at its time. So nothing is said that somebody else could say
 *    or hear: what is to be done comes with the report's answer as ever. The node takes datagrams of the server's
 *    address only, and reports for their sake at most once a second, so that a forged one does no more than a report
 *    does. One that is lost costs the wait until the next report.
 */
#pragma once

#define WIRE_DIR "/muster"
#define WIRE_NODE_CONF WIRE_DIR "/node.conf"

#define WIRE_KEY_NODE "node"
#define WIRE_KEY_DOMAIN "domain"
#define WIRE_KEY_MAC "mac"	   /* of the interface to use */
#define WIRE_KEY_ADDRESS "address" /* dotted quad */
#define WIRE_KEY_PREFIX "prefix"   /* 0..32 */
#define WIRE_KEY_GATEWAY "gateway" /* dotted quad, or empty */
#define WIRE_KEY_DNS "dns"	   /* likewise */
#define WIRE_KEY_SERVER "server"   /* musterd's address */
#define WIRE_KEY_PORT "port"	   /* musterd's port */
#define WIRE_KEY_TOKEN "token"
#define WIRE_KEY_MACHINE_ID "machine_id"   /* machine-id(5), stable for the node */
#define WIRE_KEY_ROOT "root"		   /* ram, nfs, disk, initramfs */
#define WIRE_KEY_ROOT_PATH "root_path"	   /* ram: URL path; nfs: file below the export; disk: block device */
#define WIRE_KEY_ROOT_SIZE "root_size"	   /* bytes of the squashfs; 0 when unknown */
#define WIRE_KEY_ROOT_SHA256 "root_sha256" /* of the squashfs, 64 hexadecimal digits; root=ram needs it */
#define WIRE_KEY_NFS_EXPORT "nfs_export"   /* ADDRESS:/path */
#define WIRE_KEY_DHCP "dhcp"		   /* 1: the running system must keep its lease renewed */
#define WIRE_KEY_INTERVAL "interval"	   /* seconds between reports */

/* Of an answer, as WIRE_KEY_INTERVAL may be: the node shall do it, once for each id, which stands before it. It says
 * so with a report that has WIRE_REPORT_DONE, and then does it. The action comes again until then. */
#define WIRE_KEY_ACTION_ID "action_id"
#define WIRE_KEY_ACTION_ARGS "action_args" /* words with one blank between; stands before it, too */
#define WIRE_ARGS_MAX 1024		   /* bytes of them: the longest list of ids has 680 */
/* reboot, poweroff; reset: at once, without a shutdown. Those below are done beside the reports: WIRE_REPORT_DONE says that it
 * begins, and WIRE_REPORT_RESULT_ID what became of it. They form the single system image (Kerrighed) and work in it:
 *   ssi-prepare           this node gets ready to be in it
 *   ssi-boot              it begins, with this node alone
 *   ssi-add [IDS]         these join the one that this node is in: "2,3,6-10"
 *   ssi-remove IDS        these leave it
 *   ssi-stop              it ends, with generation 2.4
 *   ssi-migrate PID ID    the process moves to that node
 *   ssi-scheduler N [IDS] its schedulers: 1 on, on these nodes or all; 0 off; 2 as they are. A line "NAME IDS" for each
 *   ssi-probe IDS         tries it out (agent/probe.h), between this node and another one of these; a line for each part.
 *                         One that was done and has a WHY: what was to be seen the kernel does not tell */
#define WIRE_KEY_ACTION "action"
/* Of an answer to a node in the single system: it shall look at its processes now, though no sooner than two seconds after
 * the last time, and report them as soon as it has them. 0: without the kernel's own threads; 1: with them. It stands in each
 * answer as long as somebody looks at them, and a node forgets it with the next. */
#define WIRE_KEY_PROCESSES "processes"

/* Of an answer to the one node that shall tell of the merged machine: "1". A node forgets it with the next answer. */
#define WIRE_KEY_MERGED "merged"

#define WIRE_REPORT_PATH "/report"
#define WIRE_REPORT_STAGE "stage"		 /* initramfs, root, ready, failed; off: it shuts down now */
#define WIRE_REPORT_UPTIME "uptime_ms"		 /* since the kernel's start */
#define WIRE_REPORT_LOAD "load"			 /* one-minute load average, "0.02" */
#define WIRE_REPORT_MEMORY "memory_kb"		 /* MemTotal */
#define WIRE_REPORT_MEMORY_FREE "memory_free_kb" /* MemAvailable, or MemFree where there is none */
#define WIRE_REPORT_PROCESSORS "processors"	 /* online */
#define WIRE_REPORT_KERNEL "kernel"		 /* uname -r */
#define WIRE_REPORT_VERSION "version"		 /* uname -v */
#define WIRE_REPORT_CARD "card"			 /* PCI id of the card it booted over: "8086:15f3" */
/* The PCI ids of all its network cards, with a blank between: "8086:15f3 10ec:8168". The one it booted over is among them. */
#define WIRE_REPORT_CARDS "cards"
#define WIRE_CARDS_MAX 16
#define WIRE_REPORT_REASON "reason" /* failed: one sentence */
#define WIRE_REPORT_LOG "log"	    /* failed: the kernel's last lines */

/* Of a ready node whose kernel has the single system image (Kerrighed); all of them in each such report but what is
 * unknown, which is left out. SUBSESSION is always there: what lacks it says nothing of the single system. */
#define WIRE_SSI_NUMBER_MAX 1000000000		    /* of each number below, but of memory */
#define WIRE_REPORT_SSI_SUBSESSION "ssi_subsession" /* -1: not started on this node; else the node is in it */
#define WIRE_REPORT_SSI_SESSION "ssi_session"	    /* only nodes of one session see each other */
#define WIRE_REPORT_SSI_NODE "ssi_node"		    /* its id in there */
#define WIRE_REPORT_SSI_MAX_NODES "ssi_max_nodes"
#define WIRE_REPORT_SSI_ABI "ssi_abi"	      /* a word */
#define WIRE_REPORT_SSI_ONLINE "ssi_online"   /* nodes that are in it, as this node counts them */
#define WIRE_REPORT_SSI_PRESENT "ssi_present" /* nodes that it sees */
#define WIRE_REPORT_SSI_POSSIBLE "ssi_possible"
#define WIRE_REPORT_SSI_PROCESSORS \
	"ssi_processors" /* of the merged machine, and so the next three: where WIRE_KEY_MERGED asked for them */
#define WIRE_REPORT_SSI_MEMORY "ssi_memory_kb"
#define WIRE_REPORT_SSI_MEMORY_FREE "ssi_memory_free_kb"
#define WIRE_REPORT_SSI_LOAD "ssi_load"
#define WIRE_REPORT_SSI_STUCK "ssi_stuck" /* the file whose reading did not come back in time */

#define WIRE_REPORT_DONE "done" /* the id of the action that it does now */
#define WIRE_REPORT_BUSY "busy" /* 1: it does one of those with a result; another one would have to wait */
/* An action that has ended; in each report until one was taken. */
#define WIRE_REPORT_RESULT_ID "result_id"
#define WIRE_REPORT_RESULT_STATUS "result_status" /* exit status, or one of these, or 128 + signal */
#define WIRE_STATUS_TIMEOUT 124	    /* it did not end in time; what is said of that is the last line */
#define WIRE_STATUS_MISSING 127	    /* there is no such program */
#define WIRE_REPORT_RESULT "result" /* what was said, its first bytes */

/* The processes of the single system, in one report after each look at them. STATUS as of an action; where it is not 0,
 * PROCESSES says why there is no list. Its first line is "AT TOTAL": the node's clock in ms when it looked, and how many
 * processes there are; then the busiest of them, those first that run and those that have used most of the processors, as
 *   PID NODE STATE UID MS KB NAME
 * NODE: the id of the node where it is, -1: unknown. STATE: its letter of proc(5), with a k behind it for the kernel's own
 * thread. MS: the time that it has used. KB: the memory that it has. NAME ends at the newline, and may have blanks. */
#define WIRE_REPORT_PROCESSES_STATUS "processes_status"
#define WIRE_REPORT_PROCESSES "processes"

#define WIRE_REPORT_MAX 16384 /* bytes of a report's body */
#define WIRE_TOKEN_LEN 32
#define WIRE_INTERVAL_DEFAULT 10
#define WIRE_POKE_PORT 8067 /* UDP, on the node's own address */
