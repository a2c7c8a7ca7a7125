/* SPDX-License-Identifier: Apache-2.0
 *
 * The Test Anything Protocol, as far as tests of native parts need it.
 */
#ifndef CAISSON_TAP_H
#define CAISSON_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

static inline bool tap_ok(bool good, const char *title, const char *file, int line)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, title);
	if (!good) {
		printf("# at %s:%d\n", file, line);
		tap_failed++;
	}
	return good;
}

/* Ends main: prints the plan, and is the exit status. */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

#define ok(condition, title) tap_ok((condition), (title), __FILE__, __LINE__)

#endif
