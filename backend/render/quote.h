/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quoting for the formats that are rendered, and what all renderers share. Control characters, which some of the
 * formats cannot carry at all, were refused by render_check() before.
 */
#pragma once

#include "backend/render/render.h"
#include "util/strbuf.h"

/* The first line of every file that can carry a comment. */
#define RENDER_BANNER "# muster wrote this file; `muster apply` replaces it. Change the answers, not this.\n"

/* What iPXE asks musterd for; its platform goes behind. busid is the card's bus and ids (iPXE's include/ipxe/dhcp.h,
 * struct dhcp_netdev_desc). With an http://ADDRESS:PORT/ before it, it stays below the 128 bytes of DHCP's boot file. */
#define RENDER_IPXE_ASK "boot.ipxe?mac=${netX/mac:hexhyp}&card=${netX/busid:hexraw}&platform="

/* -EINVAL, logged: a value of the plan or of env is not safe in some rendered file. */
int render_check(const struct plan *p, const struct render_env *env) _must_check_;
/* One word of a kernel command line as iPXE passes it on: printable, no space, nothing that iPXE takes as its own. */
bool render_is_boot_word(const char *s);
/* What any id or name has at most; a file's name has no more than 255. */
#define RENDER_NAME_MAX 128
/* Not empty, of letters, digits, '-', '.' and '_' only, not too long, and neither "." nor "..". */
bool render_is_name(const char *s);

const char *render_prefix(const struct render_env *env); /* never NULL */

/* "PREFIXPATH" in double quotes, where a backslash stands before quotes and backslashes: dnsmasq's configuration,
 * ganesha's, ssh_config(5). */
void quote_path(struct strbuf *b, const char *prefix, const char *path);
/* The same for exports(5): every byte but the plain ones as a backslash and three octal digits; digits, too, where they
 * come soon after a backslash, which the reader would take together with it (nfs-utils, support/nfs/xio.c, xgettok()). */
void quote_export(struct strbuf *b, const char *prefix, const char *path);
/* A word of a command line in a unit file, or of a list of paths there: systemd.syntax(7), systemd.service(5).
 * Specifiers ('%') are doubled; `argument` doubles '$', too, which is expanded in all words of a command line but the first. */
void quote_unit(struct strbuf *b, const char *prefix, const char *path, bool argument);

/* Puts the buffer's content into the set as a file of muster's own, mode 0644, and empties the buffer. */
int render_add(struct fileset *f, struct strbuf *b, const char *path, const char *service) _must_check_;
