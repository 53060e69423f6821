/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal by way of curses: taking it over and giving it back, keys, size. canvas.c draws on it. */
#include "config.h"

#include <errno.h>
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <curses.h>
#include <term.h>
/* The names of capabilities are macros there. */
#undef columns
#undef lines

#include "tui/private.h"
#include "tui/curses.h"
#include "util/clock.h"
#include "util/text.h"

#define ESCAPE_MS 30		/* how long an escape may be the beginning of a key */
#define PASTE_MS 500		/* a paste that says nothing for so long is over */
#define PASTE_MAX (1024 * 1024) /* the rest of a larger one is dropped */

/* xterm's bracketed paste: what stands between these two is text, not keys. */
#define PASTE_ON "\x1b[?2004h"
#define PASTE_OFF "\x1b[?2004l"
/* xterm's mouse: button events, and their form of 1006 and 1015. */
#define MOUSE_OFF "\x1b[?1006;1015;1000;1002;1003l"

static const struct {
	const char *sequence;
	int code;
} sequences[] = {
	{ "\x1b[200~", CURSES_PASTE_BEGIN },
	{ "\x1b[201~", CURSES_PASTE_END },
	{ "\x1b[1;2A", CURSES_SHIFT_UP },
	{ "\x1b[1;2B", CURSES_SHIFT_DOWN },
	/* the keys beside the letters, of terminals that do what their TERM does not say */
	{ "\x1b[A", KEY_UP },
	{ "\x1b[B", KEY_DOWN },
	{ "\x1b[C", KEY_RIGHT },
	{ "\x1b[D", KEY_LEFT },
	{ "\x1b[H", KEY_HOME },
	{ "\x1b[F", KEY_END },
	{ "\x1b[1~", KEY_HOME },
	{ "\x1b[4~", KEY_END },
	{ "\x1b[5~", KEY_PPAGE },
	{ "\x1b[6~", KEY_NPAGE },
	{ "\x1b[2~", KEY_IC },
	{ "\x1b[3~", KEY_DC },
	{ "\x1b[Z", KEY_BTAB },
};

static const struct {
	int code, key;
} keys[] = {
	{ KEY_UP, TK_UP },
	{ KEY_DOWN, TK_DOWN },
	{ KEY_LEFT, TK_LEFT },
	{ KEY_RIGHT, TK_RIGHT },
	{ KEY_SR, TK_SHIFT_UP },
	{ KEY_SF, TK_SHIFT_DOWN },
	{ CURSES_SHIFT_UP, TK_SHIFT_UP },
	{ CURSES_SHIFT_DOWN, TK_SHIFT_DOWN },
	{ KEY_BTAB, TK_BACKTAB },
	{ KEY_PPAGE, TK_PAGE_UP },
	{ KEY_NPAGE, TK_PAGE_DOWN },
	{ KEY_HOME, TK_HOME },
	{ KEY_END, TK_END },
	{ KEY_BACKSPACE, TK_BACKSPACE },
	{ KEY_DC, TK_DELETE },
	{ KEY_IC, TK_INSERT },
	{ KEY_ENTER, TK_ENTER },
};

/* ---- open and close -------------------------------------------------------------------------------------- */

static struct strbuf *sequence_out;

static int add_char(int c)
{
	strbuf_addc(sequence_out, (char)c);
	return c;
}

/* A capability as bytes; its delays are left out, for nothing but a printer needs them when all is over. */
static void add_capability(struct strbuf *b, const char *name)
{
	_cleanup_strbuf_ struct strbuf plain = STRBUF_INIT;
	const char *s = tigetstr(name);

	if (!s || s == (char *)-1)
		return;
	for (const char *p = s; *p; p++) {
		if (p[0] == '$' && p[1] == '<' && strchr(p, '>'))
			p = strchr(p, '>');
		else
			strbuf_addc(&plain, *p);
	}
	sequence_out = b;
	if (plain.data)
		tputs(plain.data, 1, add_char);
}

/* All that gives the terminal back, for when curses can not be asked any more. */
static void restoring(const struct tui *t, struct strbuf *b)
{
	if (t->paste)
		strbuf_adds(b, PASTE_OFF);
	if (has_mouse())
		strbuf_adds(b, MOUSE_OFF);
	add_capability(b, "sgr0");
	add_capability(b, "op");
	add_capability(b, "rmacs");
	add_capability(b, "rmkx");
	add_capability(b, "rmcup");
	add_capability(b, "cnorm");
	/* Without a second screen to leave, the shell goes on below what is there. */
	if (!tigetstr("rmcup") || tigetstr("rmcup") == (char *)-1)
		strbuf_adds(b, "\r\n");
}

static void set_up_colours(struct tui *t)
{
	const char *no_color = getenv("NO_COLOR");

	/* https://no-color.org: set to anything but the empty string */
	t->colours = !(no_color && *no_color) && has_colors() && start_color() == OK && COLORS >= 8;
	if (!t->colours)
		return;
	use_default_colors();
	for (int i = 0; i < 8; i++)
		init_pair((short)curses_pair(i), (short)i, -1);
}

static void set_up_keys(struct tui *t)
{
	const char *second_screen = tigetstr("smcup");

	raw();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		if (key_defined(sequences[i].sequence) <= 0)
			define_key(sequences[i].sequence, sequences[i].code);
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	/* Terminals that know a second screen are those that know, or pass over, the mode of bracketed paste. */
	t->paste = second_screen && second_screen != (char *)-1;
}

static void send_modes(struct tui *t, const char *paste)
{
	if (!t->paste)
		return;
	fputs(paste, t->out_file);
	fflush(t->out_file);
}

static int open_files(struct tui *t, int in, int out)
{
	int in_copy = dup(in), out_copy = dup(out);

	t->in_file = in_copy < 0 ? NULL : fdopen(in_copy, "r");
	t->out_file = out_copy < 0 ? NULL : fdopen(out_copy, "w");
	if (t->in_file && t->out_file) {
		t->in = in_copy;
		t->out = out_copy;
		return 0;
	}
	if (!t->in_file)
		closep(&in_copy);
	if (!t->out_file)
		closep(&out_copy);
	return -EMFILE;
}

static void look_around(struct tui *t)
{
	const char *term = getenv("TERM");

	t->glyphs = strcmp(nl_langinfo(CODESET), "UTF-8") != 0		   ? GLYPHS_ASCII
		    : term && strncmp(term, "linux", strlen("linux")) == 0 ? GLYPHS_CONSOLE
									   : GLYPHS_FULL;
	getmaxyx(stdscr, t->rows, t->columns);
}

int term_open(struct tui *t, int in, int out)
{
	_cleanup_strbuf_ struct strbuf restore = STRBUF_INIT;
	int error = 0, r;
	bool movable;

	if (!isatty(in) || !isatty(out))
		return -ENOTTY;
	r = open_files(t, in, out);
	if (r < 0)
		return r;
	if (setupterm(NULL, t->out, &error) != OK)
		return -ENXIO;
	movable = cursor_address != NULL;
	del_curterm(cur_term);
	if (!movable)
		return -ENXIO;
	r = signals_open(t->out);
	if (r < 0)
		return r;
	t->screen = newterm(NULL, t->out_file, t->in_file);
	if (!t->screen) {
		signals_close();
		return -ENXIO;
	}
	/* What is typed while a screen is drawn must not leave it half drawn. */
	typeahead(-1);
	set_up_colours(t);
	set_up_keys(t);
	look_around(t);
	restoring(t, &restore);
	r = restore.failed ? -ENOMEM : signals_arm(restore.data ? restore.data : "", restore.len);
	if (r < 0)
		return r;
	send_modes(t, PASTE_ON);
	t->cursor_y = t->cursor_x = -1;
	return 0;
}

/* Terminals that keep with the first screen whether its cursor is seen may have kept it hidden. */
static void show_cursor(struct tui *t)
{
	const char *cnorm = tigetstr("cnorm");

	if (!cnorm || cnorm == (char *)-1)
		return;
	fputs(cnorm, t->out_file);
	fflush(t->out_file);
}

void term_close(struct tui *t)
{
	if (t->screen) {
		send_modes(t, PASTE_OFF);
		curs_set(1);
		endwin();
		show_cursor(t);
		signals_close();
		delscreen(t->screen);
	}
	t->screen = NULL;
	fclosep(&t->in_file);
	fclosep(&t->out_file);
	strbuf_free(&t->pasted);
}

void term_suspend(struct tui *t)
{
	send_modes(t, PASTE_OFF);
	curs_set(1);
	def_prog_mode();
	endwin();
	show_cursor(t);
	signals_guard(false);
	signals_stop();
	signals_guard(true);
	reset_prog_mode();
	/* Back to the second screen while the cursor is to be seen: some terminals keep that for the way out. */
	doupdate();
	send_modes(t, PASTE_ON);
	term_resize(t);
	t->redraw_all = true;
}

void term_beep(void)
{
	beep();
}

/* ---- size and drawing -------------------------------------------------------------------------------------- */

void term_resize(struct tui *t)
{
	struct winsize size = { 0 };

	if (ioctl(t->out, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		return;
	t->redraw_all = true;
	if (size.ws_row == t->rows && size.ws_col == t->columns)
		return;
	resize_term(size.ws_row, size.ws_col);
	getmaxyx(stdscr, t->rows, t->columns);
}

void term_begin(struct tui *t)
{
	werase(stdscr);
	t->cursor_y = t->cursor_x = -1;
}

void term_end(struct tui *t)
{
	if (t->redraw_all)
		clearok(curscr, TRUE);
	t->redraw_all = false;
	/* A terminal that cannot hide its cursor has it where it disturbs least. */
	if (t->cursor_y >= 0)
		wmove(stdscr, t->cursor_y, t->cursor_x);
	else
		wmove(stdscr, t->rows - 1, 0);
	curs_set(t->cursor_y >= 0);
	/* Of what a box has covered, curses believes that it is there still. */
	touchwin(stdscr);
	wnoutrefresh(stdscr);
}

void term_send(void)
{
	doupdate();
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

static int translate(int result, wint_t c)
{
	if (result != KEY_CODE_YES)
		return c == 10 || c == 13 ? TK_ENTER : c == 127 || c == 8 ? TK_BACKSPACE : (int)c;
	if (c >= (wint_t)KEY_F(1) && c <= (wint_t)KEY_F(24))
		return TK_FN((int)c - KEY_F(0));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if ((wint_t)keys[i].code == c)
			return keys[i].key;
	return TK_NONE;
}

static void add_pasted(struct tui *t, wint_t c)
{
	if (c == 13)
		c = 10;
	if (t->pasted.len < PASTE_MAX && (c == 10 || c == 9 || text_is_harmless(c, true)))
		text_encode(&t->pasted, c == 9 ? ' ' : c);
}

static int end_paste(struct tui *t, struct tui_event *ret)
{
	t->pasting = false;
	*ret = (struct tui_event){ .type = TUI_PASTE, .text = t->pasted.data ? t->pasted.data : "" };
	return !t->pasted.failed;
}

static int mouse(struct tui_event *ret)
{
	MEVENT m;

	if (getmouse(&m) != OK)
		return 0;
	*ret = (struct tui_event){ .type = TUI_MOUSE, .y = m.y, .x = m.x };
	if (m.bstate & BUTTON1_PRESSED)
		ret->mouse = TUI_MOUSE_CLICK;
	else if (m.bstate & BUTTON4_PRESSED)
		ret->mouse = TUI_MOUSE_WHEEL_UP;
	else if (m.bstate & BUTTON5_PRESSED)
		ret->mouse = TUI_MOUSE_WHEEL_DOWN;
	else
		return 0;
	return 1;
}

int term_event(struct tui *t, struct tui_event *ret)
{
	wint_t c;
	int r, key;

	while ((r = get_wch(&c)) != ERR) {
		bool code = r == KEY_CODE_YES;

		if (code && c == CURSES_PASTE_BEGIN) {
			strbuf_reset(&t->pasted);
			t->pasting = true;
		} else if (t->pasting && code && c == CURSES_PASTE_END) {
			return end_paste(t, ret);
		} else if (t->pasting && !code) {
			add_pasted(t, c);
		} else if (code && c == KEY_MOUSE) {
			if (mouse(ret))
				return 1;
		} else if (!t->pasting && (key = translate(r, c)) != TK_NONE) {
			*ret = (struct tui_event){ .type = TUI_KEY, .key = key };
			return 1;
		}
		t->pasted_at = clock_mono_ms();
	}
	if (t->pasting && clock_mono_ms() - t->pasted_at >= PASTE_MS)
		return end_paste(t, ret);
	return 0;
}

int term_patience(const struct tui *t)
{
	return t->pasting ? (int)MAX(t->pasted_at + PASTE_MS - clock_mono_ms(), 0) : -1;
}
