/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>

#include "answer.h"
#include "control.h"
#include "lookup.h"
#include "tap.h"
#include "wire.h"

static struct resolver resolver;
static int no_fds[CONTROL_FDS] = { -1, -1 };

static int apply(const char *frame, size_t length)
{
	struct control_reply reply;

	return control_apply(&resolver, (const uint8_t *)frame, length, no_fds, "build", &reply);
}

/* Without the NUL of the literal. */
#define APPLY(frame) apply(frame, sizeof(frame) - 1)

/* The code of the answer to a question for the address of "web"; `count` of records. */
static int ask(uint16_t *count)
{
	static const uint8_t message[] = { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'e', 'b', 0, 0, 1, 0, 1 };
	static uint8_t out[ANSWER_BYTES];
	struct question question;
	size_t length = 0;
	struct namespace *namespace = namespace_find(&resolver, (const uint8_t *)"a", 1);

	if (lookup(namespace, message, sizeof(message), &question, false, out, &length) != OUTCOME_ANSWER)
		return -1;
	*count = get_be16(out + 6);
	return get_be16(out + 2) & FLAG_RCODE;
}

static void test_frames(void)
{
	ok(APPLY("\1") == 0, "a round begins");
	ok(APPLY("\3\1a\1\0\0\0") == 0, "a namespace is declared");
	ok(APPLY("\3\1a\1\0\0") < 0, "half a frame is none");
	ok(APPLY("\3\1a\1\0\0\0x") < 0, "nor is one with something behind it");
	ok(APPLY("\5\1a\1\1n\0") == 0, "a view is set");
	ok(APPLY("\5\1a\377\1n\0") < 0, "a view of networks that are not said is none");
	ok(APPLY("\5\1a\0\11") < 0, "nor is one with too many servers");
	ok(APPLY("\6\1n\5\3WEB\0\2\0\4\12\0\0\1\4\12\0\0\2") == 0, "a name is set");
	ok(APPLY("\6\1n\5\3web\0\1\0\5\12\0\0\1\0") < 0, "an address of five bytes is none");
	ok(APPLY("\6\1n\4\3web\1\0\4\12\0\0\1") < 0, "a name without an end is none");
	ok(APPLY("\6\1n\5\3web\0\377\377") < 0, "addresses that are not there are none");
	ok(APPLY("\7\1n\4\12\0\0\1\5\3web\0") == 0, "a reverse is set");
	ok(APPLY("\11\1\4\177\0\0\1\65\0") == 0, "servers of the host are set");
	ok(APPLY("\13\1a\1\0\0\0") < 0, "sockets without descriptors are refused");
	ok(APPLY("\77") < 0, "an unknown frame is refused");
}

static void test_rounds(void)
{
	uint16_t count = 0;

	ok(ask(&count) == RCODE_NOERROR && count == 2, "a name is answered in any case");
	(void)APPLY("\1");
	(void)APPLY("\3\1a\2\0\0\0");
	ok(ask(&count) == RCODE_NOERROR && count == 2, "until the next round ends it holds");
	(void)APPLY("\2");
	ok(ask(&count) == RCODE_NXDOMAIN && resolver.names.count == 0, "then what was not said is gone");
	(void)APPLY("\6\1n\5\3web\0\1\0\4\12\0\0\1");
	(void)APPLY("\6\1n\5\3web\0\1\0\20\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
	ok(ask(&count) == RCODE_NOERROR && count == 0, "addresses take the place of others");
	(void)APPLY("\10\1n");
	ok(ask(&count) == RCODE_NXDOMAIN, "a network is forgotten, and stays in views");
	(void)APPLY("\6\1n\5\3web\0\1\0\4\12\0\0\1");
	ok(ask(&count) == RCODE_NOERROR && count == 1, "and may come again");
	(void)APPLY("\1");
	(void)APPLY("\2");
	ok(resolver.namespace_count == 0, "a namespace that was not said is closed");
}

static void test_many(void)
{
	char frame[] = "\6\1m\7\5a0000\0\1\0\4\12\0\0\1";
	bool found = true;

	for (int i = 0; i < 5000; i++) {
		for (int digit = 0; digit < 4; digit++)
			frame[6 + digit] = (char)('0' + i / (digit == 0 ? 1000 : digit == 1 ? 100 : digit == 2 ? 10 : 1) % 10);
		found = apply(frame, sizeof(frame) - 1) == 0 && found;
	}
	ok(found && resolver.names.count == 5000, "thousands of names are kept");
	ok(name_find(&resolver.names, network_find(&resolver.names, (const uint8_t *)"m", 1), NAME_ADDRESSES,
		     (const uint8_t *)"\5a4711", 7) != NULL,
	   "and found");
	(void)APPLY("\10\1m");
	ok(resolver.names.count == 0 && !network_find(&resolver.names, (const uint8_t *)"m", 1), "and forgotten");
}

int main(void)
{
	if (resolver_init(&resolver) < 0)
		return 1;
	test_frames();
	test_rounds();
	test_many();
	resolver_free(&resolver);
	return tap_end();
}
