/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames one after another, as the network service sends them: the first byte of each is its length. At the end of each
 * input all is dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct resolver resolver;
	int fds[CONTROL_FDS] = { -1, -1 };
	struct control_reply reply;

	if (resolver_init(&resolver) < 0)
		abort();
	while (size > 1) {
		size_t length = data[0] < size - 1 ? data[0] : size - 1;
		uint8_t *frame = length ? malloc(length) : NULL;

		if (frame) {
			memcpy(frame, data + 1, length);
			if (control_apply(&resolver, frame, length, fds, "build", &reply) == 0 && reply.length > sizeof(reply.bytes))
				abort();
			free(frame);
		}
		data += length + 1;
		size -= length + 1;
	}
	resolver_free(&resolver);
	return 0;
}
