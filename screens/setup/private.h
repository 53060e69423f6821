/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the wizard's own files: what it knows, its steps, and the frame around each of them. */
#pragma once

#include "backend/muster.h"
#include "tui/form.h"
#include "tui/tui.h"

/* X(NAME, screen, title): the steps in their order. One line here and one file make a step. */
#define WIZARD_STEPS(X)                       \
	X(WELCOME, welcome, N_("Welcome"))    \
	X(SERVER, server, N_("This server"))  \
	X(NETWORK, network, N_("Network"))    \
	X(NODES, nodes, N_("Nodes"))          \
	X(SYSTEM, system, N_("Kernel, root")) \
	X(SERVICES, services, N_("Services")) \
	X(ACCESS, access, N_("Access"))       \
	X(REVIEW, review, N_("Review"))       \
	X(APPLY, apply, N_("Apply"))          \
	X(BOOT, boot, N_("First boot"))

enum wizard_step {
#define X(name, screen, title) STEP_##name,
	WIZARD_STEPS(X)
#undef X
		STEP_COUNT
};

#define X(name, screen, title) extern const struct screen_ops step_##screen;
WIZARD_STEPS(X)
#undef X

struct wizard {
	struct muster *muster;
	struct tui *tui;
	struct draft *draft;
	char *path; /* of the answer file */
	char *why;  /* wizard_why(); NULL: nothing was asked */
	bool found; /* the answers are from an earlier run */
	bool saved; /* the file is as the draft */
	bool applied;
	bool nothing;	     /* is to be changed, as the review has seen */
	struct strv foreign; /* likewise: files to be replaced that somebody else has changed, or made */
	bool has_job;	     /* an earlier run's, as it was when the wizard began */
	struct muster_job job;
	char *rehearsed; /* a sentence: what a rehearsal of these answers came to; NULL: not known */
	bool pending;	 /* the review found changes, and none were made since */
	bool building; /* a kernel is or was built for this wizard, which has not taken it into the answers */
	enum wizard_step step;
	bool done[STEP_COUNT];
	const struct host *host;
	/* What was found out about an interface, for as long as that is the one: */
	char *looked_on; /* other DHCP servers; NULL: not looked yet */
	struct muster_dhcp_other other;
	char *collected_on; /* machines, which go on being heard */
	struct discover *discover;
	struct mac *dropped; /* machines that are not to be listed */
	size_t n_dropped;
};

/* ---- frame.c: the list of the steps on the left, a panel with the question on the right ---- */

#define FRAME_KEYS(X)                                                                                  \
	X(FRAME_NEXT, TK_PAGE_DOWN, TK_CTRL('n'), N_("next"), N_("On to the next step"), KEYMAP_BAR)   \
	X(FRAME_BACK, TK_PAGE_UP, TK_CTRL('p'), N_("back"), N_("Back to the step before"), KEYMAP_BAR) \
	X(FRAME_HELP, TK_FN(1), TK_NONE, N_("help"), N_("Explain this step and its keys"), KEYMAP_BAR) \
	X(FRAME_QUIT, TK_ESC, TK_CTRL('c'), N_("leave"), N_("Leave the wizard; the answers stay"), KEYMAP_BAR)

enum frame_request {
	FRAME_BEFORE = KEYMAP_SHARED + 499,
	FRAME_KEYS(KEYMAP_ENUM) FRAME_REQUESTS_END,
};

extern const struct keymap frame_keys;

/* Draws the frame; the step draws into what is returned. */
struct canvas frame_draw(struct wizard *w, struct canvas *c);
bool frame_enabled(const struct wizard *w, int request);
/* Takes the frame's requests; `leave` (may be NULL) keeps what the step has and says whether it may be left forwards. The
 * return value is that of screen_ops.key. */
int frame_key(struct wizard *w, int request, bool (*leave)(void *self), void *self);
int frame_go(struct wizard *w, enum wizard_step step);
/* Writes the answers; what goes wrong is said in the bottom line. False: they are not written. */
bool frame_save(struct wizard *w);

/* ---- page.c: steps that are forms ---- */

/* Which value of the draft a field shows. */
struct page_bind {
	int id;
	const char *section, *key; /* as mistakes name them (draft-model.h) */
	size_t offset;		   /* of its char * or struct strv in struct draft */
	const char *const *words;  /* of a choice: what each stands for in the draft */
	bool list;
};

#define PAGE_TEXT(id, section, key, member)                                   \
	{                                                                     \
		id, section, key, offsetof(struct draft, member), NULL, false \
	}
#define PAGE_LIST(id, section, key, member)                                  \
	{                                                                    \
		id, section, key, offsetof(struct draft, member), NULL, true \
	}
#define PAGE_CHOICE(id, section, key, member, words)                           \
	{                                                                      \
		id, section, key, offsetof(struct draft, member), words, false \
	}

struct page;

struct page_ops {
	const struct tui_field *fields;
	size_t n_fields;
	const struct page_bind *binds;
	size_t n_binds;
	/* After the form was filled from the draft, and after each change of it: notes, hints, what is shown. */
	void (*update)(struct page *p);
	int (*pressed)(struct page *p, int id, size_t button);
	/* Whether this field's value is one of the answers now; else nothing is answered. NULL: all are. */
	bool (*counts)(const struct page *p, int id);
	/* What the plan does not know; may be NULL. */
	void (*check)(struct page *p, int id, struct strbuf *wrong);
};

struct page {
	struct wizard *wizard;
	struct tui_form *form;
	const struct page_ops *ops;
	void *data; /* the step's own; freed with free() */
	int error;  /* of a button's function, to be returned from the loop */
};

int page_open(struct wizard *w, const struct page_ops *ops, void **ret) _must_check_;
/* The functions of a screen whose self is a page. */
void page_close(void *self);
void page_draw(void *self, struct canvas *c);
bool page_enabled(void *self, int request);
int page_event(void *self, const struct tui_event *e);
int page_key(void *self, int request);
/* From the form into the draft, and back. */
int page_take(struct page *p) _must_check_;
void page_show(struct page *p);

extern const struct keymap page_keys;

#define PAGE_SCREEN(word, heading, text, opener)                                                           \
	{                                                                                                  \
		.name = word, .title = heading, .help = text, .keys = &page_keys, .enabled = page_enabled, \
		.open = opener, .close = page_close, .draw = page_draw, .event = page_event,               \
		.key = page_key,                                                                           \
	}

/* What went wrong with a call of the backend, in the words in which it said so. */
const char *wizard_why(struct wizard *w, int error);
/* Where a value is asked for. */
enum wizard_step wizard_step_of(const struct draft_mistake *m);
int draft_set(char **value, const char *text) _must_check_;

/* ---- collect.c: machines as they ask for an address; a screen above the step of the nodes ---- */

extern const struct screen_ops collect_screen; /* its argument is the wizard */

/* ---- rehearse.c: the answers rehearsed, by a job; a screen above the step of the apply ---- */

extern const struct screen_ops rehearse_screen; /* its argument is the wizard */
/* Shows the rehearsal of these answers, at work or done, else begins one. */
int rehearse_begin(struct wizard *w) _must_check_;
/* Fills w->rehearsed anew. */
void rehearse_know(struct wizard *w);

/* ---- kernel.c, building.c: a kernel is asked for, and built; screens above the step of kernel and root ---- */

extern const struct screen_ops kernel_screen, building_screen; /* their argument is the wizard */
/* The one that shows a build at work or one that failed, else the one that asks what to build. */
int building_begin(struct wizard *w) _must_check_;
bool building_at_work(const struct wizard *w);
/* A kernel that was built since the answers were last written becomes their kernel, once. True: it did. */
bool building_take(struct wizard *w);
