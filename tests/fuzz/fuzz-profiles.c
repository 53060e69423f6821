/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profiles of distributions and of kinds of clusters: each input is read as both. */
#include "config.h"

#include "backend/plan/profile.h"
#include "tests/fuzz/house.h"
#include "util/strv.h"

FUZZ_TARGET(profiles)
{
	_cleanup_(profile_distro_freep) struct profile_distro *p = NULL;
	_cleanup_(strv_free) struct strv parts = STRV_INIT;

	house_quiet();
	fuzz_put("distro/it.conf", data, size);
	fuzz_put("cluster/it.conf", data, size);
	if (profile_distro_read(fuzz_dir(), "it", &p) == 0) {
		for (size_t i = 0; i < p->n_services; i++)
			fuzz_need(profile_service_find(p, p->services[i].name));
		for (size_t i = 0; i < p->n_kernels; i++)
			fuzz_need(profile_kernel_find(p, p->kernels[i].name));
	}
	if (profile_parts(fuzz_dir(), "it", &parts) == 0)
		for (size_t i = 0; i < parts.n; i++)
			fuzz_need(fuzz_is_clean(parts.v[i], false));
	return 0;
}
