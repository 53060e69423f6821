/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/plan/plan.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define PROFILES MUSTER_SRCDIR "/profiles"
#define GOOD MUSTER_SRCDIR "/tests/good"
#define BAD MUSTER_SRCDIR "/tests/bad"

/* The server that all answers here are for: eth0 to the world, eth1 and eth2 to nodes. */
static struct ip4_net eth0_addresses[] = { { { 0xc0a80105 }, 24 } }; /* 192.168.1.5/24 */
static struct ip4_net eth2_addresses[] = { { { 0x0a460001 }, 24 },
					   { { 0x0a460002 }, 24 } }; /* 10.70.0.1, .2 */
static struct host_interface interfaces[] = {
	{ .name = (char *)"eth0",
	  .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } },
	  .addresses = eth0_addresses,
	  .n_addresses = 1 },
	{ .name = (char *)"eth1", .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x57 } } },
	{ .name = (char *)"eth2",
	  .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x58 } },
	  .addresses = eth2_addresses,
	  .n_addresses = 2 },
};
static struct host server = {
	.distribution = (char *)"debian",
	.family = (char *)"debian",
	.interfaces = interfaces,
	.n_interfaces = ARRAY_SIZE(interfaces),
};

static char *text_of(const struct plan_mistakes *m)
{
	struct strbuf b = STRBUF_INIT;
	char *text;

	for (size_t i = 0; i < m->n; i++)
		strbuf_addf(&b, "%s:%u: %s\n", m->v[i].file, m->v[i].line, m->v[i].text);
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

static struct plan *read_good(const char *path)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *said = NULL;
	struct plan *p = NULL;
	int r = plan_read(path, &server, PROFILES, &mistakes, &p);

	said = text_of(&mistakes);
	if (r != 0)
		fail_msg("%s is refused (%d):\n%s", path, r, said);
	return p;
}

/* ---- what good answers become ------------------------------------------------------------------------- */

static void the_demo_has_two_nodes(void **state)
{
	_cleanup_(plan_freep) struct plan *p = read_good(MUSTER_SRCDIR "/doc/examples/demo.conf");

	assert_string_equal(p->name, "demo");
	assert_string_equal(p->domain, "demo.lan");
	assert_string_equal(p->kernel, "distro-cloud");
	assert_string_equal(p->interface, "eth1");
	assert_string_equal(IP4_NET(p->net), "10.66.0.1/24");
	assert_false(p->address_present);
	assert_int_equal(p->n_nodes, 2);
	assert_string_equal(p->nodes[0].name, "node01");
	assert_string_equal(IP4(p->nodes[0].address), "10.66.0.11");
	assert_string_equal(IP4(p->nodes[1].address), "10.66.0.12");
	assert_string_equal(MAC(p->nodes[1].mac), "52:54:00:66:00:02");
	assert_int_equal(p->nfs, PLAN_NFS_NONE);
	assert_int_equal(p->http_port, 8066);
	assert_true(p->dhcp_service);
}

static void the_first_cluster_has_sixteen_nodes(void **state)
{
	_cleanup_(plan_freep) struct plan *p = read_good(MUSTER_SRCDIR "/doc/examples/first-cluster.conf");

	assert_int_equal(p->n_nodes, 16);
	assert_string_equal(p->nodes[15].name, "node16");
	assert_string_equal(p->kernel, "distro");
}

static void everything_has_its_default(void **state)
{
	_cleanup_(plan_freep) struct plan *p = read_good(GOOD "/smallest.conf");

	assert_string_equal(p->domain, "krg.lan");
	assert_string_equal(p->profile, "plain");
	assert_string_equal(p->kernel, "distro");
	assert_int_equal(p->root, PLAN_ROOT_RAM);
	assert_string_equal(p->generation, "");
	assert_int_equal(p->ip_mode, PLAN_IP_MAC);
	assert_int_equal(p->dhcp, PLAN_DHCP_AUTHORITATIVE);
	assert_int_equal(p->range.last.n, 0);
	assert_string_equal(p->nodes[0].name, "node01");
	assert_string_equal(IP4(p->nodes[0].address), "10.66.0.2");
	assert_string_equal(p->nodes[0].arch, "x86_64");
	assert_false(p->nodes[0].has_mac);
	assert_string_equal(p->root_password, "");
	assert_int_equal(p->ssh_keys.n, 0);
}

static unsigned int id_of(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		if (strcmp(p->nodes[i].name, name) == 0)
			return p->nodes[i].ssi_id;
	fail_msg("there is no %s", name);
	return 0;
}

static void nodes_of_a_single_system_have_ids_of_their_own(void **state)
{
	_cleanup_(plan_freep) struct plan *p = read_good(GOOD "/kerrighed.conf");
	_cleanup_(plan_freep) struct plan *plain = read_good(GOOD "/smallest.conf");
	_cleanup_(plan_freep) struct plan *back = NULL;
	_cleanup_free_ char *json = NULL;

	assert_int_equal(p->root, PLAN_ROOT_INITRAMFS);
	assert_int_equal(p->n_nodes, 7);
	assert_in_range(p->ssi_session, 1, 254);
	/* The number of the name, else one made of it; never 255, and never the same. */
	assert_int_equal(id_of(p, "node01"), 1);
	assert_int_equal(id_of(p, "node04"), 4);
	for (size_t i = 0; i < p->n_nodes; i++) {
		assert_in_range(p->nodes[i].ssi_id, 1, 254);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(p->nodes[i].ssi_id, p->nodes[k].ssi_id);
	}
	assert_int_equal(plan_to_json(p, &json), 0);
	assert_int_equal(plan_from_json(json, strlen(json), &back), 0);
	assert_int_equal(back->ssi_session, p->ssi_session);
	assert_int_equal(id_of(back, "twin03"), id_of(p, "twin03"));
	assert_int_equal(plain->ssi_session, 0);
	assert_int_equal(plain->nodes[0].ssi_id, 0);
}

/* One node less, and two more. */
static void ids_stay_when_other_nodes_come_and_go(void **state)
{
	static const char *const stay[] = { "node01", "node02", "node03", "node04", "head", "twin03" };
	_cleanup_(plan_freep) struct plan *before = read_good(GOOD "/kerrighed.conf");
	_cleanup_(plan_freep) struct plan *after = read_good(GOOD "/kerrighed-others.conf");

	assert_int_equal(after->n_nodes, before->n_nodes + 1);
	assert_int_equal(after->ssi_session, before->ssi_session);
	for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
		assert_int_equal(id_of(after, stay[i]), id_of(before, stay[i]));
}

static void exceptions_keep_what_is_theirs(void **state)
{
	_cleanup_(plan_freep) struct plan *p = read_good(GOOD "/exceptions.conf");
	/* The server has .12 and node02 has .14: the others go around them. */
	static const struct {
		const char *name, *address, *mac;
		unsigned int line;
	} nodes[] = {
		{ "node01", "10.66.0.11", "52:54:00:66:00:01", 0 },
		{ "node02", "10.66.0.14", "52:54:00:66:00:02", 5 },
		{ "node03", "10.66.0.13", NULL, 0 },
		{ "node04", "10.66.0.15", "52:54:00:66:00:44", 6 },
		{ "node05", "10.66.0.16", "52:54:00:66:00:0a", 0 },
		{ "login", "10.66.0.200", "52:54:00:66:00:99", 7 },
	};

	assert_int_equal(p->n_nodes, ARRAY_SIZE(nodes));
	for (size_t i = 0; i < p->n_nodes; i++) {
		assert_string_equal(p->nodes[i].name, nodes[i].name);
		assert_string_equal(IP4(p->nodes[i].address), nodes[i].address);
		assert_int_equal(p->nodes[i].has_mac, nodes[i].mac != NULL);
		if (nodes[i].mac)
			assert_string_equal(MAC(p->nodes[i].mac), nodes[i].mac);
		assert_int_equal(p->nodes[i].line, nodes[i].line);
	}
	assert_ptr_equal(plan_node_by_name(p, "login"), &p->nodes[5]);
	assert_null(plan_node_by_name(p, "node06"));
	assert_ptr_equal(plan_node_by_mac(p, p->nodes[3].mac), &p->nodes[3]);
	assert_null(plan_node_by_mac(p, (struct mac){ { 0 } }));
	assert_ptr_equal(plan_node_by_address(p, p->nodes[2].address), &p->nodes[2]);
}

static void a_range_makes_its_nodes(void **state)
{
	_cleanup_(plan_freep) struct plan *whole = read_good(GOOD "/range.conf");
	_cleanup_(plan_freep) struct plan *cut = read_good(GOOD "/range-cut.conf");

	assert_string_equal(whole->interface, "eth1");
	assert_int_equal(whole->n_nodes, 100);
	assert_string_equal(whole->nodes[0].name, "node001");
	assert_string_equal(whole->nodes[99].name, "node100");
	assert_string_equal(IP4(whole->nodes[99].address), "10.66.0.199");
	assert_int_equal(whole->dhcp, PLAN_DHCP_PROXY);
	assert_true(whole->gateway);
	assert_int_equal(cut->n_nodes, 8);
	assert_string_equal(IP4(cut->range.last), "10.66.0.107");
	assert_string_equal(cut->nodes[2].name, "n-03");
	assert_int_equal(cut->nodes[2].line, 4);
	assert_string_equal(IP4(cut->nodes[2].address), "10.66.0.102");
}

static void every_way_of_writing_is_read(void **state)
{
	_cleanup_(plan_freep) struct plan *macs = read_good(GOOD "/macs-make-count.conf");
	_cleanup_(plan_freep) struct plan *more = read_good(GOOD "/appended.conf");
	_cleanup_(plan_freep) struct plan *present = read_good(GOOD "/address-present.conf");

	assert_int_equal(macs->n_nodes, 3);
	assert_string_equal(MAC(macs->nodes[2].mac), "52:54:00:66:00:03");
	assert_int_equal(more->root, PLAN_ROOT_NFS);
	assert_int_equal(more->nfs, PLAN_NFS_KERNEL);
	assert_string_equal(more->generation, "debian-12-0a1b2c3d4e5f");
	assert_int_equal(more->kernel_args.n, 2);
	assert_string_equal(more->packages.v[1], "libstdc++6");
	assert_int_equal(more->http_port, 8080);
	assert_int_equal(more->ssh_keys.n, 2);
	assert_true(more->nodes[0].has_mac);
	assert_true(present->address_present);
	assert_false(present->dhcp_service);
	assert_int_equal(present->nfs, PLAN_NFS_GANESHA);
}

/* ---- the corpus ------------------------------------------------------------------------------------------ */

static int is_conf(const struct dirent *e)
{
	return fnmatch("*.conf", e->d_name, 0) == 0;
}

static int list(const char *dir, struct dirent ***ret)
{
	int n = scandir(dir, ret, is_conf, alphasort);

	assert_true(n > 0);
	return n;
}

static void free_list(struct dirent **v, int n)
{
	for (int i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static char *read_text(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	assert_true(fd >= 0);
	assert_int_equal(fs_read_fd(fd, 1 << 20, &text, NULL), 0);
	return text;
}

/* True when one of the mistakes is what "LINE: needle" or "FILE:LINE: needle" says. */
static bool was_said(const struct plan_mistakes *m, const char *path, const char *expected)
{
	_cleanup_free_ char *file = NULL;
	unsigned int line;
	int end = 0;

	if (sscanf(expected, "%u: %n", &line, &end) == 1 && end > 0)
		file = strdup(path);
	else if (sscanf(expected, "%m[^:]:%u: %n", &file, &line, &end) != 2 || end == 0)
		fail_msg("%s: cannot read the expectation \"%s\"", path, expected);
	for (size_t i = 0; i < m->n; i++) {
		const char *name = strrchr(m->v[i].file, '/'), *want = strrchr(file, '/');

		if (m->v[i].line == line &&
		    strcmp(name ? name + 1 : m->v[i].file, want ? want + 1 : file) == 0 &&
		    strstr(m->v[i].text, expected + end))
			return true;
	}
	return false;
}

/* Each "# expect:" line at the top is one mistake, and there is no other. */
static bool check_bad(const char *path)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *text = read_text(path), *said = NULL;
	struct plan *p = NULL;
	size_t expected = 0;
	char *save = NULL;
	bool good = true;
	int r = plan_read(path, &server, PROFILES, &mistakes, &p);

	said = text_of(&mistakes);
	if (r != -MUSTER_E_ANSWERS || p) {
		print_error("%s: the answer was %d\n", path, r);
		plan_free(p);
		good = false;
	}
	for (char *l = strtok_r(text, "\r\n", &save); l && strncmp(l, "# expect: ", 10) == 0;
	     l = strtok_r(NULL, "\r\n", &save), expected++) {
		if (!was_said(&mistakes, path, l + 10)) {
			print_error("%s: not said: %s\n", path, l + 10);
			good = false;
		}
	}
	if (expected == 0 || mistakes.n != expected) {
		print_error("%s: %zu mistakes, expected %zu\n", path, mistakes.n, expected);
		good = false;
	}
	if (!good)
		print_error("%s\n", said);
	return good;
}

static void every_bad_answer_is_refused_with_its_line(void **state)
{
	struct dirent **v;
	int n = list(BAD, &v), wrong = 0;

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = fs_join(BAD, v[i]->d_name);

		wrong += !check_bad(path);
	}
	print_message("# %d bad answer files, %d not refused as expected\n", n, wrong);
	free_list(v, n);
	assert_true(n >= 300);
	assert_int_equal(wrong, 0);
}

static void every_good_answer_is_taken(void **state)
{
	struct dirent **v;
	int n = list(GOOD, &v);

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = fs_join(GOOD, v[i]->d_name);
		_cleanup_(plan_freep) struct plan *p = read_good(path);

		assert_true(p->n_nodes > 0);
	}
	free_list(v, n);
	assert_true(n >= 10);
}

/* ---- files that are none --------------------------------------------------------------------------------- */

static int scratch(void **state)
{
	char path[] = "/tmp/muster-plan-XXXXXX";

	*state = mkdtemp(path) ? strdup(path) : NULL;
	return *state ? 0 : -1;
}

static int remove_scratch(void **state)
{
	_cleanup_free_ char *path = *state;
	_cleanup_close_ int tmp = fs_root_open("/tmp");
	const char *name = strrchr(path, '/');

	return fs_remove_tree(tmp, name);
}

static char *put(const char *dir, const char *name, const void *data, size_t len, mode_t mode)
{
	_cleanup_close_ int root = fs_root_open(dir);
	const struct fs_attr attr = { mode, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *inside = fs_join("/", name);

	assert_int_equal(fs_write(root, inside, data, len, &attr), 0);
	return fs_join(dir, name);
}

/* Reads and gives the result; the one mistake's text must have the needle. */
static int refused(const char *path, const char *needle)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	struct plan *p = NULL;
	int r = plan_read(path, &server, PROFILES, &mistakes, &p);

	assert_null(p);
	assert_int_equal(mistakes.n, 1);
	if (!strstr(mistakes.v[0].text, needle))
		fail_msg("%s: not \"%s\" but \"%s\"", path, needle, mistakes.v[0].text);
	return r;
}

static void files_that_are_no_answers_are_refused(void **state)
{
	_cleanup_free_ char *empty = put(*state, "empty", "", 0, 0644);
	_cleanup_free_ char *nul = put(*state, "nul", "a = \0b", 6, 0644), *large = NULL;
	_cleanup_free_ char *bytes = malloc((4 << 20) + 1);

	assert_non_null(bytes);
	memset(bytes, '#', (4 << 20) + 1);
	large = put(*state, "large", bytes, (4 << 20) + 1, 0644);
	assert_int_equal(refused("/nonexistent/answers", "does not exist"), -ENOENT);
	assert_int_equal(refused(*state, "is a folder"), -EISDIR);
	assert_int_equal(refused("/dev/null", "is no ordinary file"), -EINVAL);
	assert_int_equal(refused(empty, "is empty"), -MUSTER_E_ANSWERS);
	assert_int_equal(refused(nul, "is a binary file"), -MUSTER_E_ANSWERS);
	assert_int_equal(refused(large, "is larger than 4 MiB"), -MUSTER_E_ANSWERS);
}

#define BASE                                                                                                 \
	"cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\nnodes { count = 2 }\n" \
	"access { root_password_file = \"pw\" }\n"
#define HASH                                                                                                 \
	"$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/" \
	"\n"

static void only_a_private_hash_is_a_password(void **state)
{
	_cleanup_free_ char *answers = put(*state, "answers", BASE, strlen(BASE), 0644);
	struct plan *p;

	free(put(*state, "pw", "secret\n", 7, 0600));
	assert_int_equal(refused(answers, "does not hold one password hash"), -MUSTER_E_ANSWERS);
	free(put(*state, "pw", HASH, strlen(HASH), 0644));
	assert_int_equal(refused(answers, "can be read by every user"), -MUSTER_E_ANSWERS);
	free(put(*state, "pw", HASH HASH, 2 * strlen(HASH), 0600));
	assert_int_equal(refused(answers, "does not hold one password hash"), -MUSTER_E_ANSWERS);
	free(put(*state, "pw", HASH, strlen(HASH), 0600));
	p = read_good(answers);
	assert_int_equal(strlen(p->root_password), strlen(HASH) - 1);
	plan_free(p);
}

static void the_environment_stays_outside(void **state)
{
	static const char text[] = "cluster { name = '${MUSTER_TEST}' domain = \"${MUSTER_TEST}\" }\n"
				   "network \"eth1\" { address = \"10.66.0.1/24\" }\nnodes { count = 2 }\n";
	_cleanup_free_ char *path = put(*state, "answers", text, strlen(text), 0644), *said = NULL;
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	struct plan *p = NULL;

	setenv("MUSTER_TEST", "leaked", 1);
	assert_int_equal(plan_read(path, &server, PROFILES, &mistakes, &p), -MUSTER_E_ANSWERS);
	said = text_of(&mistakes);
	assert_int_equal(mistakes.n, 2);
	assert_null(strstr(said, "leaked"));
}

static void a_kernel_may_be_one_that_was_built(void **state)
{
	_cleanup_(plan_freep) struct plan *built = read_good(GOOD "/kernel-built.conf");
	_cleanup_(plan_freep) struct plan *recipe = read_good(GOOD "/kernel-recipe.conf");

	assert_string_equal(built->kernel, "my.own-0123456789ab");
	assert_string_equal(recipe->kernel, "kerrighed-3.0");
}

static void another_family_has_no_kernel_but_a_path(void **state)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	struct host other = server;
	struct plan *p = NULL;

	other.family = (char *)"";
	assert_int_equal(plan_read(GOOD "/smallest.conf", &other, PROFILES, &mistakes, &p),
			 -MUSTER_E_ANSWERS);
	assert_int_equal(mistakes.n, 1);
	assert_non_null(strstr(mistakes.v[0].text, "no distribution profile"));
	other.family = (char *)"../cluster/plain";
	assert_int_equal(plan_read(GOOD "/smallest.conf", &other, PROFILES, &mistakes, &p),
			 -MUSTER_E_ANSWERS);
}

/* ---- size ------------------------------------------------------------------------------------------------ */

static void ten_thousand_nodes_are_planned(void **state)
{
	struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *path = NULL, *json = NULL;
	_cleanup_(plan_freep) struct plan *p = NULL, *q = NULL;
	int64_t begin = clock_mono_ms();

	strbuf_adds(&b, "cluster { name = \"big\" }\nnetwork \"eth1\" { address = \"10.66.0.1/16\" }\n"
			"nodes {\n\tcount = 10000\n\tmacs = {\n");
	for (unsigned int i = 0; i < 10000; i++)
		strbuf_addf(&b, "\t\t\"52:54:00:66:%02x:%02x\",\n", i >> 8, i & 255);
	strbuf_adds(&b, "\t}\n}\n");
	for (unsigned int i = 1; i <= 2000; i++)
		strbuf_addf(&b, "node \"node%05u\" { address = \"10.66.%u.%u\" }\n", i * 5, 200 + (i >> 8),
			    i & 255);
	path = put(*state, "big", b.data, b.len, 0644);
	strbuf_free(&b);
	p = read_good(path);
	assert_int_equal(p->n_nodes, 10000);
	assert_string_equal(p->nodes[9999].name, "node10000");
	assert_string_equal(MAC(p->nodes[9999].mac), "52:54:00:66:27:0f");
	assert_int_equal(plan_to_json(p, &json), 0);
	assert_int_equal(plan_from_json(json, strlen(json), &q), 0);
	assert_int_equal(q->n_nodes, 10000);
	print_message("# 10,000 nodes: %lld ms, %zu KiB of JSON\n", (long long)(clock_mono_ms() - begin),
		      strlen(json) >> 10);
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static void a_plan_survives_json(void **state)
{
	struct dirent **v;
	int n = list(GOOD, &v);

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = fs_join(GOOD, v[i]->d_name), *once = NULL, *twice = NULL;
		_cleanup_(plan_freep) struct plan *p = read_good(path), *q = NULL;

		assert_int_equal(plan_to_json(p, &once), 0);
		assert_int_equal(plan_from_json(once, strlen(once), &q), 0);
		assert_int_equal(plan_to_json(q, &twice), 0);
		assert_string_equal(once, twice);
		assert_int_equal(p->n_nodes, q->n_nodes);
		for (size_t k = 0; k < p->n_nodes; k++) {
			assert_string_equal(p->nodes[k].name, q->nodes[k].name);
			assert_int_equal(p->nodes[k].address.n, q->nodes[k].address.n);
			assert_int_equal(p->nodes[k].has_mac, q->nodes[k].has_mac);
			assert_int_equal(mac_compare(p->nodes[k].mac, q->nodes[k].mac), 0);
			assert_int_equal(p->nodes[k].line, q->nodes[k].line);
		}
		assert_int_equal(p->net.address.n, q->net.address.n);
		assert_int_equal(p->range.first.n, q->range.first.n);
		assert_int_equal(p->address_present, q->address_present);
		assert_int_equal(p->nfs, q->nfs);
		assert_int_equal(p->ssh_keys.n, q->ssh_keys.n);
	}
	free_list(v, n);
}

/* Replaces the first `from` in the document, and reads that. */
static int read_changed(const char *json, const char *from, const char *to)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_(plan_freep) struct plan *p = NULL;
	const char *at = strstr(json, from);

	if (!at)
		fail_msg("%s is not in %s", from, json);
	strbuf_add(&b, json, (size_t)(at - json));
	strbuf_adds(&b, to);
	strbuf_adds(&b, at + strlen(from));
	return plan_from_json(b.data, b.len, &p);
}

static void wrong_json_is_refused(void **state)
{
	_cleanup_(plan_freep) struct plan *p = read_good(GOOD "/exceptions.conf"), *q = NULL;
	_cleanup_free_ char *json = NULL;
	static const char *const changes[][2] = {
		{ "\"name\":\"krg\"", "\"name\":7" },
		{ "\"name\":\"krg\",", "" },
		{ "\"gateway\":false", "\"gateway\":0" },
		{ "\"http_port\":8066", "\"http_port\":\"8066\"" },
		{ "\"http_port\":8066", "\"http_port\":65536" },
		{ "\"root\":\"ram\"", "\"root\":\"rom\"" },
		{ "\"ssh_keys\":[]", "\"ssh_keys\":[1]" },
		{ "\"packages\":[]", "\"packages\":{}" },
		{ "10.66.0.12/24", "10.66.0.12" },
		{ "10.66.0.200", "10.66.0.300" },
		{ "52:54:00:66:00:99", "52:54:00:66:00" },
		{ "\"line\":5", "\"line\":-5" },
		{ "\"nodes\":[", "\"nodes\":[null," },
		{ "\"range\":\"\"", "\"range\":\"x\"" },
	};

	assert_int_equal(plan_to_json(p, &json), 0);
	assert_int_equal(read_changed(json, "{", "{\"later\":[{}],"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		assert_int_equal(read_changed(json, changes[i][0], changes[i][1]), -MUSTER_E_FORMAT);
	for (size_t len = 0; len < strlen(json); len += 7)
		assert_int_equal(plan_from_json(json, len, &q), -MUSTER_E_FORMAT);
	assert_int_equal(plan_from_json("[]", 2, &q), -MUSTER_E_FORMAT);
	assert_null(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_demo_has_two_nodes),
		cmocka_unit_test(the_first_cluster_has_sixteen_nodes),
		cmocka_unit_test(everything_has_its_default),
		cmocka_unit_test(nodes_of_a_single_system_have_ids_of_their_own),
		cmocka_unit_test(ids_stay_when_other_nodes_come_and_go),
		cmocka_unit_test(exceptions_keep_what_is_theirs),
		cmocka_unit_test(a_range_makes_its_nodes),
		cmocka_unit_test(every_way_of_writing_is_read),
		cmocka_unit_test(every_bad_answer_is_refused_with_its_line),
		cmocka_unit_test(every_good_answer_is_taken),
		cmocka_unit_test_setup_teardown(files_that_are_no_answers_are_refused, scratch,
						remove_scratch),
		cmocka_unit_test_setup_teardown(only_a_private_hash_is_a_password, scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(the_environment_stays_outside, scratch, remove_scratch),
		cmocka_unit_test(a_kernel_may_be_one_that_was_built),
		cmocka_unit_test(another_family_has_no_kernel_but_a_path),
		cmocka_unit_test_setup_teardown(ten_thousand_nodes_are_planned, scratch, remove_scratch),
		cmocka_unit_test(a_plan_survives_json),
		cmocka_unit_test(wrong_json_is_refused),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
