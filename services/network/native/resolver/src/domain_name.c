/* SPDX-License-Identifier: Apache-2.0 */
#include "domain_name.h"

#include <string.h>

#define LABEL_BYTES 63
#define POINTER 0xc0

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

int domain_name_read(const uint8_t *data, size_t length, struct domain_name *name)
{
	size_t at = 0;

	for (;;) {
		size_t label;

		if (at >= length || at >= DOMAIN_NAME_BYTES)
			return -1;
		label = data[at];
		if (label > LABEL_BYTES || at + label >= length || at + label >= DOMAIN_NAME_BYTES)
			return -1;
		name->bytes[at++] = (uint8_t)label;
		if (label == 0)
			break;
		for (size_t end = at + label; at < end; at++)
			name->bytes[at] = lower(data[at]);
	}
	name->length = (uint8_t)at;
	return (int)at;
}

int domain_name_skip(const uint8_t *data, size_t length)
{
	size_t at = 0;

	while (at < length && at < DOMAIN_NAME_BYTES) {
		uint8_t label = data[at];

		if (label == 0)
			return (int)at + 1;
		if (label >= POINTER)
			return at + 2 <= length ? (int)at + 2 : -1;
		if (label > LABEL_BYTES)
			return -1;
		at += (size_t)label + 1;
	}
	return -1;
}

/* The text of a label as a number below 256, without leading zeros; -1 when it is none. */
static int decimal(const uint8_t *label, size_t length)
{
	int value = 0;

	if (length == 0 || length > 3 || (length > 1 && label[0] == '0'))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (label[i] < '0' || label[i] > '9')
			return -1;
		value = value * 10 + (label[i] - '0');
	}
	return value < 256 ? value : -1;
}

static int hexadecimal(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool ends_at(const struct domain_name *name, size_t at, const char *end, size_t length)
{
	return name->length - at == length && memcmp(name->bytes + at, end, length) == 0;
}

static size_t ipv4_address(const struct domain_name *name, uint8_t address[16])
{
	static const char end[] = "\7in-addr\4arpa";
	size_t at = 0;

	for (int i = 3; i >= 0; i--) {
		size_t length = name->bytes[at];
		int value = decimal(name->bytes + at + 1, length);

		if (value < 0)
			return 0;
		address[i] = (uint8_t)value;
		at += length + 1;
	}
	return ends_at(name, at, end, sizeof(end)) ? 4 : 0;
}

static size_t ipv6_address(const struct domain_name *name, uint8_t address[16])
{
	static const char end[] = "\3ip6\4arpa";
	size_t at = 0;

	if (name->length != 64 + sizeof(end))
		return 0;
	memset(address, 0, 16);
	for (int i = 31; i >= 0; i--, at += 2) {
		int value = name->bytes[at] == 1 ? hexadecimal(name->bytes[at + 1]) : -1;

		if (value < 0)
			return 0;
		address[i / 2] |= (uint8_t)(i % 2 ? value : value << 4);
	}
	return ends_at(name, at, end, sizeof(end)) ? 16 : 0;
}

size_t domain_name_address(const struct domain_name *name, uint8_t address[16])
{
	size_t length = ipv4_address(name, address);

	return length ? length : ipv6_address(name, address);
}
