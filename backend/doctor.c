/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is this server fit: the running of the checks, and the gathering of what they look at. */
#include "config.h"

#include "backend/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>

#include "backend/context.h"
#include "backend/image/image.h"
#include "backend/plan/draft.h"
#include "util/fs.h"
#include "util/kvm.h"
#include "util/spawn.h"

#define SMALL_FILE (1024 * 1024)
#define COMMAND_MS (60 * 1000)
#define KVM_MS 3000
#define CLUSTER_MAX (64 * 1024 * 1024)

void finding_say(struct finding *f, enum muster_check_level level, const char *fmt, ...)
{
	va_list ap;

	/* What is worst is what the check says; what is said twice stands in a row. */
	f->level = MAX(f->level, level);
	if (f->text.len)
		strbuf_addc(&f->text, ' ');
	va_start(ap, fmt);
	strbuf_vaddf(&f->text, fmt, ap);
	va_end(ap);
}

void finding_remedy(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	if (f->remedy.len)
		strbuf_addc(&f->remedy, ' ');
	va_start(ap, fmt);
	strbuf_vaddf(&f->remedy, fmt, ap);
	va_end(ap);
}

void finding_command(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	strbuf_reset(&f->command);
	va_start(ap, fmt);
	strbuf_vaddf(&f->command, fmt, ap);
	va_end(ap);
}

int doctor_where(const struct doctor *d, const char *path)
{
	return d->scratch && fs_exists(d->root_fd, path) ? d->root_fd : d->system_fd;
}

char *doctor_file(const struct doctor *d, const char *path)
{
	char *text = NULL;
	size_t len;

	if (fs_read(doctor_where(d, path), path, SMALL_FILE, &text, &len) < 0)
		return NULL;
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	return text;
}

static int run_check(const struct doctor *d, const struct doctor_check *c, struct muster_check *ret)
{
	struct finding f = { MUSTER_CHECK_OK, STRBUF_INIT, STRBUF_INIT, STRBUF_INIT };
	bool remedy, command;
	int r;

	c->run(d, &f);
	*ret = (struct muster_check){ .name = c->name, .level = f.level };
	remedy = f.remedy.len > 0 || f.remedy.failed;
	command = f.command.len > 0 || f.command.failed;
	r = strbuf_take(&f.text, &ret->text, NULL);
	if (r == 0 && remedy)
		r = strbuf_take(&f.remedy, &ret->remedy, NULL);
	if (r == 0 && command)
		r = strbuf_take(&f.command, &ret->command, NULL);
	strbuf_free(&f.text);
	strbuf_free(&f.remedy);
	strbuf_free(&f.command);
	return r;
}

int doctor_run(const struct doctor *d, struct muster_check **ret, size_t *ret_n)
{
	const struct doctor_check *const tables[] = { doctor_system, doctor_resources, doctor_network,
						      doctor_firewall };
	struct muster_check *v;
	size_t n = 0, done = 0;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct doctor_check *c = tables[i]; c->name; c++)
			n++;
	v = calloc(n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(tables) && r == 0; i++)
		for (const struct doctor_check *c = tables[i]; c->name && r == 0; c++)
			r = run_check(d, c, &v[done++]);
	if (r < 0) {
		muster_checks_free(v, done);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

void muster_checks_free(struct muster_check *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].text);
		free(v[i].remedy);
		free(v[i].command);
	}
	free(v);
}

/* ---- this machine ------------------------------------------------------------------------------------------ */

static int run_probe(const struct doctor *d, struct dhcp_offer *ret)
{
	const struct muster *m = d->data;
	const struct host_interface *i = host_interface_find(d->host, d->interface);
	struct ip4 own = { 0 };

	/* What this server itself answers there is no other server's. */
	if (d->plan)
		own = d->plan->net.address;
	else if (i && i->n_addresses)
		own = i->addresses[0].address;
	return dhcp_probe(d->interface, own, m->config.cancel_fd, ret);
}

static int run_command(const struct doctor *d, const char *const *argv, int *ret_status, char **ret_output)
{
	static const char *const env[] = { "LC_ALL=C", NULL };
	const struct muster *m = d->data;
	const struct spawn s = {
		.argv = argv,
		.env = env,
		.timeout_ms = COMMAND_MS,
		.cancel_fd = m->config.cancel_fd,
		.max_output = 16 * 1024 * 1024,
	};

	return spawn_run(&s, ret_status, ret_output);
}

static int clock_synchronised(void)
{
	struct timex t = { 0 };
	int r = adjtimex(&t);

	if (r < 0)
		return -1;
	return !(t.status & STA_UNSYNC);
}

static bool entropy_ready(void)
{
	char byte;

	return getrandom(&byte, 1, GRND_NONBLOCK) == 1 || errno != EAGAIN;
}

static int run_kvm(const struct doctor *d)
{
	return kvm_try("/dev/kvm", KVM_MS);
}

/* As statvfs(3) has it of the path, or of the nearest folder above it that is there. */
static int find_room(const struct doctor *d, const char *path, struct doctor_room *ret)
{
	_cleanup_free_ char *folder = strdup(path);
	_cleanup_close_ int fd = -1;
	struct statvfs st;

	if (!folder)
		return -ENOMEM;
	while ((fd = fs_open(d->root_fd, folder, O_RDONLY | O_DIRECTORY, 0)) == -ENOENT && folder[1]) {
		char *slash = strrchr(folder, '/');

		slash[slash == folder] = '\0';
	}
	if (fd < 0)
		return fd;
	if (fstatvfs(fd, &st) < 0)
		return -errno;
	*ret = (struct doctor_room){
		.bytes = (unsigned long long)st.f_bavail * st.f_frsize,
		/* Some file systems make inodes as they are needed, and tell none. */
		.inodes = st.f_files ? st.f_favail : ULLONG_MAX,
		.read_only = st.f_flag & ST_RDONLY,
	};
	return 0;
}

/* ---- by what the checks go ------------------------------------------------------------------------------------- */

/* What musterd was given: the plan, where nobody has read one, and the root that the nodes boot. */
static int read_applied(struct muster *m, struct doctor *d)
{
	_cleanup_free_ char *text = NULL, *plan = NULL, *path = NULL;
	const char *generation = "";
	struct stat st;
	json_t *doc;
	size_t len;
	int r = fs_read(m->root_fd, CONTEXT_CLUSTER, CLUSTER_MAX, &text, &len);

	if (r < 0)
		return r == -ENOENT || r == -EACCES ? 0 : r;
	doc = json_loadb(text, len, 0, NULL);
	if (json_unpack(doc, "{s:s}", "generation", &generation) == 0 && *generation &&
	    asprintf(&path, IMAGE_ROOTS "/%s/root.squashfs", generation) < 0)
		path = NULL;
	if (path && fs_stat(m->root_fd, path, &st) == 0)
		d->root_bytes = (unsigned long long)st.st_size;
	plan = m->plan || !doc ? NULL : json_dumps(json_object_get(doc, "plan"), JSON_COMPACT);
	json_decref(doc);
	/* A file that is damaged is musterd's to tell. */
	if (plan && plan_from_json(plan, strlen(plan), &m->plan) == 0)
		d->plan_from = DOCTOR_PLAN_APPLIED;
	return 0;
}

/* The answers, where there are some without a mistake; what is wrong with them is the business of others. */
static int read_answers(struct muster *m, const char *answers, struct doctor *d)
{
	const struct plan *p;
	int r;

	if (!answers && !fs_exists(m->root_fd, CONTEXT_ANSWERS))
		return 0;
	r = muster_plan(m, answers, &p);
	if (r == 0)
		d->plan_from = answers ? DOCTOR_PLAN_GIVEN : DOCTOR_PLAN_ANSWERS;
	return answers ? r : 0;
}

static void choose_interface(struct doctor *d, const char *interface)
{
	const struct host_interface *i = NULL;

	d->chosen = interface || d->plan;
	if (interface)
		i = host_interface_find(d->host, interface);
	else if (!d->plan)
		i = draft_propose_interface(d->host);
	d->interface = i ? i->name : interface ? interface : d->plan ? d->plan->interface : NULL;
}

int muster_doctor(struct muster *m, const char *answers, const char *interface, struct muster_check **ret,
		  size_t *ret_n)
{
	_cleanup_strv_ struct strv packages = STRV_INIT;
	_cleanup_close_ int system_fd = fs_root_open("/");
	struct doctor d = { .root = geteuid() == 0, .packages = &packages, .data = m };
	struct stat st;
	int r;

	if (system_fd < 0)
		return system_fd;
	r = muster_host(m, &d.host);
	if (r < 0)
		return r;
	d.distro = m->distro;
	r = d.distro ? read_answers(m, answers, &d) : 0;
	if (r == 0)
		r = read_applied(m, &d);
	if (r == 0 && d.distro)
		r = context_missing_packages(m, &packages);
	if (r < 0)
		return r;
	d.plan = m->plan;
	/* One that was read before this. */
	if (d.plan && d.plan_from == DOCTOR_PLAN_NONE)
		d.plan_from = DOCTOR_PLAN_GIVEN;
	choose_interface(&d, interface);
	d.system_fd = system_fd;
	d.root_fd = m->root_fd;
	d.scratch = m->scratch;
	d.room = find_room;
	d.now = time(NULL);
	d.built = stat("/proc/self/exe", &st) == 0 ? st.st_mtime : 0;
	d.synchronised = clock_synchronised();
	d.entropy = entropy_ready();
	d.applied = fs_exists(m->root_fd, CONTEXT_CLUSTER);
	context_services(m, &d.unfinished, &d.musterd);
	/* Facts of another machine say nothing about this one's wires. */
	if (!m->config.host_file) {
		d.kvm = run_kvm;
		d.probe = d.root ? run_probe : NULL;
	}
	d.command = run_command;
	return doctor_run(&d, ret, ret_n);
}
