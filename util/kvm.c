/* SPDX-License-Identifier: GPL-3.0-or-later */
/* https://docs.kernel.org/virt/kvm/api.html */
#include "config.h"

#include "util/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/macro.h"

/* What the child ends with. */
enum { RAN, NO_DEVICE, NO_ACCESS, NOT_RUN };

#define CODE_AT 0x1000 /* in the guest's memory, which is that one page */
#define PAGE 4096
#define PORT 0xe9
#define PAUSE_MS 5

#if defined(__x86_64__) || defined(__i386__)

/* mov al, 'm'; out PORT, al; hlt: the first makes an exit that says that the guest got so far. */
static const unsigned char code[] = { 0xb0, 'm', 0xe6, PORT, 0xf4 };

static int start(int vcpu)
{
	struct kvm_regs regs = { .rip = CODE_AT, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

static int make_guest(int kvm, int *ret_vcpu)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = CODE_AT,
		.memory_size = PAGE,
		.userspace_addr = (unsigned long)page,
	};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0 || page == MAP_FAILED)
		return -errno;
	memcpy(page, code, sizeof(code));
	/* Older Intel processors run real mode only with a place for a task state. */
	(void)ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL);
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	*ret_vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	return *ret_vcpu < 0 ? -errno : start(*ret_vcpu);
}

static int run_guest(int kvm)
{
	int vcpu = -1, r = make_guest(kvm, &vcpu);
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run;

	if (r < 0 || size < (int)sizeof(*run))
		return NOT_RUN;
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || ioctl(vcpu, KVM_RUN, 0) < 0 || run->exit_reason != KVM_EXIT_IO ||
	    run->io.port != PORT)
		return NOT_RUN;
	return ioctl(vcpu, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_HLT ? RAN : NOT_RUN;
}

#else

static int run_guest(int kvm)
{
	return NOT_RUN;
}

#endif

_Noreturn static void child(const char *device)
{
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		_exit(errno == EACCES || errno == EPERM ? NO_ACCESS : NO_DEVICE);
	_exit(ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION ? run_guest(fd) : NOT_RUN);
}

static void pause_ms(int ms)
{
	const struct timespec t = { 0, ms * 1000000L };

	nanosleep(&t, NULL);
}

/* Its status, or -1 when the time is up. */
static int await(pid_t pid, int timeout_ms)
{
	int64_t end = clock_mono_ms() + timeout_ms;
	int status;
	pid_t r;

	while ((r = waitpid(pid, &status, WNOHANG)) == 0 || (r < 0 && errno == EINTR)) {
		if (clock_mono_ms() >= end)
			return -1;
		pause_ms(PAUSE_MS);
	}
	return r == pid && WIFEXITED(status) ? WEXITSTATUS(status) : NOT_RUN;
}

int kvm_try(const char *device, int timeout_ms)
{
	static const int codes[] = {
		[RAN] = 0,
		[NO_DEVICE] = -ENOENT,
		[NO_ACCESS] = -EACCES,
		[NOT_RUN] = -MUSTER_E_UNSUPPORTED,
	};
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(device);
	status = await(pid, timeout_ms);
	if (status < 0) {
		/* A guest that hangs in the kernel may not even be killed: it is not waited for. */
		kill(pid, SIGKILL);
		await(pid, 10 * PAUSE_MS);
		return -MUSTER_E_TIMEOUT;
	}
	return status < (int)ARRAY_SIZE(codes) ? codes[status] : -MUSTER_E_UNSUPPORTED;
}
