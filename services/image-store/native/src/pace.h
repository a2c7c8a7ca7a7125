/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_PACE_H
#define CAISSON_LAYER_PACE_H

#include <stdint.h>

/* Progress on standard output, about four times a second however often it is asked for. */
struct pace {
	uint64_t reported; /* when, by the monotonic clock */
};

void pace_start(struct pace *pace);
void pace_report(struct pace *pace, uint64_t bytes, uint64_t entries);

#endif
