/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "backend/context.h"
#include "backend/nodes/json.h"
#include "backend/nodes/store.h"
#include "backend/nodes/why.h"
#include "backend/plan/range.h"
#include "backend/render/render.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define WHY_EVENTS 10

/* ---- events ------------------------------------------------------------------------------------------ */

static void emit(struct muster *m, const struct muster_event *e)
{
	if (m->config.on_event)
		m->config.on_event(m->config.data, e);
}

static void emit_text(struct muster *m, enum muster_event_type type, const char *fmt, va_list ap)
{
	struct muster_event e = { .type = type };
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	e.text = text;
	emit(m, &e);
	if (type == MUSTER_EVENT_ERROR) {
		free(m->error);
		m->error = TAKE_PTR(text);
	}
	free(text);
}

char *muster_take_error(struct muster *m)
{
	return TAKE_PTR(m->error);
}

void context_step(struct muster *m, const char *name, const char *fmt, ...)
{
	struct muster_event e = { .type = MUSTER_EVENT_STEP };
	va_list ap;
	char *text;

	context_done(m);
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	free(m->step);
	m->step = strdup(name);
	m->step_started = clock_mono_ms();
	e.step.name = name;
	e.step.text = text ? text : "";
	emit(m, &e);
	free(text);
}

void context_done(struct muster *m)
{
	struct muster_event e = { .type = MUSTER_EVENT_DONE };

	if (!m->step)
		return;
	e.done.name = m->step;
	e.done.ms = clock_mono_ms() - m->step_started;
	emit(m, &e);
	free(m->step);
	m->step = NULL;
}

void context_progress(struct muster *m, int permille)
{
	struct muster_event e = { .type = MUSTER_EVENT_PROGRESS, .progress = { permille } };

	emit(m, &e);
}

void context_line(struct muster *m, const char *line)
{
	struct muster_event e = { .type = MUSTER_EVENT_LINE, .text = line };

	emit(m, &e);
}

void context_note(struct muster *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(m, MUSTER_EVENT_NOTE, fmt, ap);
	va_end(ap);
}

void context_error(struct muster *m, const char *fmt, ...)
{
	va_list ap;

	free(m->step);
	m->step = NULL;
	va_start(ap, fmt);
	emit_text(m, MUSTER_EVENT_ERROR, fmt, ap);
	va_end(ap);
}

bool context_ask(struct muster *m, enum muster_question_type type, bool preset, const char *text)
{
	struct muster_question q = { .type = type, .text = text, .answer = preset };

	if (m->config.on_question)
		m->config.on_question(m->config.data, &q);
	return q.answer;
}

/* What the rooms below log is for the operator, too: it says what exactly went wrong. */
static void take_log(void *data, enum log_level level, const char *text)
{
	struct muster *m = data;

	if (level == LOG_LEVEL_ERROR) {
		context_error(m, "%s", text);
	} else {
		struct muster_event e = { .type = MUSTER_EVENT_WARNING, .text = text };

		emit(m, &e);
	}
}

void context_listen(struct muster *m)
{
	if (m->config.on_event)
		log_set_sink(take_log, m);
}

/* ---- the context --------------------------------------------------------------------------------------- */

/* Run from its build tree, muster uses what lies there; installed, what configure was told. */
static int find_own_files(struct muster *m)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t len = strlen(MUSTER_BUILDDIR);
	bool in_tree;

	exe[MAX(n, 0)] = '\0';
	in_tree = strncmp(exe, MUSTER_BUILDDIR "/", len + 1) == 0;
	m->sbindir = strdup(in_tree ? MUSTER_BUILDDIR : MUSTER_SBINDIR);
	m->libexecdir = strdup(in_tree ? MUSTER_BUILDDIR : MUSTER_LIBEXECDIR);
	m->profiles_dir = strdup(in_tree ? MUSTER_SRCDIR "/profiles" : MUSTER_PROFILES);
	m->recipes_dir = strdup(in_tree ? MUSTER_SRCDIR "/kernel/recipes" : MUSTER_RECIPES);
	return m->sbindir && m->libexecdir && m->profiles_dir && m->recipes_dir ? 0 : -ENOMEM;
}

int muster_new(const struct muster_config *config, struct muster **ret)
{
	_cleanup_(muster_freep) struct muster *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->config = *config;
	context_listen(m);
	m->root_fd = fs_root_open(config->root);
	if (m->root_fd < 0) {
		context_error(m, _("The root folder %s cannot be opened: %s"),
			      config->root ? config->root : "/", muster_strerror(m->root_fd));
		return m->root_fd;
	}
	m->root_path = realpath(config->root && *config->root ? config->root : "/", NULL);
	if (!m->root_path)
		return -errno;
	m->scratch = strcmp(m->root_path, "/") != 0;
	if (m->config.services == MUSTER_SERVICES_AUTO)
		m->config.services = m->scratch ? MUSTER_SERVICES_NONE : MUSTER_SERVICES_SYSTEMD;
	r = find_own_files(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

void muster_free(struct muster *m)
{
	if (!m)
		return;
	if (log_sink_data() == m)
		log_set_sink(NULL, NULL);
	if (m->root_fd >= 0)
		close(m->root_fd);
	host_freep(&m->host);
	profile_distro_freep(&m->distro);
	plan_freep(&m->plan);
	plan_mistakes_free(&m->mistakes);
	free(m->root_path);
	free(m->sbindir);
	free(m->libexecdir);
	free(m->profiles_dir);
	free(m->recipes_dir);
	free(m->answers);
	strv_free(&m->taken);
	free(m->error);
	free(m->step);
	free(m);
}

/* ---- facts ----------------------------------------------------------------------------------------------- */

static int host_from_file(struct muster *m, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL, *why = NULL;
	size_t len;
	int r;

	r = fd < 0 ? -errno : fs_read_fd(fd, 4 * 1024 * 1024, &text, &len);
	if (r < 0) {
		context_error(m, _("The facts in %s cannot be read: %s"), path, muster_strerror(r));
		return r;
	}
	r = host_from_json(text, len, &m->host, &why);
	if (r < 0)
		context_error(m, _("%s is not what `muster host --json` writes: %s"), path,
			      why ? why : muster_strerror(r));
	return r;
}

/* Facts from a file may name the release by its number only. */
static int complete_codename(struct muster *m)
{
	const char *codename = profile_codename(m->distro, m->host->version);
	char *copy;

	if (*m->host->codename || !codename)
		return 0;
	copy = strdup(codename);
	if (!copy)
		return -ENOMEM;
	free(m->host->codename);
	m->host->codename = copy;
	return 0;
}

int context_host(struct muster *m)
{
	int r;

	if (!m->host) {
		r = m->config.host_file ? host_from_file(m, m->config.host_file)
					: host_probe(m->root_fd, &m->host);
		if (r < 0)
			return r;
		/* A scratch root has no os-release of its own: its programs are the running system's. */
		if (!*m->host->distribution && m->scratch && !m->config.host_file) {
			_cleanup_close_ int real = fs_root_open("/");

			host_freep(&m->host);
			m->host = NULL;
			r = host_probe(real, &m->host);
			if (r < 0)
				return r;
		}
	}
	if (!m->distro) {
		r = profile_distro_read(m->profiles_dir, m->host->family, &m->distro);
		if (r == -ENOENT)
			context_error(m,
				      _("This server runs %s; muster has no profile for that distribution "
					"(see %s/distro)."),
				      *m->host->pretty ? m->host->pretty : _("an unknown system"),
				      m->profiles_dir);
		if (r < 0)
			return r;
	}
	return complete_codename(m);
}

int muster_host(struct muster *m, const struct host **ret)
{
	int r = m->host ? 0 : context_host(m);

	/* The facts stand on their own, also where no profile knows the distribution. */
	if (!m->host)
		return r;
	*ret = m->host;
	return 0;
}

int muster_host_json(struct muster *m, char **ret)
{
	const struct host *h = NULL;
	int r = muster_host(m, &h);

	return r < 0 ? r : host_to_json(h, ret);
}

/* ---- the plan ---------------------------------------------------------------------------------------------- */

int muster_answers_place(struct muster *m, char **ret)
{
	char *path = fs_join(m->root_path, CONTEXT_ANSWERS);

	if (!path)
		return -ENOMEM;
	*ret = path;
	return 0;
}

int muster_answers_path(struct muster *m, char **ret)
{
	return fs_exists(m->root_fd, CONTEXT_ANSWERS) ? muster_answers_place(m, ret) : -ENOENT;
}

static void forget_plan(struct muster *m)
{
	plan_freep(&m->plan);
	m->plan = NULL;
	plan_mistakes_free(&m->mistakes);
	m->mistakes = (struct plan_mistakes)PLAN_MISTAKES_INIT;
}

int muster_network(struct muster *m, const char *answers, struct muster_network *ret)
{
	int r;

	forget_plan(m);
	r = context_host(m);
	if (r < 0)
		return r;
	m->host->any_interface = true;
	r = plan_read(answers, m->host, m->profiles_dir, &m->mistakes, &m->plan);
	host_freep(&m->host);
	m->host = NULL;
	if (r < 0)
		return r;
	*ret = (struct muster_network){ 0 };
	snprintf(ret->interface, sizeof(ret->interface), "%s", m->plan->interface);
	snprintf(ret->mac, sizeof(ret->mac), "%s", m->plan->interface_mac);
	ip4_net_text(m->plan->net, ret->address);
	render_ipv6(m->plan, ret->ipv6);
	return 0;
}

int muster_plan(struct muster *m, const char *answers, const struct plan **ret)
{
	_cleanup_free_ char *path = NULL;
	int r;

	forget_plan(m);
	r = answers ? ((path = strdup(answers)) ? 0 : -ENOMEM) : muster_answers_path(m, &path);
	if (r == -ENOENT)
		context_error(m, _("Nothing was applied here yet; name an answer file with -f."));
	if (r == 0)
		r = context_host(m);
	if (r == 0)
		r = plan_read(path, m->host, m->profiles_dir, &m->mistakes, &m->plan);
	if (r == 0)
		r = context_kernel(m);
	if (r < 0)
		return r;
	/* A lab has its own NFS server: ganesha needs nothing of the host's kernel. */
	if (m->config.lab && !m->config.rehearsal && m->plan->nfs == PLAN_NFS_KERNEL)
		m->plan->nfs = PLAN_NFS_GANESHA;
	if (m->config.ssh_key && !strv_has(&m->plan->ssh_keys, m->config.ssh_key)) {
		r = strv_add(&m->plan->ssh_keys, m->config.ssh_key);
		if (r < 0)
			return r;
	}
	free(m->answers);
	strv_free(&m->taken);
	m->answers = TAKE_PTR(path);
	*ret = m->plan;
	return 0;
}

const struct plan_mistakes *muster_mistakes(const struct muster *m)
{
	return &m->mistakes;
}

/* ---- nodes --------------------------------------------------------------------------------------------------- */

static int open_store(struct muster *m, struct store **ret)
{
	_cleanup_free_ char *path = fs_join(m->root_path, CONTEXT_STORE);
	int r = path ? store_open(path, STORE_READ, ret) : -ENOMEM;

	if (r == -ENOENT && fs_exists(m->root_fd, RENDER_CLUSTER))
		context_error(m, _("The cluster was set up, but musterd has not run here yet, so nothing is "
				   "known of the "
				   "nodes. `systemctl status musterd` says why."));
	else if (r == -ENOENT)
		context_error(m, _("No cluster was set up here yet: `muster apply -f ANSWERS` does it."));
	return r;
}

int muster_status(struct muster *m, const char *range, struct node_state **ret, size_t *ret_n)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_(store_freep) struct store *store = NULL;
	_cleanup_free_ char *why = NULL;
	int r;

	if (range) {
		r = range_expand(range, &names, &why);
		if (r < 0) {
			context_error(m, "%s: %s", range, why ? why : muster_strerror(r));
			return r;
		}
	}
	r = open_store(m, &store);
	if (r < 0)
		return r;
	r = store_nodes(store, clock_wall_ms(), range ? &names : NULL, ret, ret_n);
	if (r == -ENOENT) {
		context_error(m, _("%s names a node that this cluster does not have."),
			      range ? range : _("It"));
		return -EINVAL;
	}
	return r;
}

void muster_status_free(struct node_state *v, size_t n)
{
	node_states_free(v, n);
}

int muster_status_json(const char *cluster, const struct node_state *v, size_t n, char **ret)
{
	return node_states_json(cluster, v, n, ret);
}

/* "14:02:11 refused: why", local time. */
static int add_event_line(struct strv *lines, const struct store_event_row *e)
{
	_cleanup_free_ char *said = NULL;
	time_t at = (time_t)(e->at / 1000);
	struct tm tm;
	char text[32] = "";

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	said = strcmp(e->kind, "stage") == 0 ? strdup(e->text) : muster_said(e->text);
	return said ? strv_addf(lines, "%s  %s: %s", text, e->kind, said) : -ENOMEM;
}

static int add_log(struct strv *lines, const char *log)
{
	int r = 0;

	while (r == 0 && *log) {
		size_t len = strcspn(log, "\n");

		r = strv_addf(lines, _("kernel: %.*s"), (int)len, log);
		log += len + (log[len] == '\n');
	}
	return r;
}

static int gather(const struct store_history *h, struct strv *lines)
{
	_cleanup_free_ char *reason = muster_said(h->node.reason);
	int r = !reason ? -ENOMEM : *reason ? strv_addf(lines, _("its reason: %s"), reason) : 0;

	for (size_t i = 0; r == 0 && i < h->n_events; i++)
		r = add_event_line(lines, &h->events[i]);
	return r < 0 ? r : add_log(lines, h->node.log);
}

int muster_why(struct muster *m, const char *node, struct muster_why *ret)
{
	_cleanup_(store_freep) struct store *store = NULL;
	struct muster_why w = { .evidence = STRV_INIT };
	struct store_history h = { 0 };
	int64_t now = clock_wall_ms();
	struct node_why why;
	int r = open_store(m, &store);

	if (r == 0)
		r = store_history(store, now, node, WHY_EVENTS, &h);
	if (r == -ENOENT && store) {
		context_error(m, _("There is no node %s in this cluster."), node);
		r = -EINVAL;
	}
	if (r == 0)
		r = gather(&h, &w.evidence);
	if (r == 0)
		r = node_state_copy(&h.node, &w.node);
	if (r == 0) {
		node_why(&h.node, now, &why);
		w.what = why.what;
		w.advice = why.advice;
		w.trouble = why.trouble;
		*ret = w;
	} else {
		strv_free(&w.evidence);
	}
	store_history_free(&h);
	return r;
}

void muster_why_free(struct muster_why *w)
{
	node_state_clear(&w->node);
	strv_free(&w->evidence);
	*w = (struct muster_why){ 0 };
}

int muster_cluster_name(struct muster *m, char **ret)
{
	_cleanup_free_ char *text = NULL;
	const char *name = NULL;
	json_t *doc;
	size_t len;
	int r;

	r = fs_read(m->root_fd, CONTEXT_CLUSTER, 64 * 1024 * 1024, &text, &len);
	if (r < 0)
		return r;
	doc = json_loadb(text, len, 0, NULL);
	if (json_unpack(doc, "{s:{s:s}}", "plan", "name", &name) < 0)
		r = -MUSTER_E_FORMAT;
	else
		r = (*ret = strdup(name)) ? 0 : -ENOMEM;
	json_decref(doc);
	return r;
}
