/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the machines, of the kernel and of the root that a plan asks for, for the judging in fit.c. Whatever cannot be
 * found out is left unknown, and nothing is warned of. */
#include "config.h"

#include "backend/fit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "backend/context.h"
#include "backend/nodes/store.h"
#include "kernel/kernel.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

struct gathering {
	struct muster *muster;
	const struct plan *plan;
	struct fit fit;
	char *release, *modules; /* of the kernel; NULL: unknown */
	char *vendor;
	struct node_state *nodes; /* as musterd knows them */
	size_t n_nodes;
	struct strv known; /* node, card, node, card, ...: over which they have booted */
	struct fit_card *cards;
	char (*ids)[10];
	struct image_generation *base; /* on which the root stands; NULL: none */
};

static void gathering_clear(struct gathering *g)
{
	free(g->release);
	free(g->modules);
	free(g->vendor);
	node_states_free(g->nodes, g->n_nodes);
	strv_free(&g->known);
	free(g->cards);
	free(g->ids);
	image_generation_freep(&g->base);
}

static int look_at_machines(struct gathering *g)
{
	const struct plan_node *first = NULL;

	for (size_t i = 0; i < g->plan->n_nodes; i++) {
		const struct plan_node *n = &g->plan->nodes[i];

		if (!n->has_mac || fit_mac_virtual(n->mac))
			continue;
		if (!first)
			first = n;
		g->fit.n_real++;
	}
	if (!first)
		return 0;
	g->fit.real = first->name;
	return host_mac_vendor(first->mac, &g->vendor);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The distribution's kernel is known when a root with it was built, or when this server runs it. Its modules are known when this
 * server has them. */
static int look_at_distributions_kernel(struct gathering *g, const struct image_generation *built)
{
	bool cloud = strcmp(g->plan->kernel, "distro-cloud") == 0;
	struct utsname u;

	if (built) {
		g->release = strdup(built->kernel_release);
		if (!g->release)
			return -ENOMEM;
	} else if (!g->muster->config.host_file && uname(&u) == 0 &&
		   !!strstr(u.release, "-cloud-") == cloud) {
		g->release = strdup(u.release);
		if (!g->release)
			return -ENOMEM;
	}
	if (!g->release)
		return 0;
	if (asprintf(&g->modules, "/lib/modules/%s", g->release) < 0) {
		g->modules = NULL;
		return -ENOMEM;
	}
	if (!is_dir(g->modules))
		free(TAKE_PTR(g->modules));
	return 0;
}

static int look_at_own_kernel(struct gathering *g)
{
	static const char *const places[] = { "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6" };
	int r = image_kernel_look(g->plan->kernel, &g->release, &g->modules);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	g->fit.no_modules = !g->modules;
	if (g->base) {
		(void)!fit_release(g->base->libc, g->fit.libc);
		return 0;
	}
	/* A root is made of this server's own distribution, and so is its libc. Facts of another machine say nothing of it. */
	for (size_t i = 0; !g->muster->config.host_file && i < ARRAY_SIZE(places); i++) {
		_cleanup_close_ int fd = open(places[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && image_abi_read(fd, g->fit.libc) == 0)
			break;
	}
	return 0;
}

static void hush(void *data, enum log_level level, const char *text)
{
}

/* The generation that the plan asks for, when it is built; what speaks against building it is said by whoever builds. */
static int find_built(struct gathering *g, struct image_generation **ret)
{
	struct muster *m = g->muster;
	const struct image_env env = { .root_fd = m->root_fd,
				       .root_path = m->root_path,
				       .host = m->host,
				       .distro = m->distro,
				       .profiles = m->profiles_dir,
				       .borrow = m->scratch,
				       .cancel_fd = -1 };
	_cleanup_free_ char *id = NULL, *image = NULL;
	bool heard = log_sink_data() == m;
	int r;

	if (heard)
		log_set_sink(hush, m);
	r = image_root_id(&env, g->plan, &id);
	if (r == 0)
		r = image_root_find(&env, id, ret);
	/* A root that was chosen stands on what it was built on, and one that is to be built on the newest. */
	if (r == 0 && *(*ret)->on)
		r = image_root_find(&env, (*ret)->on, &g->base);
	if (r < 0 && r != -ENOMEM && !*g->plan->generation)
		r = image_base_find(&env, g->plan->profile, g->plan->root, &g->base, &image);
	if (heard)
		context_listen(m);
	return r == -ENOMEM ? r : 0;
}

static int keep_card(void *data, const char *node, const char *card)
{
	struct gathering *g = data;
	int r = strv_add(&g->known, node);

	return r < 0 ? r : strv_add(&g->known, card);
}

static int read_nodes(struct gathering *g)
{
	_cleanup_(store_freep) struct store *store = NULL;
	_cleanup_free_ char *path = fs_join(g->muster->root_path, CONTEXT_STORE);

	if (!path)
		return -ENOMEM;
	if (store_open(path, STORE_READ, &store) < 0)
		return 0;
	if (store_nodes(store, clock_wall_ms(), NULL, &g->nodes, &g->n_nodes) == -ENOMEM ||
	    store_cards(store, keep_card, g) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

/* What the nodes of a single system image are told to run (agent/steps.c); 3.0, whose kernel is 2.6.30, has what 2.4 has not. */
static void look_at_tools(struct gathering *g)
{
	static const struct {
		const char *name;
		unsigned int since; /* of Linux 2.6 */
	} tools[] = { { "krgadm", 0 }, { "krgboot", 30 }, { "krginit", 30 } };
	unsigned int release[3] = { 0 };
	bool known = g->release && fit_release(g->release, release);
	bool old = known && release[0] == 2 && release[1] == 6 && release[2] < 30;

	for (size_t i = 0; g->plan->ssi_session && i < ARRAY_SIZE(tools); i++) {
		_cleanup_free_ char *path = NULL;

		if (tools[i].since && old)
			continue;
		if (asprintf(&path, "usr/sbin/%s", tools[i].name) < 0)
			path = NULL;
		if (g->base && path && strv_has(&g->base->programs, path))
			continue;
		g->fit.profile = g->plan->profile;
		g->fit.no_tool = tools[i].name;
		return;
	}
}

/* The card that it could not boot over, else the one that it has booted over. */
static bool card_of(const struct gathering *g, const struct node_state *s, char ret_id[10])
{
	if (fit_card_of_reason(s->reason, ret_id))
		return true;
	for (size_t i = 0; i + 1 < g->known.n; i += 2)
		if (strcmp(g->known.v[i], s->name) == 0) {
			snprintf(ret_id, 10, "%s", g->known.v[i + 1]);
			return true;
		}
	return false;
}

static bool is_planned(const struct gathering *g, const char *name)
{
	for (size_t i = 0; i < g->plan->n_nodes; i++)
		if (strcmp(g->plan->nodes[i].name, name) == 0)
			return true;
	return false;
}

static int look_at_reports(struct gathering *g)
{
	int r = read_nodes(g);

	g->cards = calloc(g->n_nodes + 1, sizeof(*g->cards));
	g->ids = calloc(g->n_nodes + 1, sizeof(*g->ids));
	if (r < 0 || !g->cards || !g->ids)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_nodes; i++) {
		const struct node_state *s = &g->nodes[i];
		struct fit *f = &g->fit;
		bool driven = false;

		if (!is_planned(g, s->name))
			continue;
		if (s->memory_kb > 0 && (!f->poorest || s->memory_kb < f->poorest_kb)) {
			f->poorest = s->name;
			f->poorest_kb = s->memory_kb;
		}
		if (!g->modules || !card_of(g, s, g->ids[i]) ||
		    kernel_drives(g->modules, g->ids[i], &driven) < 0)
			continue;
		g->cards[f->n_cards++] = (struct fit_card){ s->name, g->ids[i], driven };
	}
	return 0;
}

int muster_warnings(struct muster *m, const struct plan *p, struct draft_mistake **ret, size_t *ret_n)
{
	struct plan with_path = *p;
	_cleanup_(gathering_clear) struct gathering g = { .muster = m, .plan = &with_path };
	_cleanup_(image_generation_freep) struct image_generation *built = NULL;
	_cleanup_free_ char *path = NULL, *missing = NULL;
	int r = 0;

	if (context_kernel_is_built(m, p->kernel))
		r = context_kernel_path(m, p->kernel, &path);
	if (path)
		with_path.kernel = path;
	if (r == -ENOENT)
		r = context_kernel_missing(m, p->kernel, &missing);
	else if (r == 0 && m->distro)
		r = find_built(&g, &built);

	g.fit.unbuilt = missing;
	if (r == 0)
		r = look_at_machines(&g);
	if (r == 0 && !missing)
		r = *with_path.kernel == '/' ? look_at_own_kernel(&g)
					     : look_at_distributions_kernel(&g, built);
	if (r == 0)
		r = look_at_reports(&g);
	if (r < 0)
		return r;
	look_at_tools(&g);
	g.fit.kernel = p->kernel;
	g.fit.root = p->root;
	g.fit.release = g.release;
	g.fit.real_vendor = g.vendor ? g.vendor : "";
	g.fit.cards = g.cards;
	g.fit.root_bytes = built ? built->root_bytes : 0;
	return fit_judge(&g.fit, ret, ret_n);
}

/* The planned nodes that have told of themselves, as a range; NULL: none has. */
static int range_of(struct gathering *g, char **ret)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = read_nodes(g);

	for (size_t i = 0; r == 0 && i < g->n_nodes; i++)
		if (g->nodes[i].memory_kb > 0 && is_planned(g, g->nodes[i].name))
			r = strv_add(&names, g->nodes[i].name);
	if (r < 0 || names.n == 0)
		return r;
	*ret = muster_fold(&names);
	return *ret ? 0 : -ENOMEM;
}

/* Where there is none, muster_warnings() says what the root lacks. */
static int add_base(const struct gathering *g, struct muster_check **v, size_t *n)
{
	struct muster_check *more;
	char *text;

	if (!g->plan->ssi_session || !g->base)
		return 0;
	if (asprintf(&text, _("The nodes' root stands on the base %s, which is made for such kernels."),
		     g->base->id) < 0)
		return -ENOMEM;
	more = reallocarray(*v, *n + 1, sizeof(**v));
	if (!more) {
		free(text);
		return -ENOMEM;
	}
	more[(*n)++] = (struct muster_check){ .name = "base", .level = MUSTER_CHECK_OK, .text = text };
	*v = more;
	return 0;
}

static int only_missing(struct muster *m, const char *kernel, struct muster_check **ret, size_t *ret_n)
{
	struct muster_check *v = calloc(1, sizeof(*v));
	int r = v ? context_kernel_missing(m, kernel, &v->text) : -ENOMEM;

	if (r < 0) {
		free(v);
		return r;
	}
	v->name = "kernel";
	v->level = MUSTER_CHECK_PROBLEM;
	*ret = v;
	*ret_n = 1;
	return 0;
}

int muster_kernel_fit(struct muster *m, const struct plan *p, struct muster_check **ret, size_t *ret_n)
{
	static const char *const modes[] = { "ram", "nfs", "initramfs" };
	_cleanup_(gathering_clear) struct gathering g = { .muster = m, .plan = p };
	_cleanup_(image_generation_freep) struct image_generation *built = NULL;
	struct muster_kernel_place place = { .mode = modes[p->root] };
	_cleanup_free_ char *range = NULL, *path = NULL;
	int r;

	*ret = NULL;
	*ret_n = 0;
	/* Of what the operator brings along by its path, nothing more is known than muster_warnings() tells. */
	if (!context_kernel_is_built(m, p->kernel))
		return 0;
	r = context_kernel_path(m, p->kernel, &path);
	if (r < 0)
		return r == -ENOENT ? only_missing(m, p->kernel, ret, ret_n) : r;
	if (m->distro)
		r = find_built(&g, &built);
	if (r == 0)
		r = range_of(&g, &range);
	place.root = built ? built->id : NULL;
	place.range = range;
	if (r == 0)
		r = muster_kernel_check(m, p->kernel, &place, ret, ret_n);
	if (r < 0)
		return r;
	r = add_base(&g, ret, ret_n);
	if (r < 0)
		muster_checks_free(*ret, *ret_n);
	return r;
}

int muster_kernel_look(const char *path, char **ret_release)
{
	_cleanup_free_ char *modules = NULL;

	return image_kernel_look(path, ret_release, &modules);
}

long long muster_memory_kb(enum plan_root root)
{
	return fit_memory_kb(root, 0);
}
