/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>
#include <string.h>

#include "forward.h"
#include "wire.h"

/* Some servers refuse what they do not understand without repeating it. */
static bool is_bare_refusal(const uint8_t *message, size_t length)
{
	int code = get_be16(message + 2) & FLAG_RCODE;

	return length == HEADER_BYTES && get_be16(message + 4) == 0 && code != RCODE_NOERROR && code != RCODE_NXDOMAIN;
}

/* The case of letters in the name may have changed; bytes of lengths are never those of letters. */
static bool repeats_question(const uint8_t *query, const uint8_t *message, size_t end)
{
	for (size_t i = HEADER_BYTES; i < end - 4; i++) {
		uint8_t one = query[i], other = message[i];
		bool is_letter = (one | 0x20) >= 'a' && (one | 0x20) <= 'z';

		if (one != other && !(is_letter && (one ^ other) == 0x20))
			return false;
	}
	return memcmp(query + end - 4, message + end - 4, 4) == 0;
}

bool forward_matches(const uint8_t *query, size_t question_end, uint16_t id, const uint8_t *message, size_t length)
{
	if (length < HEADER_BYTES || get_be16(message) != id)
		return false;
	if ((get_be16(message + 2) & (FLAG_RESPONSE | FLAG_OPCODE)) != FLAG_RESPONSE)
		return false;
	if (is_bare_refusal(message, length))
		return true;
	return get_be16(message + 4) == 1 && length >= question_end && repeats_question(query, message, question_end);
}
