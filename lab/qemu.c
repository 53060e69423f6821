/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtual machines that boot from nothing but their network card, by QEMU. */
#include "config.h"

#include "lab/private.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/fs.h"
#include "util/i18n.h"
#include "util/kvm.h"
#include "util/spawn.h"
#include "util/strv.h"

#define QEMU "qemu-system-x86_64"
#define MONITOR "monitor" /* its control socket, in the node's folder */
#define RETRY_MS "2000"	  /* a BIOS that found nothing to boot begins anew after so long */
#define KVM_MS 3000
#define KEY_PRESSES 30
#define KEY_INTERVAL_MS 100
#define OVMF_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define OVMF_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

/*
 * A boot sector that writes 16 to the port of QEMU's isa-debug-exit device, which ends QEMU with status 33:
 *   mov al, 16; mov dx, 0xf4; out dx, al; hlt
 */
static const unsigned char boot_sector[] = { 0xb0, 0x10, 0xba, 0xf4, 0x00, 0xee, 0xf4 };
#define BOOT_SECTOR_STATUS 33

static bool boot_sector_runs(void)
{
	unsigned char sector[512] = { [510] = 0x55, [511] = 0xaa };
	char path[] = "/tmp/muster-probe-XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct spawn s = { .timeout_ms = 2000 };
	int status = 0, r;

	if (fd < 0)
		return false;
	memcpy(sector, boot_sector, sizeof(boot_sector));
	r = fs_write_all(fd, sector, sizeof(sector));
	if (r == 0)
		r = strv_add_all(&argv, QEMU, "-accel", "kvm", "-m", "16", "-nodefaults", "-no-user-config",
				 "-display", "none", "-no-reboot", "-device",
				 "isa-debug-exit,iobase=0xf4,iosize=4", "-drive", NULL);
	if (r == 0)
		r = strv_addf(&argv, "file=%s,format=raw,if=floppy,readonly=on", path);
	s.argv = (const char *const *)argv.v;
	if (r == 0)
		r = spawn_run(&s, &status, NULL);
	unlink(path);
	return r == 0 && status == BOOT_SECTOR_STATUS;
}

/* A kernel without a root panics and restarts, which ends QEMU by itself: so it ran. */
static bool kernel_runs(const char *kernel)
{
	const char *const argv[] = {
		QEMU,	       "-accel",	  "kvm",      "-machine", "pc",		"-m",	   "256",
		"-nodefaults", "-no-user-config", "-display", "none",	  "-no-reboot", "-kernel", kernel,
		"-append",     "panic=-1",	  NULL
	};
	const struct spawn s = { .argv = argv, .timeout_ms = 8000 };
	int status;

	return spawn_run(&s, &status, NULL) == 0 && status == 0;
}

bool qemu_kvm_works(const char *kernel)
{
	/* Three instructions first, then a small guest: where its two seconds do not suffice, a real one would hang for
	 * minutes. */
	return kvm_try("/dev/kvm", KVM_MS) == 0 && boot_sector_runs() && kernel_runs(kernel);
}

static int add_firmware(struct strv *argv, const struct lab_machine *m, const char *node_dir)
{
	_cleanup_free_ char *vars = fs_join(node_dir, "efivars.fd");
	_cleanup_close_ int in = -1, root = -1;
	const struct fs_attr attr = { 0600, (uid_t)-1, (gid_t)-1 };
	int e;

	if (m->firmware == LAB_BIOS)
		return strv_add_all(argv, "-machine", "pc", NULL);
	in = open(OVMF_VARS, O_RDONLY | O_CLOEXEC);
	root = fs_root_open("/");
	if (!vars)
		return -ENOMEM;
	if (in < 0)
		return -MUSTER_E_MISSING;
	e = fs_copy(in, root, vars, &attr);
	if (e == 0)
		e = strv_add_all(argv, "-machine", "q35", "-drive",
				 "if=pflash,format=raw,unit=0,readonly=on,file=" OVMF_CODE, "-drive", NULL);
	return e < 0 ? e : strv_addf(argv, "if=pflash,format=raw,unit=1,file=%s", vars);
}

static int add_machine(struct strv *argv, const struct lab_record *r, const struct lab_machine *m,
		       size_t index, const char *node_dir)
{
	bool kvm = strcmp(r->accelerator, "kvm") == 0;
	/* Measured: a full system wants a larger translation cache and threads of its own, a tiny one does not. */
	bool tiny = m->memory_mb <= 160;
	int e;

	e = strv_add_all(argv, QEMU, "-name", m->name, "-accel",
			 kvm	? "kvm"
			 : tiny ? "tcg,thread=single,tb-size=32"
				: "tcg,thread=multi,tb-size=64",
			 "-nodefaults", "-no-user-config", "-display", "none", "-daemonize", "-cpu",
			 kvm ? "host" : "qemu64", "-boot", "order=n,reboot-timeout=" RETRY_MS, "-device",
			 "virtio-rng-pci", NULL);
	if (e == 0)
		e = add_firmware(argv, m, node_dir);
	if (e == 0)
		e = strv_add_all(argv, "-smp", NULL);
	if (e == 0)
		e = strv_addf(argv, "%u", r->processors);
	if (e == 0)
		e = strv_add(argv, "-m");
	if (e == 0)
		e = strv_addf(argv, "%u", m->memory_mb);
	if (e == 0)
		e = strv_add_all(argv, "-monitor", "unix:" MONITOR ",server=on,wait=off", "-serial", NULL);
	if (e == 0)
		e = strv_addf(argv, "file:%s/serial.log", node_dir);
	if (e == 0)
		e = strv_add(argv, "-pidfile");
	if (e == 0)
		e = strv_addf(argv, "%s/qemu.pid", node_dir);
	if (e == 0)
		e = strv_add(argv, "-netdev");
	if (e == 0)
		e = strv_addf(argv, "tap,id=net0,ifname=tap%zu,script=no,downscript=no", index);
	if (e == 0)
		e = strv_add(argv, "-device");
	/* An empty romfile makes OVMF's own PXE do the work. */
	return e < 0 ? e
		     : strv_addf(argv, "virtio-net-pci,netdev=net0,mac=%s,bootindex=1%s", m->mac,
				 m->firmware == LAB_UEFI ? ",romfile=" : "");
}

/*
 * iPXE, which the card's own firmware is here, waits 2 s for somebody to press Ctrl-B before it boots; any other
 * key ends that wait. So a key is pressed until it surely has seen one. A process of its own does it, so that
 * the next machine need not wait; the keeper reaps it.
 */
static void press_key(const char *node_dir)
{
	static const char key[] = "sendkey spc\n";
	const struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = MONITOR };
	int s;

	if (fork() != 0)
		return;
	/* From inside the folder: its whole path may be too long for a socket's address. */
	s = chdir(node_dir) == 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	if (s < 0 || connect(s, (const struct sockaddr *)&a, sizeof(a)) < 0)
		_exit(1);
	for (int i = 0; i < KEY_PRESSES; i++) {
		if (send(s, key, sizeof(key) - 1, MSG_NOSIGNAL) < 0)
			break;
		poll(NULL, 0, KEY_INTERVAL_MS);
	}
	_exit(0);
}

static int add_tap(const struct lab_record *r, size_t index)
{
	_cleanup_free_ char *tap = NULL;
	int e;

	if (asprintf(&tap, "tap%zu", index) < 0)
		return -ENOMEM;
	if (if_nametoindex(tap) != 0)
		return 0; /* from an earlier power-on */
	e = spawn_argv(NULL, 10000, "ip", "tuntap", "add", "dev", tap, "mode", "tap", NULL);
	if (e == 0)
		e = spawn_argv(NULL, 10000, "ip", "link", "set", tap, "master", r->interface, "up", NULL);
	return e;
}

static int read_pid(const char *node_dir, pid_t *ret)
{
	_cleanup_close_ int fd = fs_root_open(node_dir);
	_cleanup_free_ char *text = NULL;
	int e = fd < 0 ? fd : fs_read(fd, "/qemu.pid", 64, &text, NULL);

	if (e < 0)
		return e;
	*ret = (pid_t)strtol(text, NULL, 10);
	return *ret > 0 ? 0 : -MUSTER_E_FORMAT;
}

int qemu_start(const struct lab_options *o, struct lab_record *r, size_t index)
{
	struct lab_machine *m = &r->machines[index];
	_cleanup_close_ int root = fs_root_open("/");
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *dir = NULL;
	struct spawn s = { .timeout_ms = 60000 };
	int e;

	if (asprintf(&dir, "%s/nodes/%s", o->dir, m->name) < 0)
		return -ENOMEM;
	e = fs_mkdir_all(root, dir, 0755);
	if (e == 0)
		e = add_tap(r, index);
	if (e == 0)
		e = add_machine(&argv, r, m, index, dir);
	if (e == -MUSTER_E_MISSING)
		lab_error(o, _("UEFI nodes need the firmware in %s: install the package ovmf."), OVMF_VARS);
	if (e < 0)
		return e;
	s.argv = (const char *const *)argv.v;
	s.cwd = dir;
	e = spawn_check(&s, NULL);
	if (e == 0 && m->firmware == LAB_BIOS)
		press_key(dir);
	if (e == -ENOENT)
		lab_error(o, _("%s is not installed; on Debian it is in the package qemu-system-x86."), QEMU);
	else if (e < 0)
		lab_error(o, _("The machine %s did not start: %s"), m->name, muster_strerror(e));
	return e < 0 ? e : read_pid(dir, &m->pid);
}
