/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan's records must say beyond their shape.
 */
#ifndef CAISSON_CHECK_H
#define CAISSON_CHECK_H

#include "decode.h"

/* One record by itself; its shape is right. */
int check_record(const struct record *record, struct error *err);

/* All of them together; fills kind, flags, namespaces and joined. */
int check_plan(struct plan *plan, struct error *err);

#endif
