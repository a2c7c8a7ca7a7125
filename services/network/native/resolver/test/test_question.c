/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "answer.h"
#include "forward.h"
#include "question.h"
#include "tap.h"
#include "wire.h"

static const uint8_t plain[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'W', 'e', 'B', 0, 0, 1, 0, 1 };

static void test_names(void)
{
	static const uint8_t endless[] = { 1, 'a', 1, 'b' }, pointer[] = { 1, 'a', 0xc0, 0 };
	uint8_t longest[256];
	struct domain_name name;

	ok(domain_name_read(plain + 12, 9, &name) == 5 && memcmp(name.bytes, "\3web", 5) == 0, "a name is read into lower case");
	ok(domain_name_read(endless, sizeof(endless), &name) < 0, "a name without an end is none");
	ok(domain_name_read(pointer, sizeof(pointer), &name) < 0, "a compressed name is none");
	ok(domain_name_skip(pointer, sizeof(pointer)) == 4, "a compressed name is skipped");
	ok(domain_name_skip(pointer, 3) < 0, "half a pointer is not");
	for (int i = 0; i < 256; i += 2)
		memcpy(longest + i, "\1a", 2);
	longest[254] = 0;
	ok(domain_name_read(longest, sizeof(longest), &name) == 255, "a name has 255 bytes");
	longest[254] = 1;
	ok(domain_name_read(longest, sizeof(longest), &name) < 0, "and no more");
}

static size_t address_of(const char *text, size_t length, uint8_t address[16])
{
	struct domain_name name;

	if (domain_name_read((const uint8_t *)text, length, &name) < 0)
		return 99;
	return domain_name_address(&name, address);
}

#define ADDRESS_OF(text, address) address_of(text, sizeof(text), address)

static void test_addresses(void)
{
	static const uint8_t expected[] = { 10, 1, 200, 3 };
	uint8_t address[16];

	ok(ADDRESS_OF("\1" "3\3" "200\1" "1\2" "10\7in-addr\4arpa", address) == 4 && memcmp(address, expected, 4) == 0,
	   "in-addr.arpa is read from the end");
	ok(ADDRESS_OF("\3" "256\1" "1\1" "1\2" "10\7in-addr\4arpa", address) == 0, "256 is no byte");
	ok(ADDRESS_OF("\2" "01\1" "1\1" "1\2" "10\7in-addr\4arpa", address) == 0, "nor is 01");
	ok(ADDRESS_OF("\1" "1\1" "1\2" "10\7in-addr\4arpa", address) == 0, "three bytes are no address");
	ok(ADDRESS_OF("\1" "1\1" "1\1" "1\1" "1\2" "10\7in-addr\4arpa", address) == 0, "five are none");
	ok(ADDRESS_OF("", address) == 0, "the root is none");
	ok(ADDRESS_OF("\1x\3ip6\4arpa", address) == 0, "a piece of ip6.arpa is none");
}

static void test_questions(void)
{
	uint8_t message[64];
	struct question question;

	ok(question_read(plain, sizeof(plain), &question) == 0 && question.type == TYPE_A && question.end == sizeof(plain) &&
		   question.limit == PLAIN_BYTES && !question.has_edns,
	   "a plain question is read");
	for (size_t length = HEADER_BYTES; length < sizeof(plain); length++)
		if (question_read(plain, length, &question) != RCODE_FORMERR)
			ok(false, "a piece of a question is malformed");
	ok(question_read(plain, 11, &question) == QUESTION_IGNORED, "less than a header is nothing");
	memcpy(message, plain, sizeof(plain));
	message[11] = 1;
	memcpy(message + sizeof(plain), "\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11);
	ok(question_read(message, sizeof(plain) + 11, &question) == 0 && question.has_edns && question.dnssec_ok &&
		   question.limit == 1232,
	   "EDNS is read");
	message[sizeof(plain) + 6] = 1;
	ok(question_read(message, sizeof(plain) + 11, &question) == RCODE_BADVERS, "its later versions are not known");
	message[2] = 0x80;
	ok(question_read(message, sizeof(plain) + 11, &question) == QUESTION_IGNORED, "a response is no question");
}

static void test_matching(void)
{
	uint8_t answer[sizeof(plain)];

	memcpy(answer, plain, sizeof(plain));
	ok(!forward_matches(plain, sizeof(plain), 0x1234, answer, sizeof(answer)), "a question is no answer");
	answer[2] = 0x81;
	ok(forward_matches(plain, sizeof(plain), 0x1234, answer, sizeof(answer)), "an answer repeats the question");
	answer[13] = 'w';
	ok(forward_matches(plain, sizeof(plain), 0x1234, answer, sizeof(answer)), "in any case");
	answer[13] = 'x';
	ok(!forward_matches(plain, sizeof(plain), 0x1234, answer, sizeof(answer)), "and no other name");
	answer[13] = 'W';
	answer[18] = 28;
	ok(!forward_matches(plain, sizeof(plain), 0x1234, answer, sizeof(answer)), "nor another type");
	answer[18] = 1;
	ok(!forward_matches(plain, sizeof(plain), 0x1235, answer, sizeof(answer)), "with its id");
	ok(!forward_matches(plain, sizeof(plain), 0x1234, answer, sizeof(answer) - 1), "as a whole");
	answer[3] = RCODE_NOTIMP;
	answer[5] = 0;
	ok(forward_matches(plain, sizeof(plain), 0x1234, answer, HEADER_BYTES), "a bare refusal is an answer");
	answer[3] = RCODE_NXDOMAIN;
	ok(!forward_matches(plain, sizeof(plain), 0x1234, answer, HEADER_BYTES), "a bare word that there is no name is none");
}

int main(void)
{
	test_names();
	test_addresses();
	test_questions();
	test_matching();
	return tap_end();
}
