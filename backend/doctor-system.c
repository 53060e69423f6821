/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of the machine itself. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/doctor.h"
#include "util/fs.h"
#include "util/i18n.h"

#define MIB (1024ULL * 1024)

/* By what the others go. */
static void answers(const struct doctor *d, struct finding *f)
{
	switch (d->plan ? d->plan_from : DOCTOR_PLAN_NONE) {
	case DOCTOR_PLAN_GIVEN:
		finding_say(f, MUSTER_CHECK_OK, _("The checks go by the answers for the cluster %s."),
			    d->plan->name);
		break;
	case DOCTOR_PLAN_ANSWERS:
		finding_say(f, MUSTER_CHECK_OK,
			    _("The checks go by the answers of the last apply, for the cluster %s."),
			    d->plan->name);
		break;
	case DOCTOR_PLAN_APPLIED:
		finding_say(
			f, MUSTER_CHECK_WARNING,
			_("The checks go by what was applied for the cluster %s: its answers are gone, or "
			  "have mistakes."),
			d->plan->name);
		finding_remedy(f, _("See what is wrong with them."));
		finding_command(f, "muster check -f /etc/muster/answers.conf");
		break;
	case DOCTOR_PLAN_NONE:
		finding_say(f, MUSTER_CHECK_OK,
			    _("No answers are given: DHCP, TFTP, DNS and TCP port %u for musterd are "
			      "assumed, and no "
			      "NFS."),
			    DOCTOR_HTTP_PORT);
		if (d->interface)
			finding_say(f, MUSTER_CHECK_OK,
				    d->chosen ? _("The interface is %s.")
					      : _("The interface is assumed to be %s."),
				    d->interface);
		break;
	}
}

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
	const char *install, *refresh, *mend;
} managers[] = {
	{ "apt",
	  { "apt-cache", "policy", "--" },
	  "apt-get install --no-install-recommends",
	  "apt-get update",
	  "dpkg --configure -a" },
	{ "dnf", { "dnf", "-q", "repoquery", "--qf", "%{name}\n" }, "dnf install", "dnf makecache", NULL },
	{ "zypper",
	  { "zypper", "-q", "--no-refresh", "search", "--match-exact" },
	  "zypper install --no-recommends",
	  "zypper refresh",
	  NULL },
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

/* All of them are to be had. An apply installs them itself, but for one below another root. */
static void say_missing(const struct doctor *d, const struct manager *m, struct finding *f)
{
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT, words = STRBUF_INIT;

	for (size_t i = 0; i < d->packages->n; i++) {
		strbuf_addf(&list, "%s%s", i ? ", " : "", d->packages->v[i]);
		strbuf_addf(&words, " %s", d->packages->v[i]);
	}
	if (list.failed || words.failed)
		return;
	if (d->scratch) {
		finding_say(
			f, MUSTER_CHECK_WARNING,
			_("These packages are missing, and an apply below another root installs none: %s."),
			list.data);
		finding_remedy(f, _("Install them first."));
	} else {
		finding_say(f, MUSTER_CHECK_OK, _("These packages will be installed: %s."), list.data);
		finding_remedy(f, _("'muster apply' does it; to do it yourself:"));
	}
	finding_command(f, "%s%s", m->install, words.data);
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
	say_missing(d, m, f);
}

/* selinux(8): /etc/selinux/config says what it is after the next start. */
static bool is_configured(const struct doctor *d)
{
	_cleanup_free_ char *text = doctor_file(d, "/etc/selinux/config");

	for (const char *p = text; p && *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, "SELINUX=enforcing", 17) == 0)
			return true;
	return false;
}

/* The kernel's NFS server may read what is exported by this boolean alone ("active pending"). */
static void selinux_nfs(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *value = doctor_file(d, "/sys/fs/selinux/booleans/nfs_export_all_ro");

	if (!d->plan || d->plan->nfs != PLAN_NFS_KERNEL || !value || *value != '0')
		return;
	finding_say(f, MUSTER_CHECK_PROBLEM,
		    _("Its boolean nfs_export_all_ro is off: no node can read its root."));
	finding_remedy(f, _("Switch that on first: setsebool -P nfs_export_all_ro on."));
}

/*
 * musterd and its programs run unconfined there, as whatever lies in /usr/sbin without a policy of its own. dnsmasq has a
 * policy, which knows neither muster's folder nor the program that is told of leases.
 */
static void selinux(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *enforce = doctor_file(d, "/sys/fs/selinux/enforce");
	bool now = enforce && *enforce == '1';

	if (!now && !(enforce && is_configured(d))) {
		finding_say(f, MUSTER_CHECK_OK, _("SELinux denies nothing here."));
		return;
	}
	finding_say(f, MUSTER_CHECK_WARNING, "%s",
		    now ? _("SELinux is enforcing; muster brings no policy for its daemon.")
			: _("SELinux denies nothing now, but is enforcing after the next start, by "
			    "/etc/selinux/config."));
	selinux_nfs(d, f);
	if (!d->plan || d->plan->dhcp_service) {
		finding_remedy(
			f, _("Let it note what dnsmasq does with muster's files, and not deny it; 'ausearch "
			     "-m avc -ts recent' shows the notes."));
		finding_command(f, "semanage permissive -a dnsmasq_t");
	} else {
		finding_remedy(f, _("When a service does not come up, see what was denied."));
		finding_command(f, "ausearch -m avc -ts recent");
	}
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
			if (fs_read(doctor_where(d, path), path, 16 * MIB, &text, NULL) == 0 &&
			    strstr(text, file))
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
		finding_remedy(f, _("Write nfs = \"ganesha\" in the section services, or root = \"ram\" in "
				    "the section boot, or "
				    "boot another kernel."));
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
	{ "answers", answers },	  { "distribution", distribution }, { "rights", rights },
	{ "packages", packages }, { "selinux", selinux },	    { "nfs", nfs },
	{ "journal", journal },	  { "musterd", musterd },	    { NULL },
};
