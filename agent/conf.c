/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const char *const root_names[] = {
	[CONF_ROOT_RAM] = "ram",
	[CONF_ROOT_NFS] = "nfs",
	[CONF_ROOT_DISK] = "disk",
	[CONF_ROOT_INITRAMFS] = "initramfs",
};

const char *conf_root_name(enum conf_root root)
{
	return root_names[root];
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Labels of letters, digits and inner hyphens, parted by dots (RFC 1123 section 2.1). */
static bool is_host_name(const char *s, bool dots)
{
	size_t label = 0;

	for (; *s; s++) {
		if (*s == '.' && dots && label > 0 && s[-1] != '-' && s[1]) {
			label = 0;
			continue;
		}
		if (!is_alnum(*s) && !(*s == '-' && label > 0))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0 && s[-1] != '-';
}

/* Printable ASCII without blanks, quotes and backslashes: such a value is safe in a request line and in mount
 * options. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"'\\,", *s))
			return false;
	return true;
}

static int copy_text(char *field, size_t size, const char *value)
{
	size_t len = strlen(value);

	if (len >= size)
		return -EINVAL;
	memcpy(field, value, len + 1);
	return 0;
}

static int set_node(struct conf *c, const char *value)
{
	return is_host_name(value, false) ? copy_text(c->node, sizeof(c->node), value) : -EINVAL;
}

static int set_domain(struct conf *c, const char *value)
{
	if (*value && !is_host_name(value, true))
		return -EINVAL;
	return copy_text(c->domain, sizeof(c->domain), value);
}

static int set_mac(struct conf *c, const char *value)
{
	uint8_t mac[6];

	if (strlen(value) != 17)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(value[3 * i]), low = hex_digit(value[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && value[3 * i + 2] != ':'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(c->mac, mac, sizeof(mac));
	return 0;
}

static int parse_address(const char *value, bool may_be_empty, struct in_addr *field)
{
	struct in_addr a;

	if (!*value && may_be_empty) {
		field->s_addr = 0;
		return 0;
	}
	if (inet_pton(AF_INET, value, &a) != 1 || a.s_addr == 0)
		return -EINVAL;
	*field = a;
	return 0;
}

static int set_address(struct conf *c, const char *value)
{
	return parse_address(value, false, &c->address);
}

static int set_gateway(struct conf *c, const char *value)
{
	return parse_address(value, true, &c->gateway);
}

static int set_dns(struct conf *c, const char *value)
{
	return parse_address(value, true, &c->dns);
}

static int set_server(struct conf *c, const char *value)
{
	return parse_address(value, false, &c->server);
}

static int set_prefix(struct conf *c, const char *value)
{
	unsigned long long n;
	int r = parse_number(value, 32, &n);

	if (r == 0)
		c->prefix = (unsigned)n;
	return r;
}

static int set_port(struct conf *c, const char *value)
{
	unsigned long long n;
	int r = parse_number(value, UINT16_MAX, &n);

	if (r < 0 || n == 0)
		return -EINVAL;
	c->port = (uint16_t)n;
	return 0;
}

static int set_token(struct conf *c, const char *value)
{
	for (const char *p = value; *p; p++)
		if (hex_digit(*p) < 0)
			return -EINVAL;
	return strlen(value) == WIRE_TOKEN_LEN ? copy_text(c->token, sizeof(c->token), value) : -EINVAL;
}

static int set_machine_id(struct conf *c, const char *value)
{
	for (const char *p = value; *p; p++)
		if (hex_digit(*p) < 0)
			return -EINVAL;
	if (*value && strlen(value) != 32)
		return -EINVAL;
	return copy_text(c->machine_id, sizeof(c->machine_id), value);
}

static int set_root(struct conf *c, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(root_names); i++)
		if (strcmp(root_names[i], value) == 0) {
			c->root = (enum conf_root)i;
			return 0;
		}
	return -EINVAL;
}

static int set_string(char **field, const char *value)
{
	char *s;

	if (!is_plain(value))
		return -EINVAL;
	s = *value ? strdup(value) : NULL;
	if (*value && !s)
		return -ENOMEM;
	free(*field);
	*field = s;
	return 0;
}

static int set_root_path(struct conf *c, const char *value)
{
	return set_string(&c->root_path, value);
}

static int set_nfs_export(struct conf *c, const char *value)
{
	if (*value && !strstr(value, ":/"))
		return -EINVAL;
	return set_string(&c->nfs_export, value);
}

static int set_root_size(struct conf *c, const char *value)
{
	return parse_number(value, INT64_MAX, &c->root_size);
}

static int set_root_sha256(struct conf *c, const char *value)
{
	size_t len = strlen(value);

	if (len && (len != sizeof(c->root_sha256) - 1 || strspn(value, "0123456789abcdef") != len))
		return -EINVAL;
	memcpy(c->root_sha256, value, len + 1);
	return 0;
}

static int set_dhcp(struct conf *c, const char *value)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return -EINVAL;
	c->dhcp = value[0] == '1';
	return 0;
}

int conf_parse_interval(const char *value, unsigned *ret)
{
	unsigned long long n;
	int r = parse_number(value, 3600, &n);

	if (r < 0 || n == 0)
		return -EINVAL;
	*ret = (unsigned)n;
	return 0;
}

static int set_interval(struct conf *c, const char *value)
{
	return conf_parse_interval(value, &c->interval);
}

static const struct conf_key {
	const char *name;
	int (*set)(struct conf *c, const char *value);
	bool required;
	const char *right; /* what a right value is */
} keys[] = {
	{ WIRE_KEY_NODE, set_node, true, "a host name" },
	{ WIRE_KEY_DOMAIN, set_domain, false, "a domain name" },
	{ WIRE_KEY_MAC, set_mac, true, "a MAC address" },
	{ WIRE_KEY_ADDRESS, set_address, true, "an IPv4 address" },
	{ WIRE_KEY_PREFIX, set_prefix, true, "a number from 0 to 32" },
	{ WIRE_KEY_GATEWAY, set_gateway, false, "an IPv4 address or nothing" },
	{ WIRE_KEY_DNS, set_dns, false, "an IPv4 address or nothing" },
	{ WIRE_KEY_SERVER, set_server, true, "an IPv4 address" },
	{ WIRE_KEY_PORT, set_port, true, "a port from 1 to 65535" },
	{ WIRE_KEY_TOKEN, set_token, true, "32 hexadecimal digits" },
	{ WIRE_KEY_MACHINE_ID, set_machine_id, false, "32 hexadecimal digits" },
	{ WIRE_KEY_ROOT, set_root, true, "ram, nfs, disk or initramfs" },
	{ WIRE_KEY_ROOT_PATH, set_root_path, false, "a path without blanks" },
	{ WIRE_KEY_ROOT_SIZE, set_root_size, false, "a number of bytes" },
	{ WIRE_KEY_ROOT_SHA256, set_root_sha256, false, "64 hexadecimal digits or nothing" },
	{ WIRE_KEY_NFS_EXPORT, set_nfs_export, false, "ADDRESS:/path" },
	{ WIRE_KEY_DHCP, set_dhcp, false, "0 or 1" },
	{ WIRE_KEY_INTERVAL, set_interval, false, "seconds from 1 to 3600" },
};

static int parse_line(struct conf *c, char *line, unsigned number, bool *seen, char **reason)
{
	char *value = strchr(line, '=');
	int r;

	if (!value)
		return fail_with(reason, -EINVAL, "node.conf:%u: no '=' in the line", number);
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].name, line) != 0)
			continue;
		r = keys[i].set(c, value);
		if (r == -ENOMEM)
			return fail_with(reason, r, "out of memory");
		if (r < 0)
			return fail_with(reason, -EINVAL, "node.conf:%u: %s must be %s", number, line,
					 keys[i].right);
		seen[i] = true;
		return 0;
	}
	return 0;
}

/* What belongs together: each root mode needs its own keys. */
static int check_whole(const struct conf *c, const bool *seen, char **reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].required && !seen[i])
			return fail_with(reason, -EINVAL, "node.conf: %s is missing", keys[i].name);
	if (c->root == CONF_ROOT_INITRAMFS)
		return 0;
	if (!c->root_path)
		return fail_with(reason, -EINVAL, "node.conf: " WIRE_KEY_ROOT_PATH " is missing");
	/* Nothing else would tell that what arrives is what was built. */
	if (c->root == CONF_ROOT_RAM && !*c->root_sha256)
		return fail_with(reason, -EINVAL, "node.conf: " WIRE_KEY_ROOT_SHA256 " is missing");
	if (c->root != CONF_ROOT_NFS && c->root_path[0] != '/')
		return fail_with(reason, -EINVAL, "node.conf: " WIRE_KEY_ROOT_PATH " must begin with /");
	if (c->root == CONF_ROOT_NFS && !c->nfs_export)
		return fail_with(reason, -EINVAL, "node.conf: " WIRE_KEY_NFS_EXPORT " is missing");
	return 0;
}

int conf_parse(const char *text, size_t len, struct conf *ret, char **reason)
{
	_cleanup_(conf_free) struct conf c = { .interval = WIRE_INTERVAL_DEFAULT };
	bool seen[ARRAY_SIZE(keys)] = { false };
	_cleanup_free_ char *copy = NULL;
	unsigned number = 0;
	int r;

	if (len > CONF_FILE_MAX || memchr(text, '\0', len))
		return fail_with(reason, -EINVAL, "node.conf is not a text of at most %d bytes",
				 CONF_FILE_MAX);
	copy = strndup(text, len);
	if (!copy)
		return fail_with(reason, -ENOMEM, "out of memory");
	for (char *line = copy, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		number++;
		if (!*line || *line == '#')
			continue;
		r = parse_line(&c, line, number, seen, reason);
		if (r < 0)
			return r;
	}
	r = check_whole(&c, seen, reason);
	if (r < 0)
		return r;
	*ret = c;
	c.root_path = c.nfs_export = NULL;
	return 0;
}

int conf_read(int at, const char *path, struct conf *ret, char **reason)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(at, path, CONF_FILE_MAX, &text, &len);

	if (r == -ENOENT)
		return fail_with(reason, r, "there is no /%s: the server gave this boot no personality",
				 path);
	if (r < 0)
		return fail_with(reason, r, "/%s cannot be read: %s", path, strerror(-r));
	return conf_parse(text, len, ret, reason);
}

void conf_free(struct conf *c)
{
	free(c->root_path);
	free(c->nfs_export);
	c->root_path = c->nfs_export = NULL;
}
