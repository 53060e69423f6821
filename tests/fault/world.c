/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/fault/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/apply/step.h"
#include "tests/fault/faults.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define MANY 32

static struct shared {
	struct thing {
		char name[64];
		bool running, enabled, installed, configured;
	} things[MANY];
	bool half; /* the package manager was cut off, and wants to be mended before it removes anything */
	char never_up[64], not_installed[64];
} * shared;

static struct thing *find(const char *name)
{
	size_t i = 0;

	while (i < MANY && *shared->things[i].name && strcmp(shared->things[i].name, name) != 0)
		i++;
	if (i == MANY)
		abort();
	if (!*shared->things[i].name)
		snprintf(shared->things[i].name, sizeof(shared->things[i].name), "%s", name);
	return &shared->things[i];
}

void world_reset(void)
{
	if (!shared)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0);
	if (shared == MAP_FAILED)
		abort();
	memset(shared, 0, sizeof(*shared));
	find("bash")->installed = true;
	find(WORLD_REMOVED)->configured = true;
}

void world_keep_down(const char *service)
{
	snprintf(shared->never_up, sizeof(shared->never_up), "%s", service ? service : "");
}

void world_refuse_package(const char *package)
{
	snprintf(shared->not_installed, sizeof(shared->not_installed), "%s", package ? package : "");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct thing *)a)->name, ((const struct thing *)b)->name);
}

char *world_describe(void)
{
	struct thing sorted[MANY];
	struct strbuf b = STRBUF_INIT;
	char *text;

	memcpy(sorted, shared->things, sizeof(sorted));
	qsort(sorted, MANY, sizeof(sorted[0]), by_name);
	for (size_t i = 0; i < MANY; i++)
		if (sorted[i].running || sorted[i].enabled || sorted[i].installed || sorted[i].configured)
			strbuf_addf(&b, "%s%s%s%s%s\n", sorted[i].name, sorted[i].running ? " runs" : "",
				    sorted[i].enabled ? " enabled" : "",
				    sorted[i].installed ? " installed" : "",
				    sorted[i].configured ? " configured" : "");
	return strbuf_take(&b, &text, NULL) < 0 ? NULL : text;
}

/* ---- services --------------------------------------------------------------------------------------------------- */

/* A program of its own does this: no fault of ours is in its calls. */
static int link_wants(const struct apply *a, const struct service *s, bool enabled)
{
	char path[256], target[128];

	snprintf(path, sizeof(path), "%s%s/%s", a->root_path, WORLD_WANTS, s->unit);
	snprintf(target, sizeof(target), "/etc/systemd/system/%s", s->unit);
	if (!enabled)
		return unlink(path) < 0 && errno != ENOENT ? -MUSTER_E_COMMAND : 0;
	return symlink(target, path) < 0 && errno != EEXIST ? -MUSTER_E_COMMAND : 0;
}

static int set_enabled(struct apply *a, const struct service *s, bool enabled)
{
	int r;

	fault_point();
	r = link_wants(a, s, enabled);
	if (r == 0)
		find(s->name)->enabled = enabled;
	return r;
}

static int is_running(struct apply *a, const struct service *s)
{
	return find(s->name)->running;
}

static int is_enabled(struct apply *a, const struct service *s)
{
	return find(s->name)->enabled;
}

/* Into what is a file here. */
static void set_parameter(const struct apply *a)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s" WORLD_PARAMETER, a->root_path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "1\n") != 2)
		abort();
	close(fd);
}

static void run(const struct apply *a, const struct service *s)
{
	fault_point();
	find(s->name)->running = strcmp(shared->never_up, s->name) != 0;
	if (s->parameter)
		set_parameter(a);
	fault_point();
}

static int start(struct apply *a, const struct service *s)
{
	int r = set_enabled(a, s, true);

	if (r == 0)
		run(a, s);
	return r;
}

static int stop(struct apply *a, const struct service *s)
{
	int r = set_enabled(a, s, false);

	fault_point();
	if (r == 0)
		find(s->name)->running = false;
	fault_point();
	return r;
}

static int restart(struct apply *a, const struct service *s)
{
	fault_point();
	find(s->name)->running = false;
	run(a, s);
	return 0;
}

static int last_words(struct apply *a, const struct service *s, char **ret)
{
	*ret = strdup("cannot bind to port 67");
	return *ret ? 0 : -ENOMEM;
}

static int reload_units(struct apply *a)
{
	fault_point();
	return 0;
}

const struct service_driver world_services = {
	.name = "world",
	.is_running = is_running,
	.is_enabled = is_enabled,
	.start = start,
	.stop = stop,
	.restart = restart,
	.last_lines = last_words,
	.reload_units = reload_units,
	.set_enabled = set_enabled,
};

/* ---- packages: each brings a library with it -------------------------------------------------------------------- */

static int list(struct apply *a, struct package_list *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < MANY; i++)
		if (shared->things[i].installed)
			r = strv_add(&ret->installed, shared->things[i].name);
		else if (shared->things[i].configured)
			r = strv_add(&ret->configured, shared->things[i].name);
	return r;
}

static int foresee(struct apply *a, const struct strv *packages, struct package_forecast *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < packages->n; i++)
		r = strv_add(&ret->added, packages->v[i]);
	return r;
}

static int endangered(struct apply *a, const struct package_list *now, const struct package_forecast *f,
		      struct strv *ret)
{
	return strv_has(&f->added, WORLD_REMOVED) ? strv_add(ret, WORLD_CONFFILE) : 0;
}

/* As a program of its own does it. NULL: takes the file away. */
static int write_conffile(struct apply *a, const char *text)
{
	char path[256];
	int fd, r;

	snprintf(path, sizeof(path), "%s" WORLD_CONFFILE, a->root_path);
	if (!text)
		return unlink(path) < 0 && errno != ENOENT ? -MUSTER_E_COMMAND : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		apply_error(a, "the package manager cannot write " WORLD_CONFFILE);
		return -MUSTER_E_COMMAND;
	}
	r = dprintf(fd, "%s", text) < 0 ? -MUSTER_E_COMMAND : 0;
	close(fd);
	return r;
}

static int install(struct apply *a, const struct strv *packages)
{
	shared->half = true;
	for (size_t i = 0; i < packages->n; i++) {
		char library[64];

		snprintf(library, sizeof(library), "lib%s", packages->v[i]);
		fault_point();
		find(library)->installed = true;
		fault_point();
		if (strcmp(shared->not_installed, packages->v[i]) == 0) {
			apply_error(a, "the package manager cannot install %s", packages->v[i]);
			return -MUSTER_E_COMMAND;
		}
		if (strcmp(packages->v[i], WORLD_REMOVED) == 0 && write_conffile(a, "the package's\n") < 0)
			return -MUSTER_E_COMMAND;
		find(packages->v[i])->installed = true;
	}
	fault_point();
	shared->half = false;
	return 0;
}

static int mend(struct apply *a, const struct strv *packages)
{
	fault_point();
	shared->half = false;
	fault_point();
	return 0;
}

static int take_away(struct apply *a, const struct strv *packages, const struct strv *purge)
{
	if (shared->half) {
		apply_error(a, "the package manager was interrupted, and nobody has mended that");
		return -MUSTER_E_COMMAND;
	}
	for (size_t i = 0; i < packages->n; i++) {
		fault_point();
		find(packages->v[i])->installed = false;
		find(packages->v[i])->configured = true;
	}
	for (size_t i = 0; i < purge->n; i++) {
		fault_point();
		find(purge->v[i])->configured = false;
		if (strcmp(purge->v[i], WORLD_REMOVED) == 0 && write_conffile(a, NULL) < 0)
			return -MUSTER_E_COMMAND;
	}
	fault_point();
	return 0;
}

const struct package_driver world_packages = {
	.name = "world",
	.list = list,
	.foresee = foresee,
	.endangered = endangered,
	.install = install,
	.mend = mend,
	.remove = take_away,
};
