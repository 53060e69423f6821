/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "apply-plans.h"

struct fileset_entry first[] = {
	DIRECTORY_ENTRY("/etc/muster", 0755),
	DIRECTORY_ENTRY("/var/lib/muster/state", 0700),
	FILE_ENTRY("/etc/muster/dnsmasq.conf", "port=53\n", 0644, "dnsmasq"),
	FILE_ENTRY("/etc/muster/cluster.json", "{}\n", 0640, NULL),
	BLOCK_ENTRY("/etc/hosts", "10.66.0.11 node01\n"),
	FILE_ENTRY("/etc/exports.d/muster.exports", "/srv\n", 0644, NULL),
	FILE_ENTRY("/etc/systemd/system/muster-dnsmasq.service", "[Unit]\n", 0644, "dnsmasq"),
	COPY_ENTRY("/var/lib/muster/tftp/loader", "/usr/lib/loader"),
	FILE_ENTRY("/etc/old.conf", "muster's\n", 0600, NULL),
};
struct fileset_entry second[] = {
	DIRECTORY_ENTRY("/etc/muster", 0750),
	DIRECTORY_ENTRY("/var/lib/muster/state", 0700),
	FILE_ENTRY("/etc/muster/dnsmasq.conf", "port=53\ndomain=x\n", 0644, "dnsmasq"),
	FILE_ENTRY("/etc/muster/cluster.json", "{}\n", 0600, NULL),
	BLOCK_ENTRY("/etc/hosts", "10.66.0.11 node01\n10.66.0.12 node02\n"),
	FILE_ENTRY("/etc/muster/new", "", 0644, NULL),
};
const struct apply_wish first_wish = {
	.services = STRV("network", "dnsmasq"),
	.packages = STRV("dnsmasq-base", "ipxe"),
	.keys = STRV("node01", "node02"),
};
const struct apply_wish second_wish = {
	.services = STRV("dnsmasq"),
	.packages = STRV("squashfs-tools"),
	.keys = STRV("node02", "node03"),
};

void prepare_server(struct scratch *s)
{
	put(s, "/etc/hosts", "127.0.0.1 localhost\n# mine, no newline behind it", 0604);
	put(s, "/etc/old.conf", "the admin's\n", 0640);
	put(s, "/usr/lib/loader", "LOADER", 0644);
	assert_int_equal(strv_add(&world.packages, "bash"), 0);
	fake_program(s, "dnsmasq",
		     "grep -q wrong \"${2#--conf-file=}\" || exit 0; echo 'bad option at line 1'; exit 1");
	/* Real keys take their time; these are as good. */
	fake_program(s, "ssh-keygen",
		     "while [ $# -gt 0 ]; do case $1 in -f) f=$2;; -C) c=$2;; esac; shift; done\n"
		     "echo private $c >\"$f\"; chmod 600 \"$f\"; echo \"ssh-ed25519 AAAA$c $c\" >\"$f.pub\"");
}

void assert_has(const struct strbuf *b, const char *text)
{
	if (!b->data || !strstr(b->data, text))
		fail_msg("'%s' is not in: %s", text, b->data ? b->data : "");
}

char *world_text(void)
{
	struct strbuf b = STRBUF_INIT;
	const struct strv *all[] = { &world.running, &world.enabled, &world.packages };
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct strv *v = (struct strv *)(uintptr_t)all[i];

		strv_sort(v);
		for (size_t k = 0; k < v->n; k++)
			strbuf_addf(&b, "%s ", v->v[k]);
		strbuf_adds(&b, "/ ");
	}
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}
