/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes' network: its address, and who gives out the others in it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "util/i18n.h"
#include "util/ip.h"

enum { ADDRESS, PUBLIC, OTHERS, DHCP, ELSEWHERE, GATEWAY, AGAIN };
enum { DHCP_OURS, DHCP_PROXY };

static const struct tui_choice dhcp_choices[] = {
	{ N_("This server gives the addresses"), N_("No other DHCP server may answer on this wire.") },
	{ N_("Another DHCP server gives them"),
	  N_("This one adds only what network boot needs (proxy DHCP).") },
};
static const char *const dhcp_words[] = { "authoritative", "proxy" };

static const struct tui_choice again[] = { { N_("Look again") } };
static const struct tui_choice elsewhere[] = { { N_("Another interface") } };

static const struct tui_field fields[] = {
	{ ADDRESS, FIELD_TEXT, N_("This server's address there"), N_("with prefix"), .width = 20 },
	{ PUBLIC, FIELD_NOTE,
	  N_("! This is an address of the Internet. A network of the nodes' own is from 10.0.0.0/8, "
	     "172.16.0.0/12 or 192.168.0.0/16.") },
	{ OTHERS, FIELD_NOTE, "" },
	{ DHCP, FIELD_CHOICE, N_("Who gives the nodes their addresses?"), .choices = dhcp_choices,
	  .n_choices = ARRAY_SIZE(dhcp_choices) },
	{ ELSEWHERE, FIELD_BUTTONS, "", .choices = elsewhere, .n_choices = ARRAY_SIZE(elsewhere) },
	{ GATEWAY, FIELD_TOGGLE, N_("A way outside for the nodes"), N_("through this server") },
	{ AGAIN, FIELD_BUTTONS, "", .choices = again, .n_choices = ARRAY_SIZE(again) },
};

static const struct page_bind binds[] = {
	PAGE_TEXT(ADDRESS, "network", "address", address),
	PAGE_CHOICE(DHCP, "network", "dhcp", dhcp, dhcp_words),
	PAGE_TEXT(GATEWAY, "network", "gateway", gateway),
};

/* Looks for another DHCP server on the wire; what depends on it is asked when it is known. */
struct search {
	struct page *page;
	struct muster_dhcp_look *look; /* NULL: it has ended */
	struct muster_dhcp_other other;
	bool waited; /* somebody was told to wait */
	char *was;   /* the address before this visit, or NULL */
};

static void add_other(struct strbuf *text, const struct muster_dhcp_other *o, const char *interface)
{
	if (o->address.n)
		strbuf_addf(
			text,
			_("! Another DHCP server answers on %s: %s (%s), which offers %s. Let it give the "
			  "addresses, switch it off, or take another interface."),
			interface, IP4(o->server), MAC(o->mac), IP4(o->address));
	else
		strbuf_addf(text,
			    _("! Another DHCP server answers on %s: %s (%s). Let it give the addresses, "
			      "switch it "
			      "off, or take another interface."),
			    interface, IP4(o->server), MAC(o->mac));
}

static void show_other(struct search *s)
{
	const struct muster_dhcp_other *o = &s->other;
	struct wizard *w = s->page->wizard;
	const char *interface = w->draft->interface;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	if (o->result > 0)
		add_other(&text, o, interface);
	else if (o->result == 0)
		strbuf_addf(&text, _("No other DHCP server answers on %s."), interface);
	else if (o->result == -MUSTER_E_UNSUPPORTED)
		strbuf_adds(&text,
			    _("Other DHCP servers were not looked for: these are another machine's facts."));
	else
		strbuf_addf(&text, _("! %s could not be searched for other DHCP servers: %s"), interface,
			    muster_strerror(o->result));
	tui_form_set_text(s->page->form, OTHERS, text.failed ? "" : text.data);
	tui_form_set_note_style(s->page->form, OTHERS,
				o->result == 0 || o->result == -MUSTER_E_UNSUPPORTED ? STYLE_DIM
										     : STYLE_WARNING);
	tui_form_show(s->page->form, DHCP, true);
	tui_form_show(s->page->form, ELSEWHERE, o->result > 0);
	tui_form_show(s->page->form, GATEWAY, true);
	tui_form_show(s->page->form, AGAIN, o->result != -MUSTER_E_UNSUPPORTED);
}

/* Where one answers, it is proposed that it goes on to; what a person has answered before stays. */
static int propose(struct search *s)
{
	struct wizard *w = s->page->wizard;

	if (s->other.result <= 0 || w->found || w->done[STEP_NETWORK])
		return 0;
	tui_form_set_choice(s->page->form, DHCP, DHCP_PROXY);
	w->saved = false;
	return page_take(s->page);
}

static void end(struct search *s, int result)
{
	muster_dhcp_look_end(TAKE_PTR(s->look));
	if (result < 0)
		s->other = (struct muster_dhcp_other){ .result = result };
	s->page->wizard->other = s->other;
	if (draft_set(&s->page->wizard->looked_on, s->page->wizard->draft->interface) < 0)
		free(TAKE_PTR(s->page->wizard->looked_on));
	if (s->waited)
		tui_notice(s->page->wizard->tui, STYLE_NORMAL, "%s", "");
	s->waited = false;
	show_other(s);
	tui_dirty(s->page->wizard->tui);
}

static int on_look(int fd, void *data)
{
	struct search *s = data;
	int r = muster_dhcp_look_read(s->look, &s->other);

	if (r == 0)
		return 0;
	tui_unwatch(s->page->wizard->tui, fd);
	end(s, r);
	return propose(s);
}

static void look(struct search *s)
{
	struct tui_form *f = s->page->form;
	struct wizard *w = s->page->wizard;
	int r;

	tui_form_set_text(f, OTHERS, _("Looking for another DHCP server on this wire ..."));
	tui_form_set_note_style(f, OTHERS, STYLE_DIM);
	tui_form_show(f, DHCP, false);
	tui_form_show(f, ELSEWHERE, false);
	tui_form_show(f, GATEWAY, false);
	tui_form_show(f, AGAIN, false);
	r = muster_dhcp_look_begin(w->muster, w->draft->interface, &s->look);
	if (r < 0)
		s->look = NULL;
	else
		r = tui_watch(w->tui, muster_dhcp_look_fd(s->look), on_look, s);
	if (r < 0)
		end(s, r);
}

/* RFC 1918, RFC 6598, RFC 3927 */
static bool is_public(const char *text)
{
	struct ip4_net n;
	uint32_t a;

	if (ip4_net_parse(text, &n) < 0)
		return false;
	a = n.address.n;
	return a >> 24 != 10 && a >> 20 != (172u << 4 | 1) && a >> 16 != (192u << 8 | 168) &&
	       a >> 22 != (100u << 2 | 1) && a >> 16 != (169u << 8 | 254) && a >> 24 != 127;
}

static void update(struct page *p)
{
	tui_form_set_note_style(p->form, PUBLIC, STYLE_WARNING);
	tui_form_show(p->form, PUBLIC, is_public(tui_form_text(p->form, ADDRESS)));
}

/* What was proposed for the nodes in the network before is proposed anew; what a person has typed stays. */
static int propose_nodes(struct page *p)
{
	struct search *s = p->data;
	struct wizard *w = p->wizard;
	struct draft *d = w->draft, *old = NULL;
	int r = page_take(p);

	if (r < 0 || !s->was || strcmp(s->was, d->address) == 0)
		return r;
	r = muster_draft_copy(d, &old);
	if (r == 0)
		r = draft_set(&old->address, s->was);
	if (r == 0)
		r = draft_set(&old->first_address, "");
	if (r == 0)
		r = draft_set(&old->range, "");
	if (r == 0)
		r = muster_draft_propose(w->muster, old);
	if (r == 0 && strcmp(old->first_address, d->first_address) == 0)
		r = draft_set(&d->first_address, "");
	if (r == 0 && strcmp(old->range, d->range) == 0)
		r = draft_set(&d->range, "");
	if (r == 0)
		r = muster_draft_propose(w->muster, d);
	muster_draft_free(old);
	return r < 0 ? r : draft_set(&s->was, d->address);
}

static int pressed(struct page *p, int id, size_t button)
{
	if (id == AGAIN)
		look(p->data);
	return id == ELSEWHERE ? frame_go(p->wizard, STEP_SERVER) : 0;
}

static const struct page_ops ops = {
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.binds = binds,
	.n_binds = ARRAY_SIZE(binds),
	.update = update,
	.pressed = pressed,
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
	if (!s) {
		page_close(p);
		return -ENOMEM;
	}
	s->page = p;
	r = draft_set(&s->was, w->draft->address);
	if (r < 0) {
		page_close(p);
		return r;
	}
	if (!w->looked_on || strcmp(w->looked_on, w->draft->interface) != 0) {
		look(s);
		return 0;
	}
	s->other = w->other;
	show_other(s);
	return 0;
}

static void network_close(void *self)
{
	struct page *p = self;
	struct search *s = p->data;

	if (s->look) {
		tui_unwatch(p->wizard->tui, muster_dhcp_look_fd(s->look));
		muster_dhcp_look_end(s->look);
		if (s->waited)
			tui_notice(p->wizard->tui, STYLE_NORMAL, "%s", "");
	}
	free(s->was);
	page_close(p);
}

/* Not before it is known who else is there; and not into a quarrel without a word. */
static bool may_leave(struct page *p)
{
	struct search *s = p->data;
	struct tui *t = p->wizard->tui;

	if (s->look) {
		tui_notice(t, STYLE_NORMAL, _("A moment: another DHCP server is still being looked for."));
		s->waited = true;
		return false;
	}
	return s->other.result <= 0 || tui_form_choice(p->form, DHCP) == DHCP_PROXY ||
	       tui_box_yes_no(
		       t, _("Another DHCP server"),
		       _("Another DHCP server answers on this wire. Go on, and switch it off before the "
			 "changes are made?"),
		       _("Go on"), _("Stay"), true) == 1;
}

static int network_key(void *self, int request)
{
	int r = 0;

	if (request == FRAME_NEXT && !may_leave(self))
		return 0;
	if (request == FRAME_NEXT || request == FRAME_BACK)
		r = propose_nodes(self);
	return r < 0 ? r : page_key(self, request);
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
	.key = network_key,
};
