/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/screens/cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "backend/nodes/control.h"
#include "backend/plan/plan.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define SERVER "127.0.0.3"
#define FIRST 0x0a42000bU /* 10.66.0.11 */
#define KERNEL "6.1.0-37-amd64"
#define PATIENCE_MS 15000
#define MINUTES(n) ((int64_t)(n)*60 * 1000)
#define HOURS(n) (MINUTES(n) * 60)

static void _printf_(1, 2) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(99);
}

static void must(int r, const char *what)
{
	if (r < 0)
		die("%s: %s", what, strerror(-r));
}

/* ---- the files of one that was set up --------------------------------------------------------------------------- */

static void put_as(struct cluster *c, const char *path, const char *text, mode_t mode)
{
	const struct fs_attr attr = { mode, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *folder = strdup(path);

	*strrchr(folder, '/') = '\0';
	must(fs_mkdir_all(c->root_fd, folder, 0755), folder);
	must(fs_write(c->root_fd, path, text, strlen(text), &attr), path);
}

static void put(struct cluster *c, const char *path, const char *text)
{
	put_as(c, path, text, 0644);
}

/* The last argument is the command. */
static const char fake_ssh[] = "#!/bin/sh\n"
			       "for a; do case $a in HostKeyAlias=*) node=${a#*=};; esac; last=$a; done\n"
			       "echo \"I am $node\"\n"
			       "[ $node != node02 ] || { echo 'it has no such file'; exit 3; }\n";

static unsigned int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, SERVER, &a.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		die("no free port");
	return ntohs(a.sin_port);
}

static void make_plan(struct plan *p, size_t nodes, uint32_t first)
{
	int digits = nodes < 100 ? 2 : 5;

	*p = (struct plan){ .name = strdup("krg"),
			    .domain = strdup("krg.lan"),
			    .profile = strdup("plain"),
			    .kernel = strdup("distro"),
			    .generation = strdup(CLUSTER_ROOT),
			    .interface = strdup("lo"),
			    .dhcp_service = true,
			    .http_port = free_port(),
			    .root_password = strdup(""),
			    .nodes = calloc(nodes + 1, sizeof(*p->nodes)),
			    .n_nodes = nodes };
	must(ip4_net_parse(SERVER "/8", &p->net), "the net");
	for (size_t i = 0; i < nodes; i++) {
		struct plan_node *n = &p->nodes[i];

		*n = (struct plan_node){ .arch = strdup("x86_64"),
					 .address = { first + (uint32_t)i },
					 .has_mac = true,
					 .mac = { { 0x52, 0x54, 0, (uint8_t)(0x66 + (i >> 16)),
						    (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1) } } };
		if (asprintf(&n->name, "node%0*zu", digits, i + 1) < 0)
			die("memory");
	}
}

static void put_plan(struct cluster *c)
{
	_cleanup_free_ char *plan = NULL;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	must(plan_to_json(&c->plan, &plan), "the plan");
	strbuf_addf(&b,
		    "{\"plan\": %s, \"generation\": \"" CLUSTER_ROOT
		    "\", \"initramfs\": \"i1\", \"kernel_release\": \"" KERNEL "\"}\n",
		    plan);
	put(c, "/etc/muster/cluster.json", b.data);
}

/* As the plan says, but on an interface that the facts in host.json have. */
static void put_answers(struct cluster *c)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "cluster { name = \"krg\" domain = \"krg.lan\" }\n"
			"boot { kernel = \"distro\" root = \"ram\" }\n"
			"network \"eth1\" { address = \"10.66.0.1/16\" ip_mode = \"mac\" }\n"
			"nodes { first_address = \"10.66.0.11\" prefix = \"node\" ");
	strbuf_addf(&b, "count = %zu macs = {", c->plan.n_nodes);
	for (size_t i = 0; i < c->plan.n_nodes; i++)
		strbuf_addf(&b, "%s\"%s\"", i ? ", " : "", MAC(c->plan.nodes[i].mac));
	strbuf_adds(&b, "} }\n");
	put(c, CLUSTER_ANSWERS, b.data);
	put(c, "/host.json",
	    "{\"architecture\": \"x86_64\", \"distribution\": {\"id\": \"debian\", \"version\": \"12\", "
	    "\"codename\": \"bookworm\", \"family\": \"debian\"}, \"interfaces\": [{\"name\": \"eth1\", "
	    "\"mac\": \"52:54:00:aa:00:01\", \"link\": true, \"addresses\": [\"10.66.0.1/16\"]}]}\n");
}

/* Complete as far as anybody looks who does not boot it. */
static void put_root(struct cluster *c, const char *id, const char *kernel)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;

	strbuf_addf(&text,
		    "{\"root_bytes\": 1, \"id\": \"%s\", \"kernel_release\": \"%s\", \"distribution\": "
		    "\"debian\", \"suite\": \"bookworm\", \"sha256\": \"\", \"built\": \"2026-11-20\"}",
		    id, kernel);
	strbuf_addf(&path, "/var/lib/muster/roots/%s/root.json", id);
	put(c, path.data, text.data);
	strbuf_reset(&path);
	strbuf_addf(&path, "/var/lib/muster/roots/%s/root.squashfs", id);
	put(c, path.data, "r");
	strbuf_reset(&path);
	strbuf_addf(&path, "/var/lib/muster/roots/%s/vmlinuz", id);
	put(c, path.data, "k");
}

struct cluster *cluster_new(size_t nodes)
{
	return cluster_new_at(nodes, FIRST);
}

struct cluster *cluster_new_at(size_t nodes, uint32_t first)
{
	struct cluster *c = calloc(1, sizeof(*c));
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct store *s;

	if (!c)
		die("memory");
	/* On the second, so that what is shown of the times does not depend on the moment. */
	c->at = clock_wall_ms() / 1000 * 1000;
	snprintf(c->root, sizeof(c->root), "/tmp/muster-cluster.XXXXXX");
	if (!mkdtemp(c->root))
		die("%s", c->root);
	c->root_fd = fs_root_open(c->root);
	must(c->root_fd, c->root);
	make_plan(&c->plan, nodes, first);
	put_plan(c);
	put_answers(c);
	put_root(c, CLUSTER_ROOT, KERNEL);
	put_root(c, "debian-12-4b7e89abcdef", "6.1.0-35-amd64");
	must(fs_mkdir_all(c->root_fd, "/var/lib/muster/state", 0755), "the state's folder");
	put_as(c, "/bin/ssh", fake_ssh, 0755);
	s = cluster_store(c);
	must(store_sync(s, &c->plan), "the store");
	store_free(s);
	return c;
}

struct store *cluster_store(struct cluster *c)
{
	_cleanup_free_ char *path = fs_join(c->root, "/var/lib/muster/state/muster.db");
	struct store *s;

	must(store_open(path, STORE_WRITE, &s), path);
	return s;
}

/* ---- its past --------------------------------------------------------------------------------------------------- */

static void report(struct store *s, const struct plan_node *n, int64_t at, enum node_stage stage)
{
	unsigned int number = (unsigned int)strtoul(n->name + strlen("node"), NULL, 10);
	struct store_report r = { .stage = stage,
				  .kernel = KERNEL,
				  .reason = "",
				  .log = "",
				  .processors = 4,
				  .memory_kb = 2048000,
				  .memory_free_kb = 2048000 - (long long)(number * 7919 % 1500) * 1000,
				  .load = number * 37 % 400 / 100.0 };

	if (stage == NODE_FAILED) {
		r.reason = "no driver for its network card 8086:15f3";
		r.log = "[    1.204711] pci 0000:00:03.0: [8086:15f3] type 00 class 0x020000\n"
			"[    1.310042] muster: no module claims 8086:15f3\n";
	}
	must(store_report(s, at, n->name, &r), "a report");
}

static void token_of(const struct plan_node *n, int64_t began, char ret[33])
{
	snprintf(ret, 33, "%016llx%016llx", (unsigned long long)n->address.n, (unsigned long long)began);
}

void cluster_boot(struct store *s, const struct plan_node *n, int64_t began, enum node_stage last,
		  int64_t slower)
{
	static const int64_t takes[] = { [NODE_DHCP] = 2100,
					 [NODE_LOADER] = 3000,
					 [NODE_KERNEL] = 300,
					 [NODE_INITRAMFS] = 2400,
					 [NODE_ROOT] = 16600 };
	char token[33];
	int64_t at = began;

	token_of(n, began, token);
	must(store_dhcp(s, at, n->name, MAC(n->mac)), "dhcp");
	at += takes[NODE_DHCP];
	must(store_boot(s, at, n->name, MAC(n->mac), IP4(n->address), token, CLUSTER_ROOT), "a boot");
	for (enum node_stage stage = NODE_LOADER; stage < NODE_READY && stage < last; stage++) {
		enum node_stage next = stage + 1;

		at += takes[stage] + (stage == NODE_INITRAMFS ? slower : 0);
		if (last == NODE_FAILED && stage == NODE_INITRAMFS)
			next = NODE_FAILED;
		if (next == NODE_KERNEL)
			must(store_stage(s, at, n->name, next), "a stage");
		else
			report(s, n, at, next);
		if (next == NODE_FAILED)
			break;
	}
}

/* The three boots before the newest one. */
static void seed_history(struct store *s, const struct plan_node *n, int64_t at)
{
	static const int64_t slower[] = { 200, 700, 100 };

	for (size_t i = 0; i < ARRAY_SIZE(slower); i++) {
		int64_t began = at - HOURS(24) * (int64_t)(4 - i);

		cluster_boot(s, n, began, NODE_READY, slower[i]);
		report(s, n, began + HOURS(20), NODE_OFF);
	}
}

/* When a node that is ready began its boot: so that it is in its stage for some minutes and few seconds, and what is shown
 * of that stays the same for most of a minute. */
static int64_t ready_began(const struct cluster *c, size_t i)
{
	return c->at - HOURS(2) - MINUTES(14 - (int)(i % 13)) - 40000;
}

/* One after the other, so that their events stand in the order of their times. */
void cluster_seed(struct cluster *c, bool history)
{
	struct store *s = cluster_store(c);
	struct plan_node *v = c->plan.nodes;
	size_t n = c->plan.n_nodes;

	for (size_t i = 0; history && i < n; i++)
		seed_history(s, &v[i], c->at);
	cluster_boot(s, &v[n - 1], c->at - HOURS(76), NODE_READY, 0);
	report(s, &v[n - 1], c->at - HOURS(75), NODE_OFF);
	for (size_t i = 0; i < n - 3; i++)
		cluster_boot(s, &v[i], ready_began(c, i), NODE_READY,
			     i == 2 ? 11000 : (int64_t)(i * 613 % 900));
	cluster_boot(s, &v[n - 2], c->at - HOURS(1) - MINUTES(12) - 25000, NODE_FAILED, 9000);
	for (size_t i = 0; i < n - 3; i++)
		report(s, &v[i], c->at - HOURS(1) - MINUTES(2) - 5000, NODE_READY);
	cluster_boot(s, &v[n - 3], c->at - 5400, NODE_INITRAMFS, 0);
	store_free(s);
}

void cluster_join(struct cluster *c, size_t nodes)
{
	struct store *s = cluster_store(c);

	for (size_t i = 0; i < nodes; i++) {
		struct store_report r = { .stage = NODE_JOINED,
					  .kernel = "2.6.30-krg",
					  .version = "#1 SMP",
					  .reason = "",
					  .log = "",
					  .processors = 4,
					  .memory_kb = 508164,
					  .memory_free_kb = 200000,
					  .load = 1,
					  .ssi = { .known = true,
						   .node = (int)i + 1,
						   .session = 7,
						   .subsession = 1,
						   .online = (int)nodes,
						   .present = (int)nodes,
						   .processors = 4 * (int)nodes,
						   .memory_kb = 508164 * (long long)nodes,
						   .load = 1 } };

		must(store_report(s, c->at, c->plan.nodes[i].name, &r), "a report");
	}
	store_free(s);
}

const char *cluster_zone(const struct cluster *c)
{
	static char zone[40];
	int64_t day = c->at / 1000 % 86400, want = CLUSTER_HOUR * 3600 + CLUSTER_MINUTE * 60;
	int64_t west = day - want; /* POSIX counts it so */

	if (west < -43200)
		west += 86400;
	if (west > 43200)
		west -= 86400;
	snprintf(zone, sizeof(zone), "TZ=LAB%s%02d:%02d:%02d", west < 0 ? "-" : "", (int)(llabs(west) / 3600),
		 (int)(llabs(west) / 60 % 60), (int)(llabs(west) % 60));
	return zone;
}

const char *cluster_path(const struct cluster *c)
{
	static char path[64];

	snprintf(path, sizeof(path), "PATH=%s/bin", c->root);
	return path;
}

/* ---- its daemon ------------------------------------------------------------------------------------------------- */

static bool answers(const struct cluster *c)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s%s", c->root, CONTROL_SOCKET);
	return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static void run_daemon(const struct cluster *c)
{
	_cleanup_free_ char *log = fs_join(c->root, "stderr");
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(127);
	execl(MUSTER_BUILDDIR "/musterd", "musterd", "--root", c->root, "--interval", "3600", "--user",
	      "no-such-user-here", (char *)NULL);
	_exit(127);
}

void cluster_start(struct cluster *c)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	c->pid = fork();
	if (c->pid == 0)
		run_daemon(c);
	while (!answers(c)) {
		if (c->pid < 0 || waitpid(c->pid, NULL, WNOHANG) != 0 || clock_mono_ms() > end)
			die("musterd does not come up: see %s/stderr", c->root);
		poll(NULL, 0, 10);
	}
}

void cluster_stop(struct cluster *c)
{
	if (c->pid == 0)
		return;
	kill(c->pid, SIGTERM);
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
}

bool cluster_tell(struct cluster *c, size_t i, const char *body, bool *ret_asked)
{
	const struct plan_node *n = &c->plan.nodes[i];
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(n->address.n) } };
	struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons((uint16_t)c->plan.http_port) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char answer[4096] = "", token[33];
	ssize_t len = 0, more = 1;

	token_of(n, ready_began(c, i), token);
	inet_pton(AF_INET, SERVER, &there.sin_addr);
	strbuf_addf(&b, "POST /report HTTP/1.0\r\nAuthorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n%s",
		    token, strlen(body), body);
	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0 ||
	    send(fd, b.data, b.len, MSG_NOSIGNAL) != (ssize_t)b.len)
		return false;
	for (; more > 0 && len < (ssize_t)sizeof(answer) - 1; len += MAX(more, (ssize_t)0))
		more = recv(fd, answer + len, sizeof(answer) - 1 - (size_t)len, 0);
	if (ret_asked)
		*ret_asked = strstr(answer, "\nprocesses=") != NULL;
	return len > 12 && answer[9] == '2';
}

bool cluster_report(struct cluster *c, size_t i, double load)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;

	strbuf_addf(&body,
		    "stage=ready\nkernel=" KERNEL
		    "\nprocessors=4\nmemory_kb=2048000\nmemory_free_kb=1024000\nload=%.2f\n",
		    load);
	return cluster_tell(c, i, body.data, NULL);
}

void cluster_free(struct cluster *c)
{
	_cleanup_close_ int top = fs_root_open(NULL);
	struct plan *p = &c->plan;

	cluster_stop(c);
	must(fs_remove_tree(top, c->root), c->root);
	close(c->root_fd);
	for (size_t i = 0; i < p->n_nodes; i++) {
		free(p->nodes[i].name);
		free(p->nodes[i].arch);
	}
	free(p->nodes);
	free(p->name);
	free(p->domain);
	free(p->profile);
	free(p->kernel);
	free(p->generation);
	free(p->interface);
	free(p->root_password);
	free(c);
}
