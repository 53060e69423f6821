/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/fit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/i18n.h"
#include "util/units.h"

#define KB 1024ULL
#define MB_IN_KB 1024LL

struct judging {
	const struct fit *fit;
	struct draft_mistake *v;
	size_t n;
	int error;
};

_printf_(3, 4) static void warn(struct judging *j, const char *key, const char *fmt, ...)
{
	struct draft_mistake *v;
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	v = n < 0 ? NULL : reallocarray(j->v, j->n + 1, sizeof(*v));
	if (v)
		j->v = v;
	else if (n >= 0)
		free(text);
	if (!v) {
		j->error = -ENOMEM;
		return;
	}
	v[j->n++] = (struct draft_mistake){ "boot", key, -1, text };
}

bool fit_mac_virtual(struct mac mac)
{
	/* From the IEEE's list (standards-oui.ieee.org/oui/oui.txt): Xen, three of VMware, Hyper-V, VirtualBox, Parallels. */
	static const uint8_t makers[][3] = {
		{ 0x00, 0x16, 0x3e }, { 0x00, 0x05, 0x69 }, { 0x00, 0x0c, 0x29 }, { 0x00, 0x50, 0x56 },
		{ 0x00, 0x15, 0x5d }, { 0x08, 0x00, 0x27 }, { 0x00, 0x1c, 0x42 },
	};

	/* The second bit: administered locally, as QEMU's 52:54:00 is (IEEE Std 802, 8.2). */
	if (mac.b[0] & 0x02)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		if (memcmp(makers[i], mac.b, sizeof(makers[i])) == 0)
			return true;
	return false;
}

int fit_card_of_reason(const char *reason, char ret_id[10])
{
	static const char head[] = "no driver for network card ";
	const char *at = strstr(reason, head);

	if (!at)
		return 0;
	at += strlen(head);
	for (size_t i = 0; i < 9; i++)
		if (i == 4 ? at[i] != ':' : !at[i] || !strchr("0123456789abcdef", at[i]))
			return 0;
	snprintf(ret_id, 10, "%.9s", at);
	return 1;
}

bool fit_release(const char *release, unsigned int ret[3])
{
	unsigned int v[3] = { 0 };
	int n = sscanf(release, "%4u.%4u.%4u", &v[0], &v[1], &v[2]);

	if (n < 2)
		return false;
	memcpy(ret, v, sizeof(v));
	return true;
}

long long fit_memory_kb(enum plan_root root, unsigned long long root_bytes)
{
	/* What a system needs beside its root: the memory with which muster's own virtual nodes come up, less a usual root. */
	static const long long mb[] = {
		[PLAN_ROOT_RAM] = 280,
		[PLAN_ROOT_NFS] = 256,
		[PLAN_ROOT_INITRAMFS] = 128,
	};
	static const unsigned long long usual = 100 * KB * KB;

	if (root != PLAN_ROOT_RAM)
		return mb[root] * MB_IN_KB;
	return mb[root] * MB_IN_KB + (long long)((root_bytes ? root_bytes : usual) / KB);
}

/* ---- the warnings ---------------------------------------------------------------------------------------------------- */

static void judge_machines(struct judging *j)
{
	const struct fit *f = j->fit;
	bool named = f->n_real && *f->real_vendor;

	if (strcmp(f->kernel, "distro-cloud") != 0 || f->n_real == 0)
		return;
	if (f->n_real == 1)
		warn(j, "kernel",
		     named ? _("%s (network card: %s) looks like a real machine, and the kernel for virtual "
			       "machines knows no real network cards: take the distribution's kernel.")
			   : _("%s%s looks like a real machine, and the kernel for virtual machines knows no "
			       "real network cards: take the distribution's kernel."),
		     f->real, named ? f->real_vendor : "");
	else
		warn(j, "kernel",
		     named ? _("%zu nodes look like real machines (%s, network card: %s), and the kernel for "
			       "virtual machines knows no real network cards: take the distribution's "
			       "kernel.")
			   : _("%zu nodes look like real machines (%s is the first%s), and the kernel for "
			       "virtual machines knows no real network cards: take the distribution's "
			       "kernel."),
		     f->n_real, f->real, named ? f->real_vendor : "");
}

static void judge_unbuilt(struct judging *j)
{
	if (j->fit->unbuilt)
		warn(j, "kernel", "%s", j->fit->unbuilt);
}

static void judge_cards(struct judging *j)
{
	const struct fit *f = j->fit;

	for (size_t i = 0; i < f->n_cards; i++)
		if (!f->cards[i].driven)
			warn(j, "kernel", _("The kernel%s%s has no driver for the network card %s of %s."),
			     f->release ? " " : "", f->release ? f->release : "", f->cards[i].id,
			     f->cards[i].node);
	if (f->no_modules)
		warn(j, "kernel",
		     _("No modules lie beside this kernel (lib/modules/%s): the nodes have only the drivers "
		       "that are built into it."),
		     f->release ? f->release : "RELEASE");
}

static int compare(const unsigned int a[3], const unsigned int b[3])
{
	for (size_t i = 0; i < 3; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static void judge_libc(struct judging *j)
{
	const struct fit *f = j->fit;
	unsigned int release[3];

	if (!f->release || !fit_release(f->release, release) || compare(release, f->libc) >= 0)
		return;
	warn(j, "kernel",
	     _("The kernel %s is too old for this distribution's libc, which needs Linux %u.%u.%u: no "
	       "program "
	       "of the root would start. Take a newer kernel, or build the root on an older distribution."),
	     f->release, f->libc[0], f->libc[1], f->libc[2]);
}

static void judge_tools(struct judging *j)
{
	static const char *const modes[] = {
		[PLAN_ROOT_RAM] = "",
		[PLAN_ROOT_NFS] = " --mode nfs",
		[PLAN_ROOT_INITRAMFS] = "",
	};
	const struct fit *f = j->fit;

	if (!f->no_tool)
		return;
	if (f->root == PLAN_ROOT_RAM)
		warn(j, "root",
		     _("The nodes' root has no %s, without which they cannot become one machine: take the "
		       "root "
		       "mode initramfs, for which `muster root build --profile %s` builds the tools."),
		     f->no_tool, f->profile);
	else
		warn(j, "root",
		     _("The nodes' root has no %s, without which they cannot become one machine: `muster "
		       "root "
		       "build --profile %s%s --source kerrighed-tools=PLACE` builds a base with the tools."),
		     f->no_tool, f->profile, modes[f->root]);
}

static void judge_memory(struct judging *j)
{
	const struct fit *f = j->fit;
	long long need = fit_memory_kb(f->root, f->root_bytes);

	if (!f->poorest || f->poorest_kb >= need)
		return;
	warn(j, "root",
	     f->root == PLAN_ROOT_RAM
		     ? _("%s has %s of memory, and needs about %s with this root: over NFS it needs less.")
		     : _("%s has %s of memory, and needs about %s with this root."),
	     f->poorest, BYTES((unsigned long long)f->poorest_kb * KB), BYTES((unsigned long long)need * KB));
}

int fit_judge(const struct fit *f, struct draft_mistake **ret, size_t *ret_n)
{
	struct judging j = { .fit = f };

	judge_machines(&j);
	judge_unbuilt(&j);
	judge_cards(&j);
	judge_libc(&j);
	judge_tools(&j);
	judge_memory(&j);
	if (j.error < 0) {
		for (size_t i = 0; i < j.n; i++)
			free(j.v[i].text);
		free(j.v);
		return j.error;
	}
	*ret = j.v;
	*ret_n = j.n;
	return 0;
}
