/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/ip.h"

#include <errno.h>
#include <string.h>

/* Reads a decimal number of at most `max` at *s and moves *s behind it. */
static int number(const char **s, unsigned int max, unsigned int *ret)
{
	unsigned int n = 0;
	const char *p = *s;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	if (*p == '0' && p[1] >= '0' && p[1] <= '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (unsigned int)(*p - '0');
		if (n > max)
			return -EINVAL;
	}
	*s = p;
	*ret = n;
	return 0;
}

static int address(const char **s, struct ip4 *ret)
{
	unsigned int octet;
	uint32_t n = 0;

	for (int i = 0; i < 4; i++) {
		if (i > 0 && *(*s)++ != '.')
			return -EINVAL;
		if (number(s, 255, &octet) < 0)
			return -EINVAL;
		n = n << 8 | octet;
	}
	ret->n = n;
	return 0;
}

int ip4_parse(const char *s, struct ip4 *ret)
{
	struct ip4 a;

	if (address(&s, &a) < 0 || *s)
		return -EINVAL;
	*ret = a;
	return 0;
}

int ip4_net_parse(const char *s, struct ip4_net *ret)
{
	struct ip4_net n;

	if (address(&s, &n.address) < 0 || *s++ != '/' || number(&s, 32, &n.prefix) < 0 || *s)
		return -EINVAL;
	*ret = n;
	return 0;
}

int ip4_range_parse(const char *s, struct ip4_range *ret)
{
	struct ip4_range r;

	if (address(&s, &r.first) < 0 || *s++ != '-' || address(&s, &r.last) < 0 || *s)
		return -EINVAL;
	if (r.first.n > r.last.n)
		return -EINVAL;
	*ret = r;
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(const char *s, struct mac *ret)
{
	struct mac m;
	char sep = '\0';

	for (int i = 0; i < 6; i++) {
		int high, low;

		if (i == 1 && (*s == ':' || *s == '-'))
			sep = *s;
		if (i > 0 && (!sep || *s++ != sep))
			return -EINVAL;
		high = hex(s[0]);
		low = high < 0 ? -1 : hex(s[1]);
		if (low < 0)
			return -EINVAL;
		m.b[i] = (uint8_t)(high << 4 | low);
		s += 2;
	}
	if (*s)
		return -EINVAL;
	*ret = m;
	return 0;
}

const char *ip4_text(struct ip4 a, char buf[IP4_TEXT])
{
	snprintf(buf, IP4_TEXT, "%u.%u.%u.%u", a.n >> 24, a.n >> 16 & 255, a.n >> 8 & 255, a.n & 255);
	return buf;
}

const char *ip4_net_text(struct ip4_net n, char buf[IP4_NET_TEXT])
{
	char text[IP4_TEXT];

	snprintf(buf, IP4_NET_TEXT, "%s/%u", ip4_text(n.address, text), n.prefix & 63);
	return buf;
}

const char *mac_text(struct mac m, char buf[MAC_TEXT])
{
	snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4],
		 m.b[5]);
	return buf;
}

struct ip4 ip4_mask(unsigned int prefix)
{
	return (struct ip4){ prefix == 0 ? 0 : UINT32_MAX << (32 - prefix) };
}

struct ip4 ip4_net_first(struct ip4_net n)
{
	return (struct ip4){ n.address.n & ip4_mask(n.prefix).n };
}

struct ip4 ip4_net_last(struct ip4_net n)
{
	return (struct ip4){ n.address.n | ~ip4_mask(n.prefix).n };
}

bool ip4_net_has(struct ip4_net n, struct ip4 a)
{
	return (a.n & ip4_mask(n.prefix).n) == ip4_net_first(n).n;
}

bool ip4_net_usable(struct ip4_net n, struct ip4 a)
{
	return ip4_net_has(n, a) && a.n != ip4_net_first(n).n && a.n != ip4_net_last(n).n;
}

bool ip4_range_has(struct ip4_range r, struct ip4 a)
{
	return a.n >= r.first.n && a.n <= r.last.n;
}

int mac_compare(struct mac a, struct mac b)
{
	return memcmp(a.b, b.b, sizeof(a.b));
}

bool mac_is_unicast(struct mac m)
{
	static const struct mac zero;

	return !(m.b[0] & 1) && mac_compare(m, zero) != 0;
}
