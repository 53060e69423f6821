/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of the machine itself. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "backend/doctor.h"
#include "util/fs.h"
#include "util/i18n.h"

#define MIB (1024ULL * 1024)
#define STATE_FOLDER "/var/lib/muster"

static void distribution(const struct doctor *d, struct finding *f)
{
	const struct host *h = d->host;
	const char *name = *h->pretty	      ? h->pretty
			   : *h->distribution ? h->distribution
					      : _("an unknown system");

	if (!d->distro) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("This server runs %s, which muster has no profile for."), name);
		finding_remedy(f, _("Take a server with Debian, or write a profile for this distribution."));
	} else if (!*h->codename && d->distro->n_releases && !profile_codename(d->distro, h->version)) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("This server runs %s; muster does not know that release."), name);
		finding_remedy(f, _("It may work all the same; 'muster plan' shows what would be done."));
	} else {
		finding_say(f, MUSTER_CHECK_OK, _("This server runs %s."), name);
	}
}

static void rights(const struct doctor *d, struct finding *f)
{
	if (d->root) {
		finding_say(f, MUSTER_CHECK_OK, _("You are root."));
		return;
	}
	finding_say(f, MUSTER_CHECK_PROBLEM,
		    _("You are not root: nothing can be changed, and not all can be seen."));
	finding_remedy(f, _("Run muster as root."));
	finding_command(f, "sudo muster doctor");
}

/* How each package manager says which packages it could install. */
static const struct manager {
	const char *name;
	const char *words[6]; /* the packages' names follow */
	const char *refresh, *mend;
} managers[] = {
	{ "apt", { "apt-cache", "policy", "--" }, "apt-get update", "dpkg --configure -a" },
	{ "dnf", { "dnf", "-q", "repoquery", "--qf", "%{name}\n" }, "dnf makecache", NULL },
	{ "zypper", { "zypper", "-q", "--no-refresh", "search", "--match-exact" }, "zypper refresh", NULL },
};

static const struct manager *find_manager(const struct doctor *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
		if (strcmp(managers[i].name, d->host->package_manager) == 0)
			return &managers[i];
	return NULL;
}

/* Does a line of the output have the package as a word of its own? apt says "NAME:" and on a later line its candidate. */
static bool is_offered(const struct manager *m, const char *output, const char *package)
{
	size_t len = strlen(package);

	for (const char *p = output; (p = strstr(p, package)); p += len) {
		const char *candidate;

		if ((p != output && !strchr("\n |", p[-1])) || !strchr("\n |:", p[len]))
			continue;
		if (strcmp(m->name, "apt") != 0)
			return true;
		candidate = strstr(p, "Candidate: ");
		return p[len] == ':' && candidate && strncmp(candidate + 11, "(none)", 6) != 0;
	}
	return false;
}

static int ask_manager(const struct doctor *d, const struct manager *m, char **ret)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int r = 0, status;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(m->words) && m->words[i]; i++)
		r = strv_add(&argv, m->words[i]);
	for (size_t i = 0; r == 0 && i < d->packages->n; i++)
		r = strv_add(&argv, d->packages->v[i]);
	if (r == 0)
		r = d->command(d, (const char *const *)argv.v, &status, ret);
	return r;
}

static void packages(const struct doctor *d, struct finding *f)
{
	static const char *const audit[] = { "dpkg", "--audit", NULL };
	const struct manager *m = find_manager(d);
	_cleanup_free_ char *output = NULL, *broken = NULL;
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;
	size_t missing = 0;
	int status, r;

	if (!m) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("No package manager that muster knows is on this server."));
		finding_remedy(f, _("It knows apt, dnf and zypper."));
		return;
	}
	if (strcmp(m->name, "apt") == 0 && d->command(d, audit, &status, &broken) == 0 && broken && *broken) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("The package manager was interrupted: packages are half installed."));
		finding_remedy(f, _("Let it finish what it began."));
		finding_command(f, "%s", m->mend);
		return;
	}
	if (!d->distro) {
		finding_say(f, MUSTER_CHECK_OK, _("%s works."), m->name);
		return;
	}
	if (d->packages->n == 0) {
		finding_say(f, MUSTER_CHECK_OK, _("%s works, and all that muster needs is installed."),
			    m->name);
		return;
	}
	r = ask_manager(d, m, &output);
	if (r < 0 || !output) {
		finding_say(f, MUSTER_CHECK_PROBLEM, _("%s does not answer: %s."), m->name,
			    muster_strerror(r));
		finding_remedy(f, _("See what '%s' says."), m->refresh);
		return;
	}
	for (size_t i = 0; i < d->packages->n; i++)
		if (!is_offered(m, output, d->packages->v[i]))
			strbuf_addf(&list, "%s%s", missing++ ? ", " : "", d->packages->v[i]);
	if (missing) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("These packages are needed, and %s has none of them: %s."), m->name,
			    list.data ? list.data : "");
		finding_remedy(f, _("Bring the package lists up to date, or add the source that has them."));
		finding_command(f, "%s", m->refresh);
		return;
	}
	for (size_t i = 0; i < d->packages->n; i++)
		strbuf_addf(&list, "%s%s", i ? ", " : "", d->packages->v[i]);
	finding_say(f, MUSTER_CHECK_OK, _("These packages will be installed: %s."),
		    list.data ? list.data : "");
}

static void selinux(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *enforce = doctor_file(d, "/sys/fs/selinux/enforce");

	if (!enforce || strcmp(enforce, "1") != 0) {
		finding_say(f, MUSTER_CHECK_OK, _("SELinux denies nothing here."));
		return;
	}
	finding_say(f, MUSTER_CHECK_WARNING,
		    _("SELinux is enforcing; muster brings no policy for its daemon."));
	finding_remedy(f, _("When a service does not come up, see what was denied."));
	finding_command(f, "ausearch -m avc -ts recent");
}

static void clock_check(const struct doctor *d, struct finding *f)
{
	if (d->now < d->built) {
		finding_say(
			f, MUSTER_CHECK_PROBLEM,
			_("The clock is wrong: it shows a time before this program was built. Downloads and "
			  "certificates will be refused."));
		finding_remedy(f, _("Set the clock."));
		finding_command(f, "timedatectl set-ntp true");
	} else if (d->synchronised == 0) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("The clock is not synchronised; the nodes' clocks follow it."));
		finding_remedy(f, _("Let an NTP client keep it."));
		finding_command(f, "timedatectl set-ntp true");
	} else {
		finding_say(f, MUSTER_CHECK_OK, "%s",
			    d->synchronised == 1 ? _("The clock is synchronised.")
						 : _("The clock is plausible."));
	}
}

static void space(const struct doctor *d, struct finding *f)
{
	/* A node root of Debian is 300 MiB packed, and three times that while it is built. */
	static const struct {
		const char *path;
		unsigned long long problem, warning; /* MiB */
	} folders[] = { { STATE_FOLDER, 1024, 3072 }, { "/tmp", 16, 128 } };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		unsigned long long bytes;
		enum muster_check_level level = MUSTER_CHECK_OK;

		if (fs_free_bytes(d->root_fd, folders[i].path, &bytes) < 0)
			continue;
		if (bytes / MIB < folders[i].problem)
			level = MUSTER_CHECK_PROBLEM;
		else if (bytes / MIB < folders[i].warning)
			level = MUSTER_CHECK_WARNING;
		finding_say(f, level,
			    level == MUSTER_CHECK_OK ? _("%s has %llu MiB free.")
						     : _("%s has %llu MiB free, which is little."),
			    folders[i].path, bytes / MIB);
		if (level != MUSTER_CHECK_OK)
			finding_remedy(f, _("Make room for %llu MiB in %s."), folders[i].warning,
				       folders[i].path);
	}
	if (!f->text.len)
		finding_say(f, MUSTER_CHECK_WARNING, _("How much room there is cannot be seen."));
}

static void memory(const struct doctor *d, struct finding *f)
{
	unsigned long long mib = d->host->memory_kb / 1024;

	if (mib < 512) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("This server has %llu MiB of memory, too little to build a node root."), mib);
		finding_remedy(f, _("Take a server with 1 GiB at least."));
	} else if (mib < 960) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("This server has %llu MiB of memory; building a node root is slow then."), mib);
		finding_remedy(f, _("1 GiB or more is better."));
	} else {
		finding_say(f, MUSTER_CHECK_OK, _("This server has %llu MiB of memory."), mib);
	}
}

static void entropy(const struct doctor *d, struct finding *f)
{
	if (d->entropy) {
		finding_say(f, MUSTER_CHECK_OK, _("The kernel's random numbers are ready."));
		return;
	}
	finding_say(f, MUSTER_CHECK_WARNING,
		    _("The kernel's random numbers are not ready yet; making keys waits for them."));
	finding_remedy(f, _("Wait some minutes, or give this server a source of randomness."));
}

static void virtualisation(const struct doctor *d, struct finding *f)
{
	if (fs_exists(d->system_fd, "/dev/kvm")) {
		finding_say(f, MUSTER_CHECK_OK,
			    _("/dev/kvm is there; `muster lab` tries whether a guest really runs with it."));
		return;
	}
	finding_say(f, MUSTER_CHECK_WARNING,
		    _("There is no /dev/kvm: virtual nodes of a lab run slowly. Real nodes do not "
		      "need it."));
	finding_remedy(
		f, _("Switch virtualisation on in the firmware, or in the machine that this one runs in."));
}

/* In the kernel, or to be loaded: modules.dep(5) and modules.builtin. */
static bool has_module(const struct doctor *d, const char *file)
{
	static const char *const lists[] = { "modules.builtin", "modules.dep" };
	static const char *const folders[] = { "/lib/modules", "/usr/lib/modules" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t k = 0; k < ARRAY_SIZE(folders); k++) {
			_cleanup_free_ char *path = NULL, *text = NULL;

			if (asprintf(&path, "%s/%s/%s", folders[k], d->host->kernel, lists[i]) < 0) {
				path = NULL;
				return false;
			}
			if (fs_read(d->system_fd, path, 16 * MIB, &text, NULL) == 0 && strstr(text, file))
				return true;
		}
	return false;
}

static void nfs(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *known = doctor_file(d, "/proc/filesystems");
	bool wanted = d->plan && d->plan->nfs == PLAN_NFS_KERNEL;

	if (d->plan && !wanted) {
		finding_say(f, MUSTER_CHECK_OK, _("The answers do not use the kernel's NFS server."));
	} else if ((known && strstr(known, "nfsd")) || has_module(d, "/nfsd.ko")) {
		finding_say(f, MUSTER_CHECK_OK, _("This kernel can serve NFS."));
	} else {
		finding_say(f, wanted ? MUSTER_CHECK_PROBLEM : MUSTER_CHECK_WARNING,
			    _("This kernel (%s) has no NFS server: the module nfsd is not there."),
			    d->host->kernel);
		finding_remedy(
			f, _("Answer nfs = \"ganesha\", or take the root mode ram, or boot another kernel."));
	}
}

static void journal(const struct doctor *d, struct finding *f)
{
	if (d->unfinished < 0) {
		finding_say(f, MUSTER_CHECK_WARNING, _("The journal cannot be read: %s."),
			    muster_strerror(d->unfinished));
		finding_remedy(f, _("See /var/lib/muster/journal."));
	} else if (d->unfinished) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("An earlier apply was cut off; the next one takes it back first."));
		finding_remedy(f, _("Take it back now, or apply again."));
		finding_command(f, "muster undo");
	} else {
		finding_say(f, MUSTER_CHECK_OK, _("No apply was cut off."));
	}
}

static void musterd(const struct doctor *d, struct finding *f)
{
	if (!d->applied) {
		finding_say(f, MUSTER_CHECK_OK, _("No cluster was set up here yet."));
	} else if (d->musterd == 0) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("A cluster is set up, but musterd does not run: no node can boot."));
		finding_remedy(f, _("Start it; 'journalctl -u musterd' says why it ended."));
		finding_command(f, "systemctl start musterd");
	} else {
		finding_say(f, MUSTER_CHECK_OK, "%s",
			    d->musterd == 1 ? _("musterd runs.") : _("A cluster is set up here."));
	}
}

const struct doctor_check doctor_system[] = {
	{ "distribution", distribution },
	{ "rights", rights },
	{ "packages", packages },
	{ "memory", memory },
	{ "space", space },
	{ "clock", clock_check },
	{ "randomness", entropy },
	{ "selinux", selinux },
	{ "nfs", nfs },
	{ "virtualisation", virtualisation },
	{ "journal", journal },
	{ "musterd", musterd },
	{ NULL },
};
