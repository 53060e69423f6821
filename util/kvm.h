/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hardware virtualisation: /dev/kvm may be there and yet run nothing, as in a machine that is virtual itself. */
#pragma once

/*
 * Runs three instructions as a guest, in a process of its own, for timeout_ms at most. 0: they ran. -ENOENT: there is no
 * such device; -EACCES: it may not be opened; -MUSTER_E_TIMEOUT: they hang; -MUSTER_E_UNSUPPORTED: they do not run.
 */
int kvm_try(const char *device, int timeout_ms);
