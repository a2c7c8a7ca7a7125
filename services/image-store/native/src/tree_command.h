/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that work on trees that others use:
 *
 *   caisson-layer tree-stat ROOT [--follow] -- PATH
 *   caisson-layer tree-read ROOT [--follow | --patterns] [--one-mount] [--name NAME] [--parents] [--owner UID:GID]
 *                           [--mode OCTAL] [--exclude PATTERN]... --max-entries N -- PATH...
 *   caisson-layer tree-hash ROOT [--exclude PATTERN]... --max-entries N -- PATTERN...
 *   caisson-layer tree-write ROOT [--make] [--keep-kinds] [--owner UID:GID] [--uid-max N] --max-bytes N
 *                            --max-entries N -- PATH
 *
 * ROOT is --lower DIR... (the topmost first) [--upper DIR --work DIR], --live PID:START_TIME, or
 * --directory DIR. tree-read writes its tar
 * to descriptor 5, tree-write reads one from descriptor 3.
 */
#ifndef CAISSON_LAYER_TREE_COMMAND_H
#define CAISSON_LAYER_TREE_COMMAND_H

#include <stdbool.h>

#include "error.h"

bool tree_command_is(const char *command);
int tree_command_run(const char *command, int argc, char **argv, struct error *err);

#endif
