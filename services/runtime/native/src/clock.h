/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_CLOCK_H
#define CAISSON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of CLOCK_REALTIME (what is written down) or CLOCK_MONOTONIC (what is measured). */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	(void)clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

#endif
