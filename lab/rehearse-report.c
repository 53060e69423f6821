/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a rehearsal came to, as text and as a record. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "lab/rehearse-private.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/strbuf.h"
#include "util/text.h"
#include "util/units.h"

const char *lab_firmware_name(enum lab_firmware f)
{
	return f == LAB_UEFI ? "UEFI" : "BIOS";
}

/* Where it stopped, as a sentence's beginning. */
static const char *where(enum node_stage stage)
{
	switch (stage) {
	case NODE_DHCP:
		return _("It has got an address, and has not asked for its boot script");
	case NODE_LOADER:
		return _("It has got its boot script, and has not fetched its kernel and initramfs");
	case NODE_KERNEL:
		return _("It has fetched its kernel, and its initramfs was not heard of");
	case NODE_INITRAMFS:
		return _("It came into its initramfs, and no further");
	case NODE_ROOT:
		return _("It was getting or starting its root, and is not ready");
	default:
		return _("It has got no address");
	}
}

char *lab_try_sentence(const struct lab_try *t)
{
	const char *name = *t->node ? t->node : t->machine, *firmware = lab_firmware_name(t->firmware);
	char *text = NULL;
	int n = 0;

	switch (t->outcome) {
	case LAB_TRY_READY:
		n = asprintf(&text, _("%s (%s) was ready %s after power-on."), name, firmware,
			     SECONDS(t->ms));
		break;
	case LAB_TRY_FAILED:
		n = asprintf(&text, _("%s (%s) failed after %s. %s: %s"), name, firmware, SECONDS(t->ms),
			     where(t->stage), t->reason);
		break;
	case LAB_TRY_LATE:
		n = asprintf(&text, _("%s (%s) was not ready within %s. %s."), name, firmware,
			     DURATION(t->ms), where(t->stage));
		break;
	case LAB_TRY_ENDED:
		n = asprintf(&text, _("%s (%s): its virtual machine ended after %s. %s."), name, firmware,
			     SECONDS(t->ms), where(t->stage));
		break;
	default:
		n = asprintf(&text, _("%s (%s) was not tried."), name, firmware);
	}
	return n < 0 ? NULL : text;
}

char *lab_rehearsal_sentence(const struct lab_rehearsal *r)
{
	char *text = NULL;
	int n;

	if (r->stopped)
		n = asprintf(&text, _("The rehearsal stopped before a node was powered on."));
	else
		n = asprintf(&text,
			     ngettext("%zu of %zu node became ready.", "%zu of %zu nodes became ready.",
				      r->n),
			     r->ready, r->n);
	return n < 0 ? NULL : text;
}

/* ---- the report ------------------------------------------------------------------------------------------------- */

/* What comes from a node or a daemon may hold anything. */
static void add_text(struct strbuf *b, const char *before, const char *text)
{
	strbuf_adds(b, before);
	text_escape(b, true, text, "\t");
	strbuf_addc(b, '\n');
}

static void add_evidence(struct strbuf *b, const struct lab_evidence *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		strbuf_addf(b, "  -- %s\n", v[i].title);
		for (size_t k = 0; k < v[i].lines.n; k++)
			add_text(b, "     ", v[i].lines.v[k]);
	}
}

static void add_try(struct strbuf *b, const struct lab_try *t)
{
	_cleanup_free_ char *sentence = lab_try_sentence(t);

	add_text(b, "* ", sentence ? sentence : "");
	strbuf_addf(b, "  %s, %s\n", t->mac, i18n(t->kind));
	for (int s = NODE_DHCP; s <= NODE_ROOT; s++)
		if (t->stage_ms[s] >= 0)
			strbuf_addf(b, "  %-10s %s\n", node_stage_text((enum node_stage)s),
				    SECONDS(t->stage_ms[s]));
	add_evidence(b, t->evidence, t->n_evidence);
	strbuf_addc(b, '\n');
}

static void add_differences(struct strbuf *b, const struct lab_rehearsal *r)
{
	size_t same = 0;

	for (size_t i = 0; i < r->n_differences; i++)
		same += r->differences[i].kind == MUSTER_DIFFERENCE_NONE;
	strbuf_addf(b,
		    ngettext("%zu file is the server's to the byte.",
			     "%zu files are the server's to the byte.", same),
		    same);
	strbuf_addc(b, '\n');
	for (size_t i = 0; i < r->n_differences; i++) {
		const struct muster_difference *d = &r->differences[i];

		if (d->kind == MUSTER_DIFFERENCE_SERVER_ONLY)
			strbuf_addf(b, _("On the server only: %s\n"), d->path);
		else if (d->kind == MUSTER_DIFFERENCE_REHEARSAL_ONLY)
			strbuf_addf(b, _("In the rehearsal only: %s\n"), d->path);
		else if (d->kind == MUSTER_DIFFERENCE_CONTENT)
			strbuf_addf(b, _("Different (- the server, + the rehearsal):\n%s"), d->diff);
	}
}

int lab_rehearsal_text(const struct lab_rehearsal *r, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *sentence = lab_rehearsal_sentence(r);
	time_t t = (time_t)(r->at / 1000);
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	strbuf_addf(&b, _("Rehearsal of %s\n"), when);
	strbuf_addf(&b, "%s\n\n", sentence ? sentence : "");
	add_evidence(&b, r->evidence, r->n_evidence);
	for (size_t i = 0; i < r->n; i++)
		add_try(&b, &r->tries[i]);
	for (size_t i = 0; i < r->notes.n; i++)
		add_text(&b, "", r->notes.v[i]);
	if (r->n_differences)
		add_differences(&b, r);
	return strbuf_take(&b, ret, NULL);
}

static int write_record(int dir, const struct lab_rehearsal *r)
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	json_t *doc = json_pack("{s:s, s:I, s:i, s:i}", "plan", r->plan, "at", (json_int_t)r->at, "ready",
				(int)r->ready, "tries", (int)r->n);
	_cleanup_free_ char *text = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;

	json_decref(doc);
	return text ? fs_write(dir, MUSTER_REHEARSAL_RECORD, text, strlen(text), &attr) : -ENOMEM;
}

int lab_report_write(const struct lab_options *o, struct lab_rehearsal *r)
{
	/* What the nodes' consoles said is nobody else's business. */
	const struct fs_attr attr = { 0600, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int dir = fs_root_open(o->dir);
	_cleanup_free_ char *text = NULL;
	int e = dir < 0 ? dir : lab_rehearsal_text(r, &text);

	if (e == 0)
		e = fs_write(dir, "/report.txt", text, strlen(text), &attr);
	if (e == 0)
		e = write_record(dir, r);
	if (e < 0)
		lab_error(o, _("The report cannot be written: %s"), muster_strerror(e));
	return e;
}
