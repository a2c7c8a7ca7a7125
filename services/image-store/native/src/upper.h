/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upper directory of the overlay file system says of its entries. A container may change it while it is read:
 * what vanished is passed over.
 */
#ifndef CAISSON_LAYER_UPPER_H
#define CAISSON_LAYER_UPPER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "error.h"
#include "marks.h"
#include "names.h"

/* Directories within directories; each takes a descriptor. */
#define UPPER_DEPTH_MAX 800u

/* Entries that are in a directory with the marks `above` and mean that a name of the lower layers is gone, get their
 * `whiteout`. */
int upper_find_whiteouts(int directory, enum marks_space space, const struct marks *above, struct names *names,
			 struct error *err);

/* 1 and what it is; 0 when it is gone. */
int upper_stat(int directory, const char *name, struct stat *about, struct error *err);

/* 1 and a descriptor and what it is now; 0 when it is gone or something else than a regular file, or a directory if
 * that was asked for. */
int upper_open(int directory, const char *name, bool is_directory, int *fd, struct stat *about, struct error *err);

#endif
