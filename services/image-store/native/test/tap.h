/* SPDX-License-Identifier: Apache-2.0
 *
 * The Test Anything Protocol, as far as the tests need it.
 */
#ifndef CAISSON_LAYER_TAP_H
#define CAISSON_LAYER_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failures;

static inline bool tap_ok(bool good, const char *title, const char *file, int line)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, title);
	if (!good) {
		printf("# at %s:%d\n", file, line);
		tap_failures++;
	}
	return good;
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures > 0;
}

#define OK(condition, title) tap_ok((condition), (title), __FILE__, __LINE__)

#endif
