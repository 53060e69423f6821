/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The package drivers against programs that write down how they are called. */
#include "config.h"

#include <errno.h>

#include "apply-common.h"
#include "util/error.h"
#include "util/fs.h"

static void setup_log(struct scratch *s)
{
	assert_int_equal(setenv("TEST_LOG", s->root, 1), 0);
}

static void assert_called(struct scratch *s, const char *wanted)
{
	_cleanup_free_ char *log = get(s, "/log");

	assert_string_equal(log, wanted);
}

static struct strv two = { (char *[]){ (char[]){ "dnsmasq-base" }, (char[]){ "ipxe" }, NULL }, 2 };

static void apt_installs_without_asking(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "apt-get", "echo \"$DEBIAN_FRONTEND $*\" >>$TEST_LOG/log");
	assert_int_equal(package_driver_find("apt")->install(&s->a, &two), 0);
	assert_called(s, "noninteractive install -y --no-install-recommends --no-remove -o "
			 "Dpkg::Options::=--force-confold "
			 "-o DPkg::Lock::Timeout=300 -- dnsmasq-base ipxe\n");
}

static void apt_updates_once_when_it_knows_no_package(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "apt-get",
		     "echo $1 >>$TEST_LOG/log; [ $1 = install ] || exit 0\n"
		     "[ $(grep -c install $TEST_LOG/log) = 2 ] && exit 0\n"
		     "echo 'E: Unable to locate package ipxe'; exit 100");
	assert_int_equal(package_driver_find("apt")->install(&s->a, &two), 0);
	assert_called(s, "install\nupdate\ninstall\n");
}

static void apt_says_why_and_what_to_do(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "apt-get",
		     "echo $1 >>$TEST_LOG/log; echo 'E: Unable to locate package ipxe'; exit 100");
	assert_int_equal(package_driver_find("apt")->install(&s->a, &two), -MUSTER_E_COMMAND);
	assert_called(s, "install\nupdate\ninstall\n");
	assert_non_null(strstr(s->errors.data, "Unable to locate package ipxe. See that `apt-get update`"));
}

static void apt_lists_what_is_really_installed(void **state)
{
	struct scratch *s = *state;
	_cleanup_strv_ struct strv v = STRV_INIT;

	fake_program(s, "dpkg-query",
		     "printf 'installed bash\\nconfig-files gone\\nhalf-installed half\\n"
		     "not-installed never\\ninstalled libc6:amd64\\n'");
	assert_int_equal(package_driver_find("apt")->installed(&s->a, &v), 0);
	assert_int_equal(v.n, 3);
	assert_true(strv_has(&v, "bash"));
	assert_true(strv_has(&v, "half"));
	assert_true(strv_has(&v, "libc6:amd64"));
}

static void packages_that_others_need_by_now_stay(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "dpkg",
		     "echo $* >>$TEST_LOG/log; echo ' dependency problems prevent removal of ipxe:'; exit 1");
	assert_int_equal(package_driver_find("apt")->remove(&s->a, &two), 0);
	assert_called(s, "--force-remove-reinstreq --purge -- dnsmasq-base ipxe\n");
	fake_program(s, "dpkg", "echo 'dpkg: error: lock is held'; exit 2");
	assert_int_equal(package_driver_find("apt")->remove(&s->a, &two), -MUSTER_E_COMMAND);
	assert_non_null(strstr(s->errors.data, "lock is held"));
	/* rpm does nothing at all then; one after the other it does what it can. */
	fake_program(s, "rpm",
		     "echo $* >>$TEST_LOG/log; [ $# = 3 ] && [ $3 = ipxe ] && [ ! -e $TEST_LOG/gone ] && "
		     ">$TEST_LOG/gone && exit 0\necho 'dnsmasq-base is needed by (installed) x'; exit 1");
	assert_int_equal(fs_unlink(s->a.root_fd, "/log"), 0);
	assert_int_equal(package_driver_find("dnf")->remove(&s->a, &two), 0);
	assert_called(
		s,
		"-e -- dnsmasq-base ipxe\n-e -- dnsmasq-base\n-e -- ipxe\n-e -- dnsmasq-base\n-e -- ipxe\n");
}

static void dnf_and_zypper_install_without_asking(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "dnf", "echo dnf $* >>$TEST_LOG/log");
	fake_program(s, "zypper", "echo zypper $* >>$TEST_LOG/log; exit $ZYPPER");
	assert_int_equal(setenv("ZYPPER", "0", 1), 0);
	assert_int_equal(package_driver_find("dnf")->install(&s->a, &two), 0);
	assert_int_equal(package_driver_find("zypper")->install(&s->a, &two), 0);
	assert_called(s, "dnf install -y --setopt=install_weak_deps=False -- dnsmasq-base ipxe\n"
			 "zypper --non-interactive install --no-recommends -- dnsmasq-base ipxe\n");
	assert_int_equal(setenv("ZYPPER", "104", 1), 0);
	assert_int_equal(package_driver_find("zypper")->install(&s->a, &two), -MUSTER_E_COMMAND);
}

static void no_driver_leaves_packages_alone(void **state)
{
	assert_null(package_driver_find("none")->install);
	assert_null(package_driver_find("pacman"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(apt_installs_without_asking),	     TEST(apt_updates_once_when_it_knows_no_package),
		TEST(apt_says_why_and_what_to_do),	     TEST(apt_lists_what_is_really_installed),
		TEST(packages_that_others_need_by_now_stay), TEST(dnf_and_zypper_install_without_asking),
		TEST(no_driver_leaves_packages_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
