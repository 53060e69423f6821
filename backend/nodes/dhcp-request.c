/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/dhcp-request.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Offsets in the UDP payload: RFC 2131, section 2. */
enum { OP = 0, HTYPE = 1, HLEN = 2, CHADDR = 28, SNAME = 44, FILE_NAME = 108, COOKIE = 236, OPTIONS = 240 };

enum {
	OPTION_PAD = 0,
	OPTION_HOSTNAME = 12,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_VENDOR_CLASS = 60,
	OPTION_USER_CLASS = 77,
	OPTION_ARCH = 93,
	OPTION_UUID = 97,
	OPTION_END = 255,
};

#define SERVER_PORT 67
#define PROTOCOL_UDP 17
#define DISCOVER 1
#define REQUEST 3

static const uint8_t cookie[4] = { 99, 130, 83, 99 };

struct reading {
	struct machine *m;
	int type, overload;
};

static unsigned int read16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* The list that IANA keeps: "Dynamic Host Configuration Protocol for IPv6 parameters", processor architecture types. */
static enum machine_firmware firmware_of(unsigned int arch)
{
	switch (arch) {
	case 0:
		return MACHINE_BIOS;
	case 6:	 /* EFI IA32 */
	case 7:	 /* EFI BC: what x86-64 firmware sends */
	case 9:	 /* EFI x86-64 */
	case 15: /* the same by HTTP */
	case 16:
		return MACHINE_UEFI;
	default:
		return MACHINE_OTHER;
	}
}

/* It ends up on terminals and in files. */
static void copy_name(const uint8_t *p, size_t len, char ret[64])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < 63; i++)
		if (isalnum(p[i]) || p[i] == '-' || p[i] == '.' || p[i] == '_')
			ret[n++] = (char)p[i];
	ret[n] = '\0';
}

/* RFC 4578, 2.3: a type byte 0, then the UUID, whose first three fields SMBIOS keeps in little endian. */
static void copy_uuid(const uint8_t *p, size_t len, char ret[37])
{
	static const uint8_t order[] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	size_t at = 0;

	if (len != 17 || p[0] != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		at += (size_t)snprintf(ret + at, 37 - at, "%s%02x",
				       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", p[1 + order[i]]);
}

static bool has(const uint8_t *p, size_t len, const char *word)
{
	return memmem(p, len, word, strlen(word)) != NULL;
}

static void take_option(struct reading *r, uint8_t option, const uint8_t *p, size_t len)
{
	struct machine *m = r->m;

	switch (option) {
	case OPTION_TYPE:
		if (len == 1)
			r->type = p[0];
		break;
	case OPTION_OVERLOAD:
		if (len == 1)
			r->overload = p[0];
		break;
	case OPTION_HOSTNAME:
		copy_name(p, len, m->hostname);
		break;
	case OPTION_VENDOR_CLASS:
		m->network_boot |= len >= 9 && (memcmp(p, "PXEClient", 9) == 0 ||
						(len >= 10 && memcmp(p, "HTTPClient", 10) == 0));
		break;
	case OPTION_USER_CLASS: /* RFC 3004 puts lengths between; iPXE sends its bare name */
		m->network_boot |= has(p, len, "iPXE");
		break;
	case OPTION_ARCH: /* a list of types: the first counts */
		if (len >= 2 && len % 2 == 0) {
			m->arch = (int)read16(p);
			m->firmware = firmware_of((unsigned int)m->arch);
		}
		break;
	case OPTION_UUID:
		copy_uuid(p, len, m->uuid);
		break;
	default:
		break;
	}
}

/* An option that goes over the end ends the reading; what came before it counts. */
static void read_options(struct reading *r, const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] != OPTION_END) {
		size_t n;

		if (p[i] == OPTION_PAD) {
			i++;
			continue;
		}
		if (len - i < 2)
			return;
		n = p[i + 1];
		if (len - i - 2 < n)
			return;
		take_option(r, p[i], p + i + 2, n);
		i += 2 + n;
	}
}

/* The UDP payload of an IPv4 packet to port 67; NULL where it is something else. */
static const uint8_t *payload_of(const uint8_t *data, size_t len, size_t *ret_len)
{
	size_t head, total, udp;

	if (len < 20 || data[0] >> 4 != 4)
		return NULL;
	head = (data[0] & 15U) * 4;
	total = read16(data + 2);
	/* A frame may be padded beyond the packet; a fragment is no whole one. */
	if (head < 20 || total > len || total < head + 8 || data[9] != PROTOCOL_UDP ||
	    (read16(data + 6) & 0x3fff) != 0)
		return NULL;
	if (read16(data + head + 2) != SERVER_PORT)
		return NULL;
	udp = read16(data + head + 4);
	if (udp < 8 || udp > total - head)
		return NULL;
	*ret_len = udp - 8;
	return data + head + 8;
}

int dhcp_request_parse(const uint8_t *data, size_t len, struct machine *ret)
{
	struct machine m = { .arch = -1 };
	struct reading r = { .m = &m };
	const uint8_t *p = payload_of(data, len, &len);

	if (!p || len < OPTIONS || p[OP] != 1 || p[HTYPE] != 1 || p[HLEN] != 6 ||
	    memcmp(p + COOKIE, cookie, sizeof(cookie)) != 0)
		return -EBADMSG;
	memcpy(m.mac.b, p + CHADDR, sizeof(m.mac.b));
	if (!mac_is_unicast(m.mac))
		return -EBADMSG;
	read_options(&r, p + OPTIONS, len - OPTIONS);
	if (r.overload & 1)
		read_options(&r, p + FILE_NAME, COOKIE - FILE_NAME);
	if (r.overload & 2)
		read_options(&r, p + SNAME, FILE_NAME - SNAME);
	if (r.type != DISCOVER && r.type != REQUEST)
		return -EBADMSG;
	*ret = m;
	return 0;
}
