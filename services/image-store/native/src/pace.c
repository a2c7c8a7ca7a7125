/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

#include <time.h>

#include "output.h"

#define INTERVAL_NS 250000000ull

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

void pace_start(struct pace *pace)
{
	pace->reported = now();
}

void pace_report(struct pace *pace, uint64_t bytes, uint64_t entries)
{
	uint64_t time = now();

	if (time < pace->reported + INTERVAL_NS)
		return;
	pace->reported = time;
	output_progress(bytes, entries);
}
