/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree's configuration: the base, the recipe's symbols over it, what the tree makes of them, and whether that holds. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

#define CONFIG_MAX (4UL << 20)
#define CONFIG_MS (10 * 60 * 1000)
#define ANSWERS 4096 /* questions that an old tree may ask, each answered with its default */
#define SAID_MAX 8

static int put_base(struct kernel_work *w)
{
	const struct fs_attr attr = { .mode = 0644, .uid = w->uid, .gid = w->gid };
	int r = fs_write(w->tree_fd, "/.config", w->base, strlen(w->base), &attr);

	if (r < 0)
		log_error(_("the configuration %s cannot be taken: %s"), w->recipe->base, muster_strerror(r));
	return r;
}

static int apply_symbols(struct kernel_work *w)
{
	const struct fs_attr attr = { .mode = 0644, .uid = w->uid, .gid = w->gid };
	const struct craft_symbols symbols = kernel_symbols(w->recipe);
	_cleanup_free_ char *config = NULL, *wanted = NULL;
	size_t len;
	int r = fs_read(w->tree_fd, "/.config", CONFIG_MAX, &config, &len);

	if (r == -ENOENT)
		log_error(_("make %s made no .config"), w->recipe->base);
	if (r == 0)
		r = craft_config_apply(config, &symbols, &wanted);
	return r < 0 ? r : fs_write(w->tree_fd, "/.config", wanted, strlen(wanted), &attr);
}

/* Trees before 3.7 know no olddefconfig; their oldconfig asks, and takes the default for an empty line. */
static bool knows_olddefconfig(const struct kernel_work *w)
{
	static const char *const files[] = { "/scripts/kconfig/Makefile", "/Makefile" };
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(files) && !known; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;

		known = fs_read(w->tree_fd, files[i], CONFIG_MAX, &text, &len) == 0 &&
			strstr(text, "olddefconfig");
	}
	return known;
}

static int settle(struct kernel_work *w)
{
	char answers[ANSWERS + 1];

	if (knows_olddefconfig(w))
		return kernel_work_make(w, NULL, CONFIG_MS, "olddefconfig", NULL);
	memset(answers, '\n', ANSWERS);
	answers[ANSWERS] = '\0';
	return kernel_work_make(w, answers, CONFIG_MS, "oldconfig", NULL);
}

static const char *worded(const char *value)
{
	return strcmp(value, "y") == 0	 ? _("set")
	       : strcmp(value, "m") == 0 ? _("a module")
	       : strcmp(value, "n") == 0 ? _("not set")
					 : value;
}

static int say_misses(struct kernel_work *w, const char *config, const struct craft_miss *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < n && i < SAID_MAX; i++) {
		_cleanup_free_ char *why = NULL;
		int r = kernel_kconfig_explain(w->tree_fd, config, &v[i], &why);

		if (r == -ENOMEM)
			return r;
		strbuf_addf(&b, _("\n  %s is to be %s, and is %s. %s"), v[i].symbol, worded(v[i].wanted),
			    worded(v[i].got), why ? why : "");
	}
	if (n > SAID_MAX)
		strbuf_addf(&b, ngettext("\n  and %zu more", "\n  and %zu more", n - SAID_MAX), n - SAID_MAX);
	log_error(_("this tree does not take the configuration of the recipe %s:%s"), w->recipe->name,
		  b.data ? b.data : "");
	return -MUSTER_E_REFUSED;
}

static int check(struct kernel_work *w)
{
	const struct craft_symbols symbols = kernel_symbols(w->recipe);
	_cleanup_free_ char *config = NULL;
	struct craft_miss *v = NULL;
	size_t len, n = 0;
	int r = fs_read(w->tree_fd, "/.config", CONFIG_MAX, &config, &len);

	if (r == 0)
		r = craft_config_check(config, &symbols, &v, &n);
	if (r == 0 && n > 0)
		r = say_misses(w, config, v, n);
	craft_misses_free(v, n);
	return r;
}

int kernel_step_configure(struct kernel_work *w)
{
	int r;

	kernel_work_step(w, NC_("step", "configure"), w->recipe->base);
	r = w->base ? put_base(w) : kernel_work_make(w, NULL, CONFIG_MS, w->recipe->base, NULL);
	if (r == 0)
		r = apply_symbols(w);
	if (r == 0)
		r = settle(w);
	return r < 0 ? r : check(w);
}
