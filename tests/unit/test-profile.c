/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/plan/profile.h"
#include "util/error.h"
#include "util/fs.h"

#define PROFILES MUSTER_SRCDIR "/profiles"

static void debian_names_its_packages(void **state)
{
	_cleanup_(profile_distro_freep) struct profile_distro *p = NULL;
	const struct profile_service *s;

	assert_int_equal(profile_distro_read(PROFILES, "debian", &p), 0);
	assert_string_equal(p->family, "debian");
	s = profile_service_find(p, "dnsmasq");
	assert_non_null(s);
	assert_string_equal(s->unit, "");
	assert_int_equal(s->packages.n, 1);
	assert_string_equal(s->packages.v[0], "dnsmasq-base");
	assert_string_equal(s->programs.v[0], "dnsmasq");
	s = profile_service_find(p, "nfs-kernel");
	assert_string_equal(s->unit, "nfs-server.service");
	assert_string_equal(profile_kernel_find(p, "distro-cloud")->package, "linux-image-cloud-amd64");
	assert_string_equal(p->loader_bios, "/usr/lib/ipxe/undionly.kpxe");
	assert_string_equal(p->loader_efi64, "/usr/lib/ipxe/snponly.efi");
	assert_string_equal(p->busybox, "/bin/busybox");
	assert_true(strv_has(&p->root_packages, "systemd"));
	assert_true(p->exclude.n > 0);
	assert_null(profile_service_find(p, "tftpd"));
	assert_null(profile_kernel_find(p, "hurd"));
	assert_string_equal(profile_codename(p, "12"), "bookworm");
	assert_null(profile_codename(p, "2"));
}

static void every_family_has_every_service(void **state)
{
	static const char *const families[] = { "debian", "redhat", "suse" };
	static const char *const services[] = { "dnsmasq",    "musterd", "nfs-kernel", "nfs-ganesha",
						"root-build", "loaders", "keys",       "network" };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		_cleanup_(profile_distro_freep) struct profile_distro *p = NULL;

		assert_int_equal(profile_distro_read(PROFILES, families[i], &p), 0);
		for (size_t k = 0; k < ARRAY_SIZE(services); k++)
			assert_non_null(profile_service_find(p, services[k]));
		assert_non_null(profile_kernel_find(p, "distro"));
		assert_true(p->loader_bios[0] == '/' && p->loader_efi64[0] == '/' && p->busybox[0] == '/');
		assert_true(p->root_packages.n > 0);
	}
}

static void an_unknown_family_has_none(void **state)
{
	struct profile_distro *p = NULL;

	assert_int_equal(profile_distro_read(PROFILES, "plan9", &p), -ENOENT);
	assert_int_equal(profile_distro_read(PROFILES, "", &p), -ENOENT);
	assert_int_equal(profile_distro_read(PROFILES, "../distro/debian", &p), -ENOENT);
	assert_int_equal(profile_distro_read("/nonexistent", "debian", &p), -ENOENT);
	assert_null(p);
}

static void a_broken_profile_is_refused(void **state)
{
	char path[] = "/tmp/muster-profile-XXXXXX";
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	static const char text[] = "service \"dnsmasq\" {\n\tpackage = {\"dnsmasq\"}\n}\n";
	_cleanup_close_ int root = -1, tmp = fs_root_open("/tmp");
	struct profile_distro *p = NULL;

	assert_non_null(mkdtemp(path));
	root = fs_root_open(path);
	assert_int_equal(fs_mkdir_all(root, "/distro", 0755), 0);
	assert_int_equal(fs_write(root, "/distro/debian.conf", text, strlen(text), &attr), 0);
	assert_int_equal(profile_distro_read(path, "debian", &p), -MUSTER_E_FORMAT);
	assert_int_equal(fs_write(root, "/distro/debian.conf", "", 0, &attr), 0);
	assert_int_equal(profile_distro_read(path, "debian", &p), -MUSTER_E_FORMAT);
	assert_null(p);
	assert_int_equal(fs_remove_tree(tmp, strrchr(path, '/')), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debian_names_its_packages),
		cmocka_unit_test(every_family_has_every_service),
		cmocka_unit_test(an_unknown_family_has_none),
		cmocka_unit_test(a_broken_profile_is_refused),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
