/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "lab/private.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "util/fs.h"
#include "util/i18n.h"
#include "util/process.h"

#define RECORD "/lab.json"
#define LOCK "/lab.lock"

void record_free(struct lab_record *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->machines[i].name);
		free(r->machines[i].mac);
	}
	free(r->machines);
	free(r->cluster);
	free(r->interface);
	free(r->accelerator);
	*r = (struct lab_record){ 0 };
}

int record_lock(const struct lab_options *o, const char *dir, int *ret_fd)
{
	/* A record lock (fcntl(2)): the processes of the lab, which outlive this one, do not inherit it. */
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int root = fs_root_open(dir);
	_cleanup_close_ int fd = root < 0 ? root : fs_open(root, LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0) {
		lab_error(o, _("%s%s cannot be opened: %s"), dir, LOCK, muster_strerror(fd));
		return fd;
	}
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		lab_error(o, _("Another `muster lab` is at work in %s; let it end first."), dir);
		return -MUSTER_E_BUSY;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

bool record_marked(const char *dir)
{
	_cleanup_close_ int fd = fs_root_open(dir);

	return fd >= 0 && (fs_exists(fd, LOCK) || fs_exists(fd, RECORD));
}

int record_remove(const char *dir)
{
	_cleanup_close_ int fd = fs_root_open(dir);

	return fd < 0 ? fd : fs_unlink(fd, RECORD);
}

static int parse(json_t *doc, struct lab_record *r)
{
	const char *cluster, *interface, *accelerator;
	json_int_t keeper, start;
	int processors;
	json_t *machines, *machine;
	size_t i;

	if (json_unpack(doc, "{s:s, s:s, s:s, s:I, s:I, s:i, s:o}", "cluster", &cluster, "interface",
			&interface, "accelerator", &accelerator, "keeper", &keeper, "keeper_start", &start,
			"processors", &processors, "machines", &machines) < 0)
		return -MUSTER_E_FORMAT;
	r->cluster = strdup(cluster);
	r->interface = strdup(interface);
	r->accelerator = strdup(accelerator);
	r->keeper = (pid_t)keeper;
	r->keeper_start = (unsigned long long)start;
	r->processors = (unsigned int)processors;
	r->machines = calloc(json_array_size(machines) + 1, sizeof(*r->machines));
	if (!r->cluster || !r->interface || !r->accelerator || !r->machines)
		return -ENOMEM;
	json_array_foreach (machines, i, machine) {
		const char *name, *mac;
		int pid, firmware, memory;

		if (json_unpack(machine, "{s:s, s:s, s:i, s:i, s:i}", "name", &name, "mac", &mac, "pid", &pid,
				"firmware", &firmware, "memory_mb", &memory) < 0)
			return -MUSTER_E_FORMAT;
		r->machines[r->n] = (struct lab_machine){ strdup(name), strdup(mac), pid,
							  firmware == LAB_UEFI ? LAB_UEFI : LAB_BIOS,
							  (unsigned int)memory };
		if (!r->machines[r->n].name || !r->machines[r->n].mac)
			return -ENOMEM;
		r->n++;
	}
	return 0;
}

int record_read(const char *dir, struct lab_record *ret)
{
	_cleanup_close_ int fd = fs_root_open(dir);
	_cleanup_(record_free) struct lab_record record = { 0 };
	_cleanup_free_ char *text = NULL;
	json_t *doc;
	size_t len;
	int r;

	if (fd < 0)
		return fd;
	r = fs_read(fd, RECORD, 16 * 1024 * 1024, &text, &len);
	if (r < 0)
		return r;
	doc = json_loadb(text, len, 0, NULL);
	r = parse(doc, &record);
	json_decref(doc);
	if (r < 0)
		return r;
	*ret = record;
	record = (struct lab_record){ 0 };
	return 0;
}

int record_write(const char *dir, const struct lab_record *r)
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int fd = fs_root_open(dir);
	json_t *machines = json_array(), *doc;
	char *text;
	int e;

	if (fd < 0)
		return fd;
	for (size_t i = 0; machines && i < r->n; i++)
		json_array_append_new(machines,
				      json_pack("{s:s, s:s, s:i, s:i, s:i}", "name", r->machines[i].name,
						"mac", r->machines[i].mac, "pid", (int)r->machines[i].pid,
						"firmware", (int)r->machines[i].firmware, "memory_mb",
						(int)r->machines[i].memory_mb));
	doc = json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:o}", "cluster", r->cluster ? r->cluster : "",
			"interface", r->interface ? r->interface : "", "accelerator",
			r->accelerator ? r->accelerator : "", "keeper", (json_int_t)r->keeper, "keeper_start",
			(json_int_t)r->keeper_start, "processors", (int)r->processors, "machines", machines);
	text = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;
	json_decref(doc);
	if (!text)
		return -ENOMEM;
	e = fs_write(fd, RECORD, text, strlen(text), &attr);
	free(text);
	return e;
}

bool record_alive(const struct lab_record *r)
{
	return r->keeper > 0 && r->keeper_start > 0 && process_start_time(r->keeper) == r->keeper_start;
}
