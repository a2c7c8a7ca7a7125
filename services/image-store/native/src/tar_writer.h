/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes tar archives: ustar, with a pax header (POSIX.1-2001) before an entry that does not fit: long names or names
 * beyond ASCII, large sizes and ids, times with fractions or before 1970, extended attributes as SCHILY.xattr.*. The
 * same entries give the same bytes, whoever writes them and when. Names are bytes; one that is not UTF-8 is written as
 * it is, and said to be so (hdrcharset=BINARY).
 */
#ifndef CAISSON_LAYER_TAR_WRITER_H
#define CAISSON_LAYER_TAR_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"
#include "tar.h"
#include "xattrs.h"

/* Where the bytes go; all of them, or it is an error. */
struct tar_sink {
	int (*write)(void *context, const uint8_t *data, size_t length, struct error *err);
	void *context;
};

struct tar_item {
	enum tar_type type;
	const char *path; /* relative, without a slash at the end; "" is the root */
	const char *link; /* target of a symlink, path of the entry that a hard link repeats; otherwise NULL */
	uint32_t mode;    /* the twelve permission bits */
	uint64_t uid;
	uint64_t gid;
	uint64_t size; /* of a file; of no account for the rest */
	uint32_t major; /* of a device */
	uint32_t minor;
	struct timespec mtime;
	const struct xattrs *xattrs; /* or NULL; written in the order of their names */
};

struct tar_writer {
	struct tar_sink sink;
	uint64_t data_left; /* bytes of the entry's data still to come */
	uint32_t padding;   /* zeros behind them */
	char *records;      /* of the pax header being made */
	size_t records_length;
	uint8_t block[TAR_BLOCK];
};

int tar_writer_open(struct tar_writer *writer, const struct tar_sink *sink, struct error *err);

/* After all data of the entry before. A path or link longer than TAR_PATH_MAX is LIMIT; an attribute whose name has a
 * "=", which the format cannot hold, and a device number above 2097151 are INVALID. */
int tar_writer_entry(struct tar_writer *writer, const struct tar_item *item, struct error *err);

/* Data of the file just begun, in as many pieces as suit; exactly as much as its size said, or it is INVALID. */
int tar_writer_data(struct tar_writer *writer, const void *data, size_t length, struct error *err);

/* Writes the end-of-archive marker. */
int tar_writer_close(struct tar_writer *writer, struct error *err);
/* Frees the memory; after tar_writer_open, whatever came of the rest. */
void tar_writer_free(struct tar_writer *writer);

#endif
