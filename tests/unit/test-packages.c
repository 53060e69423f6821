/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The package drivers against programs that write down how they are called. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply-common.h"
#include "backend/apply/drivers.h"
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

#define APT                                                                                               \
	"install -y --no-install-recommends --no-upgrade --no-remove -o Dpkg::Options::=--force-confold " \
	"-o DPkg::Lock::Timeout=600 "

static void apt_installs_without_asking(void **state)
{
	const struct package_driver *apt = package_driver_find("apt");
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "apt-get", "echo \"$DEBIAN_FRONTEND $*\" >>$TEST_LOG/log");
	assert_int_equal(apt->fetch(&s->a, &two), 0);
	assert_int_equal(apt->install(&s->a, &two), 0);
	/* What is not here by now is not fetched by what cannot be cancelled. */
	assert_called(s, "noninteractive " APT "--download-only -- dnsmasq-base ipxe\n"
			 "noninteractive " APT "--no-download -- dnsmasq-base ipxe\n");
}

static void apt_updates_once_when_it_knows_no_package(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "apt-get",
		     "echo $1 >>$TEST_LOG/log; [ $1 = install ] || exit 0\n"
		     "[ $(grep -c install $TEST_LOG/log) = 2 ] && exit 0\n"
		     "echo 'E: Unable to locate package ipxe'; exit 100");
	assert_int_equal(package_driver_find("apt")->fetch(&s->a, &two), 0);
	assert_called(s, "install\nupdate\ninstall\n");
}

static void apt_says_why_and_what_to_do(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "apt-get",
		     "echo $1 >>$TEST_LOG/log; echo 'E: Unable to locate package ipxe'; exit 100");
	assert_int_equal(package_driver_find("apt")->fetch(&s->a, &two), -MUSTER_E_COMMAND);
	assert_called(s, "install\nupdate\ninstall\n");
	assert_non_null(strstr(s->errors.data, "Unable to locate package ipxe. See that `apt-get update`"));
}

static void apt_lists_what_is_really_installed(void **state)
{
	struct scratch *s = *state;
	_cleanup_package_list_ struct package_list l = { 0 };

	fake_program(s, "dpkg-query",
		     "printf 'installed bash\\nconfig-files gone\\nhalf-installed half\\n"
		     "not-installed never\\ninstalled libc6:amd64\\n'");
	assert_int_equal(package_driver_find("apt")->list(&s->a, &l), 0);
	assert_int_equal(l.installed.n, 3);
	assert_true(strv_has(&l.installed, "bash"));
	assert_true(strv_has(&l.installed, "half"));
	assert_true(strv_has(&l.installed, "libc6:amd64"));
	assert_int_equal(l.configured.n, 1);
	assert_string_equal(l.configured.v[0], "gone");
}

static void assert_list(const struct strv *v, const char *expected)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "");
	for (size_t i = 0; i < v->n; i++)
		strbuf_addf(&b, "%s%s", i ? ", " : "", v->v[i]);
	assert_string_equal(b.data, expected);
}

static void what_would_be_changed_is_foreseen(void **state)
{
	static const char *const names[] = { "apt", "dnf", "zypper" };
	struct scratch *s = *state;

	fake_program(s, "apt-get",
		     "[ $1 = -s ] || exit 9\ncat <<E\nThe following NEW packages will be installed:\n  x\n"
		     "Inst libx [1.0] (1.1 Debian:12 [amd64]) []\n"
		     "Inst new (1:2.90-4~deb12u1 Debian:12.1/stable, Security [amd64])\n"
		     "Remv gone [1.0]\nConf new (1:2.90-4~deb12u1 Debian:12 [amd64])\nE");
	fake_program(s, "dnf",
		     "cat <<E\nInstalling:\n new  x86_64 2.85-1 base 300 k\n     replacing  gone  1.0\n"
		     "Upgrading:\n libx x86_64 1.1 base 2 k\n\nTransaction Summary\n Install 1\n"
		     "Operation aborted.\nE\nexit 1");
	fake_program(s, "zypper",
		     "cat <<E\nThe following NEW package is going to be installed:\n  new\n\n"
		     "The following package is going to be upgraded:\n  libx\n\n"
		     "The following package is going to be REMOVED:\n  gone\n\n1 package to upgrade.\nE");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_forecast_ struct package_forecast f = { 0 };

		assert_int_equal(package_driver_find(names[i])->foresee(&s->a, &two, &f), 0);
		assert_list(&f.added, "new");
		strv_sort(&f.changed);
		assert_list(&f.changed, "gone (removed), libx (another version)");
		assert_list(&f.archives, i ? "" : "new_1%3a2.90-4~deb12u1_amd64.deb");
	}
	fake_program(s, "dnf", "echo 'Error: Unable to find a match: new'; exit 1");
	for (size_t i = 1; i < 2; i++) {
		_cleanup_forecast_ struct package_forecast f = { 0 };

		assert_int_equal(package_driver_find("dnf")->foresee(&s->a, &two, &f), -MUSTER_E_COMMAND);
	}
}

/* apt's folder of archives, and one that lies on this server. */
static void fake_apt(struct scratch *s)
{
	fake_program(s, "apt-config", "echo \"folder='/srv/archives/'\"");
	fake_program(s, "apt-get",
		     "[ $2 = --print-uris ] || exit 9\necho \"'http://x/y.deb' y.deb 1 \"\n"
		     "echo \"'file:/srv/mirror/./local.deb' local_1%3a1_all.deb 720 \"");
	put(s, "/srv/archives/dnsmasq-base_1_all.deb", "", 0644);
	put(s, "/srv/mirror/local.deb", "", 0644);
}

static void configuration_of_before_is_found(void **state)
{
	const struct package_list now = { .configured = STRV("ipxe", "other") };
	const struct package_forecast f = {
		.added = STRV("ipxe", "dnsmasq-base"),
		.archives = STRV("dnsmasq-base_1_all.deb", "local_1%3a1_all.deb"),
	};
	static const char *const found[] = { "/etc/by-hand",	 "/etc/by-hand~",    "/etc/by-hand.bak",
					     "/etc/by-hand%",	 "/etc/by-hand.~3~", "/etc/#by-hand#",
					     "/etc/of-a-mirror", "/srv/git/linked",  "/srv/git/linked.bak",
					     "/srv/git/absolute" };
	static const char *const not_found[] = {
		"/etc/by-hand.old", "/etc/by-hand.~x~", "/etc/by-handy", "/etc/#by-hand",	 "/etc/new",
		"/etc/linked",	    "/etc/absolute",	"/etc/folder",	 "/etc/by-hand.dpkg-old"
	};
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct scratch *s = *state;

	put(s, "/etc/ipxe.conf", "", 0644);
	for (size_t i = 0; i < ARRAY_SIZE(found); i++)
		put(s, found[i], "", 0644);
	for (size_t i = 0; i < 4; i++)
		put(s, not_found[i], "", 0644);
	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/etc/folder", 0755), 0);
	assert_int_equal(symlinkat("../srv/git/linked", s->a.root_fd, "etc/linked"), 0);
	assert_int_equal(symlinkat("/srv/git/absolute", s->a.root_fd, "etc/absolute"), 0);
	assert_int_equal(symlinkat("/nowhere/at/all", s->a.root_fd, "etc/dangling"), 0);
	fake_apt(s);
	fake_program(s, "dpkg-query",
		     "[ \"$5\" = ipxe ] && printf ' /etc/ipxe.conf 00ff\\n /etc/a b 00ff obsolete\\n'");
	fake_program(
		s, "dpkg-deb",
		"case $2 in */local.deb) echo /etc/of-a-mirror ;; *) printf '/etc/%s\\n' by-hand new linked "
		"absolute dangling folder ;; esac");
	assert_int_equal(package_driver_find("apt")->endangered(&s->a, &now, &f, &v), 0);
	/* Of the first one also what is not there: dpkg may make it. */
	assert_true(strv_has(&v, "/etc/ipxe.conf"));
	assert_true(strv_has(&v, "/etc/ipxe.conf.dpkg-dist"));
	assert_true(strv_has(&v, "/etc/a b"));
	assert_true(strv_has(&v, "/etc/linked.dpkg-new"));
	for (size_t i = 0; i < ARRAY_SIZE(found); i++)
		if (!strv_has(&v, found[i]))
			fail_msg("%s is not found", found[i]);
	for (size_t i = 0; i < ARRAY_SIZE(not_found); i++)
		if (strv_has(&v, not_found[i]))
			fail_msg("%s is found", not_found[i]);
}

static void an_archive_that_cannot_be_looked_into_is_named(void **state)
{
	const struct package_list now = { 0 };
	const struct package_forecast f = { .added = STRV("gone"), .archives = STRV("gone_1_all.deb") };
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct scratch *s = *state;

	fake_apt(s);
	assert_int_equal(package_driver_find("apt")->endangered(&s->a, &now, &f, &v), -MUSTER_E_MISSING);
	assert_non_null(strstr(s->errors.data,
			       "gone_1_all.deb is not where apt-get keeps what it fetches (/srv/archives/)"));
}

static const struct strv ipxe = STRV("ipxe");

static void only_what_was_not_there_is_purged(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "dpkg", "echo $* >>$TEST_LOG/log");
	fake_program(s, "dpkg-query", "echo config-files dnsmasq-base; echo config-files ipxe");
	assert_int_equal(package_driver_find("apt")->remove(&s->a, &two, &ipxe), 0);
	assert_called(s, "--force-remove-reinstreq --remove -- dnsmasq-base ipxe\n"
			 "--force-remove-reinstreq --purge -- ipxe\n");
}

static void packages_that_others_need_by_now_stay(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "dpkg",
		     "echo $* >>$TEST_LOG/log; [ $2 = --purge ] && exit 0\n"
		     "echo ' dependency problems prevent removal of ipxe:'; exit 1");
	fake_program(s, "dpkg-query", "echo installed ipxe; echo config-files dnsmasq-base");
	assert_int_equal(package_driver_find("apt")->remove(&s->a, &two, &two), 0);
	assert_called(s, "--force-remove-reinstreq --remove -- dnsmasq-base ipxe\n"
			 "--force-remove-reinstreq --purge -- dnsmasq-base\n");
	/* One that stays for another reason is no matter of what others need. */
	fake_program(s, "dpkg-query", "echo installed ipxe; echo installed dnsmasq-base");
	assert_int_equal(package_driver_find("apt")->remove(&s->a, &two, &two), -MUSTER_E_COMMAND);
	fake_program(s, "dpkg", "echo 'dpkg: error: the disk is full'; exit 2");
	assert_int_equal(package_driver_find("apt")->remove(&s->a, &two, &two), -MUSTER_E_COMMAND);
	assert_non_null(strstr(s->errors.data, "the disk is full"));
	/* rpm does nothing at all then; one after the other it does what it can. */
	fake_program(s, "rpm",
		     "echo $* >>$TEST_LOG/log; [ $# = 3 ] && [ $3 = ipxe ] && [ ! -e $TEST_LOG/gone ] && "
		     ">$TEST_LOG/gone && exit 0\necho 'dnsmasq-base is needed by (installed) x'; exit 1");
	assert_int_equal(fs_unlink(s->a.root_fd, "/log"), 0);
	assert_int_equal(package_driver_find("dnf")->remove(&s->a, &two, &two), 0);
	assert_called(
		s,
		"-e -- dnsmasq-base ipxe\n-e -- dnsmasq-base\n-e -- ipxe\n-e -- dnsmasq-base\n-e -- ipxe\n");
}

static void what_dpkg_was_interrupted_in_is_finished(void **state)
{
	const struct package_driver *apt = package_driver_find("apt");
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "dpkg",
		     "echo $* >>$TEST_LOG/log; [ $1 = --audit ] && cat $TEST_LOG/audit\n"
		     "[ \"$2\" != --configure ] || : >$TEST_LOG/$(cat $TEST_LOG/mends)");
	fake_program(s, "apt-get", "echo apt-get $* >>$TEST_LOG/log; exit 100");
	put(s, "/audit", "", 0644);
	put(s, "/mends", "audit\n", 0644);
	assert_int_equal(apt->mend(&s->a, &two), 0);
	put(s, "/audit", "The following packages are only half configured\n", 0644);
	assert_int_equal(apt->mend(&s->a, &two), 0);
	/* One that is half unpacked is not configured. */
	put(s, "/mends", "nothing\n", 0644);
	put(s, "/audit", "The following packages are only half installed\n", 0644);
	assert_int_equal(apt->mend(&s->a, &two), 0);
	assert_called(s, "--audit\n--audit\n--force-confold --configure -a\n--audit\n"
			 "--audit\n--force-confold --configure -a\n--audit\n"
			 "apt-get " APT "--no-download -- dnsmasq-base ipxe\n");
}

static void dnf_and_zypper_install_without_asking(void **state)
{
	struct scratch *s = *state;

	setup_log(s);
	fake_program(s, "dnf", "echo dnf $* >>$TEST_LOG/log");
	fake_program(s, "zypper", "echo $ZYPP_LOCK_TIMEOUT zypper $* >>$TEST_LOG/log; exit $ZYPPER");
	assert_int_equal(setenv("ZYPPER", "0", 1), 0);
	for (int i = 0; i < 2; i++) {
		const struct package_driver *d = package_driver_find(i ? "zypper" : "dnf");

		assert_int_equal(d->fetch(&s->a, &two), 0);
		assert_int_equal(d->install(&s->a, &two), 0);
	}
	assert_called(
		s,
		"dnf install -y --setopt=install_weak_deps=False --downloadonly -- dnsmasq-base ipxe\n"
		"dnf install -y --setopt=install_weak_deps=False -- dnsmasq-base ipxe\n"
		"600 zypper --non-interactive install --no-recommends --download-only -- dnsmasq-base ipxe\n"
		"600 zypper --non-interactive install --no-recommends -- dnsmasq-base ipxe\n");
	assert_int_equal(setenv("ZYPPER", "104", 1), 0);
	assert_int_equal(package_driver_find("zypper")->install(&s->a, &two), -MUSTER_E_COMMAND);
}

/* ---- what an installation brought --------------------------------------------------------------------------------- */

static void versions_are_told_apart(void **state)
{
	const struct package_driver *dnf = package_driver_find("dnf");
	const struct package_list before = { .installed = STRV("kernel-5.0-1.x86_64", "glibc-2.34-1.x86_64",
							       "gpg-pubkey-aaaa-bbbb") };
	const struct package_list now = { .installed = STRV("kernel-5.0-1.x86_64", "kernel-5.1-1.x86_64",
							    "glibc-2.34-2.x86_64", "gpg-pubkey-aaaa-bbbb",
							    "gpg-pubkey-cccc-dddd",
							    "dnsmasq-base-2.85-1.x86_64") };
	const struct strv added = STRV("kernel-5.1-1.x86_64", "dnsmasq-base-2.84-1.x86_64");
	const struct strv old = STRV("dnsmasq-base", "gone");
	_cleanup_strv_ struct strv cut = STRV_INIT, done = STRV_INIT, earlier = STRV_INIT,
				   ignored = STRV_INIT;

	/* Of what stands in the place of another version, nothing is removed. */
	assert_int_equal(package_surplus(dnf, &before, &now, NULL, &cut, &ignored), 0);
	assert_list(&cut, "kernel-5.1-1.x86_64, gpg-pubkey-cccc-dddd, dnsmasq-base-2.85-1.x86_64");
	/* One that was upgraded since is still what muster brought. */
	assert_int_equal(package_surplus(dnf, &before, &now, &added, &done, &ignored), 0);
	assert_list(&done, "kernel-5.1-1.x86_64, dnsmasq-base-2.85-1.x86_64");
	/* Names without a version, of an earlier muster's journal. */
	assert_int_equal(package_surplus(dnf, &before, &now, &old, &earlier, &ignored), 0);
	assert_list(&earlier, "dnsmasq-base-2.85-1.x86_64");
}

static void what_was_configured_before_is_removed_only(void **state)
{
	const struct package_driver *apt = package_driver_find("apt");
	const struct package_list before = { .installed = STRV("bash"), .configured = STRV("ipxe", "other") };
	const struct package_list now = { .installed = STRV("bash", "ipxe", "libx"),
					  .configured = STRV("other", "half-undone") };
	_cleanup_package_list_ struct package_list read = { 0 };
	_cleanup_strv_ struct strv remove = STRV_INIT, purge = STRV_INIT;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(package_list_save(&before, &text), 0);
	assert_int_equal(package_list_load(text, &read), 0);
	assert_int_equal(package_surplus(apt, &read, &now, NULL, &remove, &purge), 0);
	assert_list(&remove, "ipxe, libx");
	assert_list(&purge, "libx, half-undone");
}

/* ---- others at work ----------------------------------------------------------------------------------------------- */

/* A process that has a lock on a file until it is told to end by its standard input. */
static pid_t lock_in_child(struct scratch *s, const char *path, int *ret_end)
{
	int ends[2], ready[2];
	pid_t pid;
	char c;

	put(s, path, "", 0640);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = fs_open(s->a.root_fd, path, O_RDWR, 0);

		close(ends[1]);
		if (fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "", 1) != 1 || read(ends[0], &c, 1) < 0)
			_exit(1);
		usleep(300 * 1000);
		_exit(0);
	}
	close(ends[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_end = ends[1];
	return pid;
}

static void another_one_is_waited_for_and_named(void **state)
{
	static const char *const locks[] = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock",
					     "/var/cache/apt/archives/lock", "/var/lib/rpm/.rpm.lock" };
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
		const struct package_driver *d = package_driver_find(i == 3 ? "zypper" : "apt");
		_cleanup_free_ char *who = NULL;
		int end, status;
		pid_t pid = lock_in_child(s, locks[i], &end);

		s->a.packages_wait_ms = 20;
		assert_int_equal(d->wait(&s->a), -MUSTER_E_TIMEOUT);
		assert_true(asprintf(&who, "(process %ld)", (long)pid) > 0);
		assert_non_null(strstr(s->steps.data, who));
		assert_non_null(strstr(s->errors.data, who));
		assert_non_null(strstr(s->errors.data, locks[i]));
		s->a.packages_wait_ms = 0;
		close(end);
		assert_int_equal(d->wait(&s->a), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void installing_is_let_finish_and_keeps_the_lock(void **state)
{
	struct scratch *s = *state;
	int fds[2];

	setup_log(s);
	put(s, "/lock", "", 0644);
	/* It is not stopped by what is readable from its beginning on, and leads a session of its own. */
	fake_program(s, "apt-get",
		     "[ $(ps -o sid= -p $$) = $$ ] && echo leader >>$TEST_LOG/log\n"
		     "readlink /proc/$$/fd/3 | sed 's#.*/##' >>$TEST_LOG/log\nsleep 0.2\necho done "
		     ">>$TEST_LOG/log");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], "", 1), 1);
	s->a.cancel_fd = fds[0];
	s->a.lock_fd = fs_open(s->a.root_fd, "/lock", O_RDONLY, 0);
	assert_int_equal(package_driver_find("apt")->install(&s->a, &two), 0);
	assert_called(s, "leader\nlock\ndone\n");
	assert_non_null(strstr(s->steps.data, "it is let finish"));
	/* Fetching is not. */
	assert_int_equal(package_driver_find("apt")->fetch(&s->a, &two), -MUSTER_E_CANCELLED);
	close(s->a.lock_fd);
	close(fds[0]);
	close(fds[1]);
}

static void what_hangs_is_left_at_work_and_named(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *pid = NULL;

	setup_log(s);
	fake_program(s, "apt-get", "echo $$ >$TEST_LOG/pid; exec sleep 100");
	s->a.packages_ms = 300;
	assert_int_equal(package_driver_find("apt")->install(&s->a, &two), -MUSTER_E_TIMEOUT);
	assert_non_null(strstr(s->errors.data, "apt-get"));
	pid = get(s, "/pid");
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
	assert_int_equal(waitpid((pid_t)strtol(pid, NULL, 10), NULL, 0), strtol(pid, NULL, 10));
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
		TEST(apt_installs_without_asking),
		TEST(apt_updates_once_when_it_knows_no_package),
		TEST(apt_says_why_and_what_to_do),
		TEST(apt_lists_what_is_really_installed),
		TEST(what_would_be_changed_is_foreseen),
		TEST(configuration_of_before_is_found),
		TEST(an_archive_that_cannot_be_looked_into_is_named),
		TEST(what_hangs_is_left_at_work_and_named),
		TEST(only_what_was_not_there_is_purged),
		TEST(packages_that_others_need_by_now_stay),
		TEST(what_dpkg_was_interrupted_in_is_finished),
		TEST(dnf_and_zypper_install_without_asking),
		TEST(versions_are_told_apart),
		TEST(what_was_configured_before_is_removed_only),
		TEST(another_one_is_waited_for_and_named),
		TEST(installing_is_let_finish_and_keeps_the_lock),
		TEST(no_driver_leaves_packages_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
