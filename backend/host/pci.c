/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PCI list's names, by libpci. When something is amiss libpci calls its error callback, which must not return; so
 * it is asked in a child process, whose end then is all that happens. The answer comes through a pipe: for each slot,
 * in order, the vendor and the model, each with its NUL.
 */
#include "config.h"

#include "backend/host/private.h"

#include <errno.h>
#include <fcntl.h>
#include <pci/pci.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include "util/fs.h"
#include "util/log.h"

#define MAX_NAME 256
#define MAX_ANSWER (1024 * 1024)

/* The attribute belongs to the callback's type; _Noreturn would not. */
__attribute__((noreturn)) static void child_error(char *msg, ...)
{
	_exit(1);
}

static void child_quiet(char *msg, ...)
{
}

static void child_lookup(struct pci_access *access, const char *slot, int fd)
{
	char vendor[MAX_NAME] = "", model[MAX_NAME] = "";
	unsigned int domain, bus, device, function;
	struct pci_dev *d;

	if (sscanf(slot, "%x:%x:%x.%x", &domain, &bus, &device, &function) == 4) {
		d = pci_get_dev(access, (int)domain, (int)bus, (int)device, (int)function);
		/* Without NO_NUMBERS an unknown one would be named by its number. */
		if (d && pci_fill_info(d, PCI_FILL_IDENT) & PCI_FILL_IDENT) {
			pci_lookup_name(access, vendor, sizeof(vendor),
					PCI_LOOKUP_VENDOR | PCI_LOOKUP_NO_NUMBERS, d->vendor_id);
			pci_lookup_name(access, model, sizeof(model),
					PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS, d->vendor_id,
					d->device_id);
		}
		if (d)
			pci_free_dev(d);
	}
	if (fs_write_all(fd, vendor, strnlen(vendor, sizeof(vendor) - 1) + 1) < 0 ||
	    fs_write_all(fd, model, strnlen(model, sizeof(model) - 1) + 1) < 0)
		_exit(1);
}

_Noreturn static void child(const struct pci_name *v, size_t n, int fd)
{
	struct pci_access *access = pci_alloc();

	access->error = child_error;
	access->warning = child_quiet;
	access->debug = child_quiet;
	pci_init(access);
	for (size_t i = 0; i < n; i++)
		child_lookup(access, v[i].slot, fd);
	_exit(0);
}

/* Takes the next string of the answer; "" leaves the field NULL. False at its end. */
static bool take(const char **p, const char *end, char **ret)
{
	const char *nul = *p < end ? memchr(*p, '\0', (size_t)(end - *p)) : NULL;

	if (!nul)
		return false;
	if (nul > *p)
		*ret = strdup(*p);
	*p = nul + 1;
	return true;
}

int pci_names(struct pci_name *v, size_t n)
{
	_cleanup_free_ char *answer = NULL;
	const char *p;
	int fds[2], r;
	size_t len;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return 0;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(v, n, fds[1]);
	}
	close(fds[1]);
	r = pid < 0 ? -errno : fs_read_fd(fds[0], MAX_ANSWER, &answer, &len);
	close(fds[0]);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (r < 0) {
		log_debug("libpci could not be asked: %s", strerror(-r));
		return r == -ENOMEM ? r : 0;
	}
	p = answer;
	for (size_t i = 0; i < n; i++)
		if (!take(&p, answer + len, &v[i].vendor) || !take(&p, answer + len, &v[i].model))
			break;
	return 0;
}
