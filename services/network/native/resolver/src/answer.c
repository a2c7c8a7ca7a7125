/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <string.h>

#include "wire.h"

#define EDNS_BYTES 11
#define RECORD_BYTES 12 /* a pointer to the name, type, class, TTL, length */
#define POINTER_TO_QUESTION 0xc00c

static size_t begin(const uint8_t *message, const struct question *question, int rcode, uint8_t *out)
{
	uint16_t flags = question->flags & (FLAG_OPCODE | FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED);

	memset(out, 0, HEADER_BYTES);
	put_be16(out, question->id);
	put_be16(out + 2, (uint16_t)(flags | FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | (rcode & FLAG_RCODE)));
	put_be16(out + 4, question->end > HEADER_BYTES);
	memcpy(out + HEADER_BYTES, message + HEADER_BYTES, question->end - HEADER_BYTES);
	return question->end;
}

/* Who speaks EDNS is answered in it (RFC 6891, 6.1.1). */
static size_t end(const struct question *question, int rcode, uint8_t *out, size_t length)
{
	uint8_t *record = out + length;

	if (!question->has_edns)
		return length;
	memset(record, 0, EDNS_BYTES);
	put_be16(record + 1, TYPE_OPT);
	put_be16(record + 3, ANSWER_BYTES);
	record[5] = (uint8_t)(rcode >> 4);
	record[7] = question->dnssec_ok ? 0x80 : 0;
	put_be16(out + 10, 1);
	return length + EDNS_BYTES;
}

size_t answer_code(const uint8_t *message, const struct question *question, int rcode, uint8_t *out)
{
	return end(question, rcode, out, begin(message, question, rcode, out));
}

static size_t add_record(uint8_t *out, size_t length, uint16_t type, const uint8_t *data, size_t size)
{
	uint8_t *record = out + length;

	put_be16(record, POINTER_TO_QUESTION);
	put_be16(record + 2, type);
	put_be16(record + 4, CLASS_IN);
	put_be32(record + 6, ANSWER_TTL);
	put_be16(record + 10, (uint16_t)size);
	memcpy(record + RECORD_BYTES, data, size);
	put_be16(out + 6, (uint16_t)(get_be16(out + 6) + 1));
	return length + RECORD_BYTES + size;
}

static void set_flag(uint8_t *out, uint16_t flag)
{
	put_be16(out + 2, get_be16(out + 2) | flag);
}

size_t answer_addresses(const uint8_t *message, const struct question *question, struct name *name, size_t limit,
			uint8_t *out)
{
	size_t length = begin(message, question, RCODE_NOERROR, out);
	/* Of ANY one kind is enough (RFC 8482, 4.1). */
	bool any = question->type == TYPE_ANY;
	bool ipv6 = question->type == TYPE_AAAA || (any && name->ipv4_count == 0);
	bool ipv4 = question->type == TYPE_A || (any && !ipv6);
	size_t size = ipv6 ? 16 : 4;
	uint16_t count = ipv6 ? name->ipv6_count : ipv4 ? name->ipv4_count : 0;
	const uint8_t *addresses = name->data + (ipv6 ? (size_t)name->ipv4_count * 4 : 0);
	uint32_t first = count ? name->turn++ % count : 0;

	set_flag(out, FLAG_AUTHORITATIVE);
	for (uint16_t i = 0; i < count; i++) {
		if (length + RECORD_BYTES + size + EDNS_BYTES > limit) {
			set_flag(out, FLAG_TRUNCATED);
			break;
		}
		length = add_record(out, length, ipv6 ? TYPE_AAAA : TYPE_A, addresses + (first + i) % count * size, size);
	}
	return end(question, RCODE_NOERROR, out, length);
}

size_t answer_reverse(const uint8_t *message, const struct question *question, const struct name *name, uint8_t *out)
{
	size_t length = begin(message, question, RCODE_NOERROR, out);

	set_flag(out, FLAG_AUTHORITATIVE);
	if (question->type == TYPE_PTR || question->type == TYPE_ANY)
		length = add_record(out, length, TYPE_PTR, name->data, name->size);
	return end(question, RCODE_NOERROR, out, length);
}

size_t answer_truncate(uint8_t *response, size_t question_end)
{
	set_flag(response, FLAG_TRUNCATED);
	memset(response + 6, 0, 6);
	return question_end;
}
