/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may log in to the nodes. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "util/i18n.h"
#include "util/strv.h"

#define PASSWORD_FILE "/etc/muster/root-password"

enum { KEYS, FOUND, PASSWORD, BUTTONS };
enum { BUTTON_KEYS, BUTTON_SET, BUTTON_NONE };

static const struct tui_choice buttons[] = {
	{ N_("Keys found here") },
	{ N_("Set password") },
	{ N_("No password") },
};

static const struct tui_field fields[] = {
	{ KEYS, FIELD_LIST, N_("Public ssh keys that open the nodes, one a line"), .rows = 5 },
	{ FOUND, FIELD_NOTE, "" },
	{ PASSWORD, FIELD_NOTE, "" },
	{ BUTTONS, FIELD_BUTTONS, "", .choices = buttons, .n_choices = ARRAY_SIZE(buttons) },
};

static const struct page_bind binds[] = { PAGE_LIST(KEYS, "access", "ssh_keys", ssh_keys) };

static void update(struct page *p)
{
	const struct draft *d = p->wizard->draft;
	bool password = *d->root_password_file;

	tui_form_set_text(p->form, FOUND,
			  d->ssh_keys.n || password
				  ? ""
				  : _("Without a key and without a password nobody can log in to a node."));
	tui_form_set_note_style(p->form, FOUND, STYLE_WARNING);
	tui_form_set_text(p->form, PASSWORD,
			  password ? _("Root has a password on the nodes' consoles. Only its hash is kept.")
				   : _("Root has no password on the nodes: only the keys open them."));
	tui_form_set_note_style(p->form, PASSWORD, STYLE_DIM);
}

/* The kind and the comment, which people know their keys by. */
static const char *key_name(const char *key)
{
	const char *comment = strrchr(key, ' ');

	return comment && comment[1] ? comment + 1 : key;
}

static int take_chosen(struct page *p, const struct strv *found, const struct tui_box_item *items)
{
	struct strv *keys = &p->wizard->draft->ssh_keys;
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->n; i++)
		if (items[i].on && !strv_has(keys, found->v[i]))
			r = strv_add(keys, found->v[i]);
	p->wizard->saved = false;
	page_show(p);
	return r;
}

static int choose_keys(struct page *p)
{
	_cleanup_strv_ struct strv found = STRV_INIT;
	struct tui_box_item *items;
	int r = muster_ssh_keys(p->wizard->muster, &found);

	if (r < 0)
		return r;
	if (found.n == 0) {
		tui_box_message(
			p->wizard->tui, _("Keys"),
			_("No public key was found in /root/.ssh. `ssh-keygen -t ed25519` makes one."));
		return 0;
	}
	items = calloc(found.n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < found.n; i++)
		items[i] = (struct tui_box_item){ key_name(found.v[i]), NULL, true };
	r = tui_box_checklist(p->wizard->tui, _("Keys"), _("These were found on this server:"), items,
			      found.n);
	if (r == 0)
		r = take_chosen(p, &found, items);
	free(items);
	return r == -ECANCELED ? 0 : r;
}

static const char *check_password(const char *value, void *data)
{
	return strlen(value) < 8 ? _("Take at least 8 characters.") : NULL;
}

static int set_password(struct page *p)
{
	struct wizard *w = p->wizard;
	char *password = NULL;
	int r = tui_box_password(w->tui, _("Root's password on the nodes"),
				 _("For the nodes' consoles. It is asked twice, and only its hash is kept."),
				 check_password, NULL, &password);

	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	r = muster_draft_set_password(w->muster, w->draft, password, PASSWORD_FILE);
	explicit_bzero(password, strlen(password));
	free(password);
	if (r < 0)
		tui_notice(w->tui, STYLE_ERROR, _("The password's hash cannot be kept: %s"),
			   wizard_why(w, r));
	w->saved = false;
	update(p);
	return 0;
}

static int pressed(struct page *p, int id, size_t button)
{
	int r = page_take(p);

	if (r < 0 || id != BUTTONS)
		return r;
	switch (button) {
	case BUTTON_KEYS:
		return choose_keys(p);
	case BUTTON_SET:
		return set_password(p);
	default:
		r = draft_set(&p->wizard->draft->root_password_file, "");
		p->wizard->saved = false;
		update(p);
		return r;
	}
}

static const struct page_ops ops = {
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.binds = binds,
	.n_binds = ARRAY_SIZE(binds),
	.update = update,
	.pressed = pressed,
};

static int access_open(struct tui *t, void *argument, void **ret)
{
	return page_open(argument, &ops, ret);
}

const struct screen_ops step_access =
	PAGE_SCREEN("access", N_("Access"),
		    N_("Whoever holds the private half of one of these keys may log in to every node as "
		       "root. A line is what stands "
		       "in a .pub file. A password is for the nodes' consoles, where a network that does not "
		       "work is mended."),
		    access_open);
