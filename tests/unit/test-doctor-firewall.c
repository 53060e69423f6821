/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules as nft and iptables tell them, and what they let in; tests/net-doctor.sh has real ones. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backend/doctor-firewall.h"
#include "backend/doctor.h"
#include "util/fs.h"

static const struct packet dhcp = { "eth1", true, 67, 68, { 0 }, { UINT32_MAX }, true };
static const struct packet tftp = { "eth1", true, 69, 0, { 0 }, { 0 }, false };
static const struct packet http = { "eth1", false, 8066, 0, { 0x0a42000b }, { 0x0a420001 }, false };

/* ---- nft ------------------------------------------------------------------------------------------------------------------- */

#define CHAIN(policy)                                                                               \
	"{\"chain\": {\"family\": \"inet\", \"table\": \"filter\", \"name\": \"input\", \"hook\": " \
	"\"input\", \"type\": \"filter\", \"prio\": 0, \"policy\": \"" policy "\"}}"
#define IN(chain, expr)                                                                 \
	",{\"rule\": {\"family\": \"inet\", \"table\": \"filter\", \"chain\": \"" chain \
	"\", \"expr\": [" expr "]}}"
#define ACCEPT(expr) IN("input", expr ", {\"accept\": null}")
#define DROP(expr) IN("input", expr ", {\"drop\": null}")
#define MATCH(op, left, right) "{\"match\": {\"op\": \"" op "\", \"left\": " left ", \"right\": " right "}}"
#define META(key) "{\"meta\": {\"key\": \"" key "\"}}"
#define FIELD(protocol, field) "{\"payload\": {\"protocol\": \"" protocol "\", \"field\": \"" field "\"}}"
#define IIF(right) MATCH("==", META("iifname"), right)
#define UDP(right) MATCH("==", FIELD("udp", "dport"), right)
#define TCP(right) MATCH("==", FIELD("tcp", "dport"), right)
#define CT(right) MATCH("in", "{\"ct\": {\"key\": \"state\"}}", right)
#define RATE "{\"limit\": {\"rate\": 5, \"per\": \"second\"}}"
#define ANY "{\"counter\": null}"

static const struct nft_case {
	const char *rules;
	enum passage dhcp, tftp, http;
} nft_cases[] = {
	{ CHAIN("accept"), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	{ CHAIN("drop"), PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("accept") DROP(ANY), PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("accept") IN("other", "{\"drop\": null}"), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	{ CHAIN("accept") DROP(TCP("8066")), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(IIF("\"eth1\"")), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(IIF("\"eth*\"")), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(IIF("{\"set\": [\"lo\", \"eth1\"]}")), PASSAGE_OPEN, PASSAGE_OPEN,
	  PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(IIF("\"eth0\"")), PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(MATCH("!=", META("iifname"), "\"eth0\"")), PASSAGE_OPEN, PASSAGE_OPEN,
	  PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(IIF("\"eth1\"") "," TCP("22")), PASSAGE_CLOSED, PASSAGE_CLOSED,
	  PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(UDP("{\"set\": [67, 69]}")), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(UDP("{\"range\": [60, 68]}")), PASSAGE_OPEN, PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(UDP("{\"set\": [{\"range\": [60, 68]}, 1]}")), PASSAGE_OPEN, PASSAGE_CLOSED,
	  PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(MATCH("==", FIELD("th", "dport"), "8066")), PASSAGE_CLOSED, PASSAGE_CLOSED,
	  PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(MATCH("==", META("l4proto"), "\"udp\"")), PASSAGE_OPEN, PASSAGE_OPEN,
	  PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(MATCH("==", FIELD("ip", "protocol"), "6")), PASSAGE_CLOSED, PASSAGE_CLOSED,
	  PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(MATCH("==", FIELD("icmp", "type"), "\"echo-request\"")), PASSAGE_CLOSED,
	  PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(CT("[\"established\", \"related\"]")), PASSAGE_CLOSED, PASSAGE_CLOSED,
	  PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(CT("\"new\"")), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	/* Where a packet without a plan's addresses comes from is not known. */
	{ CHAIN("drop") ACCEPT(
		  MATCH("==", FIELD("ip", "saddr"), "{\"prefix\": {\"addr\": \"10.66.0.0\", \"len\": 24}}")),
	  PASSAGE_CLOSED, PASSAGE_UNSURE, PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(MATCH("==", FIELD("ip", "daddr"), "\"255.255.255.255\"")), PASSAGE_OPEN,
	  PASSAGE_UNSURE, PASSAGE_CLOSED },
	{ CHAIN("drop") ACCEPT(
		  MATCH("==", "{\"fib\": {\"result\": \"type\", \"flags\": [\"daddr\"]}}", "\"local\"")),
	  PASSAGE_CLOSED, PASSAGE_OPEN, PASSAGE_OPEN },
	{ CHAIN("drop") ACCEPT(RATE), PASSAGE_UNSURE, PASSAGE_UNSURE, PASSAGE_UNSURE },
	{ CHAIN("accept") DROP(RATE), PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	/* What may leave before it is dropped. */
	{ CHAIN("accept") IN("input", RATE ", {\"return\": null}") DROP(ANY), PASSAGE_UNSURE, PASSAGE_UNSURE,
	  PASSAGE_UNSURE },
	{ CHAIN("drop") IN("input", RATE ", {\"return\": null}") DROP(ANY), PASSAGE_CLOSED, PASSAGE_CLOSED,
	  PASSAGE_CLOSED },
	{ CHAIN("accept") IN("input", "{\"jump\": {\"target\": \"x\"}}") IN("x", RATE ", {\"return\": null}")
		  IN("x", "{\"drop\": null}"),
	  PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	/* Jumps come back, and go to nowhere no more. */
	{ CHAIN("drop") IN("input", "{\"jump\": {\"target\": \"x\"}}") ACCEPT(ANY)
		  IN("x", "{\"return\": null}"),
	  PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
	{ CHAIN("drop") IN("input", "{\"goto\": {\"target\": \"x\"}}") ACCEPT(ANY)
		  IN("x", "{\"return\": null}"),
	  PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("drop") IN("input", "{\"jump\": {\"target\": \"input\"}}"), PASSAGE_CLOSED, PASSAGE_CLOSED,
	  PASSAGE_CLOSED },
	/* Sets, maps and several fields at once. */
	{ CHAIN("drop") ",{\"set\": {\"family\": \"inet\", \"table\": \"filter\", \"name\": \"s\", \"elem\": "
			"[67, {\"elem\": {\"val\": 69, \"comment\": \"x\"}}]}}" ACCEPT(UDP("\"@s\"")),
	  PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_CLOSED },
	{ CHAIN("drop") ",{\"set\": {\"family\": \"ip\", \"table\": \"filter\", \"name\": \"s\", \"elem\": "
			"[67]}}" ACCEPT(UDP("\"@s\"")),
	  PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("accept")
		  IN("input", "{\"vmap\": {\"key\": " META(
				      "iifname") ", \"data\": {\"set\": [[\"lo\", "
						 "{\"accept\": null}], [\"eth1\", {\"drop\": null}]]}}}"),
	  PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
	{ CHAIN("drop")
		  ACCEPT(MATCH("==", "{\"concat\": [" META("iifname") ", " FIELD("udp", "dport") "]}",
			       "{\"set\": [{\"concat\": [\"eth1\", 67]}, {\"concat\": [\"eth2\", 69]}]}")),
	  PASSAGE_OPEN, PASSAGE_CLOSED, PASSAGE_CLOSED },
};

static enum passage ask(const json_t *rules, const struct packet *p)
{
	struct gate gate = { 0 };
	bool iptables = false;
	enum passage r = nft_judge(rules, p, &gate, &iptables);

	assert_false(iptables);
	if (r != PASSAGE_OPEN)
		assert_string_equal(gate.chain, "input");
	return r;
}

static void rules_of_nft_are_followed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(nft_cases); i++) {
		const struct nft_case *c = &nft_cases[i];
		_cleanup_free_ char *text = NULL;
		json_error_t error;
		json_t *rules;

		assert_true(asprintf(&text, "[{\"metainfo\": {}}, %s]", c->rules) > 0);
		rules = json_loads(text, 0, &error);
		if (!rules)
			fail_msg("%s: %s", error.text, c->rules);
		if (ask(rules, &dhcp) != c->dhcp || ask(rules, &tftp) != c->tftp ||
		    ask(rules, &http) != c->http)
			fail_msg("%d %d %d, not %d %d %d: %s", ask(rules, &dhcp), ask(rules, &tftp),
				 ask(rules, &http), c->dhcp, c->tftp, c->http, c->rules);
		json_decref(rules);
	}
}

/* ---- iptables -------------------------------------------------------------------------------------------------------------- */

/* As `iptables -S` of version 1.8.9 lists what ufw 0.36.2 sets up, without what has no part in it. */
#define UFW                                                                                                 \
	"-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N ufw-before-input\n-N ufw-not-local\n"         \
	"-N ufw-user-input\n-A INPUT -j ufw-before-input\n-A INPUT -j ufw-after-input\n"                    \
	"-A INPUT -j ufw-reject-input\n"                                                                    \
	"-A ufw-after-input -p udp -m udp --dport 67 -j ufw-skip-to-policy-input\n"                         \
	"-A ufw-after-logging-input -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix \"[UFW B] " \
	"\"\n"                                                                                              \
	"-A ufw-before-input -i lo -j ACCEPT\n"                                                             \
	"-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"                        \
	"-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"                                      \
	"-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT\n"                                     \
	"-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT\n"                               \
	"-A ufw-before-input -j ufw-not-local\n"                                                            \
	"-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT\n"                      \
	"-A ufw-before-input -j ufw-user-input\n"                                                           \
	"-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"                                         \
	"-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN\n"                                     \
	"-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny\n"                    \
	"-A ufw-not-local -j DROP\n"                                                                        \
	"-A ufw-skip-to-policy-input -j DROP\n"

static void rules_of_iptables_are_followed(void **state)
{
	static const struct {
		const char *rules;
		enum passage dhcp, tftp, http;
	} cases[] = {
		{ "", PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
		{ "-P INPUT ACCEPT\n", PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
		{ "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", PASSAGE_CLOSED, PASSAGE_CLOSED,
		  PASSAGE_CLOSED },
		{ "-P INPUT DROP\n-A INPUT -i eth1 -j ACCEPT\n", PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
		{ "-P INPUT DROP\n-A INPUT ! -i eth0 -j ACCEPT", PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
		{ "-P INPUT DROP\n-A INPUT -i eth+ -p udp -j ACCEPT\n", PASSAGE_OPEN, PASSAGE_OPEN,
		  PASSAGE_CLOSED },
		{ "-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n", PASSAGE_CLOSED,
		  PASSAGE_CLOSED, PASSAGE_CLOSED },
		{ "-P INPUT DROP\n-A INPUT -p udp -m multiport --dports 60:68,69 -j ACCEPT\n", PASSAGE_OPEN,
		  PASSAGE_OPEN, PASSAGE_CLOSED },
		{ "-P INPUT DROP\n-A INPUT -p udp -m udp --sport 68 --dport 67 -j ACCEPT\n", PASSAGE_OPEN,
		  PASSAGE_CLOSED, PASSAGE_CLOSED },
		{ "-P INPUT DROP\n-A INPUT -s 10.66.0.0/24 -j ACCEPT\n", PASSAGE_CLOSED, PASSAGE_UNSURE,
		  PASSAGE_OPEN },
		{ "-P INPUT DROP\n-A INPUT -m limit --limit 5/sec -j ACCEPT\n", PASSAGE_UNSURE,
		  PASSAGE_UNSURE, PASSAGE_UNSURE },
		{ "-P INPUT DROP\n-A INPUT -m comment --comment \"-j DROP, \\\"all\\\"\" -j ACCEPT\n",
		  PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
		{ "-P INPUT DROP\n-N x\n-A INPUT -j x\n-A INPUT -j ACCEPT\n-A x -j RETURN\n", PASSAGE_OPEN,
		  PASSAGE_OPEN, PASSAGE_OPEN },
		{ "-P INPUT DROP\n-N x\n-A INPUT -g x\n-A INPUT -j ACCEPT\n", PASSAGE_CLOSED, PASSAGE_CLOSED,
		  PASSAGE_CLOSED },
		{ "-P INPUT DROP\n-A INPUT -j INPUT\n", PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
		{ UFW, PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_CLOSED },
		{ UFW "-A ufw-user-input -i eth1 -j ACCEPT\n", PASSAGE_OPEN, PASSAGE_OPEN, PASSAGE_OPEN },
		{ UFW "-A ufw-user-input -p tcp -m multiport --dports 8000:8100,443 -j ACCEPT\n",
		  PASSAGE_CLOSED, PASSAGE_CLOSED, PASSAGE_OPEN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (iptables_judge(cases[i].rules, &dhcp) != cases[i].dhcp ||
		    iptables_judge(cases[i].rules, &tftp) != cases[i].tftp ||
		    iptables_judge(cases[i].rules, &http) != cases[i].http)
			fail_msg("%d %d %d: %s", iptables_judge(cases[i].rules, &dhcp),
				 iptables_judge(cases[i].rules, &tftp), iptables_judge(cases[i].rules, &http),
				 cases[i].rules);
}

/* ---- the check -------------------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/muster-firewall-XXXXXX";
static int root_fd = -1;
static struct {
	const char *name, *output;
	int status;
} programs[4];

static int run_program(const struct doctor *d, const char *const *argv, int *ret_status, char **ret_output)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs) && programs[i].name; i++)
		if (strcmp(programs[i].name, argv[0]) == 0) {
			*ret_status = programs[i].status;
			*ret_output = strdup(programs[i].output);
			return *ret_output ? 0 : -ENOMEM;
		}
	return -ENOENT;
}

static struct finding look(struct doctor *d)
{
	struct finding f = { MUSTER_CHECK_OK, STRBUF_INIT, STRBUF_INIT, STRBUF_INIT };

	d->system_fd = d->root_fd = root_fd;
	d->root = true;
	d->command = run_program;
	doctor_firewall[0].run(d, &f);
	return f;
}

static void assert_finding(struct doctor *d, enum muster_check_level level, const char *text,
			   const char *remedy, const char *command)
{
	struct finding f = look(d);

	if (f.level != level || !strstr(f.text.data, text))
		fail_msg("%d: \"%s\", not %d: \"%s\"", f.level, f.text.data, level, text);
	if (remedy && !strstr(f.remedy.data ? f.remedy.data : "", remedy))
		fail_msg("\"%s\", not \"%s\"", f.remedy.data, remedy);
	assert_string_equal(f.command.data ? f.command.data : "", command);
	strbuf_free(&f.text);
	strbuf_free(&f.remedy);
	strbuf_free(&f.command);
}

static void put(const char *path, const char *text)
{
	static const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *parent = strdup(path);

	assert_non_null(parent);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(fs_mkdir_all(root_fd, parent, 0755), 0);
	assert_int_equal(fs_write(root_fd, path, text, strlen(text), &attr), 0);
}

static void set_program(size_t i, const char *name, const char *output, int status)
{
	programs[i].name = name;
	programs[i].output = output;
	programs[i].status = status;
}

static void the_firewall_that_is_in_use_is_told_to_open(void **state)
{
	struct doctor d = { .interface = "eth1", .chosen = true };

	memset(programs, 0, sizeof(programs));
	assert_finding(&d, MUSTER_CHECK_OK, "nftables is not installed", NULL, "");
	set_program(0, "nft", "{\"nftables\": [" CHAIN("drop") "]}", 0);
	assert_finding(
		&d, MUSTER_CHECK_PROBLEM,
		"no rule opens UDP port 67 (DHCP), UDP port 69 (TFTP), UDP port 53 (DNS), TCP port 8066 "
		"(musterd) on eth1.",
		"/etc/nftables.conf", "nft insert rule inet filter input iifname eth1 accept");
	d.chosen = false;
	assert_finding(&d, MUSTER_CHECK_WARNING, "no rule opens UDP port 67", NULL,
		       "nft insert rule inet filter input iifname eth1 accept");
	put("/etc/ufw/ufw.conf", "# off\nENABLED=no\n");
	assert_finding(&d, MUSTER_CHECK_WARNING, "no rule", NULL,
		       "nft insert rule inet filter input iifname eth1 accept");
	put("/etc/ufw/ufw.conf", "# on\nENABLED=yes\n");
	assert_finding(&d, MUSTER_CHECK_WARNING, "no rule", "Open the interface eth1",
		       "ufw allow in on eth1");
	assert_int_equal(fs_mkdir_all(root_fd, "/run/firewalld", 0755), 0);
	set_program(1, "firewall-cmd", "public\n", 0);
	assert_finding(
		&d, MUSTER_CHECK_WARNING, "no rule", "in its zone public.",
		"firewall-cmd --permanent --zone=trusted --change-interface=eth1 && firewall-cmd --reload");
	assert_int_equal(fs_remove_tree(root_fd, "/run/firewalld"), 0);
	assert_int_equal(fs_remove_tree(root_fd, "/etc/ufw"), 0);
	set_program(0, "nft", "no JSON", 0);
	assert_finding(&d, MUSTER_CHECK_WARNING, "cannot be seen", NULL, "");
	d.interface = NULL;
	assert_finding(&d, MUSTER_CHECK_OK, "no interface is chosen", NULL, "");
}

static void only_what_the_answers_need_is_asked_for(void **state)
{
	struct plan_node node = { .name = (char *)"node01", .address = { 0x0a42000b } };
	struct plan p = { .nfs = PLAN_NFS_KERNEL, .http_port = 80, .nodes = &node, .n_nodes = 1 };
	struct doctor d = { .interface = "eth1", .chosen = true, .plan = &p };

	assert_int_equal(ip4_net_parse("10.66.0.1/24", &p.net), 0);
	memset(programs, 0, sizeof(programs));
	set_program(0, "nft", "{\"nftables\": [" CHAIN("drop") "]}", 0);
	assert_finding(&d, MUSTER_CHECK_PROBLEM,
		       "no rule opens TCP port 80 (musterd), TCP port 2049 (NFS) on eth1.", NULL,
		       "nft insert rule inet filter input iifname eth1 accept");
	set_program(0, "nft",
		    "{\"nftables\": [" CHAIN("drop")
			    ACCEPT(MATCH("==", FIELD("ip", "saddr"),
					 "{\"prefix\": {\"addr\": \"10.66.0.0\", \"len\": 24}}")) "]}",
		    0);
	assert_finding(&d, MUSTER_CHECK_OK, "keeps the nodes out on eth1", NULL, "");
}

static void rules_of_both_kinds_of_iptables_are_seen(void **state)
{
	static const char xt[] =
		"{\"nftables\": [{\"chain\": {\"family\": \"ip\", \"table\": \"filter\", \"name\": "
		"\"INPUT\", \"hook\": \"input\", \"type\": \"filter\", \"policy\": \"drop\"}}, "
		"{\"rule\": {\"family\": \"ip\", \"table\": \"filter\", \"chain\": \"INPUT\", "
		"\"expr\": [{\"xt\": {\"type\": \"match\", \"name\": \"comment\"}}, {\"accept\": "
		"null}]}}]}";
	struct doctor d = { .interface = "eth1", .chosen = true };

	memset(programs, 0, sizeof(programs));
	set_program(0, "nft", xt, 0);
	assert_finding(&d, MUSTER_CHECK_WARNING, "iptables is not installed to read them",
		       "Open the interface eth1", "iptables -I INPUT -i eth1 -j ACCEPT");
	set_program(1, "iptables-nft", UFW, 0);
	assert_finding(&d, MUSTER_CHECK_PROBLEM, "no rule opens UDP port 67", NULL,
		       "iptables-nft -I INPUT -i eth1 -j ACCEPT");
	set_program(1, "iptables-nft", "-P INPUT DROP\n-A INPUT -i eth1 -m comment --comment x -j ACCEPT\n",
		    0);
	assert_finding(&d, MUSTER_CHECK_OK, "keeps the nodes out", NULL, "");
	set_program(0, "nft", "{\"nftables\": []}", 0);
	put("/proc/net/ip_tables_names", "nat\nfilter\n");
	set_program(1, "iptables-legacy", "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", 0);
	assert_finding(&d, MUSTER_CHECK_PROBLEM, "no rule opens UDP port 67", NULL,
		       "iptables-legacy -I INPUT -i eth1 -j ACCEPT");
	put("/proc/net/ip_tables_names", "nat\n");
	assert_finding(&d, MUSTER_CHECK_OK, "keeps the nodes out", NULL, "");
}

static int set_up(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	root_fd = fs_root_open(folder);
	return root_fd < 0;
}

static int tear_down(void **state)
{
	_cleanup_close_ int tmp = fs_root_open("/tmp");

	return fs_remove_tree(tmp, strrchr(folder, '/'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_nft_are_followed),
		cmocka_unit_test(rules_of_iptables_are_followed),
		cmocka_unit_test(the_firewall_that_is_in_use_is_told_to_open),
		cmocka_unit_test(only_what_the_answers_need_is_asked_for),
		cmocka_unit_test(rules_of_both_kinds_of_iptables_are_seen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
