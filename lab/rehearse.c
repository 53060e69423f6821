/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "lab/rehearse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lab/rehearse-private.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/process.h"
#include "util/spawn.h"

#define HOST_FILE "/host.json"
#define GATEWAY "/etc/muster/gateway.nft" /* as backend/render/network.c names it */
#define ANSWERS_MAX (4 * 1024 * 1024)

/* What one rehearsal carries from step to step. */
struct rehearsal {
	const struct lab_rehearse_options *o;
	struct lab_options lab; /* o->lab, with the folder as an absolute path, and this one's ears */
	struct lab_record record;
	struct muster_rehearsal plan;
	struct lab_borrow borrow;
	char *root, *host_file, *answers;
	struct lab_rehearsal *v;
	struct strv errors; /* what was said to have failed */
	int cwd;	    /* where this process was */
};

void lab_rehearsal_clear(struct lab_rehearsal *r)
{
	lab_tries_free(r->tries, r->n);
	for (size_t i = 0; i < r->n_evidence; i++) {
		free(r->evidence[i].title);
		strv_free(&r->evidence[i].lines);
	}
	free(r->evidence);
	muster_differences_free(r->differences, r->n_differences);
	strv_free(&r->notes);
	free(r->folder);
	free(r->report);
	free(r->accelerator);
	*r = (struct lab_rehearsal){ .notes = STRV_INIT };
}

static void free_rehearsal(struct rehearsal *w)
{
	record_free(&w->record);
	muster_rehearsal_clear(&w->plan);
	free(w->root);
	free(w->host_file);
	free(w->answers);
	strv_free(&w->errors);
}

/* The errors are the evidence of a rehearsal that stops before a node is powered on. */
static void hear(void *data, const struct muster_event *e)
{
	struct rehearsal *w = data;
	int r = e->type == MUSTER_EVENT_ERROR ? strv_add(&w->errors, e->text) : 0;

	if (r == 0 && w->o->lab.on_event)
		w->o->lab.on_event(w->o->lab.data, e);
}

/* ---- inside the namespaces ------------------------------------------------------------------------------------------ */

static int make_interface(struct rehearsal *w, struct muster *m)
{
	struct muster_network network;
	int r = muster_network(m, w->answers, &network);

	if (r < 0)
		return r;
	/* Where the answers name it by its MAC address, the facts of the server say what it is called. */
	snprintf(network.interface, sizeof(network.interface), "%s", w->o->plan->interface);
	return lab_make_interface(&w->lab, &network);
}

/* The answers may lie where the rehearsal's own folder is about to be. */
static int carry_answers(struct rehearsal *w)
{
	const struct fs_attr attr = { 0640, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int slash = fs_root_open("/"), in = -1;
	_cleanup_free_ char *to = fs_join(w->root, w->answers), *folder = to ? strdup(to) : NULL;
	int r;

	if (strncmp(w->answers, "/etc/muster/", 12) != 0 && strncmp(w->answers, "/var/lib/muster/", 16) != 0)
		return 0;
	if (!folder)
		return -ENOMEM;
	*strrchr(folder, '/') = '\0';
	in = open(w->answers, O_RDONLY | O_CLOEXEC);
	r = in < 0 ? -errno : fs_mkdir_all(slash, folder, 0755);
	return r < 0 ? r : fs_copy(in, slash, to, &attr);
}

/* The gateway's rules, into the lab's own tables. */
static int load_gateway(struct rehearsal *w)
{
	_cleanup_free_ char *path = fs_join(w->root, GATEWAY);
	int64_t began = clock_mono_ms();
	int r;

	if (!w->o->plan->gateway)
		return 0;
	lab_step(&w->lab, NC_("step", "gateway"), _("nft -f %s"), GATEWAY);
	r = path ? spawn_argv(NULL, 10000, "nft", "-f", path, NULL) : -ENOMEM;
	if (r < 0)
		lab_error(&w->lab, _("The gateway's rules are refused: %s"), muster_strerror(r));
	else
		lab_done(&w->lab, "gateway", began);
	return r;
}

static int choose_accelerator(struct rehearsal *w, const char *generation)
{
	_cleanup_free_ char *kernel = NULL;
	bool kvm = w->lab.accelerator == LAB_KVM;

	if (w->lab.accelerator == LAB_AUTO) {
		if (asprintf(&kernel, "%s/var/lib/muster/roots/%s/vmlinuz", w->root, generation) < 0)
			return -ENOMEM;
		kvm = qemu_kvm_works(kernel);
	}
	w->record.accelerator = strdup(kvm ? "kvm" : "tcg");
	return w->record.accelerator ? 0 : -ENOMEM;
}

/* All that is built is built before the server's folders are out of sight. */
static int build(struct rehearsal *w, struct muster *m)
{
	_cleanup_free_ char *generation = NULL;
	int r = keeper_network(false);

	if (r == 0)
		r = muster_root_build(m, &generation);
	if (r == 0)
		r = choose_accelerator(w, generation);
	return r < 0 ? r : keeper_network(true);
}

static int add_machines(struct rehearsal *w)
{
	int r = 0;

	w->record.cluster = strdup(w->o->plan->name);
	w->record.interface = strdup(w->o->plan->interface);
	w->record.processors = 1;
	if (!w->record.cluster || !w->record.interface)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < w->v->n; i++) {
		const struct lab_try *t = &w->v->tries[i];

		r = lab_add_machine(&w->record, t->machine, t->mac, t->firmware,
				    lab_memory(&w->lab, t->firmware, w->o->plan->root));
	}
	return r < 0 ? r : record_write(w->lab.dir, &w->record);
}

static int work(void *data)
{
	struct rehearsal *w = data;
	const struct muster_config config = {
		.root = w->root,
		.host_file = w->host_file,
		.services = MUSTER_SERVICES_DIRECT,
		.lab = true,
		.rehearsal = true,
		.take_over = true,
		.on_event = w->lab.on_event,
		.data = w->lab.data,
		.cancel_fd = w->lab.cancel_fd,
	};
	_cleanup_(muster_freep) struct muster *m = NULL;
	const struct plan *p;
	int r = lab_mount_built(&w->lab, &w->borrow);

	if (r == 0)
		r = muster_new(&config, &m);
	if (r == 0)
		r = make_interface(w, m);
	if (r == 0)
		r = muster_plan(m, w->answers, &p);
	if (r == 0)
		r = build(w, m);
	if (r == 0)
		r = carry_answers(w);
	if (r == 0)
		r = lab_mount_over(&w->lab);
	if (r == 0)
		r = muster_apply(m);
	if (r == 0)
		r = load_gateway(w);
	return r < 0 ? r : add_machines(w);
}

/* ---- outside ------------------------------------------------------------------------------------------------------------ */

static int write_facts(struct rehearsal *w)
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int dir = fs_root_open(w->lab.dir);
	_cleanup_free_ char *text = NULL;
	int r = dir < 0 ? dir : muster_host_json(w->o->server, &text);

	if (r == 0)
		r = fs_write(dir, HOST_FILE, text, strlen(text), &attr);
	w->host_file = fs_join(w->lab.dir, HOST_FILE);
	w->root = fs_join(w->lab.dir, "root");
	if (r == 0 && (!w->host_file || !w->root))
		r = -ENOMEM;
	return r < 0 ? r : fs_mkdir_all(dir, "/root", 0755);
}

/* Nothing of an earlier rehearsal counts but what it has built. */
static int make_fresh(struct rehearsal *w)
{
	static const char *const old[] = { "/lab.json",
					   "/nodes",
					   "/layer",
					   "/report.txt",
					   MUSTER_REHEARSAL_RECORD,
					   "/root/etc",
					   "/root/run",
					   "/root/var/log",
					   "/root/var/lib/muster/state",
					   "/root/var/lib/muster/keys",
					   "/root/var/lib/muster/journal",
					   "/root/var/lib/muster/manifest.json",
					   "/root/var/lib/muster/dnsmasq.leases",
					   "/root/var/lib/muster/tftp",
					   "/root/var/lib/muster/ganesha",
					   NULL };
	int r = lab_remove_each(w->lab.dir, old);

	if (r < 0)
		lab_error(&w->lab, _("What an earlier rehearsal left in %s cannot be removed: %s"),
			  w->lab.dir, muster_strerror(r));
	return r;
}

static int look_at_server(struct rehearsal *w)
{
	int r = muster_rehearsal_look(w->o->server, &w->plan);

	if (r < 0)
		return r;
	w->borrow = (struct lab_borrow){ w->o->server_root, w->plan.root_built,
					 w->plan.root_built && w->plan.initramfs_built };
	memcpy(w->v->plan, w->plan.plan, sizeof(w->v->plan));
	if (!w->plan.root_built)
		r = strv_addf(&w->v->notes,
			      _("The node root %s is not built on this server yet: the rehearsal has built "
				"it in its own folder."),
			      w->plan.root_id);
	else if (!w->plan.initramfs_built)
		r = strv_add(&w->v->notes, _("The initramfs is not built on this server yet: the rehearsal "
					     "has built it in its own folder."));
	return r;
}

static int start(struct rehearsal *w, int tie)
{
	int r = keeper_start(tie, &w->record.keeper);

	if (r < 0) {
		lab_error(&w->lab, _("Namespaces for the rehearsal could not be made: %s"),
			  muster_strerror(r));
		return r;
	}
	w->record.keeper_start = process_start_time(w->record.keeper);
	/* `muster lab down` ends it, too. */
	r = record_write(w->lab.dir, &w->record);
	return r < 0 ? r : keeper_run(w->record.keeper, &w->lab, work, w);
}

/* It stopped before a node was powered on: what was said is all that there is. */
static int explain_stop(struct rehearsal *w, int why)
{
	_cleanup_close_ int dir = fs_root_open(w->lab.dir);
	int r = dir < 0 ? dir : 0;

	w->v->stopped = true;
	if (r == 0 && w->errors.n == 0)
		r = strv_add(&w->errors, muster_strerror(why));
	if (r == 0)
		r = lab_evidence_add(&w->v->evidence, &w->v->n_evidence, _("what failed"), &w->errors);
	return r < 0 ? r : lab_evidence_services(w->v, dir);
}

/* The server's plan may have been read from a path that begins where this process was. */
static int compare(struct rehearsal *w)
{
	int r = fchdir(w->cwd) < 0 ? -errno : 0;

	if (r == 0)
		r = muster_rehearsal_compare(w->o->server, w->root, &w->v->differences, &w->v->n_differences);
	return chdir("/") < 0 && r == 0 ? -errno : r;
}

static int rehearse(struct rehearsal *w, int tie)
{
	struct lab_rehearse_options nodes = *w->o;
	_cleanup_(record_free) struct lab_record record = { 0 };
	int r = start(w, tie);

	nodes.lab = w->lab;
	if (r == 0)
		r = record_read(w->lab.dir, &record);
	if (r == 0)
		r = compare(w);
	if (r < 0)
		return r == -MUSTER_E_CANCELLED || r == -ENOMEM ? r : explain_stop(w, r);
	w->v->accelerator = TAKE_PTR(record.accelerator);
	return lab_rehearse_nodes(&nodes, w->v);
}

static int finish(struct rehearsal *w, bool keep, int r)
{
	int e = 0;

	if (w->record.keeper > 0 && (!keep || r < 0)) {
		e = keeper_stop(w->record.keeper);
		if (e < 0)
			lab_error(&w->lab, _("The rehearsal's process %d does not end: %s"),
				  (int)w->record.keeper, muster_strerror(e));
		else
			e = record_remove(w->lab.dir);
	}
	if (r < 0)
		return r;
	if (e == 0)
		e = lab_report_write(&w->lab, w->v);
	return e;
}

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	bool empty = d;

	while (d && (e = readdir(d)))
		empty &= strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (d)
		closedir(d);
	return empty;
}

static int prepare(struct rehearsal *w, int *ret_lock)
{
	_cleanup_(record_free) struct lab_record old = { 0 };
	_cleanup_free_ char *dir = NULL;
	int r;

	if (geteuid() != 0) {
		lab_error(&w->lab, _("A rehearsal needs root's rights for its namespaces."));
		return -MUSTER_E_REFUSED;
	}
	r = lab_absolute(w->o->lab.dir, &dir);
	if (r == 0)
		w->v->folder = realpath(dir, NULL);
	w->answers = realpath(w->o->answers, NULL);
	if (r == 0 && (!w->v->folder || !w->answers))
		r = -errno;
	if (r < 0) {
		lab_error(&w->lab, _("The rehearsal's folder %s cannot be made: %s"), w->o->lab.dir,
			  muster_strerror(r));
		return r;
	}
	w->lab.dir = w->v->folder;
	/* What an earlier rehearsal left is removed: that must not be anybody's own. */
	if (!record_marked(w->lab.dir) && !is_empty(w->lab.dir)) {
		lab_error(&w->lab,
			  _("%s is not empty, and not the folder of a rehearsal; nothing was touched. Name a "
			    "new "
			    "or an empty one with --dir."),
			  w->lab.dir);
		return -MUSTER_E_REFUSED;
	}
	r = record_lock(&w->lab, w->lab.dir, ret_lock);
	if (r == 0 && record_read(w->lab.dir, &old) == 0 && record_alive(&old)) {
		lab_error(&w->lab,
			  _("A rehearsal or a lab runs in %s already; `muster lab down --dir %s` ends it."),
			  w->lab.dir, w->lab.dir);
		return -MUSTER_E_BUSY;
	}
	return r;
}

int lab_rehearse(const struct lab_rehearse_options *o, struct lab_rehearsal *ret)
{
	struct lab_rehearsal v = { .at = clock_wall_ms(), .notes = STRV_INIT };
	struct rehearsal w = { .o = o, .lab = o->lab, .v = &v, .errors = STRV_INIT, .cwd = -1 };
	_cleanup_close_ int lock = -1;
	int tie[2] = { -1, -1 }, r;

	w.lab.on_event = hear;
	w.lab.data = &w;
	r = prepare(&w, &lock);
	if (r == 0)
		r = lab_choose(o->plan, o->nodes, o->bios, o->uefi, &v.tries, &v.n, &v.notes);
	if (r == 0 && v.n == 0) {
		lab_error(&w.lab,
			  _("None of these nodes can be tried: the answers give no MAC address for them."));
		r = -MUSTER_E_REFUSED;
	}
	if (r == 0)
		r = make_fresh(&w);
	if (r == 0)
		r = write_facts(&w);
	if (r == 0)
		r = look_at_server(&w);
	/* However this process ends, the other end of the pipe goes with it, and all of the rehearsal with that. */
	if (r == 0 && !o->keep && pipe2(tie, O_CLOEXEC) < 0)
		r = -errno;
	w.lab.not_inside = tie[1];
	/* The mount namespace has another view of where this process may be. */
	if (r == 0) {
		w.cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = w.cwd < 0 || chdir("/") < 0 ? -errno : 0;
	}
	v.report = v.folder ? fs_join(v.folder, "report.txt") : NULL;
	if (r == 0)
		r = finish(&w, o->keep, rehearse(&w, tie[0]));
	if (w.cwd >= 0 && fchdir(w.cwd) < 0)
		lab_note(&o->lab, _("The folder in which this began is gone."));
	closep(&w.cwd);
	closep(&tie[0]);
	closep(&tie[1]);
	free_rehearsal(&w);
	if (r < 0)
		lab_rehearsal_clear(&v);
	else
		*ret = v;
	return r;
}
