/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Doing a changeset, step by step: first the journal, then the deed. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/dhcp-probe.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define UNIT_FOLDER "/etc/systemd/system/"
#define SPACE_MIN (64ULL * 1024 * 1024)

struct run {
	struct apply *a;
	const struct changeset *c;
	struct changeset *prepared; /* owned; what prepare() gave */
	struct journal *j;	    /* NULL until something is to be done */
	const char *answers;
	bool packages_done;
	int points; /* for stop_after */
	bool stopped;
};

static int stop_here(struct run *run)
{
	if (run->a->stop_after == 0 || ++run->points != run->a->stop_after)
		return 0;
	run->stopped = true;
	return -MUSTER_E_CANCELLED;
}

/* What every step goes through. */
static int do_step(struct run *run, const struct step *s)
{
	unsigned int said = run->a->said;
	json_t *record, *done;
	int r = apply_pause(run->a, 0);

	if (r == 0 && !run->j)
		r = journal_create(run->a, run->answers, &run->j);
	if (r < 0) {
		if (r != -MUSTER_E_CANCELLED)
			apply_error(run->a, _("The journal cannot be begun in %s: %s."), APPLY_JOURNAL,
				    muster_strerror(r));
		return r;
	}
	record = json_pack("{s:s}", "kind", s->ops->kind);
	r = record ? s->ops->before(run->a, run->j, s, record) : -ENOMEM;
	if (r < 0) {
		json_decref(record);
		if (run->a->said == said) /* where the step has not said itself why */
			apply_error(run->a, _("What is there now cannot be saved in %s: %s."), APPLY_JOURNAL,
				    muster_strerror(r));
		return r;
	}
	r = journal_step(run->j, record);
	if (r < 0)
		apply_error(run->a, _("The journal cannot be written: %s."), muster_strerror(r));
	if (r == 0)
		r = stop_here(run);
	if (r < 0)
		return r;
	done = json_object();
	r = done ? s->ops->run(run->a, s, done) : -ENOMEM;
	if (r == 0)
		r = stop_here(run);
	if (r < 0) {
		json_decref(done);
		return r;
	}
	r = journal_done(run->j, done);
	if (r < 0)
		apply_error(run->a, _("The journal cannot be written: %s."), muster_strerror(r));
	return r;
}

/* What a package has just started, or the next boot would start, in the place of a service of muster's own. */
static bool is_rival(const struct change_service *v)
{
	const struct service *s = service_find(v->name);

	return s && s->package && v->action == CHANGE_STOP;
}

static int stop_rivals(struct run *run)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->c->n_services; i++) {
		const struct change_service *v = &run->c->services[i];
		const struct step step = { .ops = &step_service,
					   .service = service_find(v->name),
					   .action = CHANGE_STOP };

		if (is_rival(v))
			r = do_step(run, &step);
	}
	return r;
}

/* What the package manager might change, first; then it itself, which no cancel stops. */
static int install_packages(struct run *run)
{
	_cleanup_strv_ struct strv endangered = STRV_INIT;
	const struct step s = {
		.ops = &step_packages,
		.names = &run->c->packages,
		.conffiles = &endangered,
	};
	int r;

	apply_say(run->a, NC_("step", "packages"),
		  ngettext("installing %zu package", "installing %zu packages", run->c->packages.n),
		  run->c->packages.n);
	r = packages_fetch(run->a, &run->c->packages, &endangered);
	for (size_t i = 0; r == 0 && i < endangered.n; i++) {
		const struct change c = { .path = endangered.v[i] };
		const struct step guard = { .ops = &step_conffile, .change = &c };

		r = do_step(run, &guard);
	}
	if (r == 0)
		r = do_step(run, &s);
	return r == 0 ? apply_pause(run->a, 0) : r;
}

static int do_packages(struct run *run)
{
	int r = 0;

	if (run->c->packages.n && run->a->packages && run->a->packages->install)
		r = install_packages(run);
	if (r == 0)
		r = stop_rivals(run);
	if (r == 0 && run->a->prepare) {
		r = run->a->prepare(run->a->data, &run->prepared);
		if (r == 0 && run->prepared) {
			run->c = run->prepared;
			/* A package may have enabled one without starting it. */
			r = stop_rivals(run);
		}
	}
	return r;
}

static int do_user(struct run *run)
{
	const struct step s = { .ops = &step_user };

	if (!run->c->user)
		return 0;
	apply_say(run->a, NC_("step", "user"), _("making the system user %s"), APPLY_USER);
	return do_step(run, &s);
}

static int do_change(struct run *run, const struct change *c)
{
	const struct step s = { .ops = c->directory ? &step_directory : &step_file, .change = c };

	return do_step(run, &s);
}

/* Folders before what they hold, as they stand; removals are in their order, too. The manifest, which says what muster
 * owns, is the last. */
static int do_files(struct run *run)
{
	const struct change *manifest = NULL;
	int r = 0;

	if (run->c->n_files)
		apply_say(run->a, NC_("step", "files"),
			  ngettext("writing %zu file or folder", "writing %zu files and folders",
				   run->c->n_files),
			  run->c->n_files);
	for (size_t i = 0; r == 0 && i < run->c->n_files; i++) {
		if (strcmp(run->c->files[i].path, APPLY_MANIFEST) == 0)
			manifest = &run->c->files[i];
		else
			r = do_change(run, &run->c->files[i]);
	}
	return r == 0 && manifest ? do_change(run, manifest) : r;
}

/* The public keys are known only now, so this file is no part of the changeset whenever keys are made. */
static int do_known_hosts(struct run *run)
{
	_cleanup_(present_free) struct present p = { 0 };
	_cleanup_free_ char *text = NULL;
	struct change c = { 0 };
	int r = present_read(run->a, APPLY_KNOWN_HOSTS, &p);

	if (r == 0)
		r = keys_known_hosts(run->a, &run->c->nodes, &text);
	if (r < 0 || (p.exists && p.len == strlen(text) && memcmp(p.data, text, p.len) == 0))
		return r;
	c = (struct change){
		.kind = p.exists ? CHANGE_MODIFY : CHANGE_CREATE,
		.path = (char[]){ APPLY_KNOWN_HOSTS },
		.old_data = p.data,
		.old_len = p.len,
		.new_data = text,
		.new_len = strlen(text),
		.new_mode = 0644,
	};
	return do_change(run, &c);
}

static int do_keys(struct run *run)
{
	const struct step s = { .ops = &step_keys, .names = &run->c->keys };
	int r;

	if (run->c->keys.n == 0)
		return 0;
	apply_say(run->a, NC_("step", "keys"),
		  ngettext("making ssh host keys for %zu node", "making ssh host keys for %zu nodes",
			   run->c->keys.n),
		  run->c->keys.n);
	r = do_step(run, &s);
	return r < 0 ? r : do_known_hosts(run);
}

static bool unit_changes(const struct changeset *c, const char *unit)
{
	for (size_t i = 0; i < c->n_files; i++)
		if (strncmp(c->files[i].path, UNIT_FOLDER, strlen(UNIT_FOLDER)) == 0 &&
		    (!unit || strcmp(c->files[i].path + strlen(UNIT_FOLDER), unit) == 0))
			return true;
	return false;
}

static bool ends(const struct change_service *v)
{
	return v->action == CHANGE_STOP || (v->action == CHANGE_RELEASE && !v->running);
}

static int do_services(struct run *run, bool stops)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->c->n_services; i++) {
		const struct change_service *v = &run->c->services[i];
		struct step s = {
			.ops = &step_service,
			.service = service_find(v->name),
			.action = v->action,
			.unit_changed = unit_changes(run->c, v->unit),
			.running = v->running,
			.enabled = v->enabled,
		};

		if (ends(v) != stops || is_rival(v))
			continue;
		r = s.service ? do_step(run, &s) : -EINVAL;
	}
	return r;
}

static int reload_units(struct run *run)
{
	if (!run->a->services || !run->a->services->reload_units || !unit_changes(run->c, NULL))
		return 0;
	return run->a->services->reload_units(run->a);
}

static bool starts_dnsmasq(const struct run *run)
{
	for (size_t i = 0; i < run->c->n_services; i++)
		if (run->c->services[i].action == CHANGE_START &&
		    strcmp(run->c->services[i].name, "dnsmasq") == 0)
			return true;
	return false;
}

/* Everything that can be refused before anything is touched. */
static int preflight(struct run *run)
{
	unsigned long long space;
	int r = fs_free_bytes(run->a->root_fd, APPLY_JOURNAL, &space);

	if (r < 0)
		return r;
	if (space < SPACE_MIN) {
		apply_error(
			run->a,
			_("Only %llu MiB are free on the file system of /var/lib/muster; muster wants %llu "
			  "at least. Make "
			  "room, then begin again."),
			space >> 20, SPACE_MIN >> 20);
		return -ENOSPC;
	}
	return starts_dnsmasq(run) ? dhcp_refuse_other(run->a, false) : 0;
}

static int do_all(struct run *run)
{
	int r = preflight(run);

	if (r == 0 && run->c->packages.n == 0 && !run->a->prepare)
		r = services_check(run->a, run->c);
	if (r == 0) {
		r = do_packages(run);
		/* The checkers may have come with the packages only, and the files with prepare(). */
		if (r == 0 && (run->c->packages.n || run->a->prepare))
			r = services_check(run->a, run->c);
	}
	if (r == 0)
		r = do_user(run);
	if (r == 0)
		r = do_services(run, true);
	if (r == 0)
		r = do_files(run);
	if (r == 0)
		r = do_keys(run);
	if (r == 0)
		r = reload_units(run);
	if (r == 0)
		r = do_services(run, false);
	if (r == 0 && run->j) {
		r = journal_end(run->j, "applied");
		if (r < 0)
			apply_error(run->a, _("The journal cannot be ended: %s."), muster_strerror(r));
	}
	return r;
}

static int run_locked(struct run *run)
{
	int r = recover_locked(run->a), e;

	if (r != 0)
		return r > 0 ? -EAGAIN : r;
	r = do_all(run);
	if (r == 0 || run->stopped || !run->j)
		return r;
	apply_say(run->a, NC_("step", "undo"), _("taking back what was done"));
	e = undo_journal(run->a, run->j);
	if (e == 0)
		apply_note(run->a, _("Everything is as it was before."));
	return r;
}

/* Somebody's unfinished journal is not nothing, even where all files are as they should be. */
static int unfinished(struct apply *a)
{
	_cleanup_(journal_freep) struct journal *j = NULL;
	int r = journal_newest(a, &j);

	return r < 0 ? (r == -ENOENT ? 0 : r) : j->state == JOURNAL_UNFINISHED;
}

int apply_run(struct apply *a, const struct changeset *c, const char *answers)
{
	struct run run = { .a = a, .c = c, .answers = answers };
	_cleanup_close_ int lock = -1;
	int r;

	if (changeset_empty(c)) {
		r = unfinished(a);
		if (r <= 0)
			return r;
	}
	r = lock_take(a, &lock);
	if (r < 0)
		return r;
	r = run_locked(&run);
	journal_free(run.j);
	changeset_free(run.prepared);
	return r;
}
