/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * iPXE's scripts. Its language has no quoting, so every word is proven harmless (render_is_boot_word()) or made so.
 * Debian 12's iPXE of 2019 and the one in QEMU's network cards of 2020 are what it must run on.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/render/quote.h"
#include "util/i18n.h"
#include "util/log.h"

#define RETRY_SECONDS 5
#define REFUSAL_SECONDS 20

/* What every node's kernel is told. `initrd=` names iPXE's files to the EFI stub of the kernel; under BIOS the
 * loader hands them over itself, and the words mean nothing. */
#define KERNEL_WORDS \
	"initrd=muster.img initrd=node.cpio console=tty0 console=ttyS0,115200 net.ifnames=0 rdinit=/init"

static bool is_token(const char *s)
{
	return *s && s[strspn(s, "0123456789abcdef")] == '\0';
}

static int check(const struct render_boot *boot)
{
	const struct plan *p = boot->plan;

	if (!render_is_name(boot->generation) || !render_is_name(boot->initramfs) || !is_token(boot->token) ||
	    !render_is_name(boot->platform) || !render_is_name(boot->node->name))
		return -EINVAL;
	for (size_t i = 0; i < p->kernel_args.n; i++)
		if (!render_is_boot_word(p->kernel_args.v[i]))
			return -EINVAL;
	return 0;
}

/* The token is spent with what it fetches, so trying again begins with a new script. */
static void add_failed(struct strbuf *b, const struct render_boot *boot)
{
	strbuf_addf(b,
		    "\n"
		    ":failed\n"
		    "echo muster: %s cannot be booted from ${muster} now. Trying again in %d seconds.\n"
		    ":again\n"
		    "imgfree ||\n"
		    "sleep %d ||\n"
		    "chain --replace ${muster}/" RENDER_IPXE_ASK "%s || goto again\n",
		    boot->node->name, RETRY_SECONDS, RETRY_SECONDS, boot->platform);
}

static bool is_efi(const struct render_boot *boot)
{
	return strcmp(boot->platform, "efi") == 0;
}

int render_ipxe_disk(const struct render_boot *boot, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (!render_is_name(boot->node->name))
		return -EINVAL;
	strbuf_addf(&b,
		    "#!ipxe\n"
		    "echo muster: %s starts from its own disk, as it was asked to\n",
		    boot->node->name);
	/* Under UEFI the firmware's boot order goes on; the BIOS drive 0x80 is the first disk
	 * (https://ipxe.org/cmd/sanboot). */
	if (!is_efi(boot))
		strbuf_adds(&b, "sanboot --no-describe --drive 0x80 ||\n"
				"echo muster: there is nothing to start on its first disk\n");
	strbuf_adds(&b, "exit\n");
	return strbuf_take(&b, ret, NULL);
}

int render_ipxe_memtest(const struct render_boot *boot, char **ret)
{
	const struct plan *p = boot->plan;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (!render_is_name(boot->node->name) || !render_is_name(boot->platform) || !is_token(boot->token))
		return -EINVAL;
	strbuf_addf(&b,
		    "#!ipxe\n"
		    "set muster http://%s:%u\n"
		    "echo muster: %s tests its memory, as it was asked to\n"
		    "kernel ${muster}/boot/%s/memtest.%s || goto failed\n"
		    "boot || goto failed\n",
		    IP4(p->net.address), p->http_port, boot->node->name, boot->token,
		    is_efi(boot) ? "efi" : "bin");
	add_failed(&b, boot);
	return strbuf_take(&b, ret, NULL);
}

int render_ipxe(const struct render_boot *boot, char **ret)
{
	const struct plan *p = boot->plan;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r = check(boot);

	if (r < 0) {
		log_error(_("no script is rendered: a word of it is not safe in iPXE's language"));
		return r;
	}
	strbuf_addf(&b,
		    "#!ipxe\n"
		    "set muster http://%s:%u\n"
		    "echo muster: this machine is %s\n"
		    "kernel ${muster}/roots/%s/vmlinuz " KERNEL_WORDS,
		    IP4(p->net.address), p->http_port, boot->node->name, boot->generation);
	if (p->ssi_session && boot->node->ssi_id)
		strbuf_addf(&b, " session_id=%u node_id=%u autonodeid=0", p->ssi_session, boot->node->ssi_id);
	for (size_t i = 0; i < p->kernel_args.n; i++)
		strbuf_addf(&b, " %s", p->kernel_args.v[i]);
	strbuf_addf(&b,
		    " || goto failed\n"
		    "initrd --name muster.img ${muster}/initramfs/%s.img || goto failed\n"
		    "initrd --name node.cpio ${muster}/boot/%s/node.cpio || goto failed\n"
		    "boot || goto failed\n",
		    boot->initramfs, boot->token);
	add_failed(&b, boot);
	return strbuf_take(&b, ret, NULL);
}

/* A word as `echo` shows it, with a '?' for what iPXE would take as its own and for what is not ASCII. */
static void add_shown(struct strbuf *b, const char *word, size_t len)
{
	bool separator = (len == 2 && (memcmp(word, "||", 2) == 0 || memcmp(word, "&&", 2) == 0)) ||
			 (len == 1 && *word == ';');

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)word[i];

		if ((c & 0xc0) == 0x80) /* UTF-8: goes on */
			continue;
		strbuf_addc(b, separator || c <= ' ' || c > '~' || c == '$' || (c == '#' && i == 0)
				       ? '?'
				       : (char)c);
	}
}

static void add_words(struct strbuf *b, const char *why)
{
	while (*why) {
		size_t len = strcspn(why, " \t\r\n");

		if (len) {
			strbuf_addc(b, ' ');
			add_shown(b, why, len);
		}
		why += len + (why[len] != '\0');
	}
}

int render_ipxe_refusal(const char *why, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "#!ipxe\n"
			"echo\n"
			"echo muster:");
	add_words(&b, why);
	strbuf_addf(&b,
		    "\n"
		    "echo muster: Going on with the next boot device in %d seconds.\n"
		    "sleep %d ||\n"
		    "exit 0\n",
		    REFUSAL_SECONDS, REFUSAL_SECONDS);
	return strbuf_take(&b, ret, NULL);
}

int render_ipxe_wait(const struct plan *p, const char *why, const char *platform, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (!render_is_name(platform))
		return -EINVAL;
	strbuf_adds(&b, "#!ipxe\n"
			"echo muster:");
	add_words(&b, why);
	strbuf_addf(&b,
		    "\n"
		    ":again\n"
		    "sleep %d ||\n"
		    "chain --replace http://%s:%u/" RENDER_IPXE_ASK "%s || goto again\n",
		    RETRY_SECONDS, IP4(p->net.address), p->http_port, platform);
	return strbuf_take(&b, ret, NULL);
}
