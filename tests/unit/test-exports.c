/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is exported over NFS, to whom: the files of every golden case, read as exports(5) and ganesha-export-config(8) have
 * them. tests/unit/test-golden.c holds that these are what is rendered.
 */
#include "config.h"

#include <ctype.h>
#include <glob.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/plan/plan.h"
#include "backend/render/render.h"
#include "util/fs.h"
#include "util/macro.h"
#include "util/strbuf.h"
#include "util/strv.h"

#define GOLDEN MUSTER_SRCDIR "/tests/golden"
#define FILE_MAX (1024 * 1024)

static char *slurp(const char *path)
{
	_cleanup_close_ int top = fs_root_open(NULL);
	char *text = NULL;

	assert_int_equal(fs_read(top, path, FILE_MAX, &text, NULL), 0);
	return text;
}

static char *text_of(const char *fmt, ...) _printf_(1, 2);
static char *text_of(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	assert_true(vasprintf(&s, fmt, ap) >= 0);
	va_end(ap);
	return s;
}

/* The cluster's network, as "10.66.0.0/24", of the plan that stands beside the case's file. */
static char *network_of(const char *expected)
{
	_cleanup_free_ char *path = text_of("%s/etc/muster/cluster.json", expected), *text = slurp(path);
	json_t *document = json_loads(text, 0, NULL);
	const char *address =
		json_string_value(json_object_get(json_object_get(document, "plan"), "address"));
	struct ip4_net net;
	char *network;

	assert_non_null(address);
	assert_int_equal(ip4_net_parse(address, &net), 0);
	net.address = ip4_net_first(net);
	network = strdup(IP4_NET(net));
	json_decref(document);
	return network;
}

/* ---- exports(5) ------------------------------------------------------------------------------------------------ */

/* One export to one client: what it may, and that it is whom it is to be. */
static void assert_client(const char *path, char *client, const char *network)
{
	_cleanup_strv_ struct strv options = STRV_INIT;
	char *open = strchr(client, '('), *save = NULL;

	assert_non_null(open);
	assert_int_equal(client[strlen(client) - 1], ')');
	client[strlen(client) - 1] = '\0';
	*open = '\0';
	assert_string_equal(client, network);
	for (char *o = strtok_r(open + 1, ",", &save); o; o = strtok_r(NULL, ",", &save))
		assert_int_equal(strv_add(&options, o), 0);
	assert_false(strv_has(&options, "no_root_squash"));
	assert_false(strv_has(&options, "no_all_squash"));
	assert_false(strv_has(&options, "insecure"));
	assert_true(strv_has(&options, "all_squash") || strv_has(&options, "root_squash"));
	assert_true(strv_has(&options, "ro") != strv_has(&options, "rw"));
	if (strstr(path, RENDER_ROOTS))
		assert_true(strv_has(&options, "ro") && strv_has(&options, "all_squash"));
	if (strv_has(&options, "rw"))
		assert_true(strv_has(&options, "all_squash"));
}

static size_t assert_exports(char *text, const char *network)
{
	char *save = NULL;
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end, *words = NULL, *path;
		size_t clients = 0;

		if (*line == '#' || !*line)
			continue;
		assert_int_not_equal(*line, '-'); /* options for what follows: not ours */
		end = strchr(line, '\t');
		assert_non_null(end);
		*end = '\0';
		path = line;
		for (char *c = strtok_r(end + 1, " \t", &words); c; c = strtok_r(NULL, " \t", &words)) {
			assert_client(path, c, network);
			clients++;
		}
		/* Without a client it would be everybody's. */
		assert_int_equal(clients, 1);
		n++;
	}
	return n;
}

/* ---- ganesha's blocks ------------------------------------------------------------------------------------------ */

struct block {
	char name[32];
	struct block *outer;
	char *keys[32], *values[32];
	size_t n;
};

static const char *value(const struct block *b, const char *key)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->keys[i], key) == 0)
			return b->values[i];
	return NULL;
}

struct found {
	size_t exports, clients;
};

static void assert_block(const struct block *b, const char *network, struct found *found)
{
	if (strcmp(b->name, "EXPORT") == 0) {
		found->exports++;
		/* Nobody but the clients below has anything. */
		assert_string_equal(value(b, "Access_Type"), "NONE");
		assert_string_equal(value(b, "Squash"), "All_Squash");
		assert_non_null(strstr(value(b, "Path"), RENDER_ROOTS "\""));
	} else if (strcmp(b->name, "CLIENT") == 0) {
		found->clients++;
		assert_string_equal(b->outer->name, "EXPORT");
		assert_string_equal(value(b, "Clients"), network);
		assert_string_equal(value(b, "Access_Type"), "RO");
		assert_string_equal(value(b, "Squash"), "All_Squash");
	} else {
		assert_null(value(b, "Access_Type"));
		assert_null(value(b, "Clients"));
	}
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && (isspace((unsigned char)end[-1]) || end[-1] == ';'))
		*--end = '\0';
	return s;
}

static struct found assert_ganesha(char *text, const char *network)
{
	struct block blocks[4] = { { .name = "" } }, *b = blocks;
	struct found found = { 0 };
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *s = trim(line), *equals = strstr(s, " = ");
		size_t len = strlen(s);

		if (*s == '#' || !*s)
			continue;
		if (s[len - 1] == '{') {
			assert_true(b < blocks + ARRAY_SIZE(blocks) - 1);
			*++b = (struct block){ .outer = b - 1 };
			snprintf(b->name, sizeof(b->name), "%.*s", (int)strcspn(s, " "), s);
		} else if (strcmp(s, "}") == 0) {
			assert_true(b > blocks);
			assert_block(b, network, &found);
			b--;
		} else {
			assert_non_null(equals);
			assert_true(b->n < ARRAY_SIZE(b->keys));
			*equals = '\0';
			b->keys[b->n] = s;
			b->values[b->n++] = trim(equals + 3);
		}
	}
	assert_ptr_equal(b, blocks);
	return found;
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

static void roots_are_exported_to_be_read_by_the_cluster_alone(void **state)
{
	size_t kernel = 0, ganesha = 0;
	glob_t cases;

	assert_int_equal(glob(GOLDEN "/*/expected", GLOB_NOSORT, NULL, &cases), 0);
	assert_true(cases.gl_pathc >= 9);
	for (size_t i = 0; i < cases.gl_pathc; i++) {
		const char *expected = cases.gl_pathv[i];
		_cleanup_free_ char *network = network_of(expected);
		_cleanup_free_ char *exports = text_of("%s%s", expected, RENDER_EXPORTS);
		_cleanup_free_ char *conf = text_of("%s%s", expected, RENDER_GANESHA_CONF);

		if (access(exports, F_OK) == 0) {
			_cleanup_free_ char *text = slurp(exports);

			kernel += assert_exports(text, network);
		}
		if (access(conf, F_OK) == 0) {
			_cleanup_free_ char *text = slurp(conf);
			struct found found = assert_ganesha(text, network);

			assert_int_equal(found.exports, 1);
			assert_int_equal(found.clients, 1);
			ganesha++;
		}
	}
	globfree(&cases);
	assert_true(kernel >= 1);
	assert_true(ganesha >= 1);
}

/* Whatever the network is, its first address and its width are what is written. */
static void every_network_is_written_as_itself(void **state)
{
	static const char *const networks[] = { "10.66.0.1/24", "172.16.31.200/20", "192.168.7.129/25",
						"10.255.255.254/8", "192.168.200.5/30" };

	for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
		struct plan p = { .interface = (char[]){ "eth1" } };
		struct render_env env = { .prefix = "", .units = false };
		struct fileset f = FILESET_INIT;
		struct ip4_net net;

		assert_int_equal(ip4_net_parse(networks[i], &p.net), 0);
		net = (struct ip4_net){ ip4_net_first(p.net), p.net.prefix };
		assert_int_equal(render_nfs_kernel(&p, &env, &f), 0);
		assert_int_equal(render_nfs_ganesha(&p, &env, &f), 0);
		assert_int_equal(assert_exports(fileset_find(&f, RENDER_EXPORTS)->data, IP4_NET(net)), 1);
		assert_int_equal(
			assert_ganesha(fileset_find(&f, RENDER_GANESHA_CONF)->data, IP4_NET(net)).clients, 1);
		fileset_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_are_exported_to_be_read_by_the_cluster_alone),
		cmocka_unit_test(every_network_is_written_as_itself),
	};

	return cmocka_run_group_tests_name("exports", tests, NULL, NULL);
}
