/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lab/private.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/process.h"
#include "util/spawn.h"

/* What one `up` carries from step to step, inside the lab's namespaces. */
struct work {
	struct lab_options *o;
	struct lab_record *record;
	char *root; /* the scratch root's path */
};

int lab_make_interface(const struct lab_options *o, const struct muster_network *n)
{
	int64_t began = clock_mono_ms();
	int r;

	lab_step(o, NC_("step", "network"), _("%s with %s in a network namespace"), n->interface, n->address);
	r = spawn_argv(NULL, 10000, "ip", "link", "add", n->interface, "type", "bridge", "stp_state", "0",
		       "forward_delay", "0", NULL);
	if (r == 0 && *n->mac)
		r = spawn_argv(NULL, 10000, "ip", "link", "set", n->interface, "address", n->mac, NULL);
	if (r == 0)
		r = spawn_argv(NULL, 10000, "ip", "address", "add", n->address, "dev", n->interface, NULL);
	/* An IPv6 prefix to advertise: iPXE waits 13 s for an advertisement where none comes. */
	if (r == 0 && *n->ipv6)
		r = spawn_argv(NULL, 10000, "ip", "-6", "address", "add", n->ipv6, "dev", n->interface,
			       "nodad", NULL);
	if (r == 0)
		r = spawn_argv(NULL, 10000, "ip", "link", "set", n->interface, "up", NULL);
	if (r < 0)
		lab_error(o, _("The lab's network could not be made: %s"), muster_strerror(r));
	else
		lab_done(o, "network", began);
	return r;
}

int lab_add_machine(struct lab_record *r, const char *name, const char *mac, enum lab_firmware firmware,
		    unsigned int memory_mb)
{
	struct lab_machine *v = reallocarray(r->machines, r->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	r->machines = v;
	v[r->n] = (struct lab_machine){ strdup(name), strdup(mac), 0, firmware, memory_mb };
	if (!v[r->n].name || !v[r->n].mac)
		return -ENOMEM;
	r->n++;
	return 0;
}

/* One machine for each node with a MAC address; in range mode machines with addresses of their own. */
static int choose_machines(struct work *w, const struct plan *p)
{
	unsigned int most = w->o->nodes;
	int r = 0;

	if (!most && p->ip_mode == PLAN_IP_RANGE)
		most = 2;
	for (size_t i = 0; r == 0 && i < p->n_nodes && (!most || w->record->n < most); i++) {
		const struct plan_node *n = &p->nodes[i];
		/* QEMU's own prefix 52:54:00, then "m". */
		struct mac mac = { { 0x52, 0x54, 0x00, 0x6d, (uint8_t)(i >> 8), (uint8_t)(i + 1) } };

		if (p->ip_mode == PLAN_IP_MAC && !n->has_mac)
			continue;
		r = lab_add_machine(w->record, n->name, MAC(n->has_mac ? n->mac : mac), w->o->firmware,
				    lab_memory(w->o, w->o->firmware, p->root));
	}
	if (r == 0 && w->record->n < w->o->nodes) {
		lab_error(w->o, _("The answers give MAC addresses for %zu nodes only; %u were asked for."),
			  w->record->n, w->o->nodes);
		return -MUSTER_E_ANSWERS;
	}
	return r;
}

unsigned int lab_memory(const struct lab_options *o, enum lab_firmware firmware, enum plan_root root)
{
	static const unsigned int mb[] = {
		[PLAN_ROOT_RAM] = 384,
		[PLAN_ROOT_NFS] = 256,
		[PLAN_ROOT_INITRAMFS] = 128,
	};

	if (o->memory_mb)
		return o->memory_mb;
	/* OVMF itself wants more. */
	return firmware == LAB_UEFI ? MAX(mb[root], 512U) : mb[root];
}

static int choose_accelerator(struct work *w, const char *generation)
{
	_cleanup_free_ char *kernel = NULL;
	bool kvm = w->o->accelerator == LAB_KVM;

	if (w->o->accelerator == LAB_AUTO) {
		if (asprintf(&kernel, "%s/var/lib/muster/roots/%s/vmlinuz", w->root, generation) < 0)
			return -ENOMEM;
		kvm = qemu_kvm_works(kernel);
		if (!kvm)
			lab_note(w->o, _("No guest runs under KVM on this machine: the nodes are emulated in "
					 "software."));
	}
	w->record->accelerator = strdup(kvm ? "kvm" : "tcg");
	return w->record->accelerator ? 0 : -ENOMEM;
}

/* The interface is made first, since a plan wants to see it. */
static int make_plan(struct work *w, struct muster *m, const struct plan **ret)
{
	const struct plan_mistakes *mistakes = muster_mistakes(m);
	struct muster_network network;
	int r;

	r = muster_network(m, w->o->answers, &network);
	if (r == 0)
		r = lab_make_interface(w->o, &network);
	if (r == 0)
		r = muster_plan(m, w->o->answers, ret);
	for (size_t i = 0; i < mistakes->n; i++) {
		const struct plan_mistake *m1 = &mistakes->v[i];

		if (m1->line)
			lab_error(w->o, "%s:%u: %s", m1->file, m1->line, m1->text);
		else
			lab_error(w->o, "%s: %s", m1->file, m1->text);
	}
	return r < 0 && mistakes->n ? -MUSTER_E_ANSWERS : r;
}

/* Where muster looks for a key to the nodes: in the lab's root it is the lab's. */
static int give_key(int dir)
{
	const struct fs_attr attr = { 0600, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int key = fs_open(dir, "/id_ed25519", O_RDONLY | O_CLOEXEC, 0);
	int r = key < 0 ? key : fs_mkdir_all(dir, "/root/etc/muster", 0755);

	return r < 0 ? r : fs_copy(key, dir, "/root" MUSTER_IDENTITY, &attr);
}

/* The lab's own key to its nodes; made once for its folder. */
static int read_key(const struct lab_options *o, char **ret)
{
	_cleanup_free_ char *path = fs_join(o->dir, "id_ed25519");
	_cleanup_close_ int dir = fs_root_open(o->dir);
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (dir < 0)
		return dir;
	if (!fs_exists(dir, "/id_ed25519.pub"))
		r = spawn_argv(NULL, 30000, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "muster-lab",
			       "-f", path, NULL);
	if (r == 0)
		r = give_key(dir);
	if (r == 0)
		r = fs_read(dir, "/id_ed25519.pub", 4096, ret, NULL);
	if (r == 0)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	else
		lab_error(o, _("The lab's ssh key could not be made: %s"), muster_strerror(r));
	return r;
}

/* What a context of this lab is made with. */
static struct muster_config configure(const struct lab_options *o, const char *root, const char *key)
{
	return (struct muster_config){
		.root = root,
		.services = MUSTER_SERVICES_DIRECT,
		.lab = true,
		.ssh_key = key,
		.on_event = o->on_event,
		.data = o->data,
		.cancel_fd = o->cancel_fd,
	};
}

/* This runs in a child: the record goes back to the parent through its file. */
static int power_on(struct work *w)
{
	int64_t began = clock_mono_ms();
	int r = 0;

	w->record->processors = w->o->processors ? w->o->processors : 1;
	if (w->o->services_only)
		return record_write(w->o->dir, w->record);
	lab_step(w->o, "power", _("%zu nodes of %u MB, %s"), w->record->n,
		 w->record->n ? w->record->machines[0].memory_mb : 0,
		 w->o->firmware == LAB_UEFI ? "UEFI" : "BIOS");
	for (size_t i = 0; r == 0 && i < w->record->n; i++)
		r = qemu_start(w->o, w->record, i);
	if (r < 0)
		return r;
	lab_done(w->o, "power", began);
	return record_write(w->o->dir, w->record);
}

static int work_up(void *data)
{
	struct work *w = data;
	struct muster_config config;
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_free_ char *generation = NULL, *key = NULL;
	const struct plan *p;
	int r;

	r = read_key(w->o, &key);
	config = configure(w->o, w->root, key);
	if (r == 0)
		r = muster_new(&config, &m);
	if (r == 0)
		r = make_plan(w, m, &p);
	if (r == 0)
		r = choose_machines(w, p);
	/* The packages of a node root come from outside; the daemons must not see the outside. */
	if (r == 0)
		r = keeper_network(false);
	if (r == 0)
		r = muster_root_build(m, &generation);
	if (r == 0)
		r = choose_accelerator(w, generation);
	if (r == 0)
		r = keeper_network(true);
	if (r == 0)
		r = muster_apply(m);
	if (r < 0)
		return r;
	w->record->cluster = strdup(p->name);
	w->record->interface = strdup(p->interface);
	if (!w->record->cluster || !w->record->interface)
		return -ENOMEM;
	return power_on(w);
}

/* ---- bare machines, for the wizard -------------------------------------------------------------------------- */

static int work_bare(void *data)
{
	/* 52:54:00 is QEMU's own prefix. */
	static const struct muster_network network = { .interface = LAB_BARE_INTERFACE,
						       .mac = "52:54:00:66:00:fe",
						       .address = "10.66.0.1/24" };
	struct work *w = data;
	_cleanup_free_ char *key = NULL;
	unsigned int n = w->o->nodes ? w->o->nodes : 2;
	int r;

	w->record->cluster = strdup("");
	w->record->interface = strdup(network.interface);
	w->record->accelerator = strdup(w->o->accelerator == LAB_KVM ? "kvm" : "tcg");
	if (!w->record->cluster || !w->record->interface || !w->record->accelerator)
		return -ENOMEM;
	r = read_key(w->o, &key);
	if (r == 0)
		r = lab_make_interface(w->o, &network);
	for (unsigned int i = 0; r == 0 && i < n; i++) {
		const struct mac mac = { { 0x52, 0x54, 0x00, 0x66, (uint8_t)((i + 1) >> 8),
					   (uint8_t)(i + 1) } };
		_cleanup_free_ char *name = NULL;

		r = asprintf(&name, "machine%u", i + 1) < 0
			    ? -ENOMEM
			    : lab_add_machine(w->record, name, MAC(mac), w->o->firmware,
					      lab_memory(w->o, w->o->firmware, PLAN_ROOT_RAM));
	}
	return r < 0 ? r : power_on(w);
}

int lab_absolute(const char *dir, char **ret)
{
	_cleanup_close_ int root = fs_root_open("/");
	_cleanup_free_ char *cwd = NULL, *path = NULL;
	int r;

	if (*dir == '/') {
		path = strdup(dir);
	} else {
		cwd = getcwd(NULL, 0);
		path = cwd ? fs_join(cwd, dir) : NULL;
	}
	if (!path)
		return -ENOMEM;
	r = fs_mkdir_all(root, path, 0755);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(path);
	return 0;
}

int lab_remove_each(const char *dir, const char *const *names)
{
	_cleanup_close_ int fd = fs_root_open(dir);
	int r = fd < 0 ? fd : 0;

	for (; r == 0 && *names; names++)
		r = fs_remove_tree(fd, *names);
	return r;
}

/* What holds only while a lab runs: its machines are off, so what an earlier run knew of them is void. */
static const char *const run_files[] = { "/lab.json", "/root/run", "/root/var/lib/muster/state",
					 "/root/var/lib/muster/dnsmasq.leases", NULL };

static int start(const struct lab_options *options, int (*work)(void *data))
{
	_cleanup_(record_free) struct lab_record record = { 0 }, old = { 0 };
	_cleanup_free_ char *dir = NULL, *root = NULL;
	_cleanup_close_ int slash = fs_root_open("/"), lock = -1;
	struct lab_options o = *options;
	struct work w = { &o, &record, NULL };
	int r;

	if (geteuid() != 0) {
		lab_error(&o, _("A lab needs root's rights for its network namespace."));
		return -EPERM;
	}
	r = lab_absolute(options->dir, &dir);
	if (r == 0) {
		o.dir = dir;
		root = fs_join(dir, "root");
		r = root ? fs_mkdir_all(slash, root, 0755) : -ENOMEM;
	}
	if (r < 0) {
		lab_error(&o, _("The lab's folder %s cannot be made: %s"), options->dir, muster_strerror(r));
		return r;
	}
	r = record_lock(&o, dir, &lock);
	if (r < 0)
		return r;
	if (record_read(dir, &old) == 0 && record_alive(&old)) {
		lab_error(&o, _("A lab runs in %s already; `muster lab down` ends it."), dir);
		return -MUSTER_E_BUSY;
	}
	w.root = root;
	r = lab_remove_each(dir, run_files);
	if (r < 0) {
		lab_error(&o, _("What an earlier lab left in %s cannot be removed: %s"), dir,
			  muster_strerror(r));
		return r;
	}
	r = keeper_start(-1, &record.keeper);
	if (r < 0) {
		lab_error(&o, _("Namespaces for the lab could not be made: %s"), muster_strerror(r));
		return r;
	}
	record.keeper_start = process_start_time(record.keeper);
	/* Known from its first moment on: `down` ends the lab, too, whose `up` was killed half-way. */
	r = record_write(dir, &record);
	if (r == 0)
		r = keeper_run(record.keeper, &o, work, &w);
	if (r < 0 && keeper_stop(record.keeper) < 0)
		lab_error(&o, _("The lab's process %d does not end."), (int)record.keeper);
	else if (r < 0 && record_remove(dir) < 0)
		lab_note(&o, _("%s/lab.json of this attempt stays; it does no harm."), dir);
	return r;
}

int lab_up(const struct lab_options *o)
{
	return start(o, work_up);
}

int lab_up_bare(const struct lab_options *o)
{
	return start(o, work_bare);
}

struct inside {
	const struct lab_options *o;
	const char *root;
	int (*fn)(const struct muster_config *config, void *data);
	void *data;
};

static int run_inside(void *data)
{
	const struct inside *in = data;
	_cleanup_free_ char *key = NULL;
	struct muster_config config;
	int r = read_key(in->o, &key);

	if (r < 0)
		return r;
	config = configure(in->o, in->root, key);
	config.build_network_fd = keeper_outer_network();
	config.on_event = NULL;
	config.data = NULL;
	return in->fn(&config, in->data);
}

int lab_inside(const struct lab_options *options, int (*fn)(const struct muster_config *config, void *data),
	       void *data)
{
	_cleanup_(record_free) struct lab_record record = { 0 };
	_cleanup_free_ char *dir = realpath(options->dir, NULL), *root = dir ? fs_join(dir, "root") : NULL;
	struct lab_options o = *options;
	struct inside in = { &o, root, fn, data };
	int r = record_open(options, &record);

	if (r < 0)
		return r;
	if (!root)
		return -ENOMEM;
	o.dir = dir;
	r = keeper_run(record.keeper, &o, run_inside, &in);
	if (r == -EIO)
		lab_error(&o, "%s",
			  record_alive(&record) ? _("What ran in the lab was ended by a signal.")
						: _("The lab has ended, and what ran in it."));
	return r;
}

/* Only what a lab makes: the folder may hold somebody's own files, too. */
static int remove_files(const struct lab_options *o, const char *dir, bool purge)
{
	static const char *const all[] = { "/lab.json",	      "/root",	   "/nodes", "/id_ed25519",
					   "/id_ed25519.pub", "/lab.lock", NULL };
	int r = lab_remove_each(dir, purge ? all : run_files);

	if (r == 0 && purge && rmdir(dir) < 0)
		lab_note(o, _("%s stays: there is something in it that is not the lab's."), dir);
	return r;
}

static int stop(const struct lab_options *o, const char *dir)
{
	_cleanup_(record_free) struct lab_record record = { 0 };
	int64_t began = clock_mono_ms();
	int r = record_read(dir, &record);

	if (r < 0 && r != -ENOENT) {
		lab_error(o, _("%s/lab.json cannot be read: %s"), dir, muster_strerror(r));
		return r;
	}
	if (r < 0 || !record_alive(&record))
		return 0;
	if (*record.cluster)
		lab_step(o, "down", _("ending the lab of %s"), record.cluster);
	else
		lab_step(o, "down", _("ending the lab"));
	r = keeper_stop(record.keeper);
	if (r < 0)
		lab_error(o, _("The lab's process %d does not end: %s"), (int)record.keeper,
			  muster_strerror(r));
	else
		lab_done(o, "down", began);
	return r;
}

int lab_down(const struct lab_options *o, bool purge)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int lock = -1;
	int r;

	if (access(o->dir, F_OK) < 0)
		return 0;
	dir = realpath(o->dir, NULL);
	if (!dir)
		return -errno;
	if (!record_marked(dir)) {
		if (purge)
			lab_error(o, _("%s is not the folder of a lab; nothing was removed."), dir);
		return purge ? -MUSTER_E_REFUSED : 0;
	}
	r = record_lock(o, dir, &lock);
	if (r == 0)
		r = stop(o, dir);
	if (r < 0)
		return r;
	r = remove_files(o, dir, purge);
	if (r < 0)
		lab_error(o, _("%s cannot be removed: %s"), dir, muster_strerror(r));
	return r;
}

/* ---- looking ------------------------------------------------------------------------------------------- */

void lab_state_free(struct lab_state *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		free(s->nodes[i].name);
		free(s->nodes[i].mac);
	}
	free(s->nodes);
	free(s->cluster);
	free(s->root);
	free(s->accelerator);
	*s = (struct lab_state){ 0 };
}

/* A machine's pid holds inside the lab only: the keeper's own /proc knows it. */
static bool machine_runs(pid_t keeper, pid_t pid)
{
	_cleanup_free_ char *path = NULL;

	if (keeper <= 0 || pid <= 0 || asprintf(&path, "/proc/%d/root/proc/%d", (int)keeper, (int)pid) < 0)
		return false;
	return access(path, F_OK) == 0;
}

int lab_read(const char *dir, struct lab_state *ret)
{
	_cleanup_(record_free) struct lab_record record = { 0 };
	_cleanup_(lab_state_free) struct lab_state s = { 0 };
	int r = record_read(dir, &record);

	if (r < 0)
		return r;
	s.cluster = TAKE_PTR(record.cluster);
	s.accelerator = TAKE_PTR(record.accelerator);
	s.root = fs_join(dir, "root");
	s.keeper = record_alive(&record) ? record.keeper : 0;
	s.nodes = calloc(record.n + 1, sizeof(*s.nodes));
	if (!s.root || !s.nodes)
		return -ENOMEM;
	for (size_t i = 0; i < record.n; i++)
		s.nodes[s.n_nodes++] =
			(struct lab_node){ TAKE_PTR(record.machines[i].name),
					   TAKE_PTR(record.machines[i].mac), record.machines[i].pid,
					   machine_runs(s.keeper, record.machines[i].pid) };
	*ret = s;
	s = (struct lab_state){ 0 };
	return 0;
}
