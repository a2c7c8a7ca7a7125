/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include "answer.h"

const struct forwarders *lookup_forwarders(const struct namespace *namespace)
{
	const struct view *view = namespace->view;

	return view->ask_host ? &namespace->resolver->host : &view->forwarders;
}

static struct name *find(const struct namespace *namespace, enum name_kind kind, const uint8_t *key, size_t length)
{
	const struct view *view = namespace->view;

	for (int i = 0; i < view->network_count; i++) {
		struct name *name = name_find(&namespace->resolver->names, view->networks[i], kind, key, (uint8_t)length);

		if (name)
			return name;
	}
	return NULL;
}

static size_t own_answer(const struct namespace *namespace, const uint8_t *message, const struct question *question,
			 size_t limit, uint8_t *out)
{
	struct name *name = find(namespace, NAME_ADDRESSES, question->name.bytes, question->name.length);
	uint8_t address[16];
	size_t length;

	if (name)
		return answer_addresses(message, question, name, limit, out);
	length = domain_name_address(&question->name, address);
	name = length ? find(namespace, NAME_REVERSE, address, length) : NULL;
	return name ? answer_reverse(message, question, name, out) : 0;
}

static size_t udp_limit(const struct question *question)
{
	return question->limit < ANSWER_BYTES ? question->limit : ANSWER_BYTES;
}

enum outcome lookup(struct namespace *namespace, const uint8_t *message, size_t length, struct question *question, bool over_tcp,
		    uint8_t *out, size_t *answered)
{
	struct counters *counters = &namespace->resolver->counters;
	int code = question_read(message, length, question);
	const struct forwarders *forwarders = lookup_forwarders(namespace);

	counters->queries++;
	if (code == QUESTION_IGNORED) {
		counters->malformed++;
		return OUTCOME_NOTHING;
	}
	if (code) {
		counters->malformed += code == RCODE_FORMERR;
		counters->refused += code != RCODE_FORMERR;
		*answered = answer_code(message, question, code, out);
		return OUTCOME_ANSWER;
	}
	*answered = own_answer(namespace, message, question, over_tcp ? ANSWER_TCP_BYTES : udp_limit(question), out);
	if (*answered) {
		counters->own++;
		return OUTCOME_ANSWER;
	}
	if (forwarders->count > 0)
		return OUTCOME_FORWARD;
	/*
	 * A network that leads nowhere: there is no such name, for any other code makes some resolvers try until they time out
	 * (musl) or call it a passing failure (glibc). A host without name servers may have some soon.
	 */
	counters->refused++;
	*answered = answer_code(message, question, namespace->view->ask_host ? RCODE_SERVFAIL : RCODE_NXDOMAIN, out);
	return OUTCOME_ANSWER;
}
