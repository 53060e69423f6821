/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What musterd and the nodes say, in the reader's language. On the wire and in the store it is English, as sentences with
 * names and numbers in them: each is known again by the words around those.
 */
#include "config.h"

#include "backend/muster.h"

#include <string.h>

#include "util/i18n.h"
#include "util/strbuf.h"

#define HOLE "%s"
#define HOLES_MAX 4

/* As daemon/, backend/nodes/ and agent/ have them, with a hole for whatever they fill in. The first that fits counts. */
static const char *const sentences[] = {
	/* what became of an action */
	N_("It is %s and does not report, so it cannot be asked."),
	N_("It cannot be kept: %s."),
	N_("Asked; it hears it within %s s."),
	N_("Its MAC address is not known yet."),
	N_("The packet cannot be sent: %s."),
	N_("It was sent, and cannot be kept: %s."),
	N_("The packet was sent to %s."),
	N_("There is no root %s; `muster root list` names those that there are."),
	N_("No initramfs is built for the root %s."),
	N_("The memory test is not on the server: install the package memtest86+."),
	N_("It can boot system, disk, memtest or root:ID."),
	N_("It boots the cluster's system."),
	N_("From now on it boots %s."),
	N_("Next time, once, it boots %s."),
	N_("There is no such node."),
	N_("It cannot be read."),
	N_("The history cannot be read."),
	N_("Only root and the group of musterd may ask it."),
	N_("Too many programs are connected to musterd already."),
	/* events */
	N_("%s: asked for by user %s"),
	N_("%s: another wish took its place"),
	N_("%s: done: the node has booted since"),
	N_("%s: given up: the node's agent does not do it"),
	N_("%s: the node does it"),
	N_("%s: given up: the node did not say that it does it"),
	N_("%s: given up: the node did not report"),
	N_("%s: done, once"),
	N_("wake: the packet was sent"),
	/* why a boot was refused */
	N_("The address %s is none of cluster %s."),
	N_("The machine %s is no node of cluster %s."),
	N_("%s has the address %s in the plan, but this machine came from %s."),
	N_("The machine at %s is not %s, which it says it is."),
	N_("The root %s, which it shall boot next, is not on the server."),
	N_("No root is built on the server yet: run \"muster root build\" there."),
	N_("The root %s has no whole checksum on the server: its root.json is missing or damaged. Run "
	   "\"muster root build\" there."),
	N_("The initramfs is missing on the server: run \"muster root build\"."),
	N_("The ssh host key of %s is missing on the server: run \"muster apply\"."),
	N_("a boot of %s was asked for while it runs"),
	N_("%s asked for a personality of no present boot"),
	N_("%s asked for its personality after it had booted"),
	N_("%s asked for its personality again, which this boot has had"),
	N_("%s asked for its personality again, long after the first time"),
	N_("%s asked for its personality long after its boot script"),
	N_("boots of %s were asked for too often"),
	N_("%s sent a report with the token of %s"),
	N_("%s sent a report with a token of no present boot"),
	N_("%s sent a report without a token"),
	N_("and %s more were refused"),
	N_("%s sent a report that cannot be read"),
	N_("%s asked for the personality of %s"),
	/* why a node failed; the first one has another one in it */
	N_("%s; %s of %s MB of the root are here, and it goes on from there"),
	N_("not enough memory: root needs %s MB and %s MB to run, %s of %s MB are free"),
	N_("no interface has this boot's MAC address"),
	N_("no link on %s after %s s"),
	N_("the server answered 404 for %s: is the root built?"),
	N_("the server answered %s for %s"),
	N_("the server did not answer for %s: %s"),
	N_("the server %s port %s cannot be reached: %s"),
	N_("what answered for %s is no HTTP server"),
	N_("%s changed on the server while it was fetched"),
	N_("%s arrived short, %s of %s bytes: %s"),
	N_("there is no /%s: the server gave this boot no personality"),
	N_("this kernel has no NFS version 4"),
	N_("the NFS export %s does not mount: %s"),
	N_("the server does not let this node in"),
	N_("the server does not export that"),
	N_("the NFS export %s has no %s: is the root built?"),
	N_("%s on the NFS export %s cannot be opened: %s"),
	N_("the root's squashfs does not mount: %s"),
	N_("the overlay over the root does not mount: %s"),
	N_("the root does not mount: %s"),
	N_("the root's /%s cannot be copied into memory: %s"),
	N_("no loop device for the root: %s"),
	N_("the root has no %s: is it a whole system?"),
	N_("out of memory"),
	/* what became of an order */
	N_("this node has no %s"),
	N_("%s did not end in time"),
	N_("no process can be started"),
	N_("it did not end"),
	N_("this node's id cannot be read"),
	N_("this generation of Kerrighed takes no node out"),
	N_("the single system's container did not come up"),
	N_("the single system's container does not answer on this node"),
	N_("the container did not answer in time"),
	/* the stage that a node is in */
	N_("off"),
	N_("lost"),
};

struct span {
	const char *p;
	size_t len;
};

/* What stands in the holes of the sentence; false: the text is another one. */
static bool fill(const char *sentence, const char *text, struct span holes[HOLES_MAX])
{
	const char *hole = strstr(sentence, HOLE);
	size_t n = 0, len = hole ? (size_t)(hole - sentence) : strlen(sentence);

	if (strncmp(text, sentence, len) != 0)
		return false;
	text += len;
	while (hole && n < HOLES_MAX) {
		const char *words = hole + strlen(HOLE), *found;

		hole = strstr(words, HOLE);
		len = hole ? (size_t)(hole - words) : strlen(words);
		if (!hole && strlen(text) < len)
			return false;
		/* The last words are those at the end. */
		found = hole ? memmem(text, strlen(text), words, len) : text + strlen(text) - len;
		if (!found || strncmp(found, words, len) != 0)
			return false;
		holes[n++] = (struct span){ text, (size_t)(found - text) };
		text = found + len;
	}
	return !*text;
}

static void add_said(struct strbuf *b, const char *text, size_t len);

/* The translation with its holes filled, "%s" in turn and "%2$s" by their number. */
static void add_filled(struct strbuf *b, const char *translation, const struct span holes[HOLES_MAX])
{
	size_t next = 0;

	for (const char *p = translation; *p;) {
		bool in_turn = strncmp(p, HOLE, strlen(HOLE)) == 0;
		bool numbered =
			p[0] == '%' && p[1] >= '1' && p[1] < '1' + HOLES_MAX && strncmp(p + 2, "$s", 2) == 0;
		size_t at = numbered ? (size_t)(p[1] - '1') : next;

		if (!in_turn && !numbered) {
			strbuf_addc(b, *p++);
			continue;
		}
		if (at < HOLES_MAX && holes[at].p)
			add_said(b, holes[at].p, holes[at].len);
		next += in_turn;
		p += numbered ? 4 : strlen(HOLE);
	}
}

/* A hole may hold such a sentence itself. */
static void add_said(struct strbuf *b, const char *text, size_t len)
{
	_cleanup_free_ char *copy = strndup(text, len);

	if (!copy) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		struct span holes[HOLES_MAX] = { 0 };

		if (fill(sentences[i], copy, holes)) {
			add_filled(b, i18n(sentences[i]), holes);
			return;
		}
	}
	strbuf_adds(b, copy);
}

char *muster_said(const char *text)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char *said;

	add_said(&b, text, strlen(text));
	return strbuf_take(&b, &said, NULL) == 0 ? said : NULL;
}
