/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proof, before anything is rendered, that every value is safe where it goes. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>

#include "backend/plan/scan.h"
#include "backend/plan/text.h"
#include "backend/render/quote.h"
#include "util/i18n.h"
#include "util/log.h"

/* Linux gives the kernel at most 2048 bytes on x86 (COMMAND_LINE_SIZE); muster's own words need some of them. */
#define BOOT_WORDS_MAX 1536

/* dnsmasq cuts a line after 1024 bytes (src/option.c, read_file()) and takes the rest for a line of its own; exports(5)
 * and systemd take no longer paths. Options and what lies below a folder need some of them. */
#define QUOTED_PATH_MAX 900

/* A node's label and its dot come before a domain, and the whole has 253 bytes at most (RFC 1035). */
#define DOMAIN_MAX (253 - 64)

/* What is said of a value. */
#define SHOWN_MAX 64

bool render_is_name(const char *s)
{
	const char *p = s;

	while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
	       (*p && strchr("-._", *p)))
		p++;
	return p > s && !*p && p - s <= RENDER_NAME_MAX && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

/*
 * iPXE (core/exec.c, core/settings.c): a word beginning with '#' starts a comment, "||", "&&" and ";" end a command,
 * "${" begins an expansion, and there is no way to quote any of them. The kernel takes '"' out of its command line, and
 * words together between two of them (lib/cmdline.c, next_arg()).
 */
bool render_is_boot_word(const char *s)
{
	if (!*s || *s == '#' || strstr(s, "${") || strcmp(s, "||") == 0 || strcmp(s, "&&") == 0 ||
	    strcmp(s, ";") == 0)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || *s == '"')
			return false;
	return true;
}

/* UTF-8 without control characters: systemd drops lines that are not (shared/conf-parser.c), and JSON cannot hold them. */
static bool is_text(const char *s)
{
	return !scan_judge(s, s + strlen(s));
}

/* An absolute path; "" is fine where the caller says so. */
static bool is_path(const char *s, bool may_be_empty)
{
	size_t quoted = 0, name = 0;

	if (!*s)
		return may_be_empty;
	for (const char *p = s; *p && quoted <= QUOTED_PATH_MAX; p++) {
		quoted += *p == '"' || *p == '\\' ? 2 : 1;
		name = *p == '/' ? 0 : name + 1;
		/* systemd passes over a line with either (basic/path-util.c, path_is_valid(), path_is_normalized()). */
		if (name > NAME_MAX || (name == 2 && strncmp(p - 1, "..", 2) == 0 && (!p[1] || p[1] == '/')))
			return false;
	}
	return *s == '/' && quoted <= QUOTED_PATH_MAX && is_text(s);
}

/* A program that systemd starts: no quotes or backslashes (basic/string-util.c, string_is_safe()). */
static bool is_program_folder(const char *s)
{
	return is_path(s, false) && !strpbrk(s, "\"'\\");
}

/* The value is shown without what would be somebody's terminal's, and no more of it than tells which it is. */
static int wrong(const char *what, const char *value)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (const char *s = value; *s && b.len < SHOWN_MAX; s++)
		strbuf_addc(&b, *s < ' ' || *s > '~' ? '?' : *s);
	if (strlen(value) > SHOWN_MAX)
		strbuf_adds(&b, "...");
	log_error(_("nothing is rendered: \"%s\" is no safe %s"), b.data ? b.data : "", what);
	return -EINVAL;
}

/* As uname(2) tells it. */
static bool is_release(const char *s)
{
	return strlen(s) <= RENDER_NAME_MAX && !strpbrk(s, "/\"\\ ") && is_text(s);
}

static int check_env(const struct render_env *env)
{
	/* What becomes part of a path that nodes ask for. */
	const char *const ids[] = { env->generation, env->initramfs };
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
		if (ids[i] && *ids[i] && !render_is_name(ids[i]))
			return wrong("id of a build", ids[i]);
	if (env->kernel_release && !is_release(env->kernel_release))
		return wrong("release of a kernel", env->kernel_release);
	/* Only units name it. */
	if (env->units && !is_program_folder(env->sbindir))
		return wrong("folder of programs", env->sbindir);
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

static bool is_kernel(const char *s)
{
	return *s == '/' ? is_path(s, false) : render_is_name(s);
}

static bool is_id_or_none(const char *s)
{
	return !*s || render_is_name(s);
}

static bool is_hash_or_none(const char *s)
{
	return !*s || text_is_crypt(s);
}

static bool is_domain(const char *s)
{
	return strlen(s) <= DOMAIN_MAX && text_is_domain(s);
}

static bool is_key(const char *s)
{
	const char *why;

	return text_is_ssh_key(s, &why) && is_text(s);
}

/* As deb-version(7) and rpm name them: they are words of a package manager's command line. */
static bool is_package(const char *s)
{
	return strlen(s) <= RENDER_NAME_MAX && text_is_of(s, "+-._") && *s != '-';
}

static int check_list(const char *what, const struct strv *list, bool (*fit)(const char *s))
{
	for (size_t i = 0; i < list->n; i++)
		if (!fit(list->v[i]))
			return wrong(what, list->v[i]);
	return 0;
}

static int check_nodes(const struct plan *p)
{
	for (size_t i = 0; i < p->n_nodes; i++) {
		if (!text_is_label(p->nodes[i].name))
			return wrong("name of a node", p->nodes[i].name);
		if (!render_is_name(p->nodes[i].arch))
			return wrong("architecture of a node", p->nodes[i].arch);
	}
	return 0;
}

static int check_words(const struct plan *p)
{
	size_t words = 0;

	for (size_t i = 0; i < p->kernel_args.n; i++) {
		words += strlen(p->kernel_args.v[i]) + 1;
		if (!render_is_boot_word(p->kernel_args.v[i]) || words > BOOT_WORDS_MAX)
			return wrong("word of a kernel's command line", p->kernel_args.v[i]);
	}
	return 0;
}

int render_check(const struct plan *p, const struct render_env *env)
{
	const struct {
		const char *what, *value;
		bool (*fit)(const char *s);
	} texts[] = {
		{ "name of a cluster", p->name, text_is_label },
		{ "domain", p->domain, is_domain },
		{ "name of a profile", p->profile, render_is_name },
		{ "kernel", p->kernel, is_kernel },
		{ "id of a root generation", p->generation, is_id_or_none },
		{ "name of an interface", p->interface, is_interface },
		{ "hash of root's password", p->root_password, is_hash_or_none },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!texts[i].fit(texts[i].value))
			/* A hash is a secret, however wrong it is. */
			return wrong(texts[i].what, texts[i].fit == is_hash_or_none ? "***" : texts[i].value);
	if (p->net.prefix > 32 || p->http_port == 0 || p->http_port > 65535)
		return wrong("network or port", IP4_NET(p->net));
	r = check_nodes(p);
	if (r == 0)
		r = check_words(p);
	if (r == 0)
		r = check_list("name of a package", &p->packages, is_package);
	if (r == 0)
		r = check_list("ssh key", &p->ssh_keys, is_key);
	return r < 0 ? r : check_env(env);
}
