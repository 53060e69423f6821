/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rendered files with hostile values in them, given to the programs that read them: dnsmasq, ssh, nft, systemd and
 * nfs-ganesha's parser must take each, and what they say of a value must be that value. MUSTER_REQUIRE_DAEMONS=1 makes
 * a missing one a failure.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>

#include "render-plan.h"
#include "render-values.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define UNITS "/etc/systemd/system/"
#define PLACES 5

static char folder[] = "/tmp/muster-checkers-XXXXXX";
static int folder_fd = -1;
static size_t asked[PLACES];

/* ---- asking ---------------------------------------------------------------------------------------------------------------- */

static bool is_there(const char *program)
{
	_cleanup_free_ char *found = spawn_find(program);
	const char *required = getenv("MUSTER_REQUIRE_DAEMONS");

	if (!found && required && strcmp(required, "1") == 0)
		fail_msg("%s is not installed", program);
	return found;
}

/* Puts the file where a checker finds it; its name matters to some. */
static char *put(const struct fileset *f, const char *path, const char *name)
{
	static const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	const struct fileset_entry *e = fileset_find(f, path);
	_cleanup_free_ char *below = NULL;

	assert_non_null(e);
	assert_true(asprintf(&below, "/%s", name) > 0);
	assert_int_equal(fs_write(folder_fd, below, e->data, e->len, &attr), 0);
	return fs_join(folder, name);
}

static int run(const char *const *argv, char **ret)
{
	static const char *const env[] = { "LC_ALL=C", "SYSTEMD_LOG_LEVEL=info", NULL };
	const struct spawn s = { .argv = argv, .env = env, .timeout_ms = 20000 };
	int status = -1;

	assert_int_equal(spawn_run(&s, &status, ret), 0);
	return status;
}

static void assert_takes(const char *const *argv, const char *value)
{
	_cleanup_free_ char *output = NULL;

	if (run(argv, &output) != 0)
		fail_msg("%s refuses what has \"%.200s\": %.500s", argv[0], value, output);
}

static void assert_says(const char *output, const char *before, const char *value, const char *after)
{
	_cleanup_free_ char *expected = NULL;

	assert_true(asprintf(&expected, "%s%s%s", before, value, after) > 0);
	if (!strstr(output, expected))
		fail_msg("\"%.300s\" is not in \"%.1000s\"", expected, output);
}

/* ---- the programs ------------------------------------------------------------------------------------------------------------ */

static const char *path_of(const struct value_field *field, const char *value, const char **at)
{
	return field->at == at ? value : *at;
}

/* --test looks at each line; started, it says which lease file it cannot make: none of these folders is there. */
static void ask_dnsmasq(const struct fileset *f, const struct value_field *field, const char *value)
{
	_cleanup_free_ char *conf = put(f, RENDER_DNSMASQ_CONF, "dnsmasq.conf"), *option = NULL, *said = NULL;
	const char *test[] = { "dnsmasq", "--test", NULL, NULL };
	const char *start[] = { "unshare", "-n", "dnsmasq", "--keep-in-foreground", NULL, NULL };

	assert_true(asprintf(&option, "--conf-file=%s", conf) > 0);
	test[2] = start[4] = option;
	assert_takes(test, value);
	asked[0]++;
	if (geteuid() != 0 || field->at != &values.prefix)
		return;
	assert_int_equal(run(start, &said), 3); /* EC_FILE */
	assert_says(said, "cannot open or create lease file ", value, RENDER_DNSMASQ_LEASES ": ");
}

static void ask_ssh(const struct fileset *f, const struct value_field *field, const char *value)
{
	_cleanup_free_ char *conf = put(f, RENDER_SSH_CONF, "ssh.conf"), *said = NULL;
	const char *const argv[] = { "ssh", "-F", conf, "-G", path_of(field, value, &values.node), NULL };

	if (run(argv, &said) != 0)
		fail_msg("ssh refuses what has \"%.200s\": %.500s", value, said);
	assert_says(said, "\nglobalknownhostsfile ", path_of(field, value, &values.prefix),
		    RENDER_KNOWN_HOSTS "\n");
	asked[1]++;
}

static void ask_nft(const struct fileset *f, const struct value_field *field, const char *value)
{
	_cleanup_free_ char *conf = NULL;
	const char *argv[] = { "unshare", "-n", "nft", "-c", "-f", NULL, NULL };

	if (geteuid() != 0 || !fileset_find(f, RENDER_GATEWAY_NFT))
		return;
	conf = put(f, RENDER_GATEWAY_NFT, "gateway.nft");
	argv[5] = conf;
	assert_takes(argv, value);
	asked[2]++;
}

static bool is_shortened(const char *path)
{
	return strstr(path, "//") || strstr(path, "/.") || path[strlen(path) - 1] == '/';
}

/* It says which program is not there, and complains of each line that it cannot read. */
static void ask_systemd(const struct fileset *f, const struct value_field *field, const char *value)
{
	static const char *const names[] = { "musterd.service", "muster-dnsmasq.service",
					     "muster-network.service", "muster-address.service" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *from = NULL, *unit = NULL, *said = NULL;
		const char *argv[] = { "systemd-analyze", "verify", "--man=no", NULL, NULL };

		assert_true(asprintf(&from, UNITS "%s", names[i]) > 0);
		unit = put(f, from, names[i]);
		argv[3] = unit;
		run(argv, &said);
		/* Each of its complaints of a line begins with the file and the line's number. */
		for (const char *at = said; (at = strstr(at, ".service:")); at++)
			if (at[9] >= '0' && at[9] <= '9')
				fail_msg("%s with \"%.200s\": %.500s", names[i], value, said);
		/* It makes "/a//./b" shorter before it says so. */
		if (i == 0 && !is_shortened(path_of(field, value, &values.sbindir)))
			assert_says(said, "Command ", path_of(field, value, &values.sbindir),
				    "/musterd is not executable");
	}
	asked[3]++;
}

/* Its own parser, by tests/render-ganesha.c: the words of the tree that it makes, a line each. */
static void ask_ganesha(const struct fileset *f, const struct value_field *field, const char *value)
{
	_cleanup_free_ char *conf = NULL, *said = NULL;
	const char *argv[] = { MUSTER_BUILDDIR "/tests/render-ganesha", NULL, NULL };
	static size_t lines;
	size_t n = 0;
	int status;

	if (!fileset_find(f, RENDER_GANESHA_CONF))
		return;
	conf = put(f, RENDER_GANESHA_CONF, "ganesha.conf");
	argv[1] = conf;
	status = run(argv, &said);
	if (status == 77)
		return;
	if (status != 0)
		fail_msg("nfs-ganesha refuses what has \"%.200s\": %.500s", value, said);
	assert_says(said, "\nRecoveryRoot\n", path_of(field, value, &values.prefix),
		    "/var/lib/muster/ganesha\n");
	assert_says(said, "\nPath\n", path_of(field, value, &values.prefix), "/var/lib/muster/roots\n");
	for (const char *s = said; *s; s++)
		n += *s == '\n';
	if (!lines)
		lines = n;
	assert_int_equal(n, lines);
	asked[4]++;
}

/* ---- values ---------------------------------------------------------------------------------------------------------------- */

static const struct checker {
	const char *program;
	void (*ask)(const struct fileset *f, const struct value_field *field, const char *value);
	const char **fields[4]; /* whose values it gets to read */
	unsigned int kind;	/* of the plan that has its file */
	bool slow;
} checkers[PLACES] = {
	{ "dnsmasq",
	  ask_dnsmasq,
	  { &values.prefix, &values.libexecdir, &values.interface, &values.domain },
	  0,
	  false },
	{ "ssh", ask_ssh, { &values.prefix, &values.node, &values.domain }, 0, false },
	{ "nft", ask_nft, { &values.interface }, 1, false },
	{ "systemd-analyze", ask_systemd, { &values.sbindir, &values.prefix, &values.interface }, 1, true },
	{ NULL, ask_ganesha, { &values.prefix }, 0, false },
};

static bool reads(const struct checker *c, const struct value_field *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->fields) && c->fields[i]; i++)
		if (c->fields[i] == field->at)
			return true;
	return false;
}

static void no_word(void *data, enum log_level level, const char *text)
{
}

/* False: nothing is rendered with it. */
static bool try_value(const struct checker *c, const struct value_field *field, const char *value)
{
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
	struct plan_node n;
	struct plan p;
	int r;

	values_harmless();
	*field->at = value;
	values_plan(&p, &n, c->kind);
	log_set_sink(no_word, NULL);
	r = render_values(&p, &f);
	log_set_sink(NULL, NULL);
	if (r == 0 && *value)
		c->ask(&f, field, value);
	return r == 0;
}

/* A program takes from a hundredth to a quarter of a second: `make check` asks for a part of the values, another one with
 * each seed. */
static size_t step_of(const struct checker *c)
{
	bool thorough = values_rounds() >= VALUES_MANY;

	return c->slow ? (thorough ? 3 : 15) : thorough ? 1 : 4;
}

static void try_fixed(const struct checker *c, const struct value_field *field)
{
	for (size_t k = values_pick(step_of(c)); k < values_count(); k += step_of(c)) {
		_cleanup_free_ char *longer = NULL;

		if (try_value(c, field, values_fixed[k]))
			continue;
		assert_true(asprintf(&longer, "%s%s", field->before, values_fixed[k]) >= 0);
		try_value(c, field, longer);
	}
}

/* The rest of the rounds is for the readers in test-render-property.c. */
static void try_random(const struct checker *c, const struct value_field *field)
{
	for (size_t k = 0; k < values_rounds() / (10 * step_of(c)); k++) {
		_cleanup_free_ char *value = values_random(), *longer = NULL;

		assert_true(asprintf(&longer, "%s%s", field->before, value) >= 0);
		try_value(c, field, longer);
	}
}

static void its_reader_takes_every_value_as_itself(void **state)
{
	const struct checker *c = *state;

	if (c->program && !is_there(c->program)) {
		print_message("# %s is not installed\n", c->program);
		return;
	}
	for (size_t i = 0; i < n_fields; i++) {
		if (!reads(c, &fields[i]))
			continue;
		try_fixed(c, &fields[i]);
		try_random(c, &fields[i]);
	}
	print_message("# %s was asked %zu times\n", c->program ? c->program : "nfs-ganesha's parser",
		      asked[c - checkers]);
}

static int set_up(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	folder_fd = fs_root_open(folder);
	return folder_fd < 0;
}

static int tear_down(void **state)
{
	_cleanup_close_ int tmp = fs_root_open("/tmp");

	return fs_remove_tree(tmp, strrchr(folder, '/'));
}

int main(void)
{
	struct CMUnitTest tests[PLACES];
	static char names[PLACES][80];

	for (size_t i = 0; i < PLACES; i++) {
		snprintf(names[i], sizeof(names[i]), "%s: its_reader_takes_every_value_as_itself",
			 checkers[i].program ? checkers[i].program : "nfs-ganesha");
		tests[i] = (struct CMUnitTest){ .name = names[i],
						.test_func = its_reader_takes_every_value_as_itself,
						.initial_state = (void *)&checkers[i] };
	}
	values_seed();
	return cmocka_run_group_tests_name("checkers", tests, set_up, tear_down);
}
