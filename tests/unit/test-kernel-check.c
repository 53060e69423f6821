/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Will it run there: a kernel held against roots, cards and memory. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"

#define ID "small-0123456789ab"
#define FOLDER KERNEL_GENERATIONS "/" ID

struct site {
	char *path;
	int fd;
	struct kernel_env env;
	struct kernel_generation g;
	struct kernel_verdict *v;
	size_t n;
};

static void put(const struct site *s, const char *path, const char *text, size_t len)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(fs_mkdir_all(s->fd, folder, 0755), 0);
	assert_int_equal(fs_write(s->fd, path, text, len, &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
}

#define PUT(s, path, text) put((s), (path), (text), sizeof(text) - 1)

static int make_site(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	char template[] = "/tmp/muster-check-XXXXXX";

	assert_non_null(s);
	assert_non_null(mkdtemp(template));
	s->path = strdup(template);
	s->fd = fs_root_open(s->path);
	s->env = (struct kernel_env){ .root_fd = s->fd, .root_path = s->path, .recipes = "/nonexistent" };
	s->g = (struct kernel_generation){ .id = (char *)(uintptr_t)ID,
					   .release = (char *)(uintptr_t) "6.1.0" };
	PUT(s, FOLDER "/config",
	    "CONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_ZSTD=y\nCONFIG_BINFMT_ELF=y\nCONFIG_PROC_FS=y\nCONFIG_SYSFS="
	    "y\nCONFIG_TMPFS=y\n"
	    "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_UNIX=y\nCONFIG_BLK_DEV_LOOP=m\nCONFIG_SQUASHFS=m\nCONFIG_"
	    "SQUASHFS_ZSTD=y\n"
	    "CONFIG_OVERLAY_FS=m\nCONFIG_DEVTMPFS=y\n");
	PUT(s, FOLDER "/lib/modules/6.1.0/modules.alias",
	    "# Aliases extracted from modules themselves.\nalias pci:v00008086d00001521sv*sd*bc*sc*i* "
	    "igb\nalias fs-overlay overlay\n");
	PUT(s, FOLDER "/lib/modules/6.1.0/modules.builtin",
	    "kernel/drivers/net/ethernet/intel/e1000/e1000.ko\nkernel/drivers/net/virtio-net.ko\n");
	PUT(s, FOLDER "/lib/modules/6.1.0/modules.builtin.modinfo",
	    "tg3.license=GPL\0tg3.alias=pci:v000014E4d00001657sv*sd*bc*sc*i*\0e1000.license=GPL");
	*state = s;
	return 0;
}

static int drop_site(void **state)
{
	_cleanup_close_ int slash = fs_root_open("/");
	struct site *s = *state;

	kernel_verdicts_free(s->v, s->n);
	assert_int_equal(fs_remove_tree(slash, s->path), 0);
	close(s->fd);
	free(s->path);
	free(s);
	return 0;
}

static void check(struct site *s, const struct kernel_place *place)
{
	kernel_verdicts_free(s->v, s->n);
	s->v = NULL;
	s->n = 0;
	assert_int_equal(kernel_check(&s->env, &s->g, place, &s->v, &s->n), 0);
}

static void assert_verdict(const struct site *s, size_t i, enum kernel_level level, const char *text)
{
	assert_true(i < s->n);
	assert_string_equal(s->v[i].text, text);
	assert_int_equal(s->v[i].level, level);
}

static void a_root_mode_that_lacks_something_names_it(void **state)
{
	struct site *s = *state;

	check(s, &(struct kernel_place){ .mode = "ram" });
	assert_int_equal(s->n, 1);
	assert_verdict(s, 0, KERNEL_OK, "The root mode ram finds all that it needs in this kernel.");
	check(s, &(struct kernel_place){ .mode = "nfs" });
	assert_verdict(s, 0, KERNEL_PROBLEM,
		       "The root mode nfs needs NFS_FS, NFS_V4, which this kernel has not.");
	/* Where none was chosen, one that works is enough. */
	check(s, &(struct kernel_place){ 0 });
	assert_int_equal(s->n, 3);
	assert_int_equal(s->v[1].level, KERNEL_WARNING);
}

static void what_comes_before_the_modules_is_built_in(void **state)
{
	struct site *s = *state;

	PUT(s, FOLDER "/config",
	    "CONFIG_BLK_DEV_INITRD=y\nCONFIG_BINFMT_ELF=m\nCONFIG_PROC_FS=y\nCONFIG_SYSFS=y\nCONFIG_TMPFS="
	    "y\nCONFIG_NET=y\n"
	    "CONFIG_INET=y\nCONFIG_UNIX=y\n");
	check(s, &(struct kernel_place){ .mode = "initramfs" });
	assert_verdict(s, 0, KERNEL_PROBLEM,
		       "The root mode initramfs needs RD_ZSTD, BINFMT_ELF (built in, not as a module), which "
		       "this kernel has "
		       "not.");
}

static void an_old_kernel_needs_no_zstd(void **state)
{
	struct site *s = *state;

	PUT(s, FOLDER "/config",
	    "CONFIG_BLK_DEV_INITRD=y\nCONFIG_BINFMT_ELF=y\nCONFIG_PROC_FS=y\nCONFIG_SYSFS=y\nCONFIG_TMPFS="
	    "y\nCONFIG_NET=y\n"
	    "CONFIG_INET=y\nCONFIG_UNIX=y\n");
	s->g.release = (char *)(uintptr_t) "2.6.30-krg";
	check(s, &(struct kernel_place){ .mode = "initramfs" });
	assert_int_equal(s->v[0].level, KERNEL_OK);
}

static void a_libc_that_is_too_new_is_said(void **state)
{
	struct kernel_place place = { .mode = "ram", .root = "debian-12", .libc_least = "3.2.0" };
	struct site *s = *state;

	check(s, &place);
	assert_verdict(s, 1, KERNEL_OK,
		       "The libc of the root debian-12 wants Linux 3.2.0 or later, and this is 6.1.0.");
	s->g.release = (char *)(uintptr_t) "2.6.30-krg";
	check(s, &place);
	assert_int_equal(s->v[1].level, KERNEL_PROBLEM);
	assert_non_null(
		strstr(s->v[1].text, "wants Linux 3.2.0 or later, and this is 2.6.30-krg: no program"));
	place.libc_least = NULL;
	check(s, &place);
	assert_int_equal(s->v[1].level, KERNEL_OK);
}

static void cards_are_held_against_the_drivers(void **state)
{
	static const char *const cards[] = { "8086:1521", "14e4:1657", "8086:100e", "1af4:1041",
					     "10ec:8168", "dead:beef", NULL };
	static const char drivers[] = "alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000\n"
				      "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_net\n"
				      "alias pci:v000010ECd00008168sv*sd*bc*sc*i* r8169\n";
	struct site *s = *state;

	check(s, &(struct kernel_place){ .mode = "ram", .cards = cards, .drivers = drivers });
	assert_int_equal(s->n, 7);
	assert_verdict(s, 1, KERNEL_OK, "The card 8086:1521 is driven by the module igb.");
	assert_verdict(s, 2, KERNEL_OK, "The card 14e4:1657 is driven by tg3, which is built in.");
	assert_verdict(s, 3, KERNEL_OK, "The card 8086:100e is driven by e1000, which is built in.");
	assert_verdict(s, 4, KERNEL_OK, "The card 1af4:1041 is driven by virtio_net, which is built in.");
	assert_verdict(s, 5, KERNEL_PROBLEM,
		       "The card 10ec:8168 wants the driver r8169, which this kernel has not: such a node "
		       "would find no network.");
	assert_int_equal(s->v[6].level, KERNEL_WARNING);
	assert_non_null(strstr(s->v[6].text, "cannot be told"));
}

/* Its bus has a driver that claims the card, too, and moves no packet. */
static void a_virtio_card_wants_more_than_its_bus(void **state)
{
	static const char *const cards[] = { "1af4:1000", NULL };
	struct site *s = *state;

	PUT(s, FOLDER "/lib/modules/6.1.0/modules.alias", "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\n");
	PUT(s, FOLDER "/lib/modules/6.1.0/modules.builtin", "kernel/drivers/virtio/virtio_pci.ko\n");
	check(s, &(struct kernel_place){ .mode = "ram", .cards = cards });
	assert_verdict(
		s, 1, KERNEL_PROBLEM,
		"The card 1af4:1000 wants the driver virtio_net, which this kernel has not: such a node "
		"would find no network.");
}

static void a_card_over_which_no_node_boots_is_a_warning(void **state)
{
	static const char *const others[] = { "8086:1521", "10ec:8168", NULL };
	struct site *s = *state;

	check(s, &(struct kernel_place){ .mode = "ram",
					 .other_cards = others,
					 .drivers = "alias pci:v000010ECd00008168sv*sd*bc*sc*i* r8169\n" });
	assert_int_equal(s->n, 3);
	assert_verdict(s, 1, KERNEL_OK, "The card 8086:1521 is driven by the module igb.");
	assert_verdict(
		s, 2, KERNEL_WARNING,
		"The card 10ec:8168, over which no node boots, wants the driver r8169, which this kernel "
		"has not.");
}

static void any_kernels_folder_of_modules_can_be_asked(void **state)
{
	struct site *s = *state;
	_cleanup_free_ char *folder = fs_join(s->path, FOLDER "/lib/modules/6.1.0");
	bool drives = false;

	assert_int_equal(kernel_drives(folder, "8086:1521", &drives), 0);
	assert_true(drives);
	assert_int_equal(kernel_drives(folder, "10ec:8168", &drives), 0);
	assert_false(drives);
	assert_int_equal(kernel_drives(folder, "a card", &drives), -EINVAL);
	assert_int_equal(kernel_drives("/nowhere", "8086:1521", &drives), -ENOENT);
}

static void a_root_must_fit_into_the_smallest_node(void **state)
{
	struct kernel_place place = { .mode = "ram",
				      .root = "r",
				      .root_bytes = 200ULL << 20,
				      .memory = 256ULL << 20,
				      .least_node = "node03" };
	struct site *s = *state;

	check(s, &place);
	assert_verdict(
		s, 2, KERNEL_PROBLEM,
		"The root r takes 200.0 MiB of each node's memory, and node03, the smallest, has 256.0 MiB.");
	place.memory = 512ULL << 20;
	check(s, &place);
	assert_int_equal(s->v[2].level, KERNEL_OK);
	/* What it is unpacked from takes as much there. */
	place.mode = "initramfs";
	place.memory = 256ULL << 20;
	check(s, &place);
	assert_int_equal(s->v[2].level, KERNEL_PROBLEM);
	place.mode = "nfs";
	check(s, &place);
	assert_int_equal(s->n, 2);
}

static void a_pci_id_is_known_from_other_words(void **state)
{
	assert_true(kernel_is_card("8086:100e"));
	assert_true(kernel_is_card("1AF4:1000"));
	assert_false(kernel_is_card("8086:100"));
	assert_false(kernel_is_card("8086-100e"));
	assert_false(kernel_is_card("*086:100e"));
	assert_false(kernel_is_card(""));
}

#define ON_SITE(f) cmocka_unit_test_setup_teardown(f, make_site, drop_site)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SITE(a_root_mode_that_lacks_something_names_it),
		ON_SITE(what_comes_before_the_modules_is_built_in),
		ON_SITE(an_old_kernel_needs_no_zstd),
		ON_SITE(a_libc_that_is_too_new_is_said),
		ON_SITE(cards_are_held_against_the_drivers),
		ON_SITE(a_virtio_card_wants_more_than_its_bus),
		ON_SITE(a_card_over_which_no_node_boots_is_a_warning),
		ON_SITE(any_kernels_folder_of_modules_can_be_asked),
		ON_SITE(a_root_must_fit_into_the_smallest_node),
		cmocka_unit_test(a_pci_id_is_known_from_other_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
