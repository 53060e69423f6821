/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent: files of /proc and /sys, in this order with "%%" between; where there is one text alone, each is that. It reads
 * memory, processors, sockets and cards in them, the single system's, and a process's.
 */
#include "config.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "agent/facts.h"
#include "agent/net.h"
#include "agent/processes.h"
#include "agent/report.h"
#include "agent/ssi.h"
#include "tests/fuzz/fuzz.h"

static const char *const files[] = {
	"proc/meminfo",
	"proc/loadavg",
	"proc/stat",
	"proc/net/tcp",
	"proc/net/tcp6",
	"proc/77/stat",
	"sys/devices/system/cpu/online",
	"sys/class/net/eth0/address",
	"sys/class/net/eth0/device/class",
	"sys/class/net/eth0/device/vendor",
	"sys/class/net/eth0/device/device",
	"sys/bus/pci/devices/0000:00:03.0/class",
	"sys/bus/pci/devices/0000:00:03.0/vendor",
	"sys/bus/pci/devices/0000:00:03.0/device",
	"sys/kerrighed/node_id",
	"sys/kerrighed/session_id",
	"sys/kerrighed/subsession_id",
	"sys/kerrighed/max_nodes",
	"sys/kerrighed/abi",
	"proc/kerrighed/nodes/nrnodes",
	"proc/kerrighed/nodes/cluster/cpuinfo",
	"proc/kerrighed/nodes/cluster/meminfo",
	"proc/kerrighed/nodes/cluster/loadavg",
};

static void facts(int at)
{
	struct facts f;
	struct report r = { .stage = "ready" };
	unsigned long long total, available;
	char *body, cards[10 * WIRE_CARDS_MAX], card[10];
	const uint8_t mac[6] = { 0x52, 0x54, 0, 0x66, 0, 1 };
	char *name = NULL;
	size_t len;

	facts_read(at, &f);
	fuzz_need(strlen(f.load) < sizeof(f.load) && (!*f.load || facts_is_load(f.load)));
	if (facts_memory_in(at, "proc/meminfo", &total, &available) == 0)
		fuzz_need(total == f.memory_kb);
	facts_listening(at, 22);
	net_cards(at, cards, sizeof(cards));
	fuzz_need(strlen(cards) < sizeof(cards));
	if (net_card(at, mac, card) == 0)
		fuzz_need(strlen(card) == 9);
	if (net_find(at, mac, &name) == 0)
		free(name);
	fuzz_need(report_body(&r, &f, &body, &len) == 0);
	fuzz_need(len <= WIRE_REPORT_MAX);
	free(body);
}

/* Of the single system: whatever its files say, the report is one, and the list of processes has whole lines. */
static void single(int at)
{
	struct facts f = { .uptime_ms = 1 };
	struct report r = { .stage = "ready" };
	struct text list = { 0 };
	char *body = NULL;
	struct ssi s;
	size_t len;

	ssi_look(at, true, &s);
	fuzz_need(strlen(s.abi) < sizeof(s.abi) && (!*s.load || facts_is_load(s.load)));
	fuzz_need(s.node_id >= -1 && s.session_id >= -1 && s.subsession_id >= -1 && s.online >= 0);
	r.ssi = &s;
	fuzz_need(report_body(&r, &f, &body, &len) == 0 && len <= WIRE_REPORT_MAX);
	free(body);
	processes_look(at, 1, &list);
	fuzz_need(!list.failed && list.len > 0 && list.len <= PROCESSES_BYTES &&
		  list.s[list.len - 1] == '\n');
	text_free(&list);
}

FUZZ_TARGET(agent_system)
{
	int at = fuzz_dir_fd();
	char *text = fuzz_text(data, size);
	struct fuzz_part first = { NULL, 0 };
	bool alone = false;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fuzz_part part = fuzz_cut(&data, &size);

		alone = alone || (i == 0 && size == 0);
		first = i == 0 ? part : first;
		fuzz_put(files[i], alone ? first.data : part.data, alone ? first.size : part.size);
	}
	facts(at);
	processes_node(at, 77, 1);
	processes_node(at, 77, 256);
	facts_count_list(text);
	single(at);
	free(text);
	return 0;
}
