/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_QUOTA_COMMAND_H
#define CAISSON_LAYER_QUOTA_COMMAND_H

#include "error.h"

/* `caisson-layer quota ...`: prints its answer. */
int quota_command(int directory, int argc, char **argv, struct error *err);

#endif
