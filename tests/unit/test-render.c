/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the golden files do not show: refusals, quoting, limits. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/render/quote.h"
#include "backend/render/render.h"
#include "util/log.h"

#define IPXE_LINE "\nkernel ${muster}/roots/g-1/vmlinuz "

static struct profile_distro distro = {
	.loader_bios = (char *)"/usr/lib/ipxe/undionly.kpxe",
	.loader_efi64 = (char *)"/usr/lib/ipxe/snponly.efi",
};

static const struct render_env server = {
	.distro = &distro,
	.generation = "g-1",
	.initramfs = "i-1",
	.kernel_release = "6.1",
	.prefix = "",
	.libexecdir = "/usr/libexec/muster",
	.sbindir = "/usr/sbin",
	.with_network = true,
	.units = true,
};

/* A plan whose strings are owned, as plan_free() wants it. */
static struct plan *make_plan(size_t nodes)
{
	struct plan *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->name = strdup("krg");
	p->domain = strdup("krg.lan");
	p->profile = strdup("plain");
	p->kernel = strdup("distro");
	p->generation = strdup("");
	p->interface = strdup("eth1");
	p->root_password = strdup("");
	assert_int_equal(ip4_net_parse("10.66.0.1/16", &p->net), 0);
	p->dhcp_service = true;
	p->http_port = 8066;
	p->n_nodes = nodes;
	p->nodes = calloc(MAX(nodes, (size_t)1), sizeof(*p->nodes));
	assert_non_null(p->nodes);
	for (size_t i = 0; i < nodes; i++) {
		struct plan_node *n = &p->nodes[i];

		assert_true(asprintf(&n->name, "node%05zu", i + 1) > 0);
		n->arch = strdup("x86_64");
		n->address.n = p->net.address.n + 10 + (uint32_t)i;
		n->has_mac = true;
		n->mac = (struct mac){ { 0x52, 0x54, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
	}
	return p;
}

static void replace(char **s, const char *by)
{
	free(*s);
	*s = strdup(by);
}

static const char *data_of(const struct fileset *f, const char *path)
{
	const struct fileset_entry *e = fileset_find(f, path);

	assert_non_null(e);
	assert_non_null(e->data);
	assert_int_equal(strlen(e->data), e->len);
	return e->data;
}

/* ---- the set --------------------------------------------------------------------------------------------- */

static void a_path_is_in_the_set_once(void **state)
{
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;

	assert_int_equal(fileset_add_directory(&f, "/etc/muster", 0755, NULL), 0);
	assert_int_equal(fileset_add_directory(&f, "/etc/muster", 0755, NULL), 0);
	assert_int_equal(f.n, 1);
	assert_int_equal(fileset_add_directory(&f, "/etc/muster", 0700, NULL), -EEXIST);
	assert_int_equal(fileset_add_directory(&f, "/etc/muster", 0755, "muster"), -EEXIST);
	assert_int_equal(fileset_add_file(&f, FILESET_FILE, "/etc/muster", strdup("x"), 1, 0644, NULL, NULL),
			 -EEXIST);
	assert_int_equal(fileset_add_file(&f, FILESET_FILE, "/etc/muster/a", strdup("x"), 1, 0640, "muster",
					  "musterd"),
			 0);
	assert_int_equal(fileset_add_copy(&f, "/etc/muster/a", "/etc/b", 0644, NULL), -EEXIST);
	assert_string_equal(fileset_find(&f, "/etc/muster/a")->owner, "muster");
	assert_string_equal(fileset_find(&f, "/etc/muster/a")->service, "musterd");
	assert_null(fileset_find(&f, "/etc/muster/b"));
}

/* ---- pure and safe ----------------------------------------------------------------------------------------- */

static void the_same_plan_renders_the_same_bytes(void **state)
{
	_cleanup_(fileset_free) struct fileset a = FILESET_INIT, b = FILESET_INIT;
	_cleanup_(plan_freep) struct plan *p = make_plan(3);

	assert_int_equal(render_all(p, &server, &a), 0);
	p->address_present = true; /* what the first apply brought about */
	assert_int_equal(render_all(p, &server, &b), 0);
	assert_int_equal(a.n, b.n);
	for (size_t i = 0; i < a.n; i++) {
		assert_string_equal(a.v[i].path, b.v[i].path);
		if (a.v[i].data)
			assert_string_equal(a.v[i].data, b.v[i].data);
	}
}

static void values_that_could_break_out_are_refused(void **state)
{
	static const char *const names[] = {
		"",    "a b",  "a,b", "a\nport=1", "a#b", "a/b",  "a\"b",
		"a;b", "a\tb", "..",  "a$b",	   "a%b", "a\\b", "caf\xc3\xa9"
	};
	static const char *const interfaces[] = { "",
						  "eth*",
						  "-r",
						  "a b",
						  "a,b",
						  "a/b",
						  "e\nx",
						  "e\"x",
						  "$(x)",
						  "e%i",
						  "e:0",
						  ".",
						  "..",
						  "a-name-too-long"
						  "er" };
	static const char *const words[] = { "", "a b", "${x}", "#x", "||", "&&", ";", "a\nb", "a\x7f" };
	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
		_cleanup_(plan_freep) struct plan *p = make_plan(1), *q = make_plan(1);

		replace(&p->nodes[0].name, names[i]);
		assert_int_equal(render_all(p, &server, &f), -EINVAL);
		replace(&q->domain, names[i]);
		assert_int_equal(render_all(q, &server, &f), -EINVAL);
		assert_int_equal(f.n, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++) {
		_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
		_cleanup_(plan_freep) struct plan *p = make_plan(1);

		replace(&p->interface, interfaces[i]);
		assert_int_equal(render_all(p, &server, &f), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
		_cleanup_(plan_freep) struct plan *p = make_plan(1);

		assert_int_equal(strv_add(&p->kernel_args, words[i]), 0);
		assert_int_equal(render_all(p, &server, &f), -EINVAL);
	}
}

static void interfaces_of_all_honest_kinds_are_taken(void **state)
{
	static const char *const interfaces[] = { "eth1", "br-lan", "enp3s0.100", "wan_2",
						  "enx0123456789ab" };

	for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++) {
		_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
		_cleanup_(plan_freep) struct plan *p = make_plan(1);

		replace(&p->interface, interfaces[i]);
		assert_int_equal(render_all(p, &server, &f), 0);
		assert_non_null(strstr(data_of(&f, RENDER_DNSMASQ_CONF), interfaces[i]));
	}
}

static void a_device_unit_is_named_as_systemd_names_it(void **state)
{
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
	_cleanup_(plan_freep) struct plan *p = make_plan(1);

	replace(&p->interface, "br-lan.5");
	assert_int_equal(render_all(p, &server, &f), 0);
	assert_non_null(strstr(data_of(&f, "/etc/systemd/system/muster-address.service"),
			       "\nWants=sys-subsystem-net-devices-br\\x2dlan.5.device\n"));
}

static void paths_with_control_characters_or_relative_ones_are_refused(void **state)
{
	static const char *const paths[] = { "/a\nb", "a", "/a\x01", "/a\x7f" };

	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
		_cleanup_(plan_freep) struct plan *p = make_plan(1);
		struct render_env a = server, b = server;

		a.prefix = b.libexecdir = paths[i];
		assert_int_equal(render_all(p, &a, &f), -EINVAL);
		assert_int_equal(render_all(p, &b, &f), -EINVAL);
	}
}

static void each_format_quotes_paths_its_own_way(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	quote_path(&b, "/a \"b\\", "/c");
	strbuf_addc(&b, '|');
	quote_export(&b, "/a \"#", "/c");
	strbuf_addc(&b, '|');
	quote_unit(&b, "", "/plain", true);
	strbuf_addc(&b, '|');
	quote_unit(&b, "/a %n $x\\", "/c\"", true);
	strbuf_addc(&b, '|');
	quote_unit(&b, "/a %n $x", "", false);
	assert_string_equal(b.data, "\"/a \\\"b\\\\/c\"|/a\\040\\042\\043/c|/plain|"
				    "\"/a %%n $$x\\\\/c\\\"\"|\"/a %%n $x\"");
}

static void ten_thousand_nodes_are_rendered(void **state)
{
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
	_cleanup_(plan_freep) struct plan *p = make_plan(10000);
	const char *text;
	size_t lines = 0;

	assert_int_equal(render_all(p, &server, &f), 0);
	for (text = data_of(&f, RENDER_DNSMASQ_HOSTS); *text; text++)
		lines += *text == '\n';
	assert_int_equal(lines, 10001);
}

static void the_lease_table_holds_the_whole_range(void **state)
{
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
	_cleanup_(plan_freep) struct plan *p = make_plan(1);

	p->ip_mode = PLAN_IP_RANGE;
	assert_int_equal(ip4_range_parse("10.66.1.0-10.66.255.254", &p->range), 0);
	assert_int_equal(render_all(p, &server, &f), 0);
	assert_non_null(strstr(data_of(&f, RENDER_DNSMASQ_CONF), "\ndhcp-lease-max=65279\n"));
}

static void the_ipv6_prefix_is_the_networks(void **state)
{
	_cleanup_(plan_freep) struct plan *p = make_plan(1);
	char a[RENDER_IPV6_TEXT], b[RENDER_IPV6_TEXT];

	assert_int_equal(render_ipv6(p, a), 1);
	assert_memory_equal(a, "fd6d:7573:7465:", 15);
	p->net.address.n += 5; /* another address of the same network */
	assert_int_equal(render_ipv6(p, b), 1);
	assert_string_equal(a, b);
	assert_int_equal(ip4_net_parse("10.67.0.1/16", &p->net), 0);
	assert_int_equal(render_ipv6(p, b), 1);
	assert_string_not_equal(a, b);
	p->dhcp = PLAN_DHCP_PROXY;
	assert_int_equal(render_ipv6(p, b), 0);
	assert_string_equal(b, "");
}

/* ---- iPXE --------------------------------------------------------------------------------------------------- */

static void a_boot_script_has_the_kernels_words_and_no_secret_among_them(void **state)
{
	_cleanup_(plan_freep) struct plan *p = make_plan(1);
	_cleanup_free_ char *script = NULL;
	const char *line;
	struct render_boot boot = { .plan = p,
				    .node = &p->nodes[0],
				    .generation = "g-1",
				    .initramfs = "i-1",
				    .token = "0123456789abcdef",
				    .platform = "efi" };

	assert_int_equal(strv_add(&p->kernel_args, "panic=5"), 0);
	assert_int_equal(render_ipxe(&boot, &script), 0);
	assert_memory_equal(script, "#!ipxe\n", 7);
	line = strstr(script, IPXE_LINE);
	assert_non_null(line);
	assert_non_null(strstr(line, " panic=5 || goto failed\n"));
	assert_true(strstr(script, "0123456789abcdef") > strchr(line + 1, '\n'));
	assert_null(strstr(script, "session_id"));
	assert_null(strstr(strstr(script, "0123456789abcdef") + 1, "0123456789abcdef"));
}

static void a_node_of_a_single_system_is_told_its_ids(void **state)
{
	_cleanup_(plan_freep) struct plan *p = make_plan(1);
	_cleanup_free_ char *script = NULL;
	struct render_boot boot = { .plan = p,
				    .node = &p->nodes[0],
				    .generation = "g-1",
				    .initramfs = "i-1",
				    .token = "0123456789abcdef",
				    .platform = "efi" };

	p->ssi_session = 7;
	p->nodes[0].ssi_id = 3;
	assert_int_equal(render_ipxe(&boot, &script), 0);
	assert_non_null(strstr(script, " session_id=7 node_id=3 autonodeid=0 || goto failed\n"));
}

static void a_boot_script_of_unsafe_words_is_none(void **state)
{
	_cleanup_(plan_freep) struct plan *p = make_plan(1);
	const struct render_boot good = { .plan = p,
					  .node = &p->nodes[0],
					  .generation = "g-1",
					  .initramfs = "i-1",
					  .token = "0123456789abcdef",
					  .platform = "efi" };
	struct render_boot bad[4] = { good, good, good, good };
	char *script = NULL;

	log_set_level(LOG_LEVEL_ERROR);
	bad[0].generation = "g 1";
	bad[1].initramfs = "../x";
	bad[2].token = "${x}";
	bad[3].platform = "efi&x";
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(render_ipxe(&bad[i], &script), -EINVAL);
	assert_int_equal(strv_add(&p->kernel_args, "${net0/mac}"), 0);
	assert_int_equal(render_ipxe(&good, &script), -EINVAL);
	assert_null(script);
}

static void a_refusal_shows_its_text_and_nothing_of_it_is_run(void **state)
{
	static const struct {
		const char *why, *shown;
	} texts[] = {
		{ "The machine is no node.", "\necho muster: The machine is no node.\n" },
		{ "x\nreboot", "\necho muster: x reboot\n" },
		{ "a || b && c ; d", "\necho muster: a ?? b ?? c ? d\n" },
		{ "  #1 of ${net0/mac}\r", "\necho muster: ?1 of ?{net0/mac}\n" },
		{ "K\xc3\xa4se\x1b[2J", "\necho muster: K?se?[2J\n" },
		{ "", "\necho muster:\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *script = NULL;

		assert_int_equal(render_ipxe_refusal(texts[i].why, &script), 0);
		assert_memory_equal(script, "#!ipxe\n", 7);
		assert_non_null(strstr(script, texts[i].shown));
		assert_non_null(strstr(script, "\nexit 0\n"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_in_the_set_once),
		cmocka_unit_test(the_same_plan_renders_the_same_bytes),
		cmocka_unit_test(values_that_could_break_out_are_refused),
		cmocka_unit_test(interfaces_of_all_honest_kinds_are_taken),
		cmocka_unit_test(a_device_unit_is_named_as_systemd_names_it),
		cmocka_unit_test(paths_with_control_characters_or_relative_ones_are_refused),
		cmocka_unit_test(each_format_quotes_paths_its_own_way),
		cmocka_unit_test(ten_thousand_nodes_are_rendered),
		cmocka_unit_test(the_lease_table_holds_the_whole_range),
		cmocka_unit_test(the_ipv6_prefix_is_the_networks),
		cmocka_unit_test(a_boot_script_has_the_kernels_words_and_no_secret_among_them),
		cmocka_unit_test(a_node_of_a_single_system_is_told_its_ids),
		cmocka_unit_test(a_boot_script_of_unsafe_words_is_none),
		cmocka_unit_test(a_refusal_shows_its_text_and_nothing_of_it_is_run),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
