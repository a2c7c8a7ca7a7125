/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_RETAIN_H
#define CAISSON_RETAIN_H

#include "decode.h"

/* Reads a plan from a descriptor and decodes it. The memory is the caller's (plan->data, of plan->size bytes, by mmap). */
int plan_read(struct plan *plan, int fd, struct error *err);

/* Gives the memory of the plan back but for the few records that the monitor needs until the end. */
int plan_retain(struct plan *plan, struct error *err);

#endif
