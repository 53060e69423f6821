/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's package sources: reading both forms, and choosing the distribution's own. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/image/sources.h"
#include "util/debstrap.h"

#define RELEASE_SOURCES                                                                    \
	"Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\n" \
	"Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"

static const struct sources_want bookworm = { "debian", "bookworm", "12", "amd64" };

static int render(const char *list, const char *deb822, char **ret)
{
	struct sources s = SOURCES_INIT;
	int r = list ? sources_parse_list(&s, list) : 0;

	if (r == 0 && deb822)
		r = sources_parse_deb822(&s, deb822);
	if (r == 0)
		r = sources_render(&s, &bookworm, ret);
	sources_free(&s);
	return r;
}

static void one_line_sources_are_read(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(render("# a comment\n\n"
				"deb-src http://mirror.test/debian bookworm main\n"
				"deb cdrom:[Debian_12]/ bookworm main\n"
				"  deb\t[arch=amd64,i386 trusted=yes "
				"signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
				"http://mirror.test/debian  bookworm main contrib other # why\n"
				"#deb http://off.test/debian bookworm main\n"
				"deb http://mirror.test/debian-security bookworm-security main\r\n"
				"deb http://mirror.test/debian\n"
				"deb [broken http://mirror.test/debian bookworm main\n",
				NULL, &text),
			 0);
	assert_string_equal(text, "Types: deb\n"
				  "URIs: http://mirror.test/debian\n"
				  "Suites: bookworm\n"
				  "Components: main contrib\n"
				  "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
				  "Trusted: yes\n"
				  "\n"
				  "Types: deb\n"
				  "URIs: http://mirror.test/debian-security\n"
				  "Suites: bookworm-security\n"
				  "Components: main\n");
}

static void paragraphs_are_read_with_comments_inside(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(
		render(NULL,
		       "# the mirror\n"
		       "types: deb deb-src\n"
		       "# http://snapshot.test/20250520T000000Z\n"
		       "URIs: http://mirror.test/debian\n"
		       "  http://second.test/debian\n"
		       "Suites: bookworm\n"
		       "# and\n"
		       " bookworm-updates bookworm-backports bookworm-proposed-updates\n"
		       "Components: main non-free-firmware\n"
		       "Languages: none\n"
		       "Check-Valid-Until: no\n"
		       "   \n"
		       "Types: deb\nEnabled: no\nURIs: http://off.test/debian\nSuites: bookworm\n"
		       "Components: main\n\n"
		       "Types: deb-src\nURIs: http://src.test/debian\nSuites: bookworm\nComponents: main\n",
		       &text),
		0);
	assert_string_equal(text, "Types: deb\n"
				  "URIs: http://mirror.test/debian http://second.test/debian\n"
				  "Suites: bookworm bookworm-updates\n"
				  "Components: main non-free-firmware\n"
				  "Check-Valid-Until: no\n");
}

static void a_key_inside_the_file_keeps_its_lines(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(
		render(NULL,
		       "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm\nComponents: main\n"
		       "Signed-By:\n"
		       " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
		       " .\n"
		       " mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0\n"
		       " -----END PGP PUBLIC KEY BLOCK-----\n",
		       &text),
		0);
	assert_non_null(strstr(text, "Signed-By: \n"
				     " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
				     " .\n"
				     " mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0\n"
				     " -----END PGP PUBLIC KEY BLOCK-----\n"));
}

static void third_parties_are_left_out(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(
		render("deb https://vendor.test/linux/debian bookworm stable\n"
		       "deb https://vendor.test/prod [] bookworm main\n"
		       "deb [signed-by=/etc/apt/keyrings/vendor.asc] https://vendor.test/prod bookworm main\n"
		       "deb https://vendor.test/pg bookworm-pgdg main\n"
		       "deb https://vendor.test/node nodistro main\n"
		       "deb https://vendor.test/flat ./ \n"
		       "deb [arch=arm64] http://ports.test/debian bookworm main\n"
		       "deb http://mirror.test/debian bookworm-backports main\n",
		       RELEASE_SOURCES, &text),
		0);
	assert_string_equal(text, RELEASE_SOURCES);
}

static void a_mirror_with_its_own_key_counts_where_there_is_no_other(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(
		render("deb [signed-by=/etc/apt/keyrings/site.gpg] http://site.test/debian bookworm main\n",
		       NULL, &text),
		0);
	assert_string_equal(text, "Types: deb\nURIs: http://site.test/debian\nSuites: bookworm\n"
				  "Components: main\nSigned-By: /etc/apt/keyrings/site.gpg\n");
}

static void a_release_may_be_called_stable(void **state)
{
	const struct sources_want unnumbered = { "debian", "forky", "", "amd64" };
	_cleanup_free_ char *text = NULL, *testing = NULL;
	struct sources s = SOURCES_INIT;

	assert_int_equal(render("deb http://mirror.test/debian stable main\n"
				"deb http://mirror.test/debian testing main\n",
				NULL, &text),
			 0);
	assert_non_null(strstr(text, "Suites: stable\n"));
	assert_null(strstr(text, "testing"));
	assert_int_equal(sources_parse_list(&s, "deb http://mirror.test/debian testing main\n"), 0);
	assert_int_equal(sources_render(&s, &unnumbered, &testing), 0);
	sources_free(&s);
}

static void without_the_release_itself_there_is_nothing_to_build_from(void **state)
{
	char *text = NULL;

	assert_int_equal(render("", "", &text), -ENOENT);
	assert_int_equal(render("deb http://mirror.test/debian bookworm-updates main\n", NULL, &text),
			 -ENOENT);
	assert_int_equal(render("deb http://mirror.test/debian trixie main\n", NULL, &text), -ENOENT);
	assert_null(text);
}

static void the_same_source_twice_counts_once(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(render(NULL, RELEASE_SOURCES "\n" RELEASE_SOURCES, &text), 0);
	assert_string_equal(text, RELEASE_SOURCES);
}

static void proxies_come_from_apts_settings(void **state)
{
	_cleanup_strv_ struct strv v = STRV_INIT;

	assert_int_equal(debstrap_proxies("Acquire \"\";\n"
					  "Acquire::http \"\";\n"
					  "Acquire::http::Proxy \"http://proxy.test:3142\";\n"
					  "Acquire::http::Proxy::local.test \"DIRECT\";\n"
					  "Acquire::https::Proxy \"\";\n"
					  "Acquire::https::Verify-Peer \"true\";\n"
					  "Dir::Proxy \"x\";\n",
					  &v),
			 0);
	assert_int_equal(v.n, 2);
	assert_string_equal(v.v[0], "Acquire::http::Proxy \"http://proxy.test:3142\"");
	assert_string_equal(v.v[1], "Acquire::http::Proxy::local.test \"DIRECT\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_sources_are_read),
		cmocka_unit_test(paragraphs_are_read_with_comments_inside),
		cmocka_unit_test(a_key_inside_the_file_keeps_its_lines),
		cmocka_unit_test(third_parties_are_left_out),
		cmocka_unit_test(a_mirror_with_its_own_key_counts_where_there_is_no_other),
		cmocka_unit_test(a_release_may_be_called_stable),
		cmocka_unit_test(without_the_release_itself_there_is_nothing_to_build_from),
		cmocka_unit_test(the_same_source_twice_counts_once),
		cmocka_unit_test(proxies_come_from_apts_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
