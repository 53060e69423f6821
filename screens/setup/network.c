/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes' network: its address, and who gives out the others in it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "util/i18n.h"

enum { ADDRESS, OTHERS, DHCP, GATEWAY };

static const struct tui_choice dhcp_choices[] = {
	{ N_("This server gives the addresses"), N_("There is no other DHCP server on this wire.") },
	{ N_("Another DHCP server gives them"),
	  N_("This one adds only what network boot needs (proxy DHCP).") },
};
static const char *const dhcp_words[] = { "authoritative", "proxy" };

static const struct tui_field fields[] = {
	{ ADDRESS, FIELD_TEXT, N_("This server's address there"), N_("with prefix"), .width = 20 },
	{ OTHERS, FIELD_NOTE, "" },
	{ DHCP, FIELD_CHOICE, N_("Who gives the nodes their addresses?"), .choices = dhcp_choices,
	  .n_choices = ARRAY_SIZE(dhcp_choices) },
	{ GATEWAY, FIELD_TOGGLE, N_("A way outside for the nodes"), N_("through this server") },
};

static const struct page_bind binds[] = {
	PAGE_TEXT(ADDRESS, "network", "address", address),
	PAGE_CHOICE(DHCP, "network", "dhcp", dhcp, dhcp_words),
	PAGE_TEXT(GATEWAY, "network", "gateway", gateway),
};

/* Looks for another DHCP server on the wire while the question is read. */
struct search {
	struct page *page;
	struct muster_doctor_run *run;
};

static int on_run(int fd, void *data)
{
	struct search *s = data;
	struct muster_check *v = NULL;
	size_t n = 0;
	int r = muster_doctor_read(s->run, &v, &n);

	if (r == 0)
		return 0;
	tui_unwatch(s->page->wizard->tui, fd);
	muster_doctor_end(TAKE_PTR(s->run));
	tui_form_set_text(s->page->form, OTHERS,
			  _("Whether another DHCP server is there could not be found out."));
	for (size_t i = 0; r > 0 && i < n; i++) {
		if (strcmp(v[i].name, "other-dhcp") != 0)
			continue;
		tui_form_set_text(s->page->form, OTHERS, v[i].text);
		tui_form_set_note_style(s->page->form, OTHERS,
					v[i].level == MUSTER_CHECK_OK ? STYLE_DIM : STYLE_WARNING);
	}
	muster_checks_free(v, n);
	tui_dirty(s->page->wizard->tui);
	return 0;
}

static const struct page_ops ops = {
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.binds = binds,
	.n_binds = ARRAY_SIZE(binds),
};

static int network_open(struct tui *t, void *argument, void **ret)
{
	struct wizard *w = argument;
	struct search *s;
	struct page *p;
	int r = page_open(w, &ops, ret);

	if (r < 0)
		return r;
	p = *ret;
	p->data = s = calloc(1, sizeof(*s));
	if (!s)
		return 0;
	s->page = p;
	tui_form_set_text(p->form, OTHERS, _("Looking for another DHCP server on this wire ..."));
	tui_form_set_note_style(p->form, OTHERS, STYLE_DIM);
	if (muster_doctor_begin(w->muster, NULL, w->draft->interface, &s->run) < 0)
		s->run = NULL;
	else if (tui_watch(t, muster_doctor_fd(s->run), on_run, s) < 0)
		muster_doctor_end(TAKE_PTR(s->run));
	return 0;
}

static void network_close(void *self)
{
	struct page *p = self;
	struct search *s = p->data;

	if (s && s->run) {
		tui_unwatch(p->wizard->tui, muster_doctor_fd(s->run));
		muster_doctor_end(s->run);
	}
	page_close(p);
}

const struct screen_ops step_network = {
	.name = "network",
	.title = N_("Network"),
	.help = N_("The address is this server's own on the nodes' wire, and the prefix says how large that "
		   "network is: with /24 it "
		   "has room for 254 machines. When another DHCP server answers there already, either switch "
		   "it off, or let it give "
		   "the addresses, or take another interface."),
	.keys = &page_keys,
	.enabled = page_enabled,
	.open = network_open,
	.close = network_close,
	.draw = page_draw,
	.event = page_event,
	.key = page_key,
};
