/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What kernel is to be built, of what, and by which compiler. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define DIGEST_MARK "#sha256="

/* Each source has three fields from SOURCES on, whatever recipe it is of: what it is, its place, its SHA-256. */
enum { RECIPE, UNFIT, CC, COMPILERS, JOBS, BUTTONS, SOURCES };
enum { WHAT, PLACE, DIGEST, FIELDS_A_SOURCE };

#define KERNEL_KEYS(X)                                                                              \
	X(KERNEL_GO, TK_PAGE_DOWN, TK_CTRL('n'), N_("build"), N_("Begin to build it"), KEYMAP_BAR)  \
	X(KERNEL_LEAVE, TK_ESC, TK_PAGE_UP, N_("back"), N_("Back to the wizard; nothing is built"), \
	  KEYMAP_BAR)                                                                               \
	X(KERNEL_HELP, TK_FN(1), TK_NONE, N_("help"), N_("Explain this and its keys"), KEYMAP_BAR)

enum kernel_request { KERNEL_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { KERNEL_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("A kernel to be built"), entries, tui_form_keys);

static const struct tui_choice compilers[] = { { N_("Compilers of this server"), NULL } };
static const struct tui_choice buttons[] = { { N_("Build it"), NULL } };

struct kernel {
	struct wizard *wizard;
	struct kernel_recipe **all; /* also those that build nothing */
	size_t n_all;
	const struct kernel_recipe **recipes; /* those that build something */
	size_t n;
	struct kernel_compiler *compilers;
	size_t n_compilers;
	struct tui_choice *choices; /* of the recipe */
	struct tui_field *fields;
	size_t n_fields;
	struct tui_form *form;
	size_t shown; /* the recipe whose compilers are marked; SIZE_MAX: none yet */
	int error;    /* of the button's function, to be returned from the loop */
};

/* ---- which fields there are -------------------------------------------------------------------------------- */

static const struct kernel_recipe *recipe_of(const struct kernel *k)
{
	return k->recipes[tui_form_choice(k->form, RECIPE)];
}

/* The id of the first field of a recipe's source. */
static int source_id(const struct kernel *k, size_t recipe, size_t source)
{
	for (size_t i = 0; i < recipe; i++)
		source += k->recipes[i]->n_sources;
	return SOURCES + (int)source * FIELDS_A_SOURCE;
}

/* The source of the chosen recipe that the field is of; SIZE_MAX: of none. */
static size_t source_of(const struct kernel *k, int id)
{
	int first = source_id(k, tui_form_choice(k->form, RECIPE), 0);
	size_t source = (size_t)(id - first) / FIELDS_A_SOURCE;

	return id >= first && source < recipe_of(k)->n_sources ? source : SIZE_MAX;
}

static void add_field(struct kernel *k, struct tui_field f)
{
	k->fields[k->n_fields++] = f;
}

static void add_sources(struct kernel *k)
{
	int id = SOURCES;

	for (size_t i = 0; i < k->n; i++)
		for (size_t s = 0; s < k->recipes[i]->n_sources; s++, id += FIELDS_A_SOURCE) {
			add_field(k, (struct tui_field){ id + WHAT, FIELD_NOTE, "" });
			add_field(k, (struct tui_field){ id + PLACE, FIELD_TEXT, N_("Its path or URL"),
							 .width = 36 });
			add_field(k, (struct tui_field){ id + DIGEST, FIELD_TEXT, N_("Its SHA-256"),
							 .width = 36 });
		}
}

static int make_fields(struct kernel *k)
{
	size_t n = BUTTONS + 1;

	for (size_t i = 0; i < k->n; i++)
		n += k->recipes[i]->n_sources * FIELDS_A_SOURCE;
	k->fields = calloc(n, sizeof(*k->fields));
	if (!k->fields)
		return -ENOMEM;
	add_field(k, (struct tui_field){ RECIPE, FIELD_CHOICE, N_("Which kernel is to be built?"),
					 .choices = k->choices, .n_choices = k->n });
	add_sources(k);
	add_field(k, (struct tui_field){ UNFIT, FIELD_NOTE, "" });
	add_field(k, (struct tui_field){ CC, FIELD_TEXT, N_("The compiler"), .width = 36 });
	add_field(k, (struct tui_field){ COMPILERS, FIELD_BUTTONS, "", .choices = compilers,
					 .n_choices = ARRAY_SIZE(compilers) });
	add_field(k, (struct tui_field){ JOBS, FIELD_NUMBER, N_("Files at a time"),
					 N_("0: one for each processor"), .min = 0, .max = 1024 });
	add_field(k, (struct tui_field){ BUTTONS, FIELD_BUTTONS, "", .choices = buttons,
					 .n_choices = ARRAY_SIZE(buttons) });
	return 0;
}

static int make_choices(struct kernel *k)
{
	k->choices = calloc(k->n + 1, sizeof(*k->choices));
	for (size_t i = 0; k->choices && i < k->n; i++)
		k->choices[i] = (struct tui_choice){ k->recipes[i]->name, k->recipes[i]->description };
	return k->choices ? 0 : -ENOMEM;
}

/* ---- what belongs to the recipe ------------------------------------------------------------------------------ */

/* A toolchain has compilers of another age. Takes the text over. */
static char *with_advice(char *text, const char *advice)
{
	char *both;
	int n = asprintf(&both, "%s\n%s", text, advice);

	free(text);
	return n < 0 ? NULL : both;
}

/* What the recipe wants, where no compiler of this server is that. */
static void show_unfit(struct kernel *k, const struct kernel_recipe *r, bool fits)
{
	_cleanup_free_ char *wanted = muster_compiler_wanted(r), *advice = muster_toolchain_advice(r),
			    *text = NULL;

	tui_form_show(k->form, UNFIT, !fits);
	if (fits)
		return;
	if (asprintf(&text,
		     _("! No compiler of this server fits: the recipe %s wants %s. Install one of these, or "
		       "name "
		       "the path of one that lies elsewhere."),
		     r->name, wanted ? wanted : "") < 0)
		text = NULL;
	if (text && advice)
		text = with_advice(TAKE_PTR(text), advice);
	tui_form_set_text(k->form, UNFIT, text ? text : "");
	tui_form_set_note_style(k->form, UNFIT, STYLE_WARNING);
}

/* The first that fits. */
static void show_compiler(struct kernel *k, const struct kernel_recipe *r)
{
	const char *name = NULL;

	for (size_t i = 0; !name && i < k->n_compilers; i++)
		if (muster_compiler_fits(r, &k->compilers[i]))
			name = k->compilers[i].name;
	tui_form_set_text(k->form, CC, name ? name : "");
	show_unfit(k, r, name);
}

static void show_sources(struct kernel *k)
{
	size_t chosen = tui_form_choice(k->form, RECIPE);

	for (size_t i = 0; i < k->n; i++)
		for (size_t s = 0; s < k->recipes[i]->n_sources; s++)
			for (int part = 0; part < FIELDS_A_SOURCE; part++)
				tui_form_show(k->form, source_id(k, i, s) + part, i == chosen);
}

static void update(struct kernel *k)
{
	size_t chosen = tui_form_choice(k->form, RECIPE);

	if (chosen == k->shown)
		return;
	k->shown = chosen;
	show_sources(k);
	show_compiler(k, k->recipes[chosen]);
}

/* ---- what is wrong --------------------------------------------------------------------------------------------- */

static void check_source(struct kernel *k, int id, size_t source, struct strbuf *wrong)
{
	int first = source_id(k, tui_form_choice(k->form, RECIPE), source);
	bool digest;
	int r = muster_kernel_source(k->wizard->muster, recipe_of(k), source,
				     tui_form_text(k->form, first + PLACE),
				     tui_form_text(k->form, first + DIGEST), &digest);

	if (r < 0 && digest == (id == first + DIGEST))
		strbuf_adds(wrong, wizard_why(k->wizard, r));
}

static void check(void *data, int id, struct strbuf *wrong)
{
	struct kernel *k = data;
	size_t source = source_of(k, id);
	const char *cc = tui_form_text(k->form, CC);
	int r;

	if (source != SIZE_MAX)
		check_source(k, id, source, wrong);
	if (id != CC)
		return;
	if (!*cc || (*cc != '/' && strchr(cc, '/'))) {
		strbuf_adds(wrong, _("Give the path of a compiler, as /opt/gcc-4.4/bin/gcc"));
		return;
	}
	r = muster_kernel_compiler(k->wizard->muster, recipe_of(k), cc);
	if (r < 0)
		strbuf_adds(wrong, wizard_why(k->wizard, r));
}

static void changed(void *data, int id)
{
	update(data);
}

/* ---- begin --------------------------------------------------------------------------------------------------------- */

static int add_source(const struct kernel *k, size_t source, struct strv *sources)
{
	int first = source_id(k, tui_form_choice(k->form, RECIPE), source);
	const char *digest = tui_form_text(k->form, first + DIGEST);

	return strv_addf(sources, "%s=%s%s%s", recipe_of(k)->sources[source].name,
			 tui_form_text(k->form, first + PLACE), *digest ? DIGEST_MARK : "", digest);
}

static int go(struct kernel *k)
{
	const struct kernel_recipe *recipe = recipe_of(k);
	_cleanup_strv_ struct strv sources = STRV_INIT;
	struct muster_kernel_wish wish = { 0 };
	struct wizard *w = k->wizard;
	int r = 0;

	if (!tui_form_check(k->form))
		return 0;
	for (size_t i = 0; r == 0 && i < recipe->n_sources; i++)
		r = add_source(k, i, &sources);
	wish.sources = (const char *const *)sources.v;
	wish.cc = tui_form_text(k->form, CC);
	wish.jobs = (unsigned int)tui_form_number(k->form, JOBS);
	if (r == 0)
		r = muster_kernel_job(w->muster, recipe->name, &wish);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		tui_notice(w->tui, STYLE_ERROR, _("The job could not be begun: %s"), wizard_why(w, r));
		return 0;
	}
	w->building = true;
	return tui_replace(w->tui, &building_screen, w);
}

/* Those that there are, and which of them fit. */
static int choose_compiler(struct kernel *k)
{
	struct tui_box_item *items = calloc(k->n_compilers + 1, sizeof(*items));
	struct strv texts = STRV_INIT;
	size_t at = 0;
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < k->n_compilers; i++)
		r = strv_addf(&texts,
			      muster_compiler_fits(recipe_of(k), &k->compilers[i]) ? _("%s %s: fits")
										   : _("%s %s: does not fit"),
			      k->compilers[i].clang ? "clang" : "gcc", k->compilers[i].version);
	for (size_t i = 0; r == 0 && i < k->n_compilers; i++)
		items[i] = (struct tui_box_item){ k->compilers[i].name, texts.v[i], false };
	if (r == 0 && k->n_compilers == 0)
		tui_box_message(k->wizard->tui, i18n(compilers[0].label), _("This server has none."));
	else if (r == 0)
		r = tui_box_menu(k->wizard->tui, i18n(compilers[0].label), "", items, k->n_compilers, &at);
	if (r == 0 && k->n_compilers)
		tui_form_set_text(k->form, CC, k->compilers[at].name);
	strv_free(&texts);
	free(items);
	return r == -ECANCELED ? 0 : r;
}

static void pressed(void *data, int id, size_t button)
{
	struct kernel *k = data;

	k->error = id == COMPILERS ? choose_compiler(k) : go(k);
}

static const struct tui_form_ops form_ops = {
	.check = check,
	.changed = changed,
	.pressed = pressed,
};

/* ---- what stands in the form first ------------------------------------------------------------------------------------ */

static void set_source(struct kernel *k, size_t recipe, size_t source, const char *place, const char *digest)
{
	const struct kernel_source *s = &k->recipes[recipe]->sources[source];
	int first = source_id(k, recipe, source);
	_cleanup_free_ char *what = NULL;

	if (asprintf(&what, "%s: %s", s->name, s->description) < 0)
		what = NULL;
	tui_form_set_text(k->form, first + WHAT, what ? what : s->name);
	tui_form_set_note_style(k->form, first + WHAT, STYLE_DIM);
	tui_form_set_text(k->form, first + PLACE, place);
	tui_form_set_text(k->form, first + DIGEST, digest);
}

/* "NAME=PLACE#sha256=HEX", as the last build was given it. */
static int set_said(struct kernel *k, size_t recipe, const char *said)
{
	const struct kernel_recipe *r = k->recipes[recipe];

	for (size_t i = 0; i < r->n_sources; i++) {
		size_t n = strlen(r->sources[i].name);
		_cleanup_free_ char *place = NULL;
		char *mark;

		if (strncmp(said, r->sources[i].name, n) != 0 || said[n] != '=')
			continue;
		place = strdup(said + n + 1);
		if (!place)
			return -ENOMEM;
		mark = strstr(place, DIGEST_MARK);
		if (mark)
			*mark = '\0';
		set_source(k, recipe, i, place, mark ? mark + strlen(DIGEST_MARK) : "");
	}
	return 0;
}

static size_t find_recipe(const struct kernel *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->recipes[i]->name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* What was asked for last; but the recipe that the answers name comes first. */
static int fill(struct kernel *k)
{
	struct kernel_order o = { .sources = STRV_INIT };
	size_t named = find_recipe(k, k->wizard->draft->kernel), last;
	int r = muster_kernel_last(k->wizard->muster, &o);

	for (size_t i = 0; i < k->n; i++)
		for (size_t s = 0; s < k->recipes[i]->n_sources; s++)
			set_source(k, i, s, k->recipes[i]->sources[s].place,
				   k->recipes[i]->sources[s].sha256);
	last = r == 0 ? find_recipe(k, o.recipe) : SIZE_MAX;
	if (r == 0 || r == -ENOENT)
		r = 0;
	for (size_t i = 0; r == 0 && last != SIZE_MAX && i < o.sources.n; i++)
		r = set_said(k, last, o.sources.v[i]);
	tui_form_set_choice(k->form, RECIPE, named != SIZE_MAX ? named : last != SIZE_MAX ? last : 0);
	tui_form_set_number(k->form, JOBS, (long)o.jobs);
	update(k);
	if (last == tui_form_choice(k->form, RECIPE) && *o.cc)
		tui_form_set_text(k->form, CC, o.cc);
	muster_kernel_order_clear(&o);
	return r;
}

/* ---- the screen ------------------------------------------------------------------------------------------------------------ */

static void kernel_close(void *self)
{
	struct kernel *k = self;

	tui_form_free(k->form);
	free(k->fields);
	free(k->choices);
	muster_compilers_free(k->compilers, k->n_compilers);
	free(k->recipes);
	muster_recipes_free(k->all, k->n_all);
	free(k);
}

static int look_around(struct kernel *k)
{
	_cleanup_free_ char *wanted = NULL;
	_cleanup_free_ bool *fits = NULL;
	int r = muster_recipe_list(k->wizard->muster, &k->all, &k->n_all);

	if (r < 0)
		return r;
	k->recipes = calloc(k->n_all + 1, sizeof(*k->recipes));
	if (!k->recipes)
		return -ENOMEM;
	for (size_t i = 0; i < k->n_all; i++)
		if (k->all[i]->n_sources > 0)
			k->recipes[k->n++] = k->all[i];
	return k->n == 0 ? -ENOENT
			 : muster_recipe_compilers(k->wizard->muster, k->recipes[0], &wanted, &k->compilers,
						   &fits, &k->n_compilers);
}

static int kernel_open(struct tui *t, void *argument, void **ret)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int r = k ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	k->wizard = argument;
	k->shown = SIZE_MAX;
	r = look_around(k);
	if (r == 0)
		r = make_choices(k);
	if (r == 0)
		r = make_fields(k);
	if (r == 0)
		r = tui_form_new(k->fields, k->n_fields, &form_ops, k, &k->form);
	if (r == 0)
		r = fill(k);
	if (r < 0) {
		kernel_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

static void kernel_draw(void *self, struct canvas *c)
{
	struct kernel *k = self;
	struct canvas in = frame_draw(k->wizard, c);

	tui_form_draw(k->form, &in);
}

static bool kernel_enabled(void *self, int request)
{
	const struct kernel *k = self;

	return request <= KERNEL_HELP || tui_form_enabled(k->form, request);
}

static int kernel_event(void *self, const struct tui_event *e)
{
	struct kernel *k = self;
	int taken = 0;

	if (e->type != TUI_KEY || keymap_find(&(struct keymap)KEYMAP("", entries), e->key, NULL, NULL) < 0)
		taken = tui_form_event(k->form, e);
	return k->error < 0 ? k->error : taken;
}

static int kernel_key(void *self, int request)
{
	struct kernel *k = self;

	switch (request) {
	case KERNEL_GO:
		return go(k);
	case KERNEL_LEAVE:
		tui_pop(k->wizard->tui);
		return 0;
	case KERNEL_HELP:
		return tui_help(k->wizard->tui);
	default:
		return 0;
	}
}

const struct screen_ops kernel_screen = {
	.name = "kernel",
	.title = N_("A kernel to be built"),
	.help = N_(
		"A recipe says what a kernel is built of, with which configuration, and by which compilers. "
		"Its "
		"sources are yours to name: an archive or a folder on this server, or a URL, and the SHA-256 "
		"that it must have. What comes over the network needs one. The build has none of root's "
		"rights, "
		"and goes on when this terminal does not. `muster kernel show` tells all of a recipe."),
	.keys = &keys,
	.enabled = kernel_enabled,
	.open = kernel_open,
	.close = kernel_close,
	.draw = kernel_draw,
	.event = kernel_event,
	.key = kernel_key,
};
