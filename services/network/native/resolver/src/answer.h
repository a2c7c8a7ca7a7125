/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages that answer a question. Each repeats it as it was written.
 */
#ifndef CAISSON_ANSWER_H
#define CAISSON_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "question.h"

/*
 * Seconds for which an answer about a container may be kept. A container's address changes when it is made anew, and
 * clients that keep answers would go on asking the old one.
 */
#define ANSWER_TTL 5

#define ANSWER_BYTES 4096      /* over UDP, also to who takes more */
#define ANSWER_TCP_BYTES 65535

/* Without records; `rcode` may be one of EDNS. Returns its length: never more than the question's and 11 bytes. */
size_t answer_code(const uint8_t *message, const struct question *question, int rcode, uint8_t *out);

/*
 * The addresses of a name that the question's type asks for, each time in another order; those that do not fit into `limit`
 * are left out, and the answer is marked as truncated.
 */
size_t answer_addresses(const uint8_t *message, const struct question *question, struct name *name, size_t limit,
			uint8_t *out);

/* The name that an address reverses to. */
size_t answer_reverse(const uint8_t *message, const struct question *question, const struct name *name, uint8_t *out);

/* Cuts a response of another server down to what tells the asker to ask over TCP. Returns its length. */
size_t answer_truncate(uint8_t *response, size_t question_end);

#endif
