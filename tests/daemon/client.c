/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/daemon/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "backend/plan/plan.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/spawn.h"
#include "util/strbuf.h"
#include "util/strv.h"

#define DEADLINE_MS 15000

static struct sockaddr_in address_of(const char *text, unsigned int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	return a;
}

static unsigned int free_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = address_of(SERVER, 0);
	socklen_t len = sizeof(a);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

void server_put(struct server *s, const char *path, const void *data, size_t len)
{
	struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *folder = strdup(path);

	assert_non_null(folder);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(fs_mkdir_all(s->root_fd, folder, 0755), 0);
	assert_int_equal(fs_write(s->root_fd, path, data, len, &attr), 0);
}

static void put_text(struct server *s, const char *path, const char *text)
{
	server_put(s, path, text, strlen(text));
}

static void make_plan(struct plan *p, unsigned int port)
{
	static const char *const names[] = { "node01", "node02" };

	*p = (struct plan){
		.name = strdup("test"),
		.domain = strdup("test.lan"),
		.profile = strdup("plain"),
		.kernel = strdup("distro"),
		.generation = strdup(""),
		.interface = strdup("lo"),
		.dhcp_service = true,
		.http_port = port,
		.root_password = strdup("$6$salt$hash"),
		.nodes = calloc(ARRAY_SIZE(names), sizeof(*p->nodes)),
		.n_nodes = ARRAY_SIZE(names),
	};
	assert_int_equal(ip4_net_parse(SERVER "/8", &p->net), 0);
	assert_int_equal(strv_add(&p->ssh_keys, "ssh-ed25519 AAAA operator"), 0);
	for (size_t i = 0; i < p->n_nodes; i++) {
		p->nodes[i] = (struct plan_node){ .name = strdup(names[i]), .has_mac = true };
		p->nodes[i].arch = strdup("x86_64");
	}
	assert_int_equal(ip4_parse(NODE1, &p->nodes[0].address), 0);
	assert_int_equal(ip4_parse(NODE2, &p->nodes[1].address), 0);
	assert_int_equal(mac_parse(MAC1, &p->nodes[0].mac), 0);
	assert_int_equal(mac_parse(MAC2, &p->nodes[1].mac), 0);
}

void server_put_facts(struct server *s, const char *id, const void *root, size_t len)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	char sum[HASH_TEXT];

	hash_text(root, len, sum);
	assert_true(asprintf(&path, "/var/lib/muster/roots/%s/root.json", id) > 0);
	assert_true(asprintf(&text,
			     "{\"id\": \"%s\", \"distribution\": \"debian\", \"suite\": \"bookworm\", "
			     "\"kernel_release\": \"6.1.0\", \"root_bytes\": %zu, \"sha256\": \"%s\", "
			     "\"built\": \"2026-11-20T10:00:00Z\"}\n",
			     id, len, sum) > 0);
	put_text(s, path, text);
}

void server_write_plan(struct server *s)
{
	_cleanup_free_ char *plan = NULL, *text = NULL;

	assert_int_equal(plan_to_json(&s->plan, &plan), 0);
	assert_true(asprintf(&text,
			     "{\"plan\": %s, \"generation\": \"g1\", \"initramfs\": \"i1\", "
			     "\"kernel_release\": \"6.1.0\"}\n",
			     plan) > 0);
	put_text(s, "/etc/muster/cluster.json", text);
}

struct server *server_new(void)
{
	struct server *s = calloc(1, sizeof(*s));
	char big[100000];

	assert_non_null(s);
	snprintf(s->root, sizeof(s->root), "/tmp/musterd-test.XXXXXX");
	assert_non_null(mkdtemp(s->root));
	s->root_fd = fs_root_open(s->root);
	assert_true(s->root_fd >= 0);
	s->port = free_port();
	make_plan(&s->plan, s->port);
	server_write_plan(s);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 26);
	server_put(s, "/var/lib/muster/roots/g1/root.squashfs", big, sizeof(big));
	put_text(s, "/var/lib/muster/roots/g1/vmlinuz", "a kernel");
	server_put_facts(s, "g1", big, sizeof(big));
	put_text(s, "/var/lib/muster/initramfs/i1.img", "an initramfs");
	put_text(s, "/var/lib/muster/keys/node01/ssh_host_ed25519_key", "SECRET-OF-NODE01\n");
	put_text(s, "/var/lib/muster/keys/node01/ssh_host_ed25519_key.pub", "ssh-ed25519 A\n");
	put_text(s, "/var/lib/muster/keys/node02/ssh_host_ed25519_key", "SECRET-OF-NODE02\n");
	put_text(s, "/var/lib/muster/keys/node02/ssh_host_ed25519_key.pub", "ssh-ed25519 B\n");
	return s;
}

static void run_daemon(const struct server *s, const char *user)
{
	_cleanup_free_ char *log = fs_join(s->root, "stderr");
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(127);
	execl(MUSTER_BUILDDIR "/musterd", "musterd", "--root", s->root, "--interval",
	      s->interval ? s->interval : "1", "--user", user, (char *)NULL);
	_exit(127);
}

void server_start(struct server *s, const char *user)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		run_daemon(s, user ? user : "no-such-user-here");
	while (get_status(s, NODE1, "/health") != 200) {
		assert_true(clock_mono_ms() < end);
		assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
		poll(NULL, 0, 10);
	}
}

int server_stop(struct server *s)
{
	int status = 0;

	if (s->pid == 0)
		return 0;
	kill(s->pid, SIGTERM);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void server_free(struct server *s)
{
	_cleanup_close_ int top = fs_root_open(NULL);
	struct plan *p = &s->plan;
	int status = server_stop(s);

	assert_int_equal(fs_remove_tree(top, s->root), 0);
	close(s->root_fd);
	for (size_t i = 0; i < p->n_nodes; i++) {
		free(p->nodes[i].name);
		free(p->nodes[i].arch);
	}
	strv_free(&p->ssh_keys);
	free(p->nodes);
	free(p->name);
	free(p->domain);
	free(p->profile);
	free(p->kernel);
	free(p->generation);
	free(p->interface);
	free(p->root_password);
	free(s);
	assert_int_equal(status, 0);
}

char *server_log(struct server *s)
{
	char *text = NULL;

	assert_int_equal(fs_read(s->root_fd, "/stderr", 1 << 20, &text, NULL), 0);
	return text;
}

/* Reads to the end; a reset counts as the end. */
static void read_all(int fd, struct strbuf *b)
{
	char block[65536];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (poll(&p, 1, DEADLINE_MS) > 0 && (n = recv(fd, block, sizeof(block), 0)) > 0)
		strbuf_add(b, block, (size_t)n);
}

static void bind_here(int fd, struct sockaddr_in here, bool low)
{
	static uint16_t port = 700;
	const int on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	do {
		if (low)
			here.sin_port = htons(port++);
		if (port > 1000)
			port = 700;
	} while (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 && low && errno == EADDRINUSE);
	assert_true(getsockname(fd, (struct sockaddr *)&here, &(socklen_t){ sizeof(here) }) == 0);
	assert_true(!low || ntohs(here.sin_port) < 1024);
}

struct reply exchange(struct server *s, const char *from, const void *data, size_t len)
{
	struct sockaddr_in here = address_of(from, 0), there = address_of(s->at ? s->at : SERVER, s->port);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct reply r = { 0 };
	const char *p = data, *end;
	ssize_t n;

	assert_true(fd >= 0);
	bind_here(fd, here, s->as_root);
	if (connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0)
		return r;
	while (len > 0 && (n = send(fd, p, len, MSG_NOSIGNAL)) > 0) {
		p += n;
		len -= (size_t)n;
	}
	read_all(fd, &b);
	if (!b.data || strncmp(b.data, "HTTP/1.", 7) != 0)
		return r;
	end = memmem(b.data, b.len, "\r\n\r\n", 4);
	assert_non_null(end);
	r.status = (int)strtol(b.data + 9, NULL, 10);
	r.head = strndup(b.data, (size_t)(end - b.data));
	r.len = b.len - (size_t)(end + 4 - b.data);
	r.body = malloc(r.len + 1);
	assert_non_null(r.body);
	memcpy(r.body, end + 4, r.len + 1);
	return r;
}

struct reply request(struct server *s, const char *from, const char *method, const char *path,
		     const char *header, const char *body)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_addf(&b, "%s %s HTTP/1.0\r\n%s", method, path, header ? header : "");
	if (body)
		strbuf_addf(&b, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	else
		strbuf_adds(&b, "\r\n");
	return exchange(s, from, b.data, b.len);
}

struct reply get(struct server *s, const char *from, const char *path)
{
	return request(s, from, "GET", path, NULL, NULL);
}

void reply_free(struct reply *r)
{
	free(r->head);
	free(r->body);
	*r = (struct reply){ 0 };
}

int get_status(struct server *s, const char *from, const char *path)
{
	struct reply r = get(s, from, path);
	int status = r.status;

	reply_free(&r);
	return status;
}

int client_setup(void **state)
{
	struct server *s = server_new();

	server_start(s, NULL);
	*state = s;
	return 0;
}

int client_setup_stopped(void **state)
{
	*state = server_new();
	return 0;
}

int client_teardown(void **state)
{
	server_free(*state);
	return 0;
}

int client_dial(struct server *s, const char *from, int buffer)
{
	struct sockaddr_in here = { .sin_family = AF_INET },
			   there = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, from, &here.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, SERVER, &there.sin_addr), 1);
	if (buffer)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	if (connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void client_say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

int client_fetch_slowly(struct server *s, const char *from, const char *path)
{
	struct pollfd p = { .events = POLLIN };
	char ask[128];

	snprintf(ask, sizeof(ask), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	p.fd = client_dial(s, from, 1);
	assert_true(p.fd >= 0);
	client_say(p.fd, ask);
	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	return p.fd;
}

void client_boot(struct server *s, const char *from, const char *path, char token[33])
{
	struct reply r = get(s, from, path);
	const char *p;

	assert_int_equal(r.status, 200);
	assert_int_equal(strncmp(r.body, "#!ipxe\n", 7), 0);
	p = strstr(r.body, "/boot/");
	assert_non_null(p);
	memcpy(token, p + 6, 32);
	token[32] = '\0';
	assert_int_equal(strspn(token, "0123456789abcdef"), 32);
	reply_free(&r);
}

int client_personality(struct server *s, const char *from, const char *token, bool *ret_secret)
{
	_cleanup_free_ char *path = NULL;
	struct reply r;
	int status;

	assert_true(asprintf(&path, "/boot/%s/node.cpio", token) > 0);
	r = get(s, from, path);
	status = r.status;
	*ret_secret = r.body && memmem(r.body, r.len, "SECRET-OF-", 10);
	reply_free(&r);
	return status;
}

bool client_is_booted(struct server *s, const char *from, const char *script)
{
	struct reply r = get(s, from, script);
	bool is = r.status == 200 && strstr(r.body, "node.cpio");

	assert_int_equal(r.status, 200);
	reply_free(&r);
	return is;
}

int client_report_once(struct server *s, const char *from, const char *token, const char *body)
{
	_cleanup_free_ char *header = NULL;
	struct reply r;
	int status;

	assert_true(asprintf(&header, "Authorization: Bearer %s\r\n", token) > 0);
	r = request(s, from, "POST", "/report", header, body);
	status = r.status;
	reply_free(&r);
	return status;
}

char *client_report(struct server *s, const char *from, const char *token, const char *body)
{
	_cleanup_free_ char *header = NULL;
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	struct reply r;
	char *text;

	assert_true(asprintf(&header, "Authorization: Bearer %s\r\n", token) > 0);
	/* Beyond its rate a report is not looked at: 429, or no connection at all. */
	while (r = request(s, from, "POST", "/report", header, body), r.status == 429 || r.status == 0) {
		reply_free(&r);
		assert_true(clock_mono_ms() < end);
		poll(NULL, 0, 20);
	}
	assert_true(r.status == 200 || r.status == 204);
	text = strdup(r.body ? r.body : "");
	assert_non_null(text);
	reply_free(&r);
	return text;
}

bool client_own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	_cleanup_close_ int fd = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	return true;
}

static int run_ip(const char *const *argv)
{
	struct spawn spawn = { .argv = argv, .timeout_ms = DEADLINE_MS };
	_cleanup_free_ char *said = NULL;
	int status = -1;

	assert_int_equal(spawn_run(&spawn, &status, &said), 0);
	return status;
}

void client_neighbour(const char *address, const char *mac)
{
	client_neighbour_on("wire", address, mac);
}

/* What is asked comes over the loopback interface all the same, which has no neighbours. */
void client_neighbour_on(const char *interface, const char *address, const char *mac)
{
	if (if_nametoindex("wire") == 0) {
		assert_int_equal(run_ip((const char *const[]){ "ip", "link", "add", "wire", "type", "veth",
							       "peer", "name", "other", NULL }),
				 0);
		assert_int_equal(run_ip((const char *const[]){ "ip", "link", "set", "wire", "up", NULL }), 0);
		assert_int_equal(run_ip((const char *const[]){ "ip", "link", "set", "other", "up", NULL }),
				 0);
	}
	assert_int_equal(run_ip((const char *const[]){ "ip", "neigh", "replace", address, "lladdr", mac,
						       "dev", interface, "nud", "permanent", NULL }),
			 0);
}

static struct store *open_store(struct server *s)
{
	_cleanup_free_ char *path = fs_join(s->root, "/var/lib/muster/state/muster.db");
	struct store *store = NULL;

	assert_int_equal(store_open(path, STORE_READ, &store), 0);
	return store;
}

struct node_state *node_now(struct server *s, const char *name)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct store *store = open_store(s);
	struct node_state *v = NULL;
	size_t n = 0;

	assert_int_equal(strv_add(&names, name), 0);
	assert_int_equal(store_nodes(store, clock_wall_ms(), &names, &v, &n), 0);
	assert_int_equal(n, 1);
	store_free(store);
	return v;
}

bool wait_for_stage(struct server *s, const char *name, enum node_stage stage)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (clock_mono_ms() < end) {
		struct node_state *v = node_now(s, name);
		bool there = v->stage == stage;

		node_states_free(v, 1);
		if (there)
			return true;
		poll(NULL, 0, 20);
	}
	return false;
}

size_t count_events(struct server *s, const char *kind)
{
	struct store *store = open_store(s);
	struct store_event_row *v = NULL;
	size_t n = 0, found = 0;

	assert_int_equal(store_events(store, 0, 10000, &v, &n), 0);
	for (size_t i = 0; i < n; i++)
		found += strcmp(v[i].kind, kind) == 0;
	store_events_free(v, n);
	store_free(store);
	return found;
}
