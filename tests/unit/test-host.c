/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "backend/host/host.h"
#include "backend/host/private.h"
#include "util/error.h"
#include "util/fs.h"

static struct host *parse_os_release(const char *text)
{
	struct host *h = NULL;

	assert_int_equal(host_new(&h), 0);
	assert_int_equal(os_release_parse(text, h), 0);
	return h;
}

static void os_release_is_read_with_its_quotes(void **state)
{
	_cleanup_(host_freep) struct host *h =
		parse_os_release("# a comment\n"
				 "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
				 "NAME=\"Debian GNU/Linux\"\n"
				 "VERSION_ID='12'\r\n"
				 "\n"
				 "  VERSION_CODENAME=bookworm  \n"
				 "ID=debian # the word\n");

	assert_string_equal(h->pretty, "Debian GNU/Linux 12 (bookworm)");
	assert_string_equal(h->version, "12");
	assert_string_equal(h->codename, "bookworm");
	assert_string_equal(h->distribution, "debian");
	assert_string_equal(h->family, "debian");
}

static void os_release_escapes_are_undone(void **state)
{
	_cleanup_(host_freep) struct host *h =
		parse_os_release("PRETTY_NAME=\"a \\\"b\\\" \\$c \\\\ \\d\"\nVERSION_ID='\\\"'\nID=a\\ b\n");

	assert_string_equal(h->pretty, "a \"b\" $c \\ \\d");
	assert_string_equal(h->version, "\\\"");
	assert_string_equal(h->distribution, "a b");
}

static void families_come_from_id_then_from_its_relatives(void **state)
{
	static const struct {
		const char *text, *family;
	} cases[] = {
		{ "ID=ubuntu\nID_LIKE=debian\n", "debian" },
		{ "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "debian" },
		{ "ID_LIKE=\"rhel centos fedora\"\nID=\"rocky\"\n", "redhat" },
		{ "ID=unknown\nID_LIKE=\"rhel fedora\"\n", "redhat" },
		{ "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "suse" },
		{ "ID=new\nID_LIKE=\"other \t suse\"\n", "suse" },
		{ "ID=arch\n", "" },
		{ "ID=debianish\nID_LIKE=deb\n", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(host_freep) struct host *h = parse_os_release(cases[i].text);

		assert_string_equal(h->family, cases[i].family);
	}
}

static void garbage_in_os_release_is_passed_over(void **state)
{
	_cleanup_(host_freep) struct host *h = parse_os_release("=\nID\n\x01\xff=\xfe\nVERSION_ID=\"12\n"
								"PRETTY_NAME=\"x\" y\nID=debian\n====\n\"");

	assert_string_equal(h->version, "");
	assert_string_equal(h->pretty, "");
	assert_string_equal(h->distribution, "debian");
}

static int scratch(void **state)
{
	char path[] = "/tmp/muster-test-XXXXXX";

	return mkdtemp(path) && (*state = strdup(path)) ? 0 : -1;
}

static int remove_scratch(void **state)
{
	_cleanup_close_ int fd = fs_root_open("/");
	int r = fs_remove_tree(fd, *state);

	free(*state);
	return r;
}

static void os_release_is_found_behind_its_link(void **state)
{
	_cleanup_close_ int root = fs_root_open(*state);
	_cleanup_(host_freep) struct host *h = NULL;
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };

	assert_int_equal(host_new(&h), 0);
	assert_int_equal(os_release_read(root, h), 0);
	assert_string_equal(h->distribution, "");
	assert_int_equal(fs_mkdir_all(root, "/usr/share", 0755), 0);
	assert_int_equal(fs_mkdir_all(root, "/etc", 0755), 0);
	assert_int_equal(fs_write(root, "/usr/share/theirs", "ID=fedora\n", 10, &attr), 0);
	assert_int_equal(symlinkat("../usr/share/mine", root, "etc/os-release"), 0);
	assert_int_equal(symlinkat("/usr/share/theirs", root, "usr/share/mine"), 0);
	assert_int_equal(os_release_read(root, h), 0);
	assert_string_equal(h->distribution, "fedora");
	/* A link in a circle ends, and the other place is read. */
	assert_int_equal(fs_unlink(root, "/etc/os-release"), 0);
	assert_int_equal(symlinkat("os-release", root, "etc/os-release"), 0);
	assert_int_equal(fs_mkdir_all(root, "/usr/lib", 0755), 0);
	assert_int_equal(fs_write(root, "/usr/lib/os-release", "ID=sles\n", 8, &attr), 0);
	assert_int_equal(os_release_read(root, h), 0);
	assert_string_equal(h->family, "suse");
}

static const char whole[] = "{\n"
			    "  \"distribution\": {\n"
			    "    \"id\": \"debian\",\n"
			    "    \"version\": \"12\",\n"
			    "    \"family\": \"debian\",\n"
			    "    \"codename\": \"bookworm\",\n"
			    "    \"pretty\": \"Debian \\\"12\\\"\"\n"
			    "  },\n"
			    "  \"interfaces\": [\n"
			    "    {\n"
			    "      \"name\": \"eth0\",\n"
			    "      \"mac\": \"52:54:00:66:00:01\",\n"
			    "      \"driver\": \"igb\",\n"
			    "      \"vendor\": \"Intel Corporation\",\n"
			    "      \"model\": \"I350\",\n"
			    "      \"link\": true,\n"
			    "      \"up\": true,\n"
			    "      \"speed\": 1000,\n"
			    "      \"default_route\": true,\n"
			    "      \"wireless\": false,\n"
			    "      \"master\": \"br0\",\n"
			    "      \"addresses\": [\n"
			    "        \"10.66.0.1/24\",\n"
			    "        \"192.0.2.7/32\"\n"
			    "      ]\n"
			    "    },\n"
			    "    {\n"
			    "      \"name\": \"tun0\",\n"
			    "      \"mac\": \"\",\n"
			    "      \"driver\": \"tun\",\n"
			    "      \"vendor\": \"\",\n"
			    "      \"model\": \"\",\n"
			    "      \"link\": false,\n"
			    "      \"up\": true,\n"
			    "      \"speed\": 0,\n"
			    "      \"default_route\": false,\n"
			    "      \"wireless\": false,\n"
			    "      \"master\": \"\",\n"
			    "      \"addresses\": []\n"
			    "    }\n"
			    "  ],\n"
			    "  \"package_manager\": \"apt\",\n"
			    "  \"service_manager\": \"systemd\",\n"
			    "  \"architecture\": \"x86_64\",\n"
			    "  \"kernel\": \"6.1.0-37-amd64\",\n"
			    "  \"memory_kb\": 16384000,\n"
			    "  \"processors\": 8,\n"
			    "  \"daemons\": {\n"
			    "    \"dnsmasq\": \"/usr/sbin/dnsmasq\",\n"
			    "    \"dhcpd\": null\n"
			    "  }\n"
			    "}\n";

static void facts_go_through_json_and_back(void **state)
{
	_cleanup_(host_freep) struct host *h = NULL;
	_cleanup_free_ char *text = NULL, *why = NULL;

	assert_int_equal(host_from_json(whole, strlen(whole), &h, &why), 0);
	assert_null(why);
	assert_int_equal(h->n_interfaces, 2);
	assert_int_equal(h->interfaces[0].n_addresses, 2);
	assert_int_equal(h->interfaces[0].speed, 1000);
	assert_true(h->interfaces[1].up);
	assert_false(h->interfaces[1].link);
	assert_int_equal(h->memory_kb, 16384000);
	assert_int_equal(host_to_json(h, &text), 0);
	assert_string_equal(text, whole);
}

static void facts_are_found_by_name_and_by_mac(void **state)
{
	_cleanup_(host_freep) struct host *h = NULL;
	_cleanup_free_ char *why = NULL;

	assert_int_equal(host_from_json(whole, strlen(whole), &h, &why), 0);
	assert_string_equal(host_interface_find(h, "tun0")->name, "tun0");
	assert_string_equal(host_interface_find(h, "52-54-00-66-00-01")->name, "eth0");
	assert_null(host_interface_find(h, "eth1"));
	assert_null(host_interface_find(h, ""));
	assert_null(host_interface_find(h, "00:00:00:00:00:00"));
	assert_string_equal(host_daemon_path(h, "dnsmasq"), "/usr/sbin/dnsmasq");
	assert_null(host_daemon_path(h, "dhcpd"));
	assert_null(host_daemon_path(h, "no-such-daemon"));
}

static void little_is_required_of_a_foreign_document(void **state)
{
	static const char text[] = "{\"distribution\":{\"id\":\"rocky\"},\"more\":1,\"interfaces\":["
				   "{\"name\":\"eth1\",\"link\":true,\"mac\":\"52:54:00:66:00:0A\"},{"
				   "\"name\":\"eth0\",\"mac\":null}]}";
	_cleanup_(host_freep) struct host *h = NULL;
	_cleanup_free_ char *why = NULL;

	assert_int_equal(host_from_json(text, strlen(text), &h, &why), 0);
	assert_string_equal(h->family, "redhat");
	assert_string_equal(h->package_manager, "dnf");
	assert_string_equal(h->service_manager, "systemd");
	assert_string_equal(h->kernel, "");
	assert_int_equal(h->n_interfaces, 2);
	assert_string_equal(h->interfaces[0].name, "eth0");
	assert_string_equal(h->interfaces[0].driver, "");
	assert_true(h->interfaces[1].up);
	assert_string_equal(MAC(h->interfaces[1].mac), "52:54:00:66:00:0a");
}

#define DISTRIBUTION "{\"distribution\":{\"id\":\"debian\"},"

static void a_wrong_document_says_which_key(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1: " },
		{ "{\n\"a\": \n}", "line 3: " },
		{ "{\"a\":1,\"a\":2}", "line 1: duplicate" },
		{ "[]", "the document: this must be an object" },
		{ "{}", "distribution: it is missing" },
		{ "{\"distribution\":\"debian\"}", "distribution: this must be an object" },
		{ "{\"distribution\":{}}", "distribution.id: it is missing" },
		{ "{\"distribution\":{\"id\":12}}", "distribution.id: this must be a string" },
		{ "{\"distribution\":{\"id\":\"debian\",\"version\":12}}",
		  "distribution.version: this must be a string" },
		{ DISTRIBUTION "\"x\":1}", "interfaces: it is missing" },
		{ DISTRIBUTION "\"interfaces\":{}}", "interfaces: this must be a list" },
		{ DISTRIBUTION "\"interfaces\":[1]}", "interfaces[0]: this must be an object" },
		{ DISTRIBUTION "\"interfaces\":[{}]}", "interfaces[0].name: it is missing" },
		{ DISTRIBUTION "\"interfaces\":[{\"name\":\"a b\"}]}", "interfaces[0].name: this is no" },
		{ DISTRIBUTION "\"interfaces\":[{\"name\":\"../x\"}]}", "interfaces[0].name: this is no" },
		{ DISTRIBUTION "\"interfaces\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
		  "interfaces[1].name: \"a\" is there twice" },
		{ DISTRIBUTION "\"interfaces\":[{\"name\":\"a\",\"mac\":\"52:54\"}]}",
		  "interfaces[0].mac: this is no MAC address" },
		{ DISTRIBUTION "\"interfaces\":[{\"name\":\"a\",\"link\":1}]}",
		  "interfaces[0].link: this must be true or false" },
		{ DISTRIBUTION "\"interfaces\":[{\"name\":\"a\",\"speed\":-1}]}",
		  "interfaces[0].speed: this must be a whole number" },
		{ DISTRIBUTION
		  "\"interfaces\":[{\"name\":\"a\",\"addresses\":[\"10.0.0.1/24\",\"10.0.0.1\"]}]}",
		  "interfaces[0].addresses: entry 2 is not" },
		{ DISTRIBUTION "\"interfaces\":[],\"package_manager\":\"pacman\"}",
		  "package_manager: this must be" },
		{ DISTRIBUTION "\"interfaces\":[],\"service_manager\":\"runit\"}",
		  "service_manager: this must be" },
		{ DISTRIBUTION "\"interfaces\":[],\"memory_kb\":1.5}",
		  "memory_kb: this must be a whole number" },
		{ DISTRIBUTION "\"interfaces\":[],\"daemons\":{\"sshd\":\"sshd\"}}",
		  "daemons.sshd: this must be an absolute path" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *why = NULL;
		struct host *h = NULL;

		assert_int_equal(host_from_json(cases[i].text, strlen(cases[i].text), &h, &why),
				 -MUSTER_E_FORMAT);
		assert_null(h);
		assert_non_null(why);
		if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("\"%s\" does not begin with \"%s\"", why, cases[i].why);
	}
}

static void bytes_that_are_no_utf8_are_still_written(void **state)
{
	_cleanup_(host_freep) struct host *h = parse_os_release("ID=debian\nPRETTY_NAME=\"a\xff\x1b[1mb\"\n");
	_cleanup_(host_freep) struct host *again = NULL;
	_cleanup_free_ char *text = NULL, *why = NULL;

	assert_int_equal(host_to_json(h, &text), 0);
	assert_null(strchr(text, '\x1b'));
	assert_int_equal(host_from_json(text, strlen(text), &again, &why), 0);
	assert_string_equal(again->pretty, "a?\x1b[1mb");
}

static void an_unknown_pci_slot_has_no_name(void **state)
{
	struct pci_name names[] = { { .slot = "ffff:ff:1f.7" }, { .slot = "nonsense" } };

	assert_int_equal(pci_names(names, ARRAY_SIZE(names)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_null(names[i].vendor);
		assert_null(names[i].model);
	}
}

static void the_running_machine_gives_sane_facts(void **state)
{
	_cleanup_close_ int root = fs_root_open("/");
	_cleanup_(host_freep) struct host *h = NULL, *again = NULL;
	_cleanup_free_ char *text = NULL, *twice = NULL, *why = NULL;
	struct utsname u;

	assert_int_equal(host_probe(root, &h), 0);
	assert_int_equal(uname(&u), 0);
	assert_string_equal(h->kernel, u.release);
	assert_string_equal(h->architecture, u.machine);
	assert_true(h->memory_kb > 1024);
	assert_true(h->processors > 0);
	assert_null(host_interface_find(h, "lo"));
	for (size_t i = 0; i < h->n_interfaces; i++) {
		assert_true(host_interface_name_valid(h->interfaces[i].name));
		assert_true(i == 0 || strcmp(h->interfaces[i - 1].name, h->interfaces[i].name) < 0);
		assert_true(h->interfaces[i].up || !h->interfaces[i].link);
	}
	for (size_t i = 0; i < h->n_daemons; i++)
		assert_true(!h->daemons[i].path || access(h->daemons[i].path, X_OK) == 0);
	assert_int_equal(host_to_json(h, &text), 0);
	assert_int_equal(host_from_json(text, strlen(text), &again, &why), 0);
	assert_int_equal(host_to_json(again, &twice), 0);
	assert_string_equal(text, twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(os_release_is_read_with_its_quotes),
		cmocka_unit_test(os_release_escapes_are_undone),
		cmocka_unit_test(families_come_from_id_then_from_its_relatives),
		cmocka_unit_test(garbage_in_os_release_is_passed_over),
		cmocka_unit_test_setup_teardown(os_release_is_found_behind_its_link, scratch, remove_scratch),
		cmocka_unit_test(facts_go_through_json_and_back),
		cmocka_unit_test(facts_are_found_by_name_and_by_mac),
		cmocka_unit_test(little_is_required_of_a_foreign_document),
		cmocka_unit_test(a_wrong_document_says_which_key),
		cmocka_unit_test(bytes_that_are_no_utf8_are_still_written),
		cmocka_unit_test(an_unknown_pci_slot_has_no_name),
		cmocka_unit_test(the_running_machine_gives_sane_facts),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
