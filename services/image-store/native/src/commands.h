/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands of the program that have a file of their own; main.c says what they take.
 */
#ifndef CAISSON_LAYER_COMMANDS_H
#define CAISSON_LAYER_COMMANDS_H

#include "error.h"

int run_diff(int argc, char **argv, struct error *err);
int run_changes(int argc, char **argv, struct error *err);

#endif
