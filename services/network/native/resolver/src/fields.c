/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include <string.h>

#include "wire.h"

const uint8_t *take(struct fields *fields, size_t length)
{
	static const uint8_t zeros[256];
	const uint8_t *taken = fields->at;

	if (fields->failed || fields->left < length) {
		fields->failed = true;
		return zeros;
	}
	fields->at += length;
	fields->left -= length;
	return taken;
}

uint8_t take_8(struct fields *fields)
{
	return *take(fields, 1);
}

struct text take_text(struct fields *fields)
{
	uint8_t length = take_8(fields);

	return (struct text){ take(fields, length), length };
}

bool complete(const struct fields *fields)
{
	return !fields->failed && fields->left == 0;
}

struct text take_address(struct fields *fields)
{
	struct text address = take_text(fields);

	if (address.length != 4 && address.length != 16)
		fields->failed = true;
	return address;
}

void take_name(struct fields *fields, struct domain_name *name)
{
	struct text text = take_text(fields);

	if (domain_name_read(text.bytes, text.length, name) != text.length)
		fields->failed = true;
}

static void set_forwarder(struct forwarder *forwarder, struct text address, uint16_t port)
{
	memset(forwarder, 0, sizeof(*forwarder));
	if (address.length == 4) {
		struct sockaddr_in *ipv4 = (struct sockaddr_in *)&forwarder->address;

		*ipv4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		memcpy(&ipv4->sin_addr, address.bytes, 4);
		forwarder->length = sizeof(*ipv4);
	} else {
		struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&forwarder->address;

		*ipv6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		memcpy(&ipv6->sin6_addr, address.bytes, 16);
		forwarder->length = sizeof(*ipv6);
	}
}

void take_forwarders(struct fields *fields, uint8_t count, struct forwarders *forwarders)
{
	memset(forwarders, 0, sizeof(*forwarders));
	if (count > FORWARDERS_MAX) {
		fields->failed = true;
		return;
	}
	for (int i = 0; i < count; i++) {
		struct text address = take_address(fields);
		uint16_t port = get_le16(take(fields, 2));

		if (fields->failed)
			return;
		set_forwarder(&forwarders->list[i], address, port);
	}
	forwarders->count = count;
}
