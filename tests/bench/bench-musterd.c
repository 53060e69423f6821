/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures the store and musterd with so many nodes (10,000, or as the first word says) on the loopback interface.
 * Prints numbers; holds against nothing. */
#include "config.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "backend/muster.h"
#include "backend/nodes/json.h"
#include "backend/nodes/store.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define PORT 18067
#define FIRST 0x7f010000U /* 127.1.0.0 */
#define STATE "/var/lib/muster/state"

static void die(const char *what)
{
	fprintf(stderr, "bench: %s does not work\n", what);
	exit(EXIT_FAILURE);
}

static void make_plan(struct plan *p, size_t n)
{
	struct strbuf b = STRBUF_INIT;

	*p = (struct plan){ .name = strdup("bench"),
			    .domain = strdup("bench.lan"),
			    .profile = strdup("plain"),
			    .kernel = strdup("distro"),
			    .generation = strdup(""),
			    .interface = strdup("lo"),
			    .root_password = strdup(""),
			    .http_port = PORT,
			    .dhcp_service = true,
			    .nodes = calloc(n, sizeof(*p->nodes)),
			    .n_nodes = n };
	if (!p->nodes || ip4_net_parse("127.0.0.2/8", &p->net) < 0)
		die("the plan");
	for (size_t i = 0; i < n; i++) {
		strbuf_reset(&b);
		strbuf_addf(&b, "node%05zu", i + 1);
		p->nodes[i] = (struct plan_node){
			.name = strdup(b.data),
			.arch = strdup("x86_64"),
			.address = { FIRST + 1 + (uint32_t)i },
			.has_mac = true,
			.mac = { { 0x52, 0x54, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } },
		};
	}
	strbuf_free(&b);
}

static void token_of(size_t i, char ret[33])
{
	snprintf(ret, 33, "%032zx", i + 1);
}

static void measure_store(const char *path, const struct plan *p)
{
	struct store_report report = { .stage = NODE_READY,
				       .kernel = "6.1.0-42-amd64",
				       .version = "#1 SMP",
				       .reason = "",
				       .log = "",
				       .load = 0.5,
				       .memory_kb = 1000,
				       .memory_free_kb = 500,
				       .processors = 2 };
	struct store *s;
	struct node_state *v;
	char token[33], *json;
	int64_t t, now = clock_wall_ms();
	size_t n;

	if (store_open(path, STORE_WRITE, &s) < 0)
		die("the store");
	for (int i = 0; i < 2; i++) {
		t = clock_mono_ms();
		if (store_sync(s, p) < 0)
			die("store_sync");
		printf("store_sync, %s: %d ms\n", i ? "again" : "new", (int)(clock_mono_ms() - t));
	}
	t = clock_mono_ms();
	for (size_t i = 0; i < p->n_nodes; i++) {
		struct store_owner o;
		const char *name = p->nodes[i].name;

		token_of(i, token);
		if (store_dhcp(s, now, name, MAC(p->nodes[i].mac)) < 0 ||
		    store_boot(s, now, name, MAC(p->nodes[i].mac), IP4(p->nodes[i].address), token, "g1") <
			    0 ||
		    store_stage(s, now, name, NODE_KERNEL) < 0)
			die("a boot");
		if (store_token(s, token, &o) < 0 || store_report(s, now, name, &report) < 0)
			die("a report");
		store_owner_free(&o);
	}
	printf("a whole boot (dhcp, script, kernel, ready) a node: %.0f us\n",
	       (double)(clock_mono_ms() - t) * 1000 / (double)p->n_nodes);
	t = clock_mono_ms();
	for (size_t i = 0; i < p->n_nodes; i++)
		if (store_report(s, now, p->nodes[i].name, &report) < 0)
			die("a report");
	printf("store_report: %.0f us\n", (double)(clock_mono_ms() - t) * 1000 / (double)p->n_nodes);
	t = clock_mono_ms();
	if (store_nodes(s, now, NULL, &v, &n) < 0)
		die("store_nodes");
	printf("store_nodes: %d ms for %zu nodes\n", (int)(clock_mono_ms() - t), n);
	t = clock_mono_ms();
	if (node_states_json("bench", v, n, &json) < 0)
		die("json");
	printf("status document: %d ms, %zu bytes\n", (int)(clock_mono_ms() - t), strlen(json));
	free(json);
	node_states_free(v, n);
	t = clock_mono_ms();
	if (store_expire(s, now, 1000) != 0)
		die("store_expire");
	printf("store_expire, none lost: %d ms\n", (int)(clock_mono_ms() - t));
	store_free(s);
}

/* One connection, from the node's own address. */
static bool exchange(struct ip4 from, const char *data, size_t len)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(from.n) } };
	struct sockaddr_in there = { .sin_family = AF_INET,
				     .sin_port = htons(PORT),
				     .sin_addr = { htonl(0x7f000002) } };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];
	bool good = false;
	ssize_t n;

	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0 ||
	    send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	while ((n = recv(fd, answer, sizeof(answer), 0)) > 0)
		good = good || (n > 12 && answer[9] == '2');
	return good;
}

static long number_of(pid_t pid, const char *file, const char *key, int field)
{
	_cleanup_close_ int top = fs_root_open(NULL);
	_cleanup_free_ char *path = NULL, *text = NULL;
	char *p, *save = NULL;

	if (asprintf(&path, "/proc/%d/%s", (int)pid, file) < 0 || fs_read(top, path, 65536, &text, NULL) < 0)
		die("/proc");
	p = key ? strstr(text, key) : strrchr(text, ')');
	p = p ? strtok_r(p, " \t\n", &save) : NULL;
	while (p && field-- > 0)
		p = strtok_r(NULL, " \t\n", &save);
	return p ? strtol(p, NULL, 10) : 0;
}

static double cpu_seconds(pid_t pid)
{
	long ticks = number_of(pid, "stat", NULL, 12) + number_of(pid, "stat", NULL, 13);

	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void say_memory(pid_t pid, const char *when)
{
	printf("musterd, %s: VmRSS %ld kB (anonymous %ld kB), peak %ld kB\n", when,
	       number_of(pid, "status", "VmRSS:", 1), number_of(pid, "status", "RssAnon:", 1),
	       number_of(pid, "status", "VmHWM:", 1));
}

struct told {
	size_t nodes;
	bool synced;
};

static void count_node(void *data, const struct node_state *s)
{
	((struct told *)data)->nodes++;
}

static void note_synced(void *data)
{
	((struct told *)data)->synced = true;
}

/* What a console does: it reads all nodes once, and then what changed. */
static void measure_feed(const char *root, pid_t pid)
{
	static const struct muster_feed_ops ops = { .node = count_node, .synced = note_synced };
	struct muster_config config = { .root = root };
	struct told told = { 0 };
	struct muster_feed *f = NULL;
	struct muster *m = NULL;
	double cpu = cpu_seconds(pid), own = (double)clock() / CLOCKS_PER_SEC;
	int64_t t = clock_mono_ms();

	if (muster_new(&config, &m) < 0 || muster_feed_open(m, (struct muster_feed_from){ 0, -1 }, &f) < 0)
		die("the feed");
	while (!told.synced) {
		struct pollfd p = { .fd = muster_feed_fd(f), .events = POLLIN };

		if (poll(&p, 1, 10000) <= 0 || muster_feed_read(f, &ops, &told) < 0)
			die("the feed");
	}
	printf("the feed tells %zu nodes in %d ms (%.0f ms of the reader's CPU, %.0f ms of musterd's)\n",
	       told.nodes, (int)(clock_mono_ms() - t), ((double)clock() / CLOCKS_PER_SEC - own) * 1000,
	       (cpu_seconds(pid) - cpu) * 1000);
	muster_feed_free(f);
	muster_free(m);
}

static void measure_daemon(const char *root, const struct plan *p)
{
	static const char body[] =
		"stage=ready\nuptime_ms=100000\nload=0.25\nmemory_kb=2048000\n"
		"memory_free_kb=1024000\nprocessors=4\nkernel=6.1.0-42-amd64\nversion=#1 SMP\n";
	struct ip4 first = p->nodes[0].address;
	struct strbuf b = STRBUF_INIT;
	size_t good = 0, count = p->n_nodes * 2;
	double cpu;
	char token[33];
	int64_t t;
	pid_t pid = fork();

	if (pid == 0) {
		execl(MUSTER_BUILDDIR "/musterd", "musterd", "--root", root, (char *)NULL);
		_exit(127);
	}
	t = clock_mono_ms();
	while (!exchange(first, "GET /health HTTP/1.0\r\n\r\n", 24) && clock_mono_ms() - t < 10000)
		usleep(10000);
	printf("musterd answers after %d ms\n", (int)(clock_mono_ms() - t));
	say_memory(pid, "at the beginning");
	cpu = cpu_seconds(pid);
	t = clock_mono_ms();
	for (size_t i = 0; i < count; i++) {
		token_of(i % p->n_nodes, token);
		strbuf_reset(&b);
		strbuf_addf(
			&b,
			"POST /report HTTP/1.0\r\nAuthorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n%s",
			token, sizeof(body) - 1, body);
		good += exchange(p->nodes[i % p->n_nodes].address, b.data, b.len);
	}
	t = clock_mono_ms() - t;
	cpu = cpu_seconds(pid) - cpu;
	printf("reports, one after the other: %zu of %zu good, %.0f a second, %.0f us of musterd's CPU "
	       "each\n",
	       good, count, (double)count * 1000 / (double)t, cpu * 1e6 / (double)count);
	say_memory(pid, "after the reports");
	t = clock_mono_ms();
	if (!exchange(first, "GET /metrics HTTP/1.0\r\n\r\n", 25))
		die("/metrics");
	printf("/metrics: %d ms\n", (int)(clock_mono_ms() - t));
	say_memory(pid, "after /metrics");
	measure_feed(root, pid);
	say_memory(pid, "after the feed");
	kill(pid, SIGHUP);
	usleep(1500000);
	say_memory(pid, "after a reload");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	strbuf_free(&b);
}

int main(int argc, char **argv)
{
	char root[] = "/tmp/muster-bench.XXXXXX";
	struct fs_attr attr = { 0640, (uid_t)-1, (gid_t)-1 };
	struct strbuf b = STRBUF_INIT;
	struct plan p;
	char *path, *json;
	int fd;

	make_plan(&p, argc > 1 ? strtoul(argv[1], NULL, 10) : 10000);
	fd = mkdtemp(root) ? fs_root_open(root) : -1;
	if (fd < 0 || fs_mkdir_all(fd, "/etc/muster", 0755) < 0 || fs_mkdir_all(fd, STATE, 0700) < 0 ||
	    plan_to_json(&p, &json) < 0)
		die("the scratch folder");
	strbuf_addf(&b,
		    "{\"plan\": %s, \"generation\": \"g1\", \"initramfs\": \"i1\", \"kernel_release\": \"\"}",
		    json);
	if (fs_write(fd, "/etc/muster/cluster.json", b.data, b.len, &attr) < 0)
		die("cluster.json");
	strbuf_free(&b);
	path = fs_join(root, STATE "/muster.db");
	measure_store(path, &p);
	measure_daemon(root, &p);
	free(path);
	free(json);
	if (fs_remove_tree(fd, "/etc") < 0 || fs_remove_tree(fd, "/var") < 0 ||
	    fs_remove_tree(fd, "/run") < 0 || rmdir(root) < 0)
		die("cleaning up");
	close(fd);
	return 0;
}
