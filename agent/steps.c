/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/steps.h"
#include "agent/command.h"
#include "agent/inside.h"
#include "agent/place.h"
#include "agent/probe.h"
#include "agent/processes.h"
#include "agent/scheduler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define HOTPLUG "sys/kerrighed/hotplug"
#define BOOT_MS 30000
#define PREPARE_MS 30000
#define INSIDE_MS 5000 /* so that what is said in the container at the end of its time comes out */
#define CLUSTER_MS (INSIDE_CLUSTER_MS + INSIDE_MS)
#define PS_MS (PROCESSES_LOOK_MS + INSIDE_MS)
#define END_MS 10000 /* beyond its parts' own ends: past that it hangs itself */
#define FAILED 1

struct step {
	enum { END, LINK, WRITE, MOUNT } kind;
	const char *path, *text; /* MOUNT: text is the type */
};

/* On every node, before it can be in the single system. */
static const struct step prepare[] = {
	{ LINK, INSIDE_HELPER, NULL },
	{ LINK, INSIDE_INIT, NULL },
	{ WRITE, HOTPLUG "/cluster_init_helper", "/" INSIDE_HELPER },
	{ WRITE, HOTPLUG "/isolate_uts", "1" },
	{ WRITE, HOTPLUG "/isolate_mnt", "1" },
	{ MOUNT, "config", "configfs" },
	{ WRITE, "sys/kerrighed/net_devices", "ALL" },
	{ END, NULL, NULL },
};

int steps_mount(const char *target, const char *type)
{
	struct stat st, root;

	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		return -errno;
	/* The system may have mounted it. */
	if (stat(target, &st) == 0 && stat("/", &root) == 0 && st.st_dev != root.st_dev)
		return -EBUSY;
	return mount(type, target, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ? -errno : 0;
}

static int do_mount(const struct steps_env *env, const struct step *s)
{
	_cleanup_free_ char *target = NULL;
	int r;

	if (asprintf(&target, "/%s", s->path) < 0) {
		target = NULL;
		return -ENOMEM;
	}
	r = env->mount(target, s->text);
	return r == -EBUSY ? 0 : r;
}

static int do_step(const struct steps_env *env, const struct step *s, struct text *out)
{
	int r;

	switch (s->kind) {
	case LINK:
		r = place_link(env->at, s->path, env->self);
		break;
	case WRITE:
		r = file_write_value(env->at, s->path, s->text, 0);
		break;
	case MOUNT:
		r = do_mount(env, s);
		break;
	default:
		r = -EINVAL;
	}
	if (r < 0)
		text_addf(out, "/%s: %s\n", s->path, strerror(-r));
	return r < 0 ? FAILED : 0;
}

/* Is it 3.0, or later? */
static bool has_container(int at)
{
	struct stat st;

	return fstatat(at, HOTPLUG, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* Generation 2.4 is a module, which wants a system that is up; of 3.0 the schedulers are. Where there is no table, there is nothing to
 * load; what is loaded already is no trouble. */
static int load_modules(const struct steps_env *env, struct text *out)
{
	_cleanup_(modules_freep) struct modules *m = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	r = modules_new(env->at, STEPS_MODULES, env->insert, env->data, &m, &reason);
	if (r == 0)
		modules_load(m);
	if (r < 0 || modules_trouble(m))
		text_addf(out, "%s\n", r < 0 ? reason : modules_trouble(m));
	return r < 0 || modules_trouble(m) ? FAILED : 0;
}

static int do_prepare(const struct steps_env *env, const char *args, struct text *out)
{
	int r = load_modules(env, out);

	if (!has_container(env->at))
		return r;
	for (const struct step *s = prepare; r == 0 && s->kind != END; s++)
		r = do_step(env, s, out);
	return r;
}

/* krgboot may end or go on: what counts is that the container answers. */
static int do_boot(const struct steps_env *env, const char *args, struct text *out)
{
	static const char *const argv[] = {
		"krgboot", "-u", "-i", "-m", "-p", "--", "/" INSIDE_HELPER, NULL
	};
	long long deadline = now_ms() + BOOT_MS;
	int r;

	if (!has_container(env->at) || inside_answers(env->at))
		return 0;
	r = command_run(env->at, argv, deadline, inside_answers, out);
	while (r == 0 && !inside_answers(env->at)) {
		if (now_ms() >= deadline) {
			text_addf(out, "the single system's container did not come up\n");
			return COMMAND_TIMEOUT;
		}
		usleep(50000);
	}
	return r;
}

/* Generation 2.4 starts with all its nodes at once, this one among them. */
static int start_at_once(const struct steps_env *env, const char *args, struct text *out)
{
	_cleanup_free_ char *id = NULL, *list = NULL;
	unsigned long long n;
	int r = file_read_line(env->at, "sys/kerrighed/node_id", &id);

	if (r < 0 || parse_number(id, 254, &n) < 0) {
		text_addf(out, "this node's id cannot be read\n");
		return FAILED;
	}
	if (asprintf(&list, "%s%s%s", id, *args ? "," : "", args) < 0) {
		list = NULL;
		return FAILED;
	}
	return command_run(env->at, (const char *const[]){ "krgadm", "cluster", "start", "-n", list, NULL },
			   now_ms() + CLUSTER_MS, NULL, out);
}

static int do_add(const struct steps_env *env, const char *args, struct text *out)
{
	if (!has_container(env->at))
		return start_at_once(env, args, out);
	return *args ? inside_ask(env->at, "add", args, now_ms() + CLUSTER_MS, out) : 0;
}

static int do_remove(const struct steps_env *env, const char *args, struct text *out)
{
	if (!has_container(env->at)) {
		text_addf(out, "this generation of Kerrighed takes no node out\n");
		return FAILED;
	}
	return inside_ask(env->at, "remove", args, now_ms() + CLUSTER_MS, out);
}

/* "PID NODE" */
static int do_migrate(const struct steps_env *env, const char *args, struct text *out)
{
	_cleanup_free_ char *pid = strndup(args, strcspn(args, " "));
	const char *node = strchr(args, ' ');
	int r;

	if (!pid || !node)
		return FAILED;
	if (has_container(env->at)) {
		r = inside_ask(env->at, "allow", pid, now_ms() + BOOT_MS, out);
		return r ? r : inside_ask(env->at, "migrate", args, now_ms() + BOOT_MS + INSIDE_MS, out);
	}
	r = command_run(env->at, (const char *const[]){ "krgcapset", "-k", pid, "-e", "+CAN_MIGRATE", NULL },
			now_ms() + BOOT_MS, NULL, out);
	return r ? r
		 : command_run(env->at, (const char *const[]){ "migrate", pid, node + 1, NULL },
			       now_ms() + BOOT_MS, NULL, out);
}

/* "1": with the kernel's own threads. In the container /proc is the whole single system's. */
static int do_ps(const struct steps_env *env, const char *args, struct text *out)
{
	if (has_container(env->at))
		return inside_ask(env->at, "ps", args, now_ms() + PS_MS, out);
	return processes_list(env->at, PROCESSES_LOOK_MS, *args == '1', out);
}

/* There is no such thing in 3.0: its nodes are taken out, one after the other. */
static int do_stop(const struct steps_env *env, const char *args, struct text *out)
{
	if (has_container(env->at)) {
		text_addf(out, "this generation of Kerrighed ends node by node\n");
		return COMMAND_MISSING;
	}
	return command_run(env->at, (const char *const[]){ "krgadm", "cluster", "stop", NULL },
			   now_ms() + CLUSTER_MS, NULL, out);
}

static int do_scheduler(const struct steps_env *env, const char *args, struct text *out)
{
	if (has_container(env->at))
		return inside_ask(env->at, "scheduler", args, now_ms() + SCHEDULER_MS + INSIDE_MS, out);
	/* Where it does not mount, there are no schedulers, which is told then. */
	env->mount("/config", "configfs");
	return command_call(env->at, scheduler_set, args, now_ms() + SCHEDULER_MS, out);
}

static int do_probe(const struct steps_env *env, const char *args, struct text *out)
{
	if (has_container(env->at))
		return inside_ask(env->at, "probe", args, now_ms() + PROBE_MS + INSIDE_MS, out);
	return command_call(env->at, probe_run, args, now_ms() + PROBE_MS, out);
}

static const struct {
	const char *word;
	int (*run)(const struct steps_env *env, const char *args, struct text *out);
	const char *letters; /* of its arguments */
	int words, least;    /* how many there are, and may be */
	int ms;		     /* until it hangs */
} table[] = {
	{ "ssi-prepare", do_prepare, "", 0, 0, PREPARE_MS },
	{ "ssi-boot", do_boot, "", 0, 0, BOOT_MS + END_MS },
	{ "ssi-add", do_add, "0123456789,-", 1, 0, CLUSTER_MS + END_MS },
	{ "ssi-remove", do_remove, "0123456789,-", 1, 1, CLUSTER_MS + END_MS },
	{ "ssi-stop", do_stop, "", 0, 0, CLUSTER_MS + END_MS },
	{ "ssi-migrate", do_migrate, "0123456789 ", 2, 2, 2 * BOOT_MS + INSIDE_MS + END_MS },
	{ "ssi-ps", do_ps, "01", 1, 1, PS_MS },
	{ "ssi-scheduler", do_scheduler, "0123456789,- ", 2, 1, SCHEDULER_MS + INSIDE_MS + END_MS },
	{ "ssi-probe", do_probe, "0123456789,-", 1, 1, PROBE_MS + INSIDE_MS + END_MS },
};

static int count_words(const char *args)
{
	int n = *args != '\0';

	for (; *args; args++)
		n += *args == ' ';
	return n;
}

bool steps_know(const char *word, const char *args)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].word, word) != 0)
			continue;
		if (!*args)
			return table[i].least == 0;
		return args[strspn(args, table[i].letters)] == '\0' && *args >= '0' && *args <= '9' &&
		       count_words(args) <= table[i].words && count_words(args) >= table[i].least;
	}
	return false;
}

int steps_ms(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].word, word) == 0)
			return table[i].ms;
	return 0;
}

int steps_run(const struct steps_env *env, const char *word, const char *args, struct text *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].word, word) == 0)
			return table[i].run(env, args, out);
	return COMMAND_MISSING;
}
