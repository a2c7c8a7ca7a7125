/* SPDX-License-Identifier: Apache-2.0
 *
 * The device program of a v2 control group.
 */
#ifndef CAISSON_DEVICES_H
#define CAISSON_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Loads eBPF instructions and attaches them to the directory; the kernel keeps them until it is removed. */
int devices_attach(int cgroup, const uint8_t *instructions, size_t bytes, struct error *err);

#endif
