/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the nodes run: their kernel, and how they get their root. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "util/i18n.h"
#include "util/units.h"

enum { KERNEL, PATH, BUILT, AT_WORK, KERNEL_WARNING, KERNEL_FIT, ROOT, NOTE, ROOT_WARNING, PACKAGES, ARGS };
enum { KERNEL_DISTRO, KERNEL_CLOUD, KERNEL_OWN, KERNEL_SINGLE };
enum { BUTTON_BUILT, BUTTON_BUILD };

/* The kind of cluster whose nodes become one machine (profiles/cluster/kerrighed.conf), its kernel, and its root. */
#define SINGLE "kerrighed"
#define SINGLE_KERNEL "kerrighed-3.0"

static const struct tui_choice kernels[] = {
	{ N_("The distribution's kernel"), N_("Has drivers for nearly every network card.") },
	{ N_("Its small kernel for virtual machines"),
	  N_("Starts quicker, and knows no real network cards.") },
	{ N_("A kernel of your own"), N_("A file on this server, or one that muster built.") },
	{ N_("Kerrighed's"), N_("All nodes become one machine.") },
};

static const struct tui_choice buttons[] = { { N_("Kernels built here"), NULL },
					     { N_("Build a kernel ..."), NULL } };

static const struct tui_choice roots[] = {
	{ N_("In memory"),
	  N_("Fetched whole at boot. A running node does not need this server to read its files.") },
	{ N_("Over NFS"), N_("Read from this server as it is needed. Takes less memory on the nodes.") },
	{ N_("The initramfs alone"),
	  N_("A tiny system without ssh, to try whether the machines boot at all.") },
};
static const char *const root_words[] = { "ram", "nfs", "initramfs" };

static const struct tui_field fields[] = {
	{ KERNEL, FIELD_CHOICE, N_("Which kernel do the nodes run?"), .choices = kernels,
	  .n_choices = ARRAY_SIZE(kernels) },
	{ PATH, FIELD_TEXT, N_("Its path or name"), .width = 36 },
	{ BUILT, FIELD_BUTTONS, "", .choices = buttons, .n_choices = ARRAY_SIZE(buttons) },
	{ AT_WORK, FIELD_NOTE, N_("A kernel is being built; \"Build a kernel ...\" shows it.") },
	{ KERNEL_WARNING, FIELD_NOTE, "" },
	{ KERNEL_FIT, FIELD_NOTE, "" },
	{ ROOT, FIELD_CHOICE, N_("How do they get their root file system?"), .choices = roots,
	  .n_choices = ARRAY_SIZE(roots) },
	{ NOTE, FIELD_NOTE, "" },
	{ ROOT_WARNING, FIELD_NOTE, "" },
	{ PACKAGES, FIELD_LIST, N_("Further packages in their root, one a line"), .rows = 2 },
	{ ARGS, FIELD_LIST, N_("Further words for their kernel, one a line"), .rows = 2 },
};

static const struct page_bind binds[] = {
	PAGE_TEXT(PATH, "boot", "kernel", kernel),
	PAGE_CHOICE(ROOT, "boot", "root", root, root_words),
	PAGE_LIST(PACKAGES, "boot", "packages", packages),
	PAGE_LIST(ARGS, "boot", "kernel_args", kernel_args),
};

/* The choice is no value of its own: it stands for a word in the place of the path. */
static void take_kernel(struct page *p)
{
	static const char *const words[] = { "distro", "distro-cloud" };
	size_t choice = tui_form_choice(p->form, KERNEL);
	bool distro = strncmp(tui_form_text(p->form, PATH), words[0], strlen(words[0])) == 0;

	if (choice < KERNEL_OWN)
		tui_form_set_text(p->form, PATH, words[choice]);
	else if (choice == KERNEL_OWN && distro)
		tui_form_set_text(p->form, PATH, "/");
}

/* So does the kind of cluster follow from it; a kind of the operator's own is left alone. */
static int take_kind(struct page *p)
{
	struct draft *d = p->wizard->draft;
	bool single = tui_form_choice(p->form, KERNEL) == KERNEL_SINGLE,
	     was = strcmp(d->profile, SINGLE) == 0;
	const char *kernel = tui_form_text(p->form, PATH);
	int r;

	if (single == was)
		return 0;
	r = draft_set(&d->profile, single ? SINGLE : "plain");
	tui_form_set_choice(p->form, ROOT, single ? PLAN_ROOT_INITRAMFS : PLAN_ROOT_RAM);
	if (single && strncmp(kernel, SINGLE, strlen(SINGLE)) != 0)
		tui_form_set_text(p->form, PATH, SINGLE_KERNEL);
	else if (!single && strncmp(kernel, SINGLE, strlen(SINGLE)) == 0)
		tui_form_set_text(p->form, PATH, "distro");
	return r < 0 ? r : page_take(p);
}

/* Which release it is: a person sees that it is the right file. */
static void show_release(struct page *p)
{
	_cleanup_free_ char *release = NULL, *hint = NULL;

	if (tui_form_choice(p->form, KERNEL) >= KERNEL_OWN && *tui_form_text(p->form, PATH) == '/' &&
	    muster_kernel_look(tui_form_text(p->form, PATH), &release) == 0 &&
	    asprintf(&hint, "Linux %s", release) < 0)
		hint = NULL;
	tui_form_set_hint(p->form, PATH, hint);
}

static void show_memory(struct page *p)
{
	enum plan_root root = (enum plan_root)tui_form_choice(p->form, ROOT);
	char text[160];

	snprintf(text, sizeof(text), _("Each node needs at least %s of memory, and what your programs need."),
		 BYTES((unsigned long long)muster_memory_kb(root) * 1024));
	tui_form_set_text(p->form, NOTE, text);
	tui_form_set_note_style(p->form, NOTE, STYLE_DIM);
}

static void show_warning(struct page *p, int id, const char *key, const struct draft_mistake *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].key, key) == 0)
			strbuf_addf(&text, "%s! %s", text.len ? "\n" : "", v[i].text);
	tui_form_show(p->form, id, text.len > 0 && !text.failed);
	tui_form_set_text(p->form, id, text.len && !text.failed ? text.data : "");
	tui_form_set_note_style(p->form, id, STYLE_WARNING);
}

/* Whether kernel and root are others than those that were held against each other last: that reads the whole root. */
static bool is_other(struct page *p, const struct plan *plan)
{
	const struct draft *d = p->wizard->draft;
	char *now;

	if (asprintf(&now, "%d %s %s", plan != NULL, d->kernel, d->root) < 0)
		return true;
	if (p->data && strcmp(p->data, now) == 0) {
		free(now);
		return false;
	}
	free(p->data);
	p->data = now;
	return true;
}

/* What speaks for it, where it was held against what it is to run. What speaks against it is among the warnings already,
 * but for the root mode. */
static void show_fit(struct page *p, const struct plan *plan)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct muster_check *v = NULL;
	bool good = true;
	size_t n = 0;

	if (!is_other(p, plan))
		return;
	if (tui_form_choice(p->form, KERNEL) < KERNEL_OWN || !plan ||
	    muster_kernel_fit(p->wizard->muster, plan, &v, &n) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		bool ok = v[i].level == MUSTER_CHECK_OK;

		if (!ok && strcmp(v[i].name, "root mode") != 0)
			continue;
		good = good && ok;
		strbuf_addf(&text, "%s%s%s", text.len ? "\n" : "", ok ? "" : "! ", v[i].text);
	}
	muster_checks_free(v, n);
	tui_form_show(p->form, KERNEL_FIT, text.len > 0 && !text.failed);
	tui_form_set_text(p->form, KERNEL_FIT, text.len && !text.failed ? text.data : "");
	tui_form_set_note_style(p->form, KERNEL_FIT, good ? STYLE_GOOD : STYLE_WARNING);
}

/* What is not wrong, but will not do on these machines. While other answers are wrong, nothing is known of it. */
static void show_warnings(struct page *p)
{
	struct wizard *w = p->wizard;
	struct draft_mistake *mistakes = NULL, *v = NULL;
	size_t n_mistakes = 0, n = 0;
	struct plan *plan = NULL;

	if (muster_draft_check(w->muster, w->draft, w->path, &mistakes, &n_mistakes, &plan) == 0 && plan &&
	    muster_warnings(w->muster, plan, &v, &n) < 0)
		n = 0;
	show_warning(p, KERNEL_WARNING, "kernel", v, n);
	show_warning(p, ROOT_WARNING, "root", v, n);
	show_fit(p, plan);
	muster_draft_mistakes_free(v, n);
	muster_draft_mistakes_free(mistakes, n_mistakes);
	muster_plan_free(plan);
}

static void update(struct page *p)
{
	int r = take_kind(p);
	bool own = tui_form_choice(p->form, KERNEL) >= KERNEL_OWN;

	take_kernel(p);
	if (r == 0)
		r = draft_set(&p->wizard->draft->kernel, tui_form_text(p->form, PATH));
	if (r < 0)
		tui_notice(p->wizard->tui, STYLE_ERROR, _("There is no memory left."));
	tui_form_show(p->form, PATH, own);
	tui_form_show(p->form, BUILT, own);
	tui_form_show(p->form, AT_WORK, own && p->wizard->building && building_at_work(p->wizard));
	tui_form_show(p->form, PACKAGES, tui_form_choice(p->form, ROOT) < 2);
	show_release(p);
	show_memory(p);
	show_warnings(p);
}

/* The plan looks whether the file is there; whether it is a kernel stands in it. */
static void check(struct page *p, int id, struct strbuf *wrong)
{
	_cleanup_free_ char *release = NULL;
	const char *path = tui_form_text(p->form, PATH);

	if (id == PATH && (!*path || strcmp(path, "/") == 0))
		strbuf_adds(wrong, _("Give the path of a kernel, as /boot/vmlinuz, or the name of one that "
				     "muster built"));
	else if (id == PATH && *path == '/' && muster_kernel_look(path, &release) == -MUSTER_E_FORMAT)
		strbuf_addf(wrong, _("%s is no kernel that an x86 machine boots: a bzImage is needed"), path);
}

/* The kernels that `muster kernel build` made, newest by recipe or this very one. */
static int choose_built(struct page *p)
{
	struct kernel_generation **v = NULL;
	struct tui_box_item *items = NULL;
	size_t n = 0, at = 0;
	int r = muster_kernel_list(p->wizard->muster, &v, &n);

	if (r < 0 || n == 0) {
		muster_kernels_free(v, n);
		tui_box_message(p->wizard->tui, _("Kernels built here"),
				r < 0 ? wizard_why(p->wizard, r)
				      : _("None was built here yet. \"Build a kernel ...\" does it."));
		return 0;
	}
	items = calloc(n, sizeof(*items));
	for (size_t i = 0; items && i < n; i++)
		items[i] = (struct tui_box_item){ v[i]->id, v[i]->release, false };
	r = items ? tui_box_menu(p->wizard->tui, _("Kernels built here"), "", items, n, &at) : -ENOMEM;
	if (r == 0) {
		tui_form_set_text(p->form, PATH, v[at]->id);
		p->ops->update(p);
		p->wizard->saved = false;
	}
	free(items);
	muster_kernels_free(v, n);
	return r == -ECANCELED ? 0 : r;
}

static int pressed(struct page *p, int id, size_t button)
{
	if (id != BUILT)
		return 0;
	return button == BUTTON_BUILD ? building_begin(p->wizard) : choose_built(p);
}

static const struct page_ops ops = {
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.binds = binds,
	.n_binds = ARRAY_SIZE(binds),
	.update = update,
	.pressed = pressed,
	.check = check,
};

/* The form's choice from the draft: its first one was taken over into the draft when it began. */
static int show_kernel(struct page *p, const char *profile, const char *kernel)
{
	struct draft *d = p->wizard->draft;
	int r = draft_set(&d->kernel, kernel);

	if (r == 0)
		r = draft_set(&d->profile, profile);
	tui_form_set_choice(p->form, KERNEL,
			    strcmp(profile, SINGLE) == 0	  ? KERNEL_SINGLE
			    : strcmp(kernel, "distro") == 0	  ? KERNEL_DISTRO
			    : strcmp(kernel, "distro-cloud") == 0 ? KERNEL_CLOUD
								  : KERNEL_OWN);
	tui_form_set_text(p->form, PATH, kernel);
	update(p);
	return r;
}

static int system_open(struct tui *t, void *argument, void **ret)
{
	struct wizard *w = argument;
	_cleanup_free_ char *kernel = NULL, *profile = NULL, *root = NULL;
	int r;

	building_take(w);
	kernel = strdup(*w->draft->kernel ? w->draft->kernel : "distro");
	profile = strdup(w->draft->profile);
	root = strdup(w->draft->root);
	r = kernel && profile && root ? page_open(w, &ops, ret) : -ENOMEM;
	if (r < 0)
		return r;
	r = draft_set(&w->draft->root, root);
	if (r == 0) {
		page_show(*ret);
		r = show_kernel(*ret, profile, kernel);
	}
	if (r < 0)
		page_close(*ret);
	return r;
}

/* A kernel may have been built meanwhile. */
static void system_shown(void *self)
{
	struct page *p = self;
	_cleanup_free_ char *kernel = NULL, *profile = NULL;

	building_take(p->wizard);
	free(TAKE_PTR(p->data));
	kernel = strdup(p->wizard->draft->kernel);
	profile = strdup(p->wizard->draft->profile);
	if (kernel && profile)
		p->error = show_kernel(p, profile, kernel);
}

const struct screen_ops step_system = {
	.name = "system",
	.title = N_("Kernel and root"),
	.help = N_(
		"All nodes share one root, which none of them writes to: what a node writes is in its own "
		"memory, and gone when it restarts. The root is built once, from this server's own "
		"distribution, and again only when what goes into it changes. A kernel of another kind is "
		"built here from its sources. With Kerrighed's, the nodes form a single system image: they "
		"get their ids by these answers, and `muster ssi start` makes one machine of them."),
	.keys = &page_keys,
	.enabled = page_enabled,
	.open = system_open,
	.close = page_close,
	.draw = page_draw,
	.event = page_event,
	.key = page_key,
	.shown = system_shown,
};
