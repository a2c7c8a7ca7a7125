/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the tar reader, for one another and for their tests.
 */
#ifndef CAISSON_LAYER_TAR_PARTS_H
#define CAISSON_LAYER_TAR_PARTS_H

#include "tar.h"

#define TAR_TYPE_OFFSET 156

/* Bytes behind data of this size up to a whole block. */
static inline uint32_t tar_padding(uint64_t size)
{
	return (uint32_t)(-size & (TAR_BLOCK - 1));
}

/* ---- tar_input.c: bytes ---- */

/* One block: 1, or 0 when the input ends exactly before it. */
int tar_input_block(struct tar_reader *reader, const uint8_t **block, struct error *err);
int tar_input_copy(struct tar_reader *reader, void *out, uint64_t length, struct error *err);
int tar_input_skip(struct tar_reader *reader, uint64_t length, struct error *err);
/* A piece of at most `limit` bytes without copying. */
int tar_input_piece(struct tar_reader *reader, uint64_t limit, const uint8_t **data, size_t *length, struct error *err);

/* ---- tar_number.c ---- */

/* A numeric header field: octal, or base 256 (GNU). False when malformed or beyond 64 bits. */
bool tar_field_number(const uint8_t *field, size_t size, int64_t *value);
/* Digits only. */
bool tar_decimal(const char *text, size_t length, uint64_t *value);
/* A pax time: seconds with an optional sign and fraction; beyond 64 bits it saturates. */
bool tar_time(const char *text, size_t length, struct timespec *time);

/* ---- tar_header.c ---- */

bool tar_block_is_zero(const uint8_t *block);
bool tar_checksum_matches(const uint8_t *block);
int tar_header_size(const uint8_t *block, uint64_t *size, struct error *err);
/* Everything but the size and the type, where `extended` does not say otherwise. */
int tar_header_parse(const uint8_t *block, const struct tar_extended *extended, struct tar_entry *entry,
		     struct error *err);

/* ---- tar_extended.c ---- */

/* As before an entry: only global headers count. */
void tar_extended_reset(struct tar_reader *reader);
/* 1 when the block is an extended header and is dealt with, 0 when it starts an entry. */
int tar_extended_take(struct tar_reader *reader, const uint8_t *block, struct tar_entry *entry, struct error *err);

/* ---- tar_pax.c ---- */

int tar_pax_parse(struct tar_reader *reader, struct tar_entry *entry, char *text, size_t length, struct error *err);
int tar_pax_parse_global(struct tar_reader *reader, struct tar_entry *scratch, char *text, size_t length,
			 struct error *err);

/* ---- tar_sparse.c ---- */

void tar_sparse_clear(struct tar_sparse *sparse);
int tar_sparse_add(struct tar_sparse *sparse, uint64_t offset, uint64_t length, struct error *err);
/* The value of GNU.sparse.map: numbers and commas. */
int tar_sparse_parse_map(struct tar_sparse *sparse, const char *text, size_t length, struct error *err);
/* The map of an old GNU header, and the blocks that continue it. */
int tar_sparse_read_old(struct tar_reader *reader, const uint8_t *block, struct tar_entry *entry, struct error *err);
/* The map of format 1.0, which stands before the data and is part of its size. */
int tar_sparse_read_map(struct tar_reader *reader, struct error *err);
/* Ascending, inside the file, and as much data as the archive has. */
int tar_sparse_check(const struct tar_sparse *sparse, uint64_t real_size, uint64_t data, struct error *err);

#endif
