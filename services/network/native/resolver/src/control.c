/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "wire.h"

static void put_reply(struct control_reply *reply, enum control_type type, const void *bytes, size_t length)
{
	put_le32(reply->bytes, (uint32_t)length + 1);
	reply->bytes[4] = (uint8_t)type;
	memcpy(reply->bytes + CONTROL_HEAD_BYTES, bytes, length);
	reply->length = CONTROL_HEAD_BYTES + length;
}

static int apply_begin(struct resolver *resolver, struct control_reply *reply)
{
	reply->leads = true;
	names_mark(&resolver->names);
	return 0;
}

static int apply_end(struct resolver *resolver)
{
	bool first = !resolver->informed;

	resolver->informed = true;
	names_sweep(&resolver->names);
	list_each(link, &resolver->namespaces) {
		struct namespace *namespace = containing(link, struct namespace, in_resolver);

		if (namespace->generation != resolver->names.generation)
			namespace_close(namespace);
		else if (first)
			namespace_listen(namespace);
	}
	return 0;
}

static int apply_namespace(struct resolver *resolver, struct fields *fields, struct control_reply *reply)
{
	struct text id = take_text(fields);
	uint32_t token = get_le32(take(fields, 4));
	struct namespace *namespace;
	uint8_t open;

	if (!complete(fields))
		return -1;
	namespace = namespace_get(resolver, id.bytes, id.length);
	if (!namespace)
		return -1;
	namespace->token = token;
	namespace->generation = resolver->names.generation;
	open = namespace->udp != NULL;
	put_reply(reply, CONTROL_NAMESPACE, &open, 1);
	return 0;
}

static int apply_close(struct resolver *resolver, struct fields *fields)
{
	struct text id = take_text(fields);
	struct namespace *namespace;

	if (!complete(fields))
		return -1;
	namespace = namespace_find(resolver, id.bytes, id.length);
	if (namespace)
		namespace_close(namespace);
	return 0;
}

/* NULL: the frame is none, or there is no memory. */
static struct view *take_view(struct resolver *resolver, struct fields *fields)
{
	uint8_t count = take_8(fields), servers;
	struct view *view = calloc(1, sizeof(*view) + count * sizeof(*view->networks));

	if (!view)
		return NULL;
	while (view->network_count < count) {
		struct text id = take_text(fields);
		struct network *network = fields->failed ? NULL : network_get(&resolver->names, id.bytes, id.length);

		if (!network)
			break;
		network->views++;
		view->networks[view->network_count++] = network;
	}
	servers = take_8(fields);
	view->ask_host = servers == CONTROL_HOST_SERVERS;
	take_forwarders(fields, view->ask_host ? 0 : servers, &view->forwarders);
	if (complete(fields) && view->network_count == count)
		return view;
	view_free(resolver, view);
	return NULL;
}

static int apply_view(struct resolver *resolver, struct fields *fields)
{
	struct text id = take_text(fields);
	struct view *view = take_view(resolver, fields);
	struct namespace *namespace = view ? namespace_find(resolver, id.bytes, id.length) : NULL;

	if (namespace)
		namespace_set_view(namespace, view);
	else
		view_free(resolver, view);
	return view ? 0 : -1;
}

struct addresses {
	uint8_t *data;
	uint16_t ipv4_count;
	uint16_t ipv6_count;
};

/* Those of one family, in their order, to `to`. Returns how many. */
static uint16_t copy_family(struct fields fields, uint16_t count, uint8_t length, uint8_t *to)
{
	uint16_t copied = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct text address = take_address(&fields);

		if (address.length == length && !fields.failed)
			memcpy(to + (size_t)copied++ * length, address.bytes, length);
	}
	return copied;
}

static int take_addresses(struct fields *fields, struct addresses *addresses)
{
	uint16_t count = get_le16(take(fields, 2));
	struct fields again = *fields;

	*addresses = (struct addresses){ .data = NULL };
	if (count > CONTROL_ADDRESSES_MAX)
		return -1;
	for (uint16_t i = 0; i < count; i++)
		(void)take_address(fields);
	if (!complete(fields))
		return -1;
	if (count == 0)
		return 0;
	/* Each took one byte more in the frame. */
	addresses->data = malloc(again.left);
	if (!addresses->data)
		return -1;
	addresses->ipv4_count = copy_family(again, count, 4, addresses->data);
	addresses->ipv6_count = copy_family(again, count, 16, addresses->data + (size_t)addresses->ipv4_count * 4);
	return 0;
}

static int apply_name(struct resolver *resolver, struct fields *fields)
{
	struct text id = take_text(fields);
	struct domain_name name;
	struct addresses addresses;
	struct network *network;

	take_name(fields, &name);
	if (fields->failed || take_addresses(fields, &addresses) < 0)
		return -1;
	network = network_get(&resolver->names, id.bytes, id.length);
	if (!network) {
		free(addresses.data);
		return -1;
	}
	return name_set(&resolver->names, network, NAME_ADDRESSES, name.bytes, name.length, addresses.data, addresses.ipv4_count,
			addresses.ipv6_count, 0);
}

static int apply_reverse(struct resolver *resolver, struct fields *fields)
{
	struct text id = take_text(fields), address = take_address(fields), text = take_text(fields);
	struct domain_name name = { 0 };
	struct network *network;
	uint8_t *data = NULL;

	if (!complete(fields) || (text.length && domain_name_read(text.bytes, text.length, &name) != text.length))
		return -1;
	if (text.length) {
		data = malloc(text.length);
		if (!data)
			return -1;
		/* As it was written. */
		memcpy(data, text.bytes, text.length);
	}
	network = network_get(&resolver->names, id.bytes, id.length);
	if (!network) {
		free(data);
		return -1;
	}
	return name_set(&resolver->names, network, NAME_REVERSE, address.bytes, address.length, data, 0, 0, text.length);
}

static int apply_forget(struct resolver *resolver, struct fields *fields)
{
	struct text id = take_text(fields);
	struct network *network;

	if (!complete(fields))
		return -1;
	network = network_find(&resolver->names, id.bytes, id.length);
	if (network)
		network_forget(&resolver->names, network);
	return 0;
}

static int apply_host(struct resolver *resolver, struct fields *fields)
{
	struct forwarders forwarders;

	take_forwarders(fields, take_8(fields), &forwarders);
	if (!complete(fields))
		return -1;
	resolver->host = forwarders;
	return 0;
}

static int apply_count(const struct resolver *resolver, struct control_reply *reply)
{
	const struct counters *counters = &resolver->counters;
	const uint64_t values[CONTROL_COUNTERS] = {
		counters->queries, counters->own,	counters->forwarded,	       counters->failed,
		counters->refused, counters->malformed, resolver->namespace_count, resolver->names.count,
	};
	uint8_t bytes[sizeof(values)];

	for (size_t i = 0; i < CONTROL_COUNTERS; i++)
		put_le64(bytes + 8 * i, values[i]);
	put_reply(reply, CONTROL_COUNT, bytes, sizeof(bytes));
	return 0;
}

static int apply_sockets(struct resolver *resolver, struct fields *fields, int fds[CONTROL_FDS], struct control_reply *reply)
{
	struct text id = take_text(fields);
	uint32_t token = get_le32(take(fields, 4));
	struct namespace *namespace;
	int udp = fds[0], tcp = fds[1];

	if (!complete(fields) || udp < 0 || tcp < 0)
		return -1;
	namespace = namespace_find(resolver, id.bytes, id.length);
	if (!namespace || namespace->token != token)
		return -1;
	fds[0] = fds[1] = -1;
	reply->bytes[0] = 1;
	reply->length = 1;
	return namespace_open(namespace, udp, tcp);
}

int control_apply(struct resolver *resolver, const uint8_t *frame, size_t length, int fds[CONTROL_FDS], const char *build,
		  struct control_reply *reply)
{
	struct fields fields = { frame + 1, length - 1, false };

	reply->length = 0;
	reply->leads = false;
	switch (frame[0]) {
	case CONTROL_HELLO:
		put_reply(reply, CONTROL_HELLO, build, strlen(build));
		return 0;
	case CONTROL_BEGIN:
		return apply_begin(resolver, reply);
	case CONTROL_END:
		return apply_end(resolver);
	case CONTROL_NAMESPACE:
		return apply_namespace(resolver, &fields, reply);
	case CONTROL_CLOSE:
		return apply_close(resolver, &fields);
	case CONTROL_VIEW:
		return apply_view(resolver, &fields);
	case CONTROL_NAME:
		return apply_name(resolver, &fields);
	case CONTROL_REVERSE:
		return apply_reverse(resolver, &fields);
	case CONTROL_FORGET:
		return apply_forget(resolver, &fields);
	case CONTROL_HOST:
		return apply_host(resolver, &fields);
	case CONTROL_COUNT:
		return apply_count(resolver, reply);
	case CONTROL_SOCKETS:
		return apply_sockets(resolver, &fields, fds, reply);
	default:
		return -1;
	}
}
