/* SPDX-License-Identifier: Apache-2.0
 *
 * Decodes the launch plan on its stdin with the monitor's own code and says what it thinks of it: nothing and 0, or the
 * complaint and 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode.h"

int main(void)
{
	static unsigned char buffer[PLAN_MAX_BYTES + 1];
	struct error err = { 0 };
	struct plan plan;
	size_t size = fread(buffer, 1, sizeof(buffer), stdin);
	unsigned char *exact = malloc(size ? size : 1); /* so that a sanitizer sees a read behind the end */

	if (!exact)
		return 2;
	memcpy(exact, buffer, size);
	if (plan_decode(&plan, exact, size, &err) < 0) {
		printf("%s\n", err.message);
		free(exact);
		return 1;
	}
	free(exact);
	return 0;
}
