/* SPDX-License-Identifier: Apache-2.0
 *
 * The few words of TAP that the tests need.
 */
#ifndef CAISSON_TAP_H
#define CAISSON_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

static inline void ok(bool good, const char *title)
{
	tap_count++;
	tap_failed += good ? 0 : 1;
	printf("%sok %d - %s\n", good ? "" : "not ", tap_count, title);
}

/* Ends main: prints the plan, and is the exit status. */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
