/* SPDX-License-Identifier: Apache-2.0
 *
 * A message as a container may send it, and as another server may answer it. The first byte says over what it comes.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "control.h"
#include "forward.h"
#include "lookup.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct resolver resolver;
static struct namespace *asker;

static void say(const char *frame, size_t length)
{
	int fds[CONTROL_FDS] = { -1, -1 };
	struct control_reply reply;

	if (control_apply(&resolver, (const uint8_t *)frame, length, fds, "", &reply) < 0)
		abort();
}

#define SAY(frame) say(frame, sizeof(frame) - 1)

static void begin(void)
{
	if (resolver_init(&resolver) < 0)
		abort();
	SAY("\3\1a\1\0\0\0");
	SAY("\5\1a\1\1n\0");
	SAY("\6\1n\5\3web\0\2\0\4\12\0\0\1\20\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
	SAY("\7\1n\4\12\0\0\1\5\3web\0");
	asker = namespace_find(&resolver, (const uint8_t *)"a", 1);
}

static void check(const struct question *question, const uint8_t *out, size_t length, size_t size, bool over_tcp)
{
	if (length < HEADER_BYTES || length > (over_tcp ? ANSWER_TCP_BYTES : ANSWER_BYTES))
		abort();
	if (!(get_be16(out + 2) & FLAG_RESPONSE) || get_be16(out) != question->id)
		abort();
	/* Two addresses and EDNS at most. */
	if (length > size + 2 * 28 + 11)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[ANSWER_TCP_BYTES];
	bool over_tcp = size > 0 && data[0] & 1;
	struct question question;
	size_t length = 0;
	uint8_t *copy;

	if (!asker)
		begin();
	if (size < 1 || size > QUERY_BYTES)
		return 0;
	/* So that a byte beyond it is noticed. */
	copy = malloc(size - 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (lookup(asker, copy, size - 1, &question, over_tcp, out, &length) == OUTCOME_ANSWER) {
		check(&question, out, length, size - 1, over_tcp);
		if (question.end > HEADER_BYTES && !forward_matches(copy, question.end, question.id, out, length))
			abort();
	}
	(void)forward_matches((const uint8_t *)"\0\1\1\0\0\1\0\0\0\0\0\0\3web\0\0\1\0\1", 21, 1, copy, size - 1);
	free(copy);
	return 0;
}
