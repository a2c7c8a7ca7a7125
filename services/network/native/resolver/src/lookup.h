/* SPDX-License-Identifier: Apache-2.0
 *
 * What a question is answered with.
 */
#ifndef CAISSON_LOOKUP_H
#define CAISSON_LOOKUP_H

#include "namespace.h"
#include "question.h"

enum outcome {
	OUTCOME_ANSWER,  /* `out` holds it */
	OUTCOME_FORWARD, /* another server knows */
	OUTCOME_NOTHING, /* nobody waits for an answer */
};

/*
 * Answers at most `limit` bytes of addresses into `out`, or says that the question is for another server. A name that some
 * network of the namespace has is never asked for elsewhere, whatever its type.
 */
enum outcome lookup(struct namespace *namespace, const uint8_t *message, size_t length, struct question *question, bool over_tcp,
		    uint8_t *out, size_t *answered);

/* Which servers the rest is for. */
const struct forwarders *lookup_forwarders(const struct namespace *namespace);

#endif
