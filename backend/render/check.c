/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proof, before anything is rendered, that every value is safe where it goes. */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "backend/render/quote.h"
#include "util/i18n.h"
#include "util/log.h"

/* Linux gives the kernel at most 2048 bytes on x86 (COMMAND_LINE_SIZE); muster's own words need some of them. */
#define BOOT_WORDS_MAX 1536

bool render_is_name(const char *s)
{
	const char *p = s;

	while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
	       (*p && strchr("-._", *p)))
		p++;
	return p > s && !*p && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

/* iPXE (core/exec.c, core/settings.c): a word beginning with '#' starts a comment, "||", "&&" and ";" end a command,
 * "${" begins an expansion, and there is no way to quote any of them. */
bool render_is_boot_word(const char *s)
{
	if (!*s || *s == '#' || strstr(s, "${") || strcmp(s, "||") == 0 || strcmp(s, "&&") == 0 ||
	    strcmp(s, ";") == 0)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

/* An absolute path without control characters; "" is fine where the caller says so. */
static bool is_path(const char *s, bool may_be_empty)
{
	if (!*s)
		return may_be_empty;
	if (*s != '/')
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return false;
	return true;
}

/* The value is shown without its control characters: they would be somebody's terminal's. */
static int wrong(const char *what, const char *value)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (const char *s = value; *s; s++)
		strbuf_addc(&b, (unsigned char)*s < ' ' || *s == 127 ? '?' : *s);
	log_error(_("nothing is rendered: \"%s\" is no safe %s"), b.data ? b.data : "", what);
	return -EINVAL;
}

static int check_env(const struct render_env *env)
{
	/* What becomes part of a path that nodes ask for. */
	const char *const ids[] = { env->generation, env->initramfs, env->kernel_release };
	const struct {
		const char *what, *value;
		bool may_be_empty;
	} paths[] = {
		{ "root folder", render_prefix(env), true },
		{ "folder of helper programs", env->libexecdir, false },
		{ "folder of programs", env->sbindir, false },
		{ "path of a BIOS loader", env->distro->loader_bios, true },
		{ "path of an EFI loader", env->distro->loader_efi64, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!is_path(paths[i].value, paths[i].may_be_empty))
			return wrong(paths[i].what, paths[i].value);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (ids[i] && strpbrk(ids[i], "/\n\"\\ "))
			return wrong("id of a build", ids[i]);
	return 0;
}

/* `interface` of dnsmasq(8) takes a '*' at the end as a pattern, and ip(8) a leading '-' as an option. */
static bool is_interface(const char *s)
{
	const char *p = s;

	while (*p && *p != '/' && *p > ' ' && *p <= '~' && !strchr("*,:#\"\\%$'`{};@", *p))
		p++;
	return p > s && !*p && *s != '-' && strlen(s) < IFNAMSIZ && strcmp(s, ".") != 0 &&
	       strcmp(s, "..") != 0;
}

int render_check(const struct plan *p, const struct render_env *env)
{
	size_t words = 0;

	if (!render_is_name(p->name))
		return wrong("name of a cluster", p->name);
	if (!render_is_name(p->domain))
		return wrong("domain", p->domain);
	if (!is_interface(p->interface))
		return wrong("name of an interface", p->interface);
	if (p->net.prefix > 32 || p->http_port == 0 || p->http_port > 65535)
		return wrong("network or port", IP4_NET(p->net));
	for (size_t i = 0; i < p->n_nodes; i++)
		if (!render_is_name(p->nodes[i].name))
			return wrong("name of a node", p->nodes[i].name);
	for (size_t i = 0; i < p->kernel_args.n; i++) {
		words += strlen(p->kernel_args.v[i]) + 1;
		if (!render_is_boot_word(p->kernel_args.v[i]) || words > BOOT_WORDS_MAX)
			return wrong("word of a kernel's command line", p->kernel_args.v[i]);
	}
	return check_env(env);
}
