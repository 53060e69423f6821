/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "vt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include <vterm.h>

#include "util/clock.h"
#include "util/strbuf.h"
#include "util/text.h"

struct vt {
	int master, slave; /* the slave is kept open, so that its settings can be read after the end */
	pid_t pid;
	bool ended;
	int status;
	int rows, columns;
	size_t bytes;
	struct termios before;
	bool altscreen, cursor_hidden, mouse;
	VTerm *term;
	VTermScreen *screen;
	struct strbuf text;
};

static int on_property(VTermProp property, VTermValue *value, void *user)
{
	struct vt *v = user;

	if (property == VTERM_PROP_ALTSCREEN)
		v->altscreen = value->boolean;
	else if (property == VTERM_PROP_CURSORVISIBLE)
		v->cursor_hidden = !value->boolean;
	else if (property == VTERM_PROP_MOUSE)
		v->mouse = value->number != VTERM_PROP_MOUSE_NONE;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_property };

static int open_screen(struct vt *v)
{
	v->term = vterm_new(v->rows, v->columns);
	if (!v->term)
		return -ENOMEM;
	vterm_set_utf8(v->term, 1);
	v->screen = vterm_obtain_screen(v->term);
	vterm_screen_set_callbacks(v->screen, &callbacks, v);
	vterm_screen_enable_altscreen(v->screen, 1);
	vterm_screen_reset(v->screen, 1);
	return 0;
}

static void child(int slave, const char *const argv[], const char *const env[])
{
	static const char *const usual[] = { "NO_COLOR", "LINES", "COLUMNS", "LC_ALL", "LANG", "LANGUAGE" };

	login_tty(slave);
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		unsetenv(usual[i]);
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	for (size_t i = 0; env && env[i]; i++)
		putenv(strdup(env[i]));
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

int vt_start(const char *const argv[], const char *const env[], int rows, int columns, struct vt **ret)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
	struct vt *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->master = v->slave = -1;
	v->rows = rows;
	v->columns = columns;
	r = open_screen(v);
	if (r == 0 && openpty(&v->master, &v->slave, NULL, NULL, &size) < 0)
		r = -errno;
	if (r == 0 && (fcntl(v->master, F_SETFD, FD_CLOEXEC) < 0 || tcgetattr(v->slave, &v->before) < 0))
		r = -errno;
	if (r == 0) {
		v->pid = fork();
		if (v->pid == 0)
			child(v->slave, argv, env);
		if (v->pid < 0)
			r = -errno;
	}
	if (r < 0) {
		vt_free(v);
		return r;
	}
	fcntl(v->slave, F_SETFD, FD_CLOEXEC);
	fcntl(v->master, F_SETFL, O_NONBLOCK);
	*ret = v;
	return 0;
}

void vt_free(struct vt *v)
{
	if (!v)
		return;
	closep(&v->master);
	closep(&v->slave);
	if (v->pid > 0 && !v->ended) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	if (v->term)
		vterm_free(v->term);
	strbuf_free(&v->text);
	free(v);
}

/* ---- in ---------------------------------------------------------------------------------------------------- */

void vt_sendn(struct vt *v, const char *keys, size_t len)
{
	int64_t until = clock_mono_ms() + VT_PATIENCE;

	/* When it does not read, it may wait for us to read. */
	while (len > 0 && v->master >= 0 && clock_mono_ms() < until) {
		ssize_t n = write(v->master, keys, len);

		if (n > 0) {
			keys += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return;
		} else {
			vt_pump(v, 10);
		}
	}
}

void vt_send(struct vt *v, const char *keys)
{
	vt_sendn(v, keys, strlen(keys));
}

/* What libvterm itself has to say: answers to questions, and keys that depend on modes. */
static void send_answers(struct vt *v)
{
	char buf[256];
	size_t n;

	while ((n = vterm_output_read(v->term, buf, sizeof(buf))) > 0)
		vt_sendn(v, buf, n);
}

void vt_paste(struct vt *v, const char *text)
{
	vterm_keyboard_start_paste(v->term);
	send_answers(v);
	vt_send(v, text);
	vterm_keyboard_end_paste(v->term);
	send_answers(v);
}

void vt_click(struct vt *v, int row, int column)
{
	vterm_mouse_move(v->term, row, column, VTERM_MOD_NONE);
	vterm_mouse_button(v->term, 1, true, VTERM_MOD_NONE);
	vterm_mouse_button(v->term, 1, false, VTERM_MOD_NONE);
	send_answers(v);
}

void vt_resize(struct vt *v, int rows, int columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	v->rows = rows;
	v->columns = columns;
	vterm_set_size(v->term, rows, columns);
	/* The kernel sends the signal. */
	ioctl(v->master, TIOCSWINSZ, &size);
}

void vt_hang_up(struct vt *v)
{
	closep(&v->master);
	closep(&v->slave);
	v->master = v->slave = -1;
}

/* ---- out --------------------------------------------------------------------------------------------------- */

bool vt_pump(struct vt *v, int ms)
{
	struct pollfd p = { .fd = v->master, .events = POLLIN };
	bool any = false;
	char buf[8192];
	ssize_t n;

	if (v->master < 0 || poll(&p, 1, ms) <= 0)
		return false;
	while ((n = read(v->master, buf, sizeof(buf))) > 0) {
		vterm_input_write(v->term, buf, (size_t)n);
		v->bytes += (size_t)n;
		any = true;
		if (n < (ssize_t)sizeof(buf))
			break;
	}
	send_answers(v);
	return any;
}

static bool has_text(struct vt *v, const char *text)
{
	return vt_find(v, text, NULL, NULL);
}

static bool wait_for(struct vt *v, const char *text, bool there, int ms)
{
	int64_t until = clock_mono_ms() + ms, left;

	while (has_text(v, text) != there) {
		left = until - clock_mono_ms();
		if (left <= 0)
			return false;
		vt_pump(v, (int)left);
	}
	return true;
}

bool vt_wait(struct vt *v, const char *text, int ms)
{
	return wait_for(v, text, true, ms);
}

bool vt_wait_gone(struct vt *v, const char *text, int ms)
{
	return wait_for(v, text, false, ms);
}

bool vt_settle(struct vt *v, int quiet, int ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (vt_pump(v, quiet))
		if (clock_mono_ms() > until)
			return false;
	return true;
}

bool vt_wait_exit(struct vt *v, int ms, int *ret_status)
{
	int64_t until = clock_mono_ms() + ms;

	while (!v->ended) {
		if (waitpid(v->pid, &v->status, WNOHANG) == v->pid) {
			v->ended = true;
			break;
		}
		if (clock_mono_ms() > until)
			return false;
		if (v->master >= 0)
			vt_pump(v, 5);
		else
			poll(NULL, 0, 5);
	}
	/* What it wrote last. */
	while (vt_pump(v, 0))
		;
	if (ret_status)
		*ret_status = v->status;
	return true;
}

/* ---- what is seen ------------------------------------------------------------------------------------------ */

static void add_cell(struct strbuf *b, const VTermScreenCell *cell)
{
	if (cell->chars[0] == 0)
		strbuf_addc(b, ' ');
	/* The second half of a wide character. */
	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i] && cell->chars[i] != (uint32_t)-1; i++)
		text_encode(b, cell->chars[i]);
}

static void add_row(struct vt *v, int row)
{
	size_t begin = v->text.len;

	for (int x = 0; x < v->columns; x++) {
		VTermScreenCell cell = { 0 };

		vterm_screen_get_cell(v->screen, (VTermPos){ .row = row, .col = x }, &cell);
		add_cell(&v->text, &cell);
	}
	while (v->text.len > begin && v->text.data[v->text.len - 1] == ' ')
		v->text.data[--v->text.len] = '\0';
}

const char *vt_row(struct vt *v, int row)
{
	strbuf_reset(&v->text);
	add_row(v, row);
	return v->text.data ? v->text.data : "";
}

const char *vt_screen(struct vt *v)
{
	strbuf_reset(&v->text);
	for (int y = 0; y < v->rows; y++) {
		add_row(v, y);
		strbuf_addc(&v->text, '\n');
	}
	return v->text.data ? v->text.data : "";
}

bool vt_find(struct vt *v, const char *text, int *ret_row, int *ret_column)
{
	for (int y = 0; y < v->rows; y++) {
		const char *row = vt_row(v, y), *at = strstr(row, text);
		_cleanup_free_ char *head = at ? strndup(row, (size_t)(at - row)) : NULL;

		if (!at || !head)
			continue;
		if (ret_row)
			*ret_row = y;
		if (ret_column)
			*ret_column = text_width(true, head);
		return true;
	}
	return false;
}

struct vt_cell vt_cell(struct vt *v, int row, int column)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	VTermScreenCell cell = { 0 };
	struct vt_cell c = { .text = "" };
	VTermColor usual, back;

	vterm_screen_get_cell(v->screen, (VTermPos){ .row = row, .col = column }, &cell);
	vterm_state_get_default_colors(vterm_obtain_state(v->term), &usual, &back);
	if (cell.chars[0])
		add_cell(&b, &cell);
	snprintf(c.text, sizeof(c.text), "%s", b.data ? b.data : "");
	c.bold = cell.attrs.bold;
	c.underline = cell.attrs.underline;
	c.reverse = cell.attrs.reverse;
	c.coloured = !VTERM_COLOR_IS_DEFAULT_FG(&cell.fg);
	return c;
}

bool vt_cursor(struct vt *v, int *ret_row, int *ret_column)
{
	VTermPos pos;

	vterm_state_get_cursorpos(vterm_obtain_state(v->term), &pos);
	*ret_row = pos.row;
	*ret_column = pos.col;
	return !v->cursor_hidden;
}

size_t vt_bytes(const struct vt *v)
{
	return v->bytes;
}

pid_t vt_pid(const struct vt *v)
{
	return v->pid;
}

/* libvterm tells of brackets only by what it does. */
static bool brackets_on(struct vt *v)
{
	char buf[64];

	vterm_keyboard_start_paste(v->term);
	return vterm_output_read(v->term, buf, sizeof(buf)) > 0;
}

const char *vt_left_behind(struct vt *v)
{
	struct termios now;

	if (tcgetattr(v->slave, &now) < 0)
		return "its settings cannot be read";
	if (now.c_iflag != v->before.c_iflag || now.c_oflag != v->before.c_oflag ||
	    now.c_cflag != v->before.c_cflag || now.c_lflag != v->before.c_lflag ||
	    memcmp(now.c_cc, v->before.c_cc, sizeof(now.c_cc)) != 0)
		return "its settings are others";
	if (v->altscreen)
		return "the second screen";
	if (v->cursor_hidden)
		return "a hidden cursor";
	if (v->mouse)
		return "reports of the mouse";
	return brackets_on(v) ? "brackets around what is pasted" : NULL;
}
