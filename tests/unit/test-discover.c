/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/host/host.h"
#include "backend/nodes/dhcp-request.h"
#include "backend/nodes/discover.h"

/* ---- packets, as clients send them --------------------------------------------------------------------------- */

struct packet {
	uint8_t b[1500];
	size_t len;
};

static void put16(uint8_t *p, size_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

/* The lengths in the headers follow from what is there. */
static void close_packet(struct packet *p)
{
	put16(p->b + 2, p->len);
	put16(p->b + 24, p->len - 20);
}

static struct packet begin(uint8_t last)
{
	static const uint8_t cookie[] = { 99, 130, 83, 99 };
	struct packet p = { .len = 20 + 8 + 240 };
	const uint8_t mac[] = { 0x52, 0x54, 0, 0x66, 0, last };
	uint8_t *dhcp = p.b + 28;

	p.b[0] = 0x45;
	p.b[8] = 64;
	p.b[9] = 17;
	put16(p.b + 20, 68);
	put16(p.b + 22, 67);
	dhcp[0] = dhcp[1] = 1;
	dhcp[2] = 6;
	memcpy(dhcp + 28, mac, sizeof(mac));
	memcpy(dhcp + 236, cookie, sizeof(cookie));
	close_packet(&p);
	return p;
}

static void option(struct packet *p, uint8_t code, const void *data, size_t len)
{
	p->b[p->len++] = code;
	p->b[p->len++] = (uint8_t)len;
	memcpy(p->b + p->len, data, len);
	p->len += len;
	close_packet(p);
}

static struct packet discover(uint8_t last)
{
	struct packet p = begin(last);

	option(&p, 53, "\1", 1);
	return p;
}

static struct packet firmware(uint8_t last, uint8_t arch)
{
	static const uint8_t uuid[] = { 0,    0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
					0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	struct packet p = discover(last);

	option(&p, 60, "PXEClient:Arch:00000:UNDI:002001", 32);
	option(&p, 93, (uint8_t[]){ 0, arch }, 2);
	option(&p, 97, uuid, sizeof(uuid));
	option(&p, 255, "", 0);
	return p;
}

static int parse(const struct packet *p, struct machine *ret)
{
	return dhcp_request_parse(p->b, p->len, ret);
}

/* ---- the parser ------------------------------------------------------------------------------------------------ */

static void a_firmware_tells_what_it_is(void **state)
{
	static const struct {
		uint8_t arch;
		enum machine_firmware firmware;
	} cases[] = { { 0, MACHINE_BIOS }, { 6, MACHINE_UEFI },	 { 7, MACHINE_UEFI },
		      { 9, MACHINE_UEFI }, { 16, MACHINE_UEFI }, { 11, MACHINE_OTHER } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet p = firmware(3, cases[i].arch);
		struct machine m;

		assert_int_equal(parse(&p, &m), 0);
		assert_string_equal(MAC(m.mac), "52:54:00:66:00:03");
		assert_int_equal(m.firmware, cases[i].firmware);
		assert_int_equal(m.arch, cases[i].arch);
		assert_true(m.network_boot);
		assert_string_equal(m.uuid, "00112233-4455-6677-8899-aabbccddeeff");
		assert_string_equal(m.hostname, "");
	}
}

static void a_running_system_tells_its_name(void **state)
{
	struct packet p = begin(1);
	struct machine m;

	option(&p, 53, "\3", 1);
	option(&p, 12, "lo\x1b[31mgin-1", 12);
	assert_int_equal(parse(&p, &m), 0);
	assert_string_equal(m.hostname, "lo31mgin-1");
	assert_int_equal(m.firmware, MACHINE_UNKNOWN);
	assert_int_equal(m.arch, -1);
	assert_false(m.network_boot);
}

static void options_may_stand_in_the_file_and_server_names(void **state)
{
	struct packet p = begin(1);
	struct machine m;

	option(&p, 52, "\3", 1);
	memcpy(p.b + 28 + 108, "\x35\1\1\xff", 4);
	memcpy(p.b + 28 + 44, "\x0c\4name\xff", 7);
	assert_int_equal(parse(&p, &m), 0);
	assert_string_equal(m.hostname, "name");
}

static void ipxe_is_known_by_its_user_class(void **state)
{
	struct packet p = discover(1);
	struct machine m;

	option(&p, 77, "iPXE", 4);
	assert_int_equal(parse(&p, &m), 0);
	assert_true(m.network_boot);
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct {
		size_t at; /* from the IP header on */
		uint8_t value;
		const char *what;
	} changes[] = {
		{ 0, 0x65, "IPv6" },
		{ 0, 0x44, "a header that is too short" },
		{ 0, 0x4f, "a header that takes the packet" },
		{ 9, 6, "TCP" },
		{ 6, 0x20, "a fragment" },
		{ 7, 1, "a later fragment" },
		{ 23, 68, "to a client" },
		{ 2, 0xff, "longer than it is" },
		{ 24, 0xff, "UDP longer than it is" },
		{ 28, 2, "a reply" },
		{ 29, 6, "no Ethernet" },
		{ 30, 16, "no Ethernet address" },
		{ 28 + 28, 0x01, "a group address" },
		{ 28 + 236, 0, "no cookie" },
		{ 28 + 242, 2, "an offer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct packet p = firmware(1, 0);
		struct machine m;

		p.b[changes[i].at] = changes[i].value;
		if (parse(&p, &m) != -EBADMSG)
			fail_msg("%s is taken", changes[i].what);
	}
}

/* Each in memory of exactly its size, for the address sanitizer. */
static void no_cut_off_packet_is_read_over_its_end(void **state)
{
	struct packet whole = firmware(1, 7);

	for (size_t len = 0; len <= whole.len; len++)
		for (int mend = 0; mend < 2; mend++) {
			_cleanup_free_ uint8_t *data = malloc(len ? len : 1);
			struct machine m;
			int r;

			assert_non_null(data);
			memcpy(data, whole.b, len);
			/* Once as it is, once with headers that say so. */
			if (mend && len >= 28) {
				put16(data + 2, len);
				put16(data + 24, len - 20);
			}
			r = dhcp_request_parse(data, len, &m);
			if (!mend && len < whole.len)
				assert_int_equal(r, -EBADMSG);
			if (mend && len < 28 + 240 + 3)
				assert_int_equal(r, -EBADMSG);
			if (mend && len == 28 + 240 + 3)
				assert_int_equal(r, 0);
		}
}

static void random_bytes_do_no_harm(void **state)
{
	uint32_t random = 20261124;

	for (int i = 0; i < 20000; i++) {
		struct packet p = firmware(1, 7);
		struct machine m;

		for (int k = 0; k < 8; k++) {
			random = random * 1664525 + 1013904223;
			p.b[(random >> 8) % p.len] = (uint8_t)(random >> 24);
		}
		if (parse(&p, &m) == 0) {
			assert_true(strlen(m.hostname) < sizeof(m.hostname));
			assert_true(mac_is_unicast(m.mac));
		}
	}
}

/* ---- the list ----------------------------------------------------------------------------------------------------- */

static int some_vendor(struct mac mac, char **ret)
{
	*ret = strdup(mac.b[5] == 2 ? "Two" : "");
	return *ret ? 0 : -ENOMEM;
}

static void machines_stand_in_the_order_of_their_asking(void **state)
{
	_cleanup_(discover_closep) struct discover *d = NULL;
	const struct packet packets[] = { firmware(2, 7), firmware(1, 0), discover(2), firmware(2, 7) };
	const struct machine *v;
	size_t n;

	assert_int_equal(discover_new(&d), 0);
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		assert_int_equal(discover_packet(d, packets[i].b, packets[i].len, 1000 + (int64_t)i), 1);
		assert_int_equal(discover_name(d, some_vendor), 0);
	}
	assert_int_equal(discover_packet(d, packets[0].b, 40, 2000), 0);
	v = discover_list(d, &n);
	assert_int_equal(n, 2);
	assert_string_equal(MAC(v[0].mac), "52:54:00:66:00:02");
	assert_string_equal(v[0].vendor, "Two");
	assert_int_equal(v[0].times, 3);
	assert_int_equal(v[0].first, 1000);
	assert_int_equal(v[0].last, 1003);
	/* What its system did not say, its firmware had said. */
	assert_int_equal(v[0].firmware, MACHINE_UEFI);
	assert_int_equal(v[1].times, 1);
	assert_int_equal(v[1].firmware, MACHINE_BIOS);
}

static void a_flood_takes_bounded_memory(void **state)
{
	_cleanup_(discover_closep) struct discover *d = NULL;
	size_t n;

	assert_int_equal(discover_new(&d), 0);
	for (unsigned int i = 0; i < DISCOVER_MAX + 10; i++) {
		struct packet p = discover(0);

		put16(p.b + 28 + 28 + 4, i);
		assert_int_equal(discover_packet(d, p.b, p.len, 0), i < DISCOVER_MAX);
	}
	discover_list(d, &n);
	assert_int_equal(n, DISCOVER_MAX);
}

static void virtual_cards_have_a_vendor(void **state)
{
	_cleanup_free_ char *name = NULL;

	assert_int_equal(host_mac_vendor((struct mac){ { 0x52, 0x54, 0, 1, 2, 3 } }, &name), 0);
	assert_string_equal(name, "QEMU");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_firmware_tells_what_it_is),
		cmocka_unit_test(a_running_system_tells_its_name),
		cmocka_unit_test(options_may_stand_in_the_file_and_server_names),
		cmocka_unit_test(ipxe_is_known_by_its_user_class),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(no_cut_off_packet_is_read_over_its_end),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(machines_stand_in_the_order_of_their_asking),
		cmocka_unit_test(a_flood_takes_bounded_memory),
		cmocka_unit_test(virtual_cards_have_a_vendor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
