/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of what the machine has to give: memory, room, time, randomness, hardware for virtual machines. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backend/doctor.h"
#include "backend/render/render.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define MIB (1024ULL * 1024)

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

/* What musterd, dnsmasq and an NFS server take for themselves, with some room (doc/performance.md). */
#define SERVICES_MIB 128

static unsigned long long available_mib(const struct doctor *d)
{
	_cleanup_free_ char *text = doctor_file(d, "/proc/meminfo");
	const char *line = text ? strstr(text, "MemAvailable:") : NULL;
	unsigned long long kib;

	return line && sscanf(line, "MemAvailable: %llu kB", &kib) == 1 ? kib / 1024 : 0;
}

/* Every node fetches the same root: once it is in the page cache the disk has no part in it. */
static void memory_for_root(const struct doctor *d, unsigned long long mib, struct finding *f)
{
	unsigned long long root = d->root_bytes / MIB, available = available_mib(d);

	if (!root)
		return;
	if (root + SERVICES_MIB > mib) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("The node root of %llu MiB does not fit into it: each node's boot reads it "
			      "from the "
			      "disk."),
			    root);
		finding_remedy(f, _("Take a server with %llu MiB at least, or fewer packages in the root."),
			       2 * (root + SERVICES_MIB));
	} else if (available && root + SERVICES_MIB > available) {
		finding_say(
			f, MUSTER_CHECK_WARNING,
			_("Of it %llu MiB can be had now, and the node root of %llu MiB does not fit into "
			  "them: each node's boot reads it from the disk."),
			available, root);
		finding_remedy(f, _("See what takes the memory."));
		finding_command(f, "ps -eo rss,pid,comm --sort=-rss");
	} else {
		finding_say(f, MUSTER_CHECK_OK, _("The node root of %llu MiB stays in it."), root);
	}
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
	memory_for_root(d, mib, f);
}

/* ---- room ---------------------------------------------------------------------------------------------------------------- */

static void room_of(const char *path, const struct doctor_room *room, unsigned long long problem,
		    unsigned long long warning, struct finding *f)
{
	enum muster_check_level level = MUSTER_CHECK_OK;
	unsigned long long mib = room->bytes / MIB;

	if (room->read_only) {
		finding_say(f, MUSTER_CHECK_PROBLEM, _("%s is on a file system that is mounted read-only."),
			    path);
		finding_remedy(f,
			       _("See in 'dmesg' whether the disk made it so; where not, make it writable."));
		finding_command(f, "mount -o remount,rw \"$(findmnt -n -o TARGET --target %s)\"", path);
		return;
	}
	if (mib < problem)
		level = MUSTER_CHECK_PROBLEM;
	else if (mib < warning)
		level = MUSTER_CHECK_WARNING;
	if (level == MUSTER_CHECK_OK && strcmp(path, RENDER_VAR) != 0)
		return;
	finding_say(f, level,
		    level == MUSTER_CHECK_OK ? _("%s has %llu MiB free.")
					     : _("%s has %llu MiB free, which is little."),
		    path, mib);
	if (level != MUSTER_CHECK_OK)
		finding_remedy(f, _("Make room for %llu MiB in %s."), warning, path);
}

static void inodes_of(const char *path, const struct doctor_room *room, unsigned long long problem,
		      unsigned long long warning, struct finding *f)
{
	if (room->read_only || room->inodes >= warning)
		return;
	finding_say(f, room->inodes < problem ? MUSTER_CHECK_PROBLEM : MUSTER_CHECK_WARNING,
		    _("The file system of %s can hold %llu more files, which is little."), path,
		    room->inodes);
	finding_remedy(f,
		       _("Remove what nobody needs, or put %s on a file system that was made with more "
			 "inodes: %llu are wanted."),
		       path, warning);
}

static void space(const struct doctor *d, struct finding *f)
{
	/* A node root of Debian is 300 MiB packed, and three times that in some 20,000 files while it is built. */
	static const struct {
		const char *path;
		unsigned long long problem, warning; /* MiB */
		unsigned long long inodes_problem, inodes_warning;
	} folders[] = {
		{ RENDER_VAR, 1024, 3072, 30000, 60000 },
		{ "/tmp", 16, 128, 100, 1000 },
		{ "/var/tmp", 16, 128, 100, 1000 },
		{ "/etc", 1, 8, 100, 500 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		struct doctor_room room;

		if (d->room(d, folders[i].path, &room) < 0)
			continue;
		room_of(folders[i].path, &room, folders[i].problem, folders[i].warning, f);
		inodes_of(folders[i].path, &room, folders[i].inodes_problem, folders[i].inodes_warning, f);
	}
	if (!f->text.len)
		finding_say(f, MUSTER_CHECK_WARNING, _("How much room there is cannot be seen."));
}

/* ---- time ---------------------------------------------------------------------------------------------------------------- */

/* Files that were written at a time that has been. A machine whose clock has no battery begins in the past. */
static const char *const written[] = {
	RENDER_CLUSTER, RENDER_VAR "/journal", "/var/lib/dpkg/status",
	"/var/lib/rpm", "/etc/passwd",	       "/etc/fstab",
};

#define CLOCK_SLACK 300 /* seconds; the clock may have been set back a little */
#define CLOCK_FUTURE ((int64_t)25 * 365 * 24 * 60 * 60) /* nobody runs a build of that age */

/* The newest of them; NULL where none is newer than now. */
static const char *written_later(const struct doctor *d, int64_t *ret)
{
	const char *found = NULL;

	*ret = d->now + CLOCK_SLACK;
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		struct stat st;

		if (fs_stat(d->root_fd, written[i], &st) == 0 && st.st_mtime > *ret) {
			*ret = st.st_mtime;
			found = written[i];
		}
	}
	return found;
}

static const char *day(int64_t seconds, char buf[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(buf, 32, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(buf, 32, "%lld", (long long)seconds);
	return buf;
}

/* By what is installed; systemd-timedated(8) knows both. */
static void say_ntp(const struct doctor *d, struct finding *f)
{
	static const char *const clients[] = { "/usr/sbin/chronyd", "/usr/lib/systemd/systemd-timesyncd",
					       "/lib/systemd/systemd-timesyncd", "/usr/sbin/ntpd" };
	const char *manager = d->host->package_manager ? d->host->package_manager : "";

	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		if (fs_exists(doctor_where(d, clients[i]), clients[i])) {
			finding_remedy(f, _("Let an NTP client keep it."));
			finding_command(f, "timedatectl set-ntp true");
			return;
		}
	finding_remedy(f, _("Install an NTP client to keep it."));
	if (strcmp(manager, "apt") == 0)
		finding_command(f, "apt-get install systemd-timesyncd");
	else if (*manager)
		finding_command(f, "%s install chrony", manager);
}

static void clock_check(const struct doctor *d, struct finding *f)
{
	char now[32], then[32];
	int64_t later;
	const char *file = written_later(d, &later);

	if (d->now < d->built) {
		finding_say(
			f, MUSTER_CHECK_PROBLEM,
			_("The clock is wrong: it shows a time before this program was built. Downloads and "
			  "certificates will be refused."));
	} else if (file) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("The clock is wrong: it shows %s, and %s was written at %s (UTC)."),
			    day(d->now, now), file, day(later, then));
	} else if (d->built && d->now > d->built + CLOCK_FUTURE) {
		finding_say(f, MUSTER_CHECK_PROBLEM, _("The clock is wrong: it shows %s (UTC)."),
			    day(d->now, now));
	} else if (d->synchronised == 0) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("The clock is not synchronised; the nodes' clocks follow it."));
	} else {
		finding_say(f, MUSTER_CHECK_OK, "%s",
			    d->synchronised == 1 ? _("The clock is synchronised.")
						 : _("The clock is plausible."));
	}
	if (f->level == MUSTER_CHECK_PROBLEM)
		finding_remedy(f, _("Set the clock: timedatectl set-time 'YYYY-MM-DD HH:MM'."));
	if (f->level != MUSTER_CHECK_OK)
		say_ntp(d, f);
}

/* ---- randomness ----------------------------------------------------------------------------------------------------------- */

static void entropy(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *source = doctor_file(d, "/sys/class/misc/hw_random/rng_current");
	const char *manager = d->host->package_manager ? d->host->package_manager : "";

	if (d->entropy) {
		finding_say(f, MUSTER_CHECK_OK, _("The kernel's random numbers are ready."));
		return;
	}
	finding_say(f, MUSTER_CHECK_WARNING,
		    _("The kernel's random numbers are not ready yet; making keys waits for them."));
	if (source && *source && strcmp(source, "none") != 0) {
		finding_remedy(f, _("The source %s is there: wait some minutes."), source);
		return;
	}
	finding_remedy(f, _("Give this machine a source: a virtual one a virtio-rng device, another one a "
			    "program that makes some."));
	if (*manager)
		finding_command(f, "%s install haveged", strcmp(manager, "apt") == 0 ? "apt-get" : manager);
}

/* ---- hardware virtualisation ------------------------------------------------------------------------------------------------ */

struct processor {
	bool intel, amd; /* vmx, svm */
	bool guest;	 /* this machine is virtual itself */
};

/* proc(5): the flags of the first processor. */
static struct processor read_processor(const struct doctor *d)
{
	_cleanup_free_ char *text = doctor_file(d, "/proc/cpuinfo"), *line = NULL;
	const char *flags = text ? strstr(text, "\nflags") : NULL;
	struct processor p = { 0 };

	if (!flags || asprintf(&line, "%.*s ", (int)strcspn(flags + 1, "\n"), flags + 1) < 0)
		return p;
	p.intel = strstr(line, " vmx ");
	p.amd = strstr(line, " svm ");
	p.guest = strstr(line, " hypervisor ");
	return p;
}

#define SLOW                                                                                              \
	_("The machines of rehearsals and labs are emulated then: many times slower, but they run. Real " \
	  "nodes do not need it.")

static void say_no_device(const struct processor *p, struct finding *f)
{
	if (p->intel || p->amd) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("There is no /dev/kvm, though the processor has hardware virtualisation (%s)."),
			    p->intel ? "vmx" : "svm");
		finding_remedy(
			f,
			_("Load the module; when that fails, 'dmesg' says why: mostly it is switched off in "
			  "the firmware."));
		finding_command(f, "modprobe %s", p->intel ? "kvm_intel" : "kvm_amd");
	} else if (p->guest) {
		finding_say(
			f, MUSTER_CHECK_WARNING,
			_("There is no /dev/kvm: this machine is virtual, and its host passes no hardware "
			  "virtualisation on."));
		finding_remedy(
			f,
			_("On the host, load kvm_intel or kvm_amd with nested=1, and give this machine the "
			  "host's kind of processor."));
	} else {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("There is no /dev/kvm, and the processor shows no hardware virtualisation "
			      "(vmx, svm)."));
		finding_remedy(f, _("Switch Intel VT-x or AMD-V on in the firmware, where it has that."));
	}
	finding_say(f, MUSTER_CHECK_WARNING, "%s", SLOW);
}

static void virtualisation(const struct doctor *d, struct finding *f)
{
	struct processor p = read_processor(d);
	int r;

	if (!fs_exists(doctor_where(d, "/dev/kvm"), "/dev/kvm")) {
		say_no_device(&p, f);
		return;
	}
	if (!d->kvm) {
		finding_say(f, MUSTER_CHECK_OK,
			    _("/dev/kvm is there; `muster lab` tries whether a guest really runs with it."));
		return;
	}
	r = d->kvm(d);
	if (r == 0) {
		finding_say(
			f, MUSTER_CHECK_OK, "%s",
			p.guest ? _("A guest runs under /dev/kvm, in this machine that is virtual itself.")
				: _("A guest runs under /dev/kvm."));
	} else if (r == -EACCES) {
		finding_say(f, MUSTER_CHECK_OK, _("/dev/kvm is there; who you are may not open it."));
	} else {
		finding_say(f, MUSTER_CHECK_WARNING,
			    r == -MUSTER_E_TIMEOUT ? _("/dev/kvm is there, but a guest under it hangs.")
						   : _("/dev/kvm is there, but no guest runs under it."));
		finding_say(f, MUSTER_CHECK_WARNING, "%s", SLOW);
		finding_remedy(f, "%s",
			       p.guest ? _("See on the host whether it passes hardware virtualisation on as "
					   "it should "
					   "(nested=1), or leave it: labs notice by themselves.")
				       : _("See what 'dmesg' says of kvm; labs notice by themselves."));
	}
}

const struct doctor_check doctor_resources[] = {
	{ "memory", memory },
	{ "space", space },
	{ "clock", clock_check },
	{ "randomness", entropy },
	{ "virtualisation", virtualisation },
	{ NULL },
};
