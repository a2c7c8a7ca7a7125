/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns against names: the input is a pattern, a NUL, and a name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"

#define INPUT_MAX 2048u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	const char *name;

	if (size > INPUT_MAX)
		return 0;
	text = malloc(size + 2);
	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	name = text + strlen(text) + 1;
	/* Whatever is well formed and has no wildcard is the name that it matches. */
	if (match_is_valid(text) && !match_has_wildcard(text) && !match_name(text, text))
		abort();
	if (match_is_valid(text)) {
		(void)match_name(text, name);
		(void)match_path(text, name);
	}
	free(text);
	return 0;
}
