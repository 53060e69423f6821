/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The services that muster runs on the server, as a table; and the drivers for them. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/apply/drivers.h"
#include "backend/apply/health.h"
#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/i18n.h"

#define DNSMASQ_CONF "/etc/muster/dnsmasq.conf"
#define GATEWAY_RULES "/etc/muster/gateway.nft"
#define GANESHA_CONF "/etc/muster/ganesha.conf"
#define NFS_PORT 2049
#define CONNECT_MS 1000
#define CLUSTER_JSON "/etc/muster/cluster.json"
#define HEALTH_MAX 1024

static int add_below_root(const struct apply *a, const char *option, const char *path, struct strv *argv)
{
	_cleanup_free_ char *real = fs_join(a->root_path, path);

	return real ? strv_addf(argv, "%s%s", option, real) : -ENOMEM;
}

/* Only root may ask the kernel, without which nft says nothing of use. */
static int network_check(const struct apply *a, const char *config, struct strv *argv)
{
	return geteuid() != 0 ? -ENOENT : strv_add_all(argv, "nft", "--check", "--file", config, NULL);
}

static int dnsmasq_argv(const struct apply *a, struct strv *argv)
{
	int r = strv_add_all(argv, "dnsmasq", "--keep-in-foreground", "--log-facility=-", NULL);

	return r < 0 ? r : add_below_root(a, "--conf-file=", DNSMASQ_CONF, argv);
}

static int dnsmasq_check(const struct apply *a, const char *config, struct strv *argv)
{
	int r = strv_add_all(argv, "dnsmasq", "--test", NULL);

	return r < 0 ? r : strv_addf(argv, "--conf-file=%s", config);
}

static int musterd_argv(const struct apply *a, struct strv *argv)
{
	int r = strv_addf(argv, "%s/musterd", a->sbindir);

	if (r == 0)
		r = strv_add_all(argv, "--root", a->root_path, NULL);
	if (r == 0 && a->talkative)
		r = strv_add(argv, "--debug");
	if (r == 0 && a->http_user)
		r = strv_add_all(argv, "--user", a->http_user, NULL);
	return r;
}

static int ganesha_argv(const struct apply *a, struct strv *argv)
{
	int r = strv_add_all(argv, "ganesha.nfsd", "-F", "-L", "STDERR", "-f", NULL);

	if (r == 0)
		r = add_below_root(a, "", GANESHA_CONF, argv);
	if (r == 0)
		r = strv_add(argv, "-p");
	return r < 0 ? r : add_below_root(a, "", APPLY_RUN "/ganesha.nfsd.pid", argv);
}

/* A connection within CONNECT_MS. */
static int connect_to(const char *address, unsigned int port, int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return -EINVAL;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		if (poll(&p, 1, CONNECT_MS) != 1)
			return -MUSTER_E_TIMEOUT;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
			return error ? -error : -errno;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* It serves DHCP, TFTP or DNS, whatever it was told to. */
static int dnsmasq_healthy(const struct apply *a)
{
	return !a->http_address || ports_open(a, service_find("dnsmasq")) ? 0 : -MUSTER_E_UNHEALTHY;
}

/* Without an address there is nobody to ask: running is enough then. */
static int ganesha_healthy(const struct apply *a)
{
	_cleanup_close_ int fd = -1;

	if (!a->http_address)
		return 0;
	return connect_to(a->http_address, NFS_PORT, &fd) < 0 ? -MUSTER_E_UNHEALTHY : 0;
}

/* Asks for it and reads what there is until the other end closes; ret: a text. */
static int ask_health(const struct apply *a, char *ret, size_t size)
{
	static const char request[] = "GET /health HTTP/1.0\r\nHost: muster\r\nConnection: close\r\n\r\n";
	int64_t end = clock_mono_ms() + 2 * CONNECT_MS;
	_cleanup_close_ int fd = -1;
	size_t got = 0;

	if (connect_to(a->http_address, a->http_port, &fd) < 0 ||
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		return -MUSTER_E_UNHEALTHY;
	while (got < size - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (clock_mono_ms() >= end || poll(&p, 1, CONNECT_MS) != 1)
			return -MUSTER_E_UNHEALTHY;
		n = read(fd, ret + got, size - 1 - got);
		if (n < 0)
			return -MUSTER_E_UNHEALTHY;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	ret[got] = '\0';
	return 0;
}

/* GET /health answers 200, and tells the cluster.json that is there now. A reload that fails leaves the plan of before. */
static int musterd_healthy(const struct apply *a)
{
	char answer[HEALTH_MAX], written[HASH_TEXT];
	const char *body, *plan;
	struct stat st;
	int r;

	if (!a->http_address || !a->http_port)
		return 0;
	if (ask_health(a, answer, sizeof(answer)) < 0)
		return -MUSTER_E_UNHEALTHY;
	/* "HTTP/1.x 200" */
	if (strncmp(answer, "HTTP/1.", 7) != 0 || strncmp(answer + 8, " 200", 4) != 0)
		return -MUSTER_E_UNHEALTHY;
	r = fs_stat(a->root_fd, CLUSTER_JSON, &st);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return -MUSTER_E_UNHEALTHY;
	hash_written(&st, written);
	body = strstr(answer, "\r\n\r\n");
	plan = body ? strstr(body, "\n" HEALTH_PLAN) : NULL;
	return plan && strncmp(plan + strlen("\n" HEALTH_PLAN), written, HASH_TEXT - 1) == 0 ? 0 : -ESTALE;
}

static const struct service services[] = {
	{
		.name = "network",
		.unit = "muster-network.service",
		.own_unit = true,
		.check = network_check,
		.config = GATEWAY_RULES,
		.parameter = "net.ipv4.ip_forward",
	},
	{
		.name = "dnsmasq",
		.unit = "muster-dnsmasq.service",
		.own_unit = true,
		.argv = dnsmasq_argv,
		.check = dnsmasq_check,
		.config = DNSMASQ_CONF,
		.healthy = dnsmasq_healthy,
		.ports = { { true, 67 }, { true, 69 }, { true, 53 } },
	},
	{
		.name = "musterd",
		.unit = "musterd.service",
		.own_unit = true,
		.argv = musterd_argv,
		.healthy = musterd_healthy,
		.reload = true,
		.ports = { { false, SERVICE_PORT_HTTP } },
	},
	{
		.name = "nfs-kernel",
		.unit = "nfs-server.service",
		.reload = true,
		.ports = { { false, NFS_PORT } },
	},
	{
		.name = "nfs-ganesha",
		.unit = "muster-ganesha.service",
		.own_unit = true,
		.argv = ganesha_argv,
		.healthy = ganesha_healthy,
		.config = GANESHA_CONF,
		.rival = "nfs-ganesha-packaged",
		.ports = { { false, NFS_PORT } },
	},
	{
		.name = "nfs-ganesha-packaged",
		.unit = "nfs-ganesha.service",
		.package = "nfs-ganesha",
		.ports = { { false, NFS_PORT } },
	},
};

static const struct service_driver *const drivers[] = {
	&service_driver_systemd,
	&service_driver_direct,
	&service_driver_none,
};

const struct service *service_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	return NULL;
}

const struct service_driver *service_driver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

/* ---- the daemons' own checkers ---------------------------------------------------------------------------------- */

static int staged_name(const struct service *s, char **ret)
{
	return asprintf(ret, APPLY_WORK "/check-%s.conf", s->name) < 0 ? -ENOMEM : 0;
}

int services_check_swept(struct apply *a)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(services); i++) {
		_cleanup_free_ char *path = NULL;

		if (!services[i].check)
			continue;
		r = staged_name(&services[i], &path);
		if (r == 0)
			r = fs_drop_temporary(a->root_fd, path);
		if (r == 0)
			r = fs_unlink(a->root_fd, path);
	}
	return r;
}

static int check_one(struct apply *a, const struct service *s, const struct change *c)
{
	static const struct fs_attr attr = { 0600, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *below = NULL, *real = NULL, *output = NULL;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int status, r = staged_name(s, &below), e;

	if (r < 0)
		return r;
	real = fs_join(a->root_path, below);
	r = real ? s->check(a, real, &argv) : -ENOMEM;
	if (r == 0)
		r = fs_write(a->root_fd, below, c->new_data, c->new_len, &attr);
	if (r == 0)
		r = apply_spawn(a, &argv, NULL, 60000, &status, &output);
	e = fs_unlink(a->root_fd, below);
	if (r == -ENOENT) /* below another root the daemon need not be installed */
		return e;
	if (r < 0) {
		apply_error(a, _("%s could not be checked: %s."), c->path, muster_strerror(r));
		return r;
	}
	if (status != 0) {
		apply_error(
			a, _("%s refuses its new configuration %s, which therefore was not put in place: %s"),
			s->name, c->path, *output ? last_lines(output, 5) : _("it said nothing"));
		return -MUSTER_E_REFUSED;
	}
	return e;
}

int services_check(struct apply *a, const struct changeset *c)
{
	for (size_t i = 0; i < c->n_files; i++) {
		const struct change *f = &c->files[i];
		const struct service *s;
		int r;

		if (f->directory || !f->new_data || (f->kind != CHANGE_CREATE && f->kind != CHANGE_MODIFY))
			continue;
		s = service_find(f->service);
		if (!s || !s->check || !s->config || strcmp(s->config, f->path) != 0)
			continue;
		r = check_one(a, s, f);
		if (r < 0)
			return r;
	}
	return 0;
}
