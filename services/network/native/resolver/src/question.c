/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include "wire.h"

#define RECORD_BYTES 10 /* behind the name: type, class, TTL, length */
#define RECORDS_MAX 64  /* in a question: more than any has */
#define EDNS_DNSSEC_OK 0x8000u

static int read_edns(const uint8_t *record, struct question *question)
{
	uint16_t size = get_be16(record + 2);

	if (question->has_edns)
		return RCODE_FORMERR;
	question->has_edns = true;
	question->dnssec_ok = get_be16(record + 6) & EDNS_DNSSEC_OK;
	if (size > PLAIN_BYTES)
		question->limit = size;
	return record[5] == 0 ? 0 : RCODE_BADVERS;
}

/* Looks for EDNS among the records behind the question. */
static int read_records(const uint8_t *message, size_t length, size_t count, struct question *question)
{
	size_t at = question->end;

	if (count > RECORDS_MAX)
		return RCODE_FORMERR;
	for (size_t i = 0; i < count; i++) {
		int name = domain_name_skip(message + at, length - at);
		const uint8_t *record = message + at + name;
		int code;

		if (name < 0 || length - at < (size_t)name + RECORD_BYTES)
			return RCODE_FORMERR;
		at += (size_t)name + RECORD_BYTES;
		if (length - at < get_be16(record + 8))
			return RCODE_FORMERR;
		at += get_be16(record + 8);
		code = get_be16(record) == TYPE_OPT ? read_edns(record, question) : 0;
		if (code)
			return code;
	}
	return 0;
}

static int read_name(const uint8_t *message, size_t length, struct question *question)
{
	int name = domain_name_read(message + HEADER_BYTES, length - HEADER_BYTES, &question->name);
	size_t end = HEADER_BYTES + (size_t)name + 4;
	uint16_t class;

	if (name < 0 || end > length)
		return RCODE_FORMERR;
	question->end = end;
	question->type = get_be16(message + end - 4);
	class = get_be16(message + end - 2);
	return class == CLASS_IN || class == CLASS_ANY ? 0 : RCODE_REFUSED;
}

int question_read(const uint8_t *message, size_t length, struct question *question)
{
	size_t records;
	int code, edns;

	if (length < HEADER_BYTES || get_be16(message + 2) & FLAG_RESPONSE)
		return QUESTION_IGNORED;
	*question = (struct question){
		.id = get_be16(message),
		.flags = get_be16(message + 2),
		.end = HEADER_BYTES,
		.limit = PLAIN_BYTES,
	};
	if (question->flags & FLAG_OPCODE)
		return RCODE_NOTIMP;
	if (get_be16(message + 4) != 1)
		return RCODE_FORMERR;
	code = read_name(message, length, question);
	if (code == RCODE_FORMERR)
		return code;
	records = (size_t)get_be16(message + 6) + get_be16(message + 8) + get_be16(message + 10);
	edns = read_records(message, length, records, question);
	if (edns)
		return edns;
	/* Transfers have answers of many messages. */
	return question->type == TYPE_AXFR || question->type == TYPE_IXFR ? RCODE_REFUSED : code;
}
