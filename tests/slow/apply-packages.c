/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packages' part of an apply, on this very root: for tests in a root that may be thrown away.
 *     apply-packages apply PACKAGE... | undo | recover
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/apply/apply.h"
#include "util/error.h"
#include "util/fs.h"

static int cancel_write;

static void on_signal(int number)
{
	if (write(cancel_write, "", 1) < 0)
		_exit(3);
}

static void on_step(void *data, const char *name, const char *text)
{
	printf("%s %s\n", name ? name : " ", text);
}

static void on_text(void *data, const char *text)
{
	printf("! %s\n", text);
}

static int apply(struct apply *a, char **names, size_t n)
{
	const struct apply_wish wish = { .packages = { names, n } };
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	const struct fileset nothing = { NULL, 0 };
	int r = apply_recover(a);

	if (r >= 0)
		r = changeset_make(a, &nothing, &wish, &c);
	for (size_t i = 0; r >= 0 && i < c->packages_along.n; i++)
		printf("along %s\n", c->packages_along.v[i]);
	return r < 0 ? r : apply_run(a, c, "test");
}

int main(int argc, char **argv)
{
	struct apply a = {
		.root_fd = fs_root_open("/"),
		.root_path = "/",
		.services = service_driver_find("none"),
		.packages = package_driver_find("apt"),
		.on_step = on_step,
		.on_note = on_text,
		.on_error = on_text,
	};
	const char *what = argc > 1 ? argv[1] : "";
	int fds[2], r = -EINVAL;

	if (a.root_fd < 0 || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	a.cancel_fd = fds[0];
	cancel_write = fds[1];
	signal(SIGINT, on_signal);
	if (strcmp(what, "apply") == 0)
		r = apply(&a, argv + 2, (size_t)argc - 2);
	else if (strcmp(what, "undo") == 0)
		r = apply_undo(&a);
	else if (strcmp(what, "recover") == 0)
		r = apply_recover(&a);
	if (r < 0)
		printf("! %s\n", muster_strerror(r));
	return r < 0;
}
