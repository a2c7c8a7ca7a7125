/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads tar archives: V7, ustar, GNU (long names, base-256 numbers, sparse files) and pax (POSIX.1-2001, with GNU's
 * sparse formats 0.0, 0.1 and 1.0). It only decodes: names come out as the archive has them, checked for length and
 * NUL.
 */
#ifndef CAISSON_LAYER_TAR_H
#define CAISSON_LAYER_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"
#include "xattrs.h"

#define TAR_BLOCK 512u
#define TAR_PATH_MAX 4096u
#define TAR_EXTENDED_MAX (1u << 20) /* the largest pax header or long name record */
#define TAR_SEGMENTS_MAX 65536u     /* pieces of one sparse file */

enum tar_type { TAR_FILE, TAR_DIR, TAR_SYMLINK, TAR_HARDLINK, TAR_CHAR, TAR_BLOCK_DEVICE, TAR_FIFO };

struct tar_entry {
	enum tar_type type;
	char path[TAR_PATH_MAX + 1];
	char link[TAR_PATH_MAX + 1];
	uint32_t mode; /* the twelve permission bits */
	uint64_t uid;
	uint64_t gid;
	uint64_t size; /* of the file as it appears; 0 for everything but files */
	bool sparse;
	uint32_t major;
	uint32_t minor;
	struct timespec mtime;
	struct xattrs xattrs;
};

/* Where the bytes come from: 1 and the next piece (never empty), 0 at the end, or -1. A piece stays valid until the
 * next call. */
struct tar_source {
	int (*next)(void *context, const uint8_t **data, size_t *length, struct error *err);
	void *context;
};

struct tar_segment {
	uint64_t offset;
	uint64_t length;
};

struct tar_sparse {
	struct tar_segment *segments;
	size_t count;
	size_t capacity;
};

enum tar_name_rank { NAME_HEADER, NAME_GNU, NAME_PAX, NAME_SPARSE };

/* What extended headers said about the entry to come. */
struct tar_extended {
	bool any;
	enum tar_name_rank path_rank;
	enum tar_name_rank link_rank;
	bool has_size;
	bool has_uid;
	bool has_gid;
	bool has_mtime;
	bool has_real_size;
	uint64_t size;
	uint64_t uid;
	uint64_t gid;
	struct timespec mtime;
	uint64_t sparse_major;
	uint64_t sparse_minor;
	bool sparse;
	uint64_t real_size;
};

struct tar_global {
	bool has_uid;
	bool has_gid;
	bool has_mtime;
	uint64_t uid;
	uint64_t gid;
	struct timespec mtime;
};

struct tar_reader {
	struct tar_source source;
	const uint8_t *chunk;
	size_t left;          /* bytes of the chunk not used yet */
	uint64_t data_left;   /* bytes of the entry's data still in the archive */
	uint32_t padding;     /* bytes behind the data up to a whole block */
	bool ended;           /* the end-of-archive marker was seen */
	struct tar_extended extended;
	struct tar_global global;
	struct tar_sparse sparse;
	size_t segment;       /* of a sparse file: where tar_data stands */
	uint64_t segment_done;
	uint8_t block[TAR_BLOCK];
	char *buffer;         /* extended headers, TAR_EXTENDED_MAX + 1 bytes */
};

int tar_open(struct tar_reader *reader, struct tar_source source, struct error *err);
void tar_close(struct tar_reader *reader);

/* 1 and the next entry, after skipping what is left of the one before; 0 at the end (reader->ended tells whether it was
 * marked); -1. */
int tar_next(struct tar_reader *reader, struct tar_entry *entry, struct error *err);

/* 1 and the next piece of the entry's data, and where in the file it belongs; 0 when there is no more; -1. */
int tar_data(struct tar_reader *reader, const struct tar_entry *entry, const uint8_t **data, size_t *length,
	     uint64_t *offset, struct error *err);

#endif
