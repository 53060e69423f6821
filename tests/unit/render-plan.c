/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "render-plan.h"

struct values values;

const struct value_field fields[] = {
	{ "name of a cluster", "zqname", "zq", &values.name },
	{ "domain", "zqdomain.lan", "zq.", &values.domain },
	{ "name of a profile", "zqprofile", "zq", &values.profile },
	{ "kernel", "/zqkernel", "/", &values.kernel },
	{ "id of a root generation", "zqgeneration", "zq", &values.generation },
	{ "name of an interface", "zqif0", "z", &values.interface },
	{ "hash of root's password", VALUES_HASH "zq", VALUES_HASH, &values.password },
	{ "name of a node", "zqnode", "zq", &values.node },
	{ "architecture of a node", "zqarch", "zq", &values.arch },
	{ "word of a kernel's command line", "zqarg=1", "zq=", &values.arg },
	{ "name of a package", "zqpackage", "zq", &values.package },
	{ "ssh key", VALUES_KEY " zqkey", VALUES_KEY " ", &values.key },
	{ "root folder", "/zqprefix", "/", &values.prefix },
	{ "folder of helper programs", "/zqlibexec", "/", &values.libexecdir },
	{ "folder of programs", "/zqsbin", "/", &values.sbindir },
	{ "id of a build", "zqbuilt", "zq", &values.built },
	{ "id of a build", "zqinitramfs", "zq", &values.initramfs },
	{ "release of a kernel", "6.1-zqrelease", "6", &values.release },
	{ "path of a BIOS loader", "/zqbios", "/", &values.bios },
	{ "path of an EFI loader", "/zqefi", "/", &values.efi },
};
const size_t n_fields = ARRAY_SIZE(fields);

void values_harmless(void)
{
	for (size_t i = 0; i < n_fields; i++)
		*fields[i].at = fields[i].harmless;
	values.token = "0123456789abcdef";
	values.platform = "efi";
}

/* Borrows the values. `kind` chooses among what the plan can be otherwise, so that each renderer has its turn. */
void values_plan(struct plan *p, struct plan_node *n, unsigned int kind)
{
	*n = (struct plan_node){
		.name = (char *)values.node,
		.arch = (char *)values.arch,
		.has_mac = true,
		.mac = { { 0x52, 0x54, 0, 0x66, 0, 1 } },
	};
	assert_int_equal(ip4_parse("10.66.0.11", &n->address), 0);
	*p = (struct plan){
		.name = (char *)values.name,
		.domain = (char *)values.domain,
		.profile = (char *)values.profile,
		.kernel = (char *)values.kernel,
		.generation = (char *)values.generation,
		.interface = (char *)values.interface,
		.interface_mac = (char *)"",
		.root_password = (char *)values.password,
		.kernel_args = { (char **)&values.arg, 1 },
		.packages = { (char **)&values.package, 1 },
		.ssh_keys = { (char **)&values.key, 1 },
		.dhcp_service = true,
		.gateway = kind % 2,
		.dhcp = kind == 2 ? PLAN_DHCP_PROXY : PLAN_DHCP_AUTHORITATIVE,
		.nfs = kind % 2 ? PLAN_NFS_KERNEL : PLAN_NFS_GANESHA,
		.root = kind % 2 ? PLAN_ROOT_NFS : PLAN_ROOT_RAM,
		.http_port = kind == 3 ? 80 : 8066,
		.nodes = n,
		.n_nodes = 1,
	};
	assert_int_equal(ip4_net_parse("10.66.0.1/24", &p->net), 0);
}

int render_values(const struct plan *p, struct fileset *f)
{
	struct profile_distro distro = { .loader_bios = (char *)values.bios,
					 .loader_efi64 = (char *)values.efi };
	const struct render_env env = {
		.distro = &distro,
		.generation = values.built,
		.initramfs = values.initramfs,
		.kernel_release = values.release,
		.prefix = values.prefix,
		.libexecdir = values.libexecdir,
		.sbindir = values.sbindir,
		.with_network = true,
		.units = true,
	};

	return render_all(p, &env, f);
}
