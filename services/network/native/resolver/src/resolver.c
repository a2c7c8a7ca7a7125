/* SPDX-License-Identifier: Apache-2.0 */
#include "resolver.h"

#include <string.h>

#include "namespace.h"
#include "random.h"

int resolver_init(struct resolver *resolver)
{
	uint64_t seed;

	memset(resolver, 0, sizeof(*resolver));
	list_init(&resolver->namespaces);
	if (random_64(&seed) < 0 || names_init(&resolver->names, seed) < 0 || loop_init(&resolver->loop) < 0)
		return -1;
	clock_init(&resolver->loop, &resolver->forward_clock, FORWARD_MS);
	clock_init(&resolver->loop, &resolver->client_clock, CLIENT_IDLE_MS);
	clock_init(&resolver->loop, &resolver->rate_clock, RATE_PAUSE_MS);
	clock_init(&resolver->loop, &resolver->listener_clock, LISTENER_PAUSE_MS);
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	list_each(link, &resolver->namespaces)
		namespace_close(containing(link, struct namespace, in_resolver));
	names_free(&resolver->names);
	loop_free(&resolver->loop);
}
