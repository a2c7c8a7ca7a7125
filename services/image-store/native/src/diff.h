/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes what an upper directory of the overlay file system changed as a layer (image-spec, "Image Layer Filesystem
 * Changeset"). In each directory whiteouts come first, then the entries sorted by the bytes of their names; the same
 * directory gives the same tar.
 *
 * A directory that hides all that is below it is written with an opaque whiteout: explicit ones would need the lower
 * layers, and the specification has every reader accept both. Sockets are left out, and devices unless they are asked
 * for. Owners are written as they are on the disk: there they are the container's own.
 */
#ifndef CAISSON_LAYER_DIFF_H
#define CAISSON_LAYER_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "marks.h"
#include "tar_writer.h"

struct diff_options {
	int upper;
	uint64_t max_bytes;   /* that the files may have together */
	uint64_t max_entries; /* whiteouts count too */
	enum marks_space space;
	bool devices;
	bool progress; /* report to standard output on the way */
};

struct diff_result {
	uint64_t bytes; /* of the files */
	uint64_t entries;
	uint64_t skipped; /* sockets and devices that were left out */
	uint64_t changed; /* files that changed while they were read: cut, or filled up with zeros, to the size they had */
};

int diff_write(const struct diff_options *options, struct tar_writer *writer, struct diff_result *result,
	       struct error *err);

#endif
