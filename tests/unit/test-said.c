/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sentences of musterd and of the nodes, for a reader of another language. */
#include "config.h"

#include <libintl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/muster.h"

#define assert_said(text, want)                             \
	do {                                                \
		_cleanup_free_ char *s = muster_said(text); \
		assert_string_equal(s, want);               \
	} while (0)

static void in_english_nothing_changes(void **state)
{
	static const char *const texts[] = {
		"",
		"no link on eth0 after 10 s",
		"Asked; it hears it within 10 s.",
		"%s %d %1$s",
		"anything else",
	};

	setenv("LANGUAGE", "en", 1);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_said(texts[i], texts[i]);
}

static void a_sentence_is_known_by_its_words(void **state)
{
	setenv("LANGUAGE", "fr", 1);
	assert_said("no link on eth0 after 10 s", "pas de lien sur eth0 après 10 s");
	assert_said("It boots the cluster's system.", "Il démarre le système du cluster.");
	assert_said("reboot: asked for by user 0", "reboot\302\240: demandé par l'utilisateur 0");
}

static void what_fills_a_hole_may_be_a_sentence(void **state)
{
	setenv("LANGUAGE", "fr", 1);
	assert_said("the NFS export 10.0.0.1:/r does not mount: the server does not let this node in",
		    "le partage NFS 10.0.0.1:/r ne se monte pas\302\240: le serveur ne laisse pas entrer ce "
		    "nœud");
	assert_said("It is off and does not report, so it cannot be asked.",
		    "Il est à l'arrêt et ne donne pas de nouvelles\302\240: rien ne peut lui être demandé.");
}

static void a_translation_may_turn_the_order_round(void **state)
{
	setenv("LANGUAGE", "zh_TW", 1);
	assert_said("the server answered 500 for /boot/x", "伺服器對 /boot/x 的回應是 500");
}

static void other_words_stay_as_they_are(void **state)
{
	setenv("LANGUAGE", "fr", 1);
	assert_said("no link on eth0 after 10 s, and more", "no link on eth0 after 10 s, and more");
	assert_said("No link on eth0 after 10 s", "No link on eth0 after 10 s");
	assert_said("no link on %s after %n s", "pas de lien sur %s après %n s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_english_nothing_changes),
		cmocka_unit_test(a_sentence_is_known_by_its_words),
		cmocka_unit_test(what_fills_a_hole_may_be_a_sentence),
		cmocka_unit_test(a_translation_may_turn_the_order_round),
		cmocka_unit_test(other_words_stay_as_they_are),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8") || !setlocale(LC_MESSAGES, "C.UTF-8"))
		return 1;
	bindtextdomain(PACKAGE, MUSTER_BUILDDIR "/po/locale");
	textdomain(PACKAGE);
	return cmocka_run_group_tests_name("said", tests, NULL, NULL);
}
