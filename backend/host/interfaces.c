/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drivers and the names that people use for network interfaces: udev, its hardware database, then libpci. sysfs may
 * show another network namespace's interfaces (unshare(1) leaves /sys as it is), so an entry there counts only when
 * its index and its hardware address are those that netlink told.
 */
#include "config.h"

#include "backend/host/private.h"

#include <errno.h>
#include <libudev.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VENDOR "ID_VENDOR_FROM_DATABASE"
#define MODEL "ID_MODEL_FROM_DATABASE"

DEFINE_CLEANUP(struct udev *, udev_unref)
DEFINE_CLEANUP(struct udev_hwdb *, udev_hwdb_unref)
DEFINE_CLEANUP(struct udev_device *, udev_device_unref)

static bool same_interface(struct udev_device *d, const struct found_interface *f)
{
	const char *index = udev_device_get_sysattr_value(d, "ifindex");
	const char *address = udev_device_get_sysattr_value(d, "address");
	static const struct mac zero;
	struct mac mac;

	if (!index || strtol(index, NULL, 10) != f->index)
		return false;
	if (mac_compare(f->facts.mac, zero) == 0)
		return true;
	return address && mac_parse(address, &mac) == 0 && mac_compare(mac, f->facts.mac) == 0;
}

static int names_from_database(struct udev_hwdb *hwdb, struct udev_device *d, struct found_interface *f)
{
	const char *modalias = udev_device_get_sysattr_value(d, "modalias");
	struct udev_list_entry *list, *e;
	int r = 0;

	if (!hwdb || !modalias)
		return 0;
	list = udev_hwdb_get_properties_list_entry(hwdb, modalias, 0);
	e = udev_list_entry_get_by_name(list, VENDOR);
	if (e)
		r = host_set(&f->facts.vendor, udev_list_entry_get_value(e));
	e = udev_list_entry_get_by_name(list, MODEL);
	if (r == 0 && e)
		r = host_set(&f->facts.model, udev_list_entry_get_value(e));
	return r;
}

static int names_from_properties(struct udev_device *d, struct found_interface *f)
{
	const char *vendor = udev_device_get_property_value(d, VENDOR);
	const char *model = udev_device_get_property_value(d, MODEL);
	int r = 0;

	if (vendor)
		r = host_set(&f->facts.vendor, vendor);
	if (r == 0 && model)
		r = host_set(&f->facts.model, model);
	return r;
}

/* From the interface upwards to the device that a person would pull out: on USB that one, else on PCI. The parents
 * belong to the device that they are asked of. */
static int walk_up(struct udev_hwdb *hwdb, struct udev_device *d, struct found_interface *f)
{
	bool usb = false;
	int r = 0;

	for (; r == 0 && d; d = udev_device_get_parent(d)) {
		const char *subsystem = udev_device_get_subsystem(d);

		if (!subsystem)
			continue;
		if (strcmp(subsystem, "pci") == 0) {
			if (usb)
				break;
			r = host_set(&f->slot, udev_device_get_sysname(d));
			if (r == 0 && !f->facts.model)
				r = names_from_database(hwdb, d, f);
			break;
		}
		if (strcmp(subsystem, "usb") == 0) {
			usb = true;
			if (!f->facts.model)
				r = names_from_database(hwdb, d, f);
		}
	}
	return r;
}

static int describe(struct udev *udev, struct udev_hwdb *hwdb, struct found_interface *f)
{
	_cleanup_(udev_device_unrefp) struct udev_device *net = NULL, *pci = NULL;
	struct udev_device *parent;
	const char *driver, *type;
	int r = 0;

	net = udev_device_new_from_subsystem_sysname(udev, "net", f->facts.name);
	if (net && same_interface(net, f)) {
		parent = udev_device_get_parent(net);
		driver = parent ? udev_device_get_driver(parent) : NULL;
		if (driver && !f->virtual)
			r = host_set(&f->facts.driver, driver);
		type = udev_device_get_devtype(net);
		f->facts.wireless = type && strcmp(type, "wlan") == 0;
		if (r == 0)
			r = names_from_properties(net, f);
		return r == 0 ? walk_up(hwdb, net, f) : r;
	}
	/* Not in this sysfs, but the buses are the same in every namespace. */
	if (f->bus)
		pci = udev_device_new_from_subsystem_sysname(udev, "pci", f->bus);
	return pci ? walk_up(hwdb, pci, f) : 0;
}

/* Asks libpci, once for all, for those that the hardware database did not name. */
static int describe_by_pci(struct found *f)
{
	_cleanup_free_ struct pci_name *names = calloc(f->n + 1, sizeof(*names));
	_cleanup_free_ size_t *which = calloc(f->n + 1, sizeof(*which));
	size_t n = 0;
	int r;

	if (!names || !which)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].slot && !(f->v[i].facts.vendor && f->v[i].facts.model)) {
			names[n].slot = f->v[i].slot;
			which[n++] = i;
		}
	r = n ? pci_names(names, n) : 0;
	for (size_t k = 0; k < n; k++) {
		struct host_interface *i = &f->v[which[k]].facts;

		if (r == 0 && names[k].vendor && !i->vendor)
			i->vendor = TAKE_PTR(names[k].vendor);
		if (r == 0 && names[k].model && !i->model)
			i->model = TAKE_PTR(names[k].model);
		free(names[k].vendor);
		free(names[k].model);
	}
	return r;
}

int interfaces_describe(struct found *f)
{
	_cleanup_(udev_unrefp) struct udev *udev = udev_new();
	_cleanup_(udev_hwdb_unrefp) struct udev_hwdb *hwdb = udev ? udev_hwdb_new(udev) : NULL;
	int r = 0;

	for (size_t i = 0; udev && r == 0 && i < f->n; i++)
		r = describe(udev, hwdb, &f->v[i]);
	return r == 0 ? describe_by_pci(f) : r;
}

int host_mac_vendor(struct mac mac, char **ret)
{
	_cleanup_(udev_unrefp) struct udev *udev = udev_new();
	_cleanup_(udev_hwdb_unrefp) struct udev_hwdb *hwdb = udev ? udev_hwdb_new(udev) : NULL;
	struct udev_list_entry *list = NULL, *e;
	const char *name = "";
	char key[20];

	/* hwdb(7) has the addresses that the IEEE gave out; those of virtual machines' cards are local ones. */
	if (mac.b[0] == 0x52 && mac.b[1] == 0x54 && mac.b[2] == 0)
		name = "QEMU";
	snprintf(key, sizeof(key), "OUI:%02X%02X%02X%02X%02X%02X", mac.b[0], mac.b[1], mac.b[2], mac.b[3],
		 mac.b[4], mac.b[5]);
	if (hwdb && !*name)
		list = udev_hwdb_get_properties_list_entry(hwdb, key, 0);
	e = udev_list_entry_get_by_name(list, "ID_OUI_FROM_DATABASE");
	if (e && udev_list_entry_get_value(e))
		name = udev_list_entry_get_value(e);
	*ret = strdup(name);
	return *ret ? 0 : -ENOMEM;
}

/* ---- as they come and go -------------------------------------------------------------------------------------------- */

struct host_monitor {
	struct udev *udev;
	struct udev_monitor *monitor;
};

int host_monitor_new(struct host_monitor **ret)
{
	/* udev tells after it has named the card and found its names; where it does not run, its channel stays silent. */
	const char *source = access("/run/udev/control", F_OK) == 0 ? "udev" : "kernel";
	struct host_monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->udev = udev_new();
	m->monitor = m->udev ? udev_monitor_new_from_netlink(m->udev, source) : NULL;
	if (!m->monitor || udev_monitor_filter_add_match_subsystem_devtype(m->monitor, "net", NULL) < 0 ||
	    udev_monitor_enable_receiving(m->monitor) < 0) {
		host_monitor_free(m);
		return -ENOTSUP;
	}
	*ret = m;
	return 0;
}

void host_monitor_free(struct host_monitor *m)
{
	if (!m)
		return;
	udev_monitor_unref(m->monitor);
	udev_unref(m->udev);
	free(m);
}

int host_monitor_fd(const struct host_monitor *m)
{
	return udev_monitor_get_fd(m->monitor);
}

void host_monitor_drain(struct host_monitor *m)
{
	struct udev_device *d;

	while ((d = udev_monitor_receive_device(m->monitor)))
		udev_device_unref(d);
}
