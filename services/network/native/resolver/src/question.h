/* SPDX-License-Identifier: Apache-2.0
 *
 * What a message asks (RFC 1035, 4.1; RFC 6891).
 */
#ifndef CAISSON_QUESTION_H
#define CAISSON_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain_name.h"

#define HEADER_BYTES 12
#define PLAIN_BYTES 512 /* what every asker takes over UDP */

enum {
	FLAG_RESPONSE = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_AUTHORITATIVE = 0x0400,
	FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSION_DESIRED = 0x0100,
	FLAG_RECURSION_AVAILABLE = 0x0080,
	FLAG_CHECKING_DISABLED = 0x0010,
	FLAG_RCODE = 0x000f,
};

enum {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_BADVERS = 16,
};

enum {
	TYPE_A = 1,
	TYPE_PTR = 12,
	TYPE_AAAA = 28,
	TYPE_OPT = 41,
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
	TYPE_ANY = 255,
	CLASS_IN = 1,
	CLASS_ANY = 255,
};

struct question {
	uint16_t id;
	uint16_t flags;
	uint16_t type;
	struct domain_name name; /* in lower case */
	size_t end;              /* where the question ends in the message; HEADER_BYTES: it has none that can be repeated */
	bool has_edns;
	bool dnssec_ok;
	uint16_t limit; /* bytes that the asker takes over UDP */
};

#define QUESTION_IGNORED (-1)

/*
 * Returns 0 when it is a question to answer; an rcode to refuse it with, for which id, flags, end and EDNS are right; or
 * QUESTION_IGNORED when nobody waits for an answer: it is no message, or one that is a response.
 */
int question_read(const uint8_t *message, size_t length, struct question *question);

#endif
