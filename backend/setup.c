/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facade's second half: what changes the server. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <string.h>

#include "backend/context.h"
#include "backend/render/render.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/spawn.h"
#include "util/strbuf.h"

/* As musterd serves them. */
#define MEMTEST_BIOS "/boot/memtest86+x64.bin"
#define MEMTEST_EFI "/boot/memtest86+x64.efi"
#define ANSWERS_MAX (4 * 1024 * 1024)

/* ---- roots ------------------------------------------------------------------------------------------------- */

static void image_progress(void *data, const char *step, int permille, const char *line)
{
	struct muster *m = data;

	if (step && (!m->step || strcmp(m->step, step) != 0))
		context_step(m, step, _("node root: %s"), i18n_in("step", step));
	if (permille >= 0)
		context_progress(m, permille);
	if (line)
		context_line(m, line);
}

int context_image_env(struct muster *m, struct image_env *ret, char **ret_agent)
{
	char *agent = fs_join(m->libexecdir, "muster-agent");

	if (!agent)
		return -ENOMEM;
	*ret = (struct image_env){
		.root_fd = m->root_fd,
		.root_path = m->root_path,
		.host = m->host,
		.distro = m->distro,
		.agent = agent,
		.profiles = m->profiles_dir,
		.borrow = m->scratch,
		.cancel_fd = m->config.cancel_fd > 0 ? m->config.cancel_fd : -1,
		.progress = image_progress,
		.data = m,
	};
	*ret_agent = agent;
	return 0;
}

void context_built_free(struct context_built *b)
{
	free(b->root_id);
	free(b->initramfs);
	free(b->kernel_release);
	*b = (struct context_built){ 0 };
}

int context_go_outside(const struct muster *m, int *ret)
{
	int here;

	if (m->config.build_network_fd <= 0)
		return 0;
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (here < 0 || setns(m->config.build_network_fd, CLONE_NEWNET) < 0) {
		int r = -errno;

		closep(&here);
		return r;
	}
	*ret = here;
	return 0;
}

static int build_root(struct muster *m, const struct image_env *env, struct image_generation **ret)
{
	_cleanup_close_ int here = -1;
	int r = context_go_outside(m, &here), back = 0;

	if (r == 0)
		r = image_root_build(env, m->plan, ret);
	if (here >= 0 && setns(here, CLONE_NEWNET) < 0)
		back = -errno;
	return r < 0 ? r : back;
}

int context_find_built(struct muster *m, bool build, struct context_built *ret)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	_cleanup_(context_built_free) struct context_built b = { 0 };
	_cleanup_free_ char *agent = NULL;
	struct image_env env;
	int r = context_image_env(m, &env, &agent);

	if (r == 0)
		r = image_root_id(&env, m->plan, &b.root_id);
	if (r == 0)
		r = build ? build_root(m, &env, &g) : image_root_find(&env, b.root_id, &g);
	if (r == -ENOENT && !build) {
		b.initramfs = strdup("");
		b.kernel_release = strdup("");
	} else if (r < 0) {
		return r;
	} else {
		b.kernel_release = strdup(g->kernel_release);
		r = build ? image_initramfs_build(&env, m->plan, g, &b.initramfs)
			  : image_initramfs_id(&env, m->plan, g, &b.initramfs);
		if (r < 0)
			return r;
	}
	if (!b.initramfs || !b.kernel_release)
		return -ENOMEM;
	*ret = b;
	b = (struct context_built){ 0 };
	return 0;
}

bool context_initramfs_exists(struct muster *m, const char *id)
{
	_cleanup_free_ char *path = NULL;

	if (!*id || asprintf(&path, "%s/%s.img", IMAGE_INITRAMFS, id) < 0)
		return false;
	return fs_exists(m->root_fd, path);
}

int muster_root_build(struct muster *m, char **ret_id)
{
	_cleanup_(context_built_free) struct context_built b = { 0 };
	int r = m->plan ? context_find_built(m, true, &b) : -EINVAL;

	if (r < 0)
		return r;
	context_done(m);
	if (ret_id)
		*ret_id = TAKE_PTR(b.root_id);
	return 0;
}

/* The generation that the applied cluster boots; "" where none is applied. */
static int applied_generation(struct muster *m, char **ret)
{
	_cleanup_free_ char *text = NULL;
	const char *id = "";
	json_t *doc = NULL;
	size_t len;

	if (fs_read(m->root_fd, CONTEXT_CLUSTER, 64 * 1024 * 1024, &text, &len) == 0) {
		doc = json_loadb(text, len, 0, NULL);
		json_unpack(doc, "{s:s}", "generation", &id);
	}
	*ret = strdup(id);
	json_decref(doc);
	return *ret ? 0 : -ENOMEM;
}

void muster_roots_free(struct muster_root *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].id);
		free(v[i].kernel);
		free(v[i].distribution);
		free(v[i].suite);
		free(v[i].built);
	}
	free(v);
}

int muster_root_list(struct muster *m, struct muster_root **ret, size_t *ret_n)
{
	_cleanup_free_ char *agent = NULL, *used = NULL;
	struct image_generation **list = NULL;
	struct muster_root *v = NULL;
	struct image_env env;
	size_t n = 0;
	int r;

	r = context_host(m);
	if (r == 0)
		r = context_image_env(m, &env, &agent);
	if (r == 0)
		r = applied_generation(m, &used);
	if (r == 0)
		r = image_list(&env, &list, &n);
	if (r < 0)
		return r;
	v = calloc(n ? n : 1, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		struct image_generation *g = list[i];

		if (v)
			v[i] = (struct muster_root){ TAKE_PTR(g->id),
						     TAKE_PTR(g->kernel_release),
						     TAKE_PTR(g->distribution),
						     TAKE_PTR(g->suite),
						     TAKE_PTR(g->built),
						     g->root_bytes,
						     false };
		if (v)
			v[i].used = strcmp(v[i].id, used) == 0;
		image_generation_free(g);
	}
	free(list);
	if (!v)
		return -ENOMEM;
	*ret = v;
	*ret_n = n;
	return 0;
}

int muster_root_remove(struct muster *m, const char *id)
{
	_cleanup_free_ char *agent = NULL, *used = NULL, *text = NULL;
	struct image_env env;
	int r;

	r = context_host(m);
	if (r == 0)
		r = context_image_env(m, &env, &agent);
	if (r == 0)
		r = applied_generation(m, &used);
	if (r < 0)
		return r;
	if (strcmp(id, used) == 0) {
		context_error(m, _("The nodes boot %s; apply answers with another root first."), id);
		return -MUSTER_E_REFUSED;
	}
	if (asprintf(&text, _("Remove the node root %s?"), id) < 0)
		return -ENOMEM;
	if (!context_ask(m, MUSTER_QUESTION_REMOVE_ROOT, true, text))
		return -MUSTER_E_CANCELLED;
	r = image_remove(&env, id);
	if (r == -ENOENT)
		context_error(m,
			      _("There is no node root %s; `muster root list` names those that there are."),
			      id);
	return r;
}

int context_initramfs(struct muster *m, const char *root_id, char **ret)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	_cleanup_free_ char *agent = NULL, *id = NULL;
	const struct plan *p;
	struct image_env env;
	int r = muster_plan(m, NULL, &p);

	if (r == 0)
		r = context_image_env(m, &env, &agent);
	if (r == 0)
		r = image_root_find(&env, root_id, &g);
	if (r == -ENOENT)
		context_error(m,
			      _("There is no node root %s; `muster root list` names those that there are."),
			      root_id);
	if (r == 0)
		r = image_initramfs_id(&env, p, g, &id);
	if (r < 0)
		return r;
	if (!context_initramfs_exists(m, id))
		*id = '\0';
	*ret = TAKE_PTR(id);
	return 0;
}

int muster_root_obstacle(struct muster *m, const struct muster_root *root, char **ret)
{
	_cleanup_free_ char *initramfs = NULL;
	int r;

	*ret = NULL;
	/* The cluster's own has what it needs, or no node boots. */
	if (root->used)
		return 0;
	if (!*root->kernel) {
		*ret = strdup(_("it is a base, which has no kernel"));
		return *ret ? 0 : -ENOMEM;
	}
	r = context_initramfs(m, root->id, &initramfs);
	if (r < 0)
		return r;
	if (!*initramfs)
		*ret = strdup(_("no initramfs is built for it"));
	return *initramfs || *ret ? 0 : -ENOMEM;
}

bool muster_has_memtest(struct muster *m)
{
	return fs_exists(m->root_fd, MEMTEST_BIOS) || fs_exists(m->root_fd, MEMTEST_EFI);
}

/* ---- changes ------------------------------------------------------------------------------------------------------ */

static void apply_step(void *data, const char *name, const char *text)
{
	struct muster *m = data;

	if (name)
		context_step(m, name, "%s", text);
	else
		context_line(m, text);
}

static void apply_note(void *data, const char *text)
{
	context_note(data, "%s", text);
}

static void apply_error(void *data, const char *text)
{
	context_error(data, "%s", text);
}

void context_apply(struct muster *m, struct apply *ret)
{
	static const char *const driver[] = {
		[MUSTER_SERVICES_SYSTEMD] = "systemd",
		[MUSTER_SERVICES_DIRECT] = "direct",
		[MUSTER_SERVICES_NONE] = "none",
	};
	const struct plan *p = m->plan;

	*ret = (struct apply){
		.root_fd = m->root_fd,
		.root_path = m->root_path,
		.host = m->host,
		.services = service_driver_find(driver[m->config.services]),
		.packages = package_driver_find(m->scratch ? "none" : m->host->package_manager),
		.sbindir = m->sbindir,
		.libexecdir = m->libexecdir,
		.http_user = m->config.http_user,
		.http_port = p ? p->http_port : 0,
		.cancel_fd = m->config.cancel_fd,
		.talkative = m->config.rehearsal,
		.on_step = apply_step,
		.on_note = apply_note,
		.on_error = apply_error,
		.data = m,
	};
	if (!ret->packages)
		ret->packages = package_driver_find("none");
	if (p && p->dhcp_service && p->dhcp == PLAN_DHCP_AUTHORITATIVE && !m->config.lab)
		ret->dhcp_interface = p->interface;
}

static int add_answers(struct muster *m, struct fileset *f)
{
	_cleanup_close_ int fd = open(m->answers, O_RDONLY | O_CLOEXEC);
	char *text;
	size_t len;
	int r;

	r = fd < 0 ? -errno : fs_read_fd(fd, ANSWERS_MAX, &text, &len);
	if (r < 0)
		return r;
	return fileset_add_file(f, FILESET_FILE, CONTEXT_ANSWERS, text, len, 0640, NULL, NULL);
}

/* A rehearsal has the server's files, to the byte: its services see its folders at the server's paths. */
int context_render(struct muster *m, const struct context_built *b, struct fileset *f)
{
	bool direct = m->config.services == MUSTER_SERVICES_DIRECT && !m->config.rehearsal;
	const struct render_env env = {
		.distro = m->distro,
		.libexecdir = m->libexecdir,
		.sbindir = m->sbindir,
		.prefix = direct && m->scratch ? m->root_path : "",
		.with_network = !m->config.lab || m->config.rehearsal,
		.units = !direct,
		.generation = b->root_id,
		.initramfs = b->initramfs,
		.kernel_release = b->kernel_release,
	};
	int r = render_all(m->plan, &env, f);

	/* Beside the exports, which nobody serves there. */
	if (r == 0 && m->config.rehearsal && m->plan->nfs == PLAN_NFS_KERNEL)
		r = render_nfs_ganesha(m->plan, &env, f);
	return r < 0 ? r : add_answers(m, f);
}

/* The changes; with `build`, after what must be built has been built. */
static int make_changes(struct muster *m, struct apply *a, bool build, struct changeset **ret)
{
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	_cleanup_(fileset_free) struct fileset files = FILESET_INIT;
	_cleanup_(context_wish_free) struct apply_wish wish = { 0 };
	_cleanup_(context_built_free) struct context_built b = { 0 };
	int r;

	r = context_wish(m, &wish);
	if (r == 0)
		r = context_find_built(m, build, &b);
	if (r < 0)
		return r;
	/* What goes wrong from here on is no fault of the building. */
	context_done(m);
	r = context_render(m, &b, &files);
	if (r == 0)
		r = changeset_make(a, &files, &wish, &c);
	if (r < 0)
		return r;
	c->root_build = !*b.kernel_release || !context_initramfs_exists(m, b.initramfs);
	free(c->root_id);
	c->root_id = TAKE_PTR(b.root_id);
	*ret = TAKE_PTR(c);
	return 0;
}

int muster_changes(struct muster *m, struct changeset **ret)
{
	struct apply a;

	if (!m->plan)
		return -EINVAL;
	context_apply(m, &a);
	return make_changes(m, &a, false, ret);
}

void muster_changeset_free(struct changeset *c)
{
	changeset_free(c);
}

bool muster_changeset_empty(const struct changeset *c)
{
	return changeset_empty(c) && !c->root_build;
}

/* ---- apply, undo --------------------------------------------------------------------------------------------------- */

static int missing_packages(struct muster *m, const struct apply *a, const struct changeset *c)
{
	_cleanup_(context_wish_free) struct apply_wish wish = { 0 };
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;
	int r;

	if (a->packages->install)
		return 0;
	r = context_wish(m, &wish);
	if (r < 0 || wish.packages.n == 0)
		return r;
	for (size_t i = 0; i < wish.packages.n; i++)
		strbuf_addf(&list, "%s%s", i ? " " : "", wish.packages.v[i]);
	context_error(m,
		      _("Below another root nothing is installed, and these packages are missing on this "
			"machine: %s. "
			"Install them and try again."),
		      list.data ? list.data : "");
	return -MUSTER_E_MISSING;
}

/* What is somebody else's, and is not among the taken. */
static int foreign(const struct changeset *c, const struct strv *taken, struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_files; i++)
		if (c->files[i].whose != CHANGE_OURS && !strv_has(taken, c->files[i].path))
			r = strv_add(ret, c->files[i].path);
	return r;
}

int muster_changeset_foreign(const struct changeset *c, struct strv *ret)
{
	static const struct strv none;

	return foreign(c, &none, ret);
}

void muster_take_over(struct muster *m)
{
	m->config.take_over = true;
}

#define NAMED_MAX 10

/* Nobody's work is lost in silence: in the journal it is kept, but who would look there? */
static int may_replace(struct muster *m, const struct changeset *c, bool ask)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;
	_cleanup_free_ char *question = NULL;
	int r = m->config.take_over ? 0 : foreign(c, &m->taken, &paths);

	if (r < 0 || paths.n == 0)
		return r;
	for (size_t i = 0; i < paths.n && i < NAMED_MAX; i++)
		strbuf_addf(&list, "%s%s", i ? ", " : "", paths.v[i]);
	if (paths.n > NAMED_MAX)
		strbuf_addf(&list, ngettext(", and %zu more", ", and %zu more", paths.n - NAMED_MAX),
			    paths.n - NAMED_MAX);
	if (list.failed || asprintf(&question, _("Replace what is not muster's: %s?"), list.data) < 0) {
		question = NULL;
		return -ENOMEM;
	}
	if (ask && context_ask(m, MUSTER_QUESTION_TAKE_OVER, false, question)) {
		/* To these, and not to what comes while packages are being installed. */
		m->taken = paths;
		paths = (struct strv)STRV_INIT;
		return 0;
	}
	context_error(
		m,
		_("Somebody else has changed, or made, what this would replace: %s. `muster plan` shows the "
		  "difference; put yours elsewhere, or replace it with `muster apply --take-over`."),
		list.data);
	return -MUSTER_E_CONFLICT;
}

static int prepare(void *data, struct changeset **ret)
{
	struct muster *m = data;
	struct apply a;
	int r;

	context_apply(m, &a);
	a.shown = m->shown;
	r = make_changes(m, &a, true, ret);
	/* What came meanwhile was never shown to anybody. */
	if (r == 0 && *ret)
		r = may_replace(m, *ret, false);
	return r;
}

static int apply_once(struct muster *m)
{
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	struct apply a;
	int r;

	strv_free(&m->taken);
	context_apply(m, &a);
	a.http_address = IP4(m->plan->net.address);
	r = make_changes(m, &a, false, &c);
	if (r == 0 && m->config.services != MUSTER_SERVICES_NONE)
		r = missing_packages(m, &a, c);
	if (r < 0)
		return r;
	if (muster_changeset_empty(c)) {
		context_note(m, _("Nothing to change: this server is as the answers say."));
		return 0;
	}
	r = apply_may_install(&a, c);
	if (r == 0)
		r = may_replace(m, c, true);
	if (r < 0)
		return r;
	if (!context_ask(m, MUSTER_QUESTION_APPLY, true, _("Make these changes?")))
		return -MUSTER_E_CANCELLED;
	a.prepare = prepare;
	m->shown = c;
	/* Only the root was missing: its building is nothing that undo could take back. */
	r = changeset_empty(c) ? muster_root_build(m, NULL) : apply_run(&a, c, m->answers);
	m->shown = NULL;
	/* Of an apply that failed, the step that took it back went well. */
	if (r == 0 || (m->step && strcmp(m->step, "undo") == 0))
		context_done(m);
	return r;
}

int muster_apply(struct muster *m)
{
	struct apply a;
	int r;

	if (!m->plan)
		return -EINVAL;
	context_apply(m, &a);
	r = apply_recover(&a);
	if (r < 0)
		return r;
	r = apply_once(m);
	/* An unfinished apply was found and taken back meanwhile: what is to be done must be seen anew. */
	return r == -EAGAIN ? apply_once(m) : r;
}

void context_services(struct muster *m, int *ret_unfinished, int *ret_musterd)
{
	struct apply a;

	context_apply(m, &a);
	*ret_unfinished = apply_unfinished(&a);
	*ret_musterd = a.services->is_running ? a.services->is_running(&a, service_find("musterd")) : -1;
}
