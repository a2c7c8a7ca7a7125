/* SPDX-License-Identifier: Apache-2.0
 *
 * What the program says: lines of JSON on standard output.
 */
#ifndef CAISSON_LAYER_OUTPUT_H
#define CAISSON_LAYER_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "blob.h"
#include "diff.h"
#include "digest.h"
#include "error.h"
#include "quota.h"
#include "unpack.h"

void output_unpacked(const struct unpack_result *result);
void output_digest(const char *digest, uint64_t bytes);
void output_diff(const struct diff_result *result, const struct blob_sums *sums, enum compression compression);
/* `kind` is A, C or D; the path goes out in hexadecimal, for it may be no text. */
void output_change(char kind, const char *path, size_t length);
void output_changes(uint64_t changes);
void output_removed(uint64_t entries);
void output_synced(void);
/* `target`: of a symlink; otherwise "". */
void output_stat(const struct stat *about, const char *target);
/* Of an archive that was read or written. */
void output_read(uint64_t bytes, uint64_t entries);
void output_hashes(char (*digests)[DIGEST_TEXT_SIZE], size_t count);
void output_quota_set(void);
void output_quota_state(const struct quota_state *state);
void output_quota_usage(const struct quota_usage *usage);
void output_progress(uint64_t bytes, uint64_t entries);
void output_error(const struct error *err);

#endif
