/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Boxes by libdialog, whose state is global and which is told everything here, for one box at a time. It is given a
 * terminal that is set up already, so its own beginning and end are never called.
 *
 * It reads its keys by wget_wch(3). This file has a function of that name, which the linker prefers over the one of curses:
 * so signals are attended to while a box is open, and a window never becomes too small for libdialog, which would end the
 * program for it.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <dialog.h>

#include "tui/curses.h"
#include "tui/dialog.h"
#include "tui/private.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/text.h"

#define TEXT_COLUMNS 62
/* What a box needs beside its text, at most: frame, buttons, a list of some lines. */
#define OTHER_ROWS 15
#define ASPECT_RATIO 40 /* wide boxes, so that lines stay whole */

/* The terminal while a box is open. */
static struct tui *boxed;
static bool blanked; /* libdialog was told of a new size, and does not draw what is below */

/* ---- keys -------------------------------------------------------------------------------------------------- */

/* Curses reads a report of the mouse to its end, and waits for what is missing of it: then signals must get through. */
static int real_wget_wch(WINDOW *win, wint_t *ret)
{
	typedef int read_key(WINDOW * win, wint_t * ret);
	static read_key *real;
	int r;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "wget_wch");
	signals_interrupt(true);
	r = real(win, ret);
	signals_interrupt(false);
	return r;
}

/* The boxes over what is below, the newest on top. */
static void paint_boxes(const DIALOG_WINDOWS *w)
{
	if (!w)
		return;
	paint_boxes(w->next);
	touchwin(w->normal);
	wnoutrefresh(w->normal);
}

/* libdialog has made its windows anew, and has blanked all others for it. */
static void repaint(struct tui *t, WINDOW *win)
{
	screens_paint(t);
	paint_boxes(dialog_state.all_windows);
	touchwin(win);
	wnoutrefresh(win);
	doupdate();
}

/* Everything below the box is drawn anew; while the terminal is too small, it says so. -ECANCELED: the loop is to end. */
static int redraw_below(struct tui *t)
{
	int r = 0;

	screens_draw(t);
	while (screens_too_small(t)) {
		wint_t c;

		r = loop_wait_key(t);
		if (r < 0)
			return r;
		/* What is typed meanwhile is meant for nothing that is seen. */
		while (r == 0 && real_wget_wch(stdscr, &c) != ERR)
			t->redraw_all |= c == TK_CTRL('l');
		if (r > 0 || t->redraw_all)
			screens_draw(t);
	}
	return 0;
}

/* True when libdialog shall not get this key: the marks around a paste, and the newlines in it, which would press a button. */
static bool drop(struct tui *t, int r, wint_t c)
{
	if (r == KEY_CODE_YES && (c == CURSES_PASTE_BEGIN || c == CURSES_PASTE_END)) {
		t->pasting = c == CURSES_PASTE_BEGIN;
		return true;
	}
	return t->pasting && (r == KEY_CODE_YES || c == 10 || c == 13 || c == 9 || c == 27);
}

static int boxed_key(WINDOW *win, wint_t *ret)
{
	if (blanked)
		repaint(boxed, win);
	blanked = false;
	for (;;) {
		int r;

		/* What curses has read ahead comes first, which poll(2) does not see. */
		nodelay(win, TRUE);
		r = boxed->ending ? ERR : real_wget_wch(win, ret);
		nodelay(win, FALSE);
		if (r == OK && *ret == TK_CTRL('z')) {
			term_suspend(boxed);
			r = 1;
		} else if (r != ERR) {
			if (drop(boxed, r, *ret))
				continue;
			return r;
		} else {
			r = loop_wait_key(boxed);
		}
		if (r > 0)
			r = redraw_below(boxed) < 0 ? -ECANCELED : 1;
		if (r != 0) {
			blanked = r > 0;
			*ret = r < 0 ? TK_ESC : KEY_RESIZE;
			return r < 0 ? OK : KEY_CODE_YES;
		}
	}
}

int wget_wch(WINDOW *win, wint_t *ret)
{
	return boxed ? boxed_key(win, ret) : real_wget_wch(win, ret);
}

/* libdialog uses this one only to wait for half a second after a resize. There is nothing to wait for. */
int wgetch(WINDOW *win)
{
	typedef int read_byte(WINDOW * win);
	static read_byte *real;

	if (boxed)
		return ERR;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "wgetch");
	return real(win);
}

/*
 * libdialog ends the program when a window cannot be made, which a box that was laid out badly for this size brings about.
 * Under a box a window is moved and cut until it fits what it lies in: the next size lays it out anew.
 */
static void squeeze(int most, int *start, int *length)
{
	*length = MAX(1, MIN(*length, most));
	*start = MAX(0, MIN(*start, most - *length));
}

WINDOW *newwin(int rows, int columns, int y, int x)
{
	typedef WINDOW *make(int rows, int columns, int y, int x);
	static make *real;
	WINDOW *w;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "newwin");
	w = real(rows, columns, y, x);
	if (w || !boxed)
		return w;
	squeeze(LINES, &y, &rows);
	squeeze(COLS, &x, &columns);
	return real(rows, columns, y, x);
}

WINDOW *derwin(WINDOW *parent, int rows, int columns, int y, int x)
{
	typedef WINDOW *make(WINDOW * parent, int rows, int columns, int y, int x);
	static make *real;
	WINDOW *w;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "derwin");
	w = real(parent, rows, columns, y, x);
	if (w || !boxed)
		return w;
	squeeze(getmaxy(parent), &y, &rows);
	squeeze(getmaxx(parent), &x, &columns);
	return real(parent, rows, columns, y, x);
}

WINDOW *subwin(WINDOW *parent, int rows, int columns, int y, int x)
{
	return derwin(parent, rows, columns, y - getbegy(parent), x - getbegx(parent));
}

/* ---- one box ----------------------------------------------------------------------------------------------- */

static void set_colours(const struct tui *t)
{
	chtype normal = curses_attributes(t, STYLE_NORMAL), dim = curses_attributes(t, STYLE_DIM);
	chtype title = curses_attributes(t, STYLE_TITLE), accent = curses_attributes(t, STYLE_ACCENT);
	chtype selected = curses_attributes(t, STYLE_SELECTED), field = curses_attributes(t, STYLE_FIELD);

	screen_attr = shadow_attr = dialog_attr = normal;
	title_attr = title;
	border_attr = border2_attr = accent & ~(chtype)A_BOLD;
	button_active_attr = button_key_active_attr = button_label_active_attr = selected;
	button_inactive_attr = button_key_inactive_attr = button_label_inactive_attr = normal;
	inputbox_attr = field;
	searchbox_attr = normal;
	searchbox_title_attr = title;
	inputbox_border_attr = inputbox_border2_attr = searchbox_border_attr = searchbox_border2_attr = dim;
	position_indicator_attr = accent;
	menubox_attr = item_attr = normal;
	menubox_border_attr = menubox_border2_attr = dim;
	item_selected_attr = selected;
	tag_attr = tag_key_attr = title;
	tag_selected_attr = tag_key_selected_attr = selected;
	check_attr = normal;
	check_selected_attr = selected;
	uarrow_attr = darrow_attr = accent;
	itemhelp_attr = dim;
	form_active_text_attr = selected;
	form_text_attr = field;
	form_item_readonly_attr = dim;
	gauge_attr = selected;
}

struct box {
	DIALOG_VARS saved;
	char *title, *text; /* escaped, and broken to fit */
	bool open;	    /* it is the one that libdialog was readied for */
};

/* The text as lines that fit, no more than there is room for. */
static int fit(const struct tui *t, const char *text, char **ret)
{
	_cleanup_strbuf_ struct strbuf clean = STRBUF_INIT, b = STRBUF_INIT;
	int room = TUI_MIN_ROWS - OTHER_ROWS, n = 0; /* the terminal may become smaller meanwhile */
	const char *next = NULL;

	text_escape(&clean, t->glyphs != GLYPHS_ASCII, text, "\n");
	for (const char *p = clean.data ? clean.data : ""; p && n < room; p = next, n++) {
		size_t len = text_wrap(true, p, TEXT_COLUMNS, &next);

		if (n > 0)
			strbuf_addc(&b, '\n');
		if (next && n == room - 1)
			strbuf_adds(&b, "...");
		else
			strbuf_add(&b, p, len);
	}
	b.failed |= clean.failed;
	return strbuf_take(&b, ret, NULL);
}

static int escape(const struct tui *t, const char *text, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	text_escape(&b, t->glyphs != GLYPHS_ASCII, text ? text : "", "");
	return strbuf_take(&b, ret, NULL);
}

static void box_end(struct box *b)
{
	if (b->open) {
		dlg_clr_result();
		dlg_restore_vars(&b->saved);
		boxed->pasting = boxed->box = false;
		tui_dirty(boxed);
		boxed = NULL;
		blanked = false;
	}
	free(b->title);
	free(b->text);
}

/* Draws what is below, waits until the terminal is large enough, and readies libdialog. */
static int box_begin(struct tui *t, const char *title, const char *text, struct box *ret)
{
	int r;

	*ret = (struct box){ .title = NULL };
	if (t->ending || boxed)
		return -ECANCELED;
	t->box = true;
	r = redraw_below(t);
	t->box = false;
	if (r < 0)
		return -ECANCELED;
	r = escape(t, title, &ret->title);
	if (r == 0)
		r = fit(t, text, &ret->text);
	if (r < 0)
		return r;
	memset(&dialog_state, 0, sizeof(dialog_state));
	dialog_state.screen_initialized = TRUE;
	dialog_state.input = t->in_file;
	dialog_state.output = t->out_file;
	dialog_state.screen_output = t->out_file;
	dialog_state.pipe_input = t->in_file;
	dialog_state.tab_len = TAB_LEN;
	dialog_state.aspect_ratio = ASPECT_RATIO;
	dialog_state.use_colors = FALSE; /* its attributes are set here instead */
	dialog_state.use_scrollbar = TRUE;
	set_colours(t);
	dlg_save_vars(&ret->saved);
	memset(&dialog_vars, 0, sizeof(dialog_vars));
	dialog_vars.default_button = -1; /* 0 would be OK, in place of the field */
	dialog_vars.cr_wrap = TRUE;
	dialog_vars.no_nl_expand = TRUE;
	dialog_vars.ascii_lines = t->glyphs == GLYPHS_ASCII;
	dialog_vars.ok_label = (char *)_("OK");
	dialog_vars.cancel_label = (char *)_("Cancel");
	dialog_vars.yes_label = (char *)_("Yes");
	dialog_vars.no_label = (char *)_("No");
	dialog_vars.exit_label = (char *)_("OK");
	boxed = t;
	t->box = ret->open = true;
	return 0;
}

#define _cleanup_box_ _cleanup_(box_end)

/* The one place where libdialog's answers get a meaning: 0 OK or yes, 1 no, or -ECANCELED. */
static int answer(int code, bool no_is_an_answer)
{
	if (boxed->ending)
		return -ECANCELED;
	return code == DLG_EXIT_OK ? 0 : code == DLG_EXIT_CANCEL && no_is_an_answer ? 1 : -ECANCELED;
}

/* ---- message, yes or no ------------------------------------------------------------------------------------ */

void tui_box_message(struct tui *t, const char *title, const char *text)
{
	_cleanup_box_ struct box b;

	if (box_begin(t, title, text, &b) == 0)
		dialog_msgbox(b.title, b.text, 0, 0, 1);
}

int tui_box_yes_no(struct tui *t, const char *title, const char *text, const char *yes, const char *no,
		   bool no_first)
{
	_cleanup_box_ struct box b;
	int r = box_begin(t, title, text, &b);

	if (r < 0)
		return r;
	dialog_vars.default_button = no_first ? DLG_EXIT_CANCEL : DLG_EXIT_OK;
	if (yes)
		dialog_vars.yes_label = (char *)yes;
	if (no)
		dialog_vars.no_label = (char *)no;
	r = answer(dialog_yesno(b.title, b.text, 0, 0), true);
	return r < 0 ? r : r == 0;
}

/* ---- lists ------------------------------------------------------------------------------------------------- */

static void free_items(DIALOG_LISTITEM *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].name);
		free(v[i].text);
		free(v[i].help);
	}
	free(v);
}

static int make_items(const struct tui *t, const struct tui_box_item *items, size_t n, DIALOG_LISTITEM **ret)
{
	DIALOG_LISTITEM *v = calloc(n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		v[i].state = items[i].on;
		v[i].help = strdup("");
		if (!v[i].help || escape(t, items[i].name, &v[i].name) < 0 ||
		    escape(t, items[i].explain, &v[i].text) < 0) {
			free_items(v, n);
			return -ENOMEM;
		}
	}
	*ret = v;
	return 0;
}

int tui_box_menu(struct tui *t, const char *title, const char *text, const struct tui_box_item *items,
		 size_t n, size_t *current)
{
	_cleanup_box_ struct box b;
	DIALOG_LISTITEM *v = NULL;
	int chosen, r = box_begin(t, title, text, &b);

	if (r < 0)
		return r;
	if (n == 0)
		return -ECANCELED;
	r = make_items(t, items, n, &v);
	if (r < 0)
		return r;
	chosen = (int)MIN(*current, n - 1);
	dialog_vars.default_item = v[chosen].name;
	r = answer(dlg_menu(b.title, b.text, 0, 0, 0, (int)n, v, &chosen, dlg_dummy_menutext), false);
	dialog_vars.default_item = NULL;
	free_items(v, n);
	if (r == 0 && chosen >= 0 && (size_t)chosen < n)
		*current = (size_t)chosen;
	return r;
}

int tui_box_checklist(struct tui *t, const char *title, const char *text, struct tui_box_item *items,
		      size_t n)
{
	_cleanup_box_ struct box b;
	DIALOG_LISTITEM *v = NULL;
	int chosen = 0, r = box_begin(t, title, text, &b);

	if (r < 0)
		return r;
	if (n == 0)
		return -ECANCELED;
	r = make_items(t, items, n, &v);
	if (r < 0)
		return r;
	r = answer(dlg_checklist(b.title, b.text, 0, 0, 0, (int)n, v, NULL, FLAG_CHECK, &chosen), false);
	for (size_t i = 0; r == 0 && i < n; i++)
		items[i].on = v[i].state;
	free_items(v, n);
	return r;
}

/* ---- text -------------------------------------------------------------------------------------------------- */

static int take_result(char **ret)
{
	char *copy = strdup(dialog_vars.input_result ? dialog_vars.input_result : "");

	if (dialog_vars.input_result)
		explicit_bzero(dialog_vars.input_result, strlen(dialog_vars.input_result));
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

/* Asks once; what was wrong the last time stands above the question. */
static int ask(struct tui *t, const char *title, const char *text, const char *wrong, const char *initial,
	       bool secret, char **ret)
{
	_cleanup_strbuf_ struct strbuf all = STRBUF_INIT;
	_cleanup_box_ struct box b = { .title = NULL };
	int r;

	if (wrong)
		strbuf_addf(&all, "! %s\n\n", wrong);
	strbuf_adds(&all, text);
	if (all.failed)
		return -ENOMEM;
	r = box_begin(t, title, all.data, &b);
	if (r < 0)
		return r;
	dialog_vars.insecure = secret; /* a star for each character, so that typing is seen to arrive */
	r = answer(dialog_inputbox(b.title, b.text, 0, 0, initial, secret), false);
	return r < 0 ? r : take_result(ret);
}

int tui_box_input(struct tui *t, const char *title, const char *text, const char *initial,
		  tui_box_check *check, void *data, char **ret)
{
	_cleanup_free_ char *value = strdup(initial ? initial : "");
	const char *wrong = NULL;

	if (!value)
		return -ENOMEM;
	for (;;) {
		char *typed;
		int r = ask(t, title, text, wrong, value, false, &typed);

		if (r < 0)
			return r;
		free(value);
		value = typed;
		wrong = check ? check(value, data) : NULL;
		if (!wrong) {
			*ret = TAKE_PTR(value);
			return 0;
		}
	}
}

int tui_box_password(struct tui *t, const char *title, const char *text, tui_box_check *check, void *data,
		     char **ret)
{
	_cleanup_(wipe) char *first = NULL, *second = NULL;
	const char *wrong = NULL;

	for (;;) {
		int r;

		wipe(&first);
		wipe(&second);
		r = ask(t, title, text, wrong, "", true, &first);
		if (r < 0)
			return r;
		wrong = check ? check(first, data) : NULL;
		if (wrong)
			continue;
		r = ask(t, title, _("Once more, to be sure:"), NULL, "", true, &second);
		if (r < 0)
			return r;
		if (strcmp(first, second) == 0) {
			*ret = TAKE_PTR(first);
			return 0;
		}
		wrong = _("The two were not the same.");
	}
}

int tui_box_file(struct tui *t, const char *title, const char *start, char **ret)
{
	_cleanup_box_ struct box b;
	int r = box_begin(t, title, "", &b);

	if (r < 0)
		return r;
	r = answer(dialog_fselect(b.title, start, 0, 0), false);
	return r < 0 ? r : take_result(ret);
}

int tui_box_text(struct tui *t, const char *title, const char *text)
{
	_cleanup_strbuf_ struct strbuf clean = STRBUF_INIT;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_box_ struct box b;
	int r = box_begin(t, title, "", &b);

	if (r < 0)
		return r;
	text_escape(&clean, t->glyphs != GLYPHS_ASCII, *text ? text : " ", "\n\t");
	/* It shows files only: this one has no place on any disk. */
	fd = memfd_create("muster-text", MFD_CLOEXEC);
	if (clean.failed || fd < 0 || asprintf(&path, "/proc/self/fd/%d", fd) < 0)
		return -ENOMEM;
	r = fs_write_all(fd, clean.data, clean.len);
	if (r < 0)
		return r;
	r = dialog_textbox(b.title, path, 0, 0);
	return answer(r == DLG_EXIT_ESC ? DLG_EXIT_OK : r, false);
}
