/* SPDX-License-Identifier: Apache-2.0
 *
 * What gzip.c and zstd.c give to decode.c.
 */
#ifndef CAISSON_LAYER_DECODE_KINDS_H
#define CAISSON_LAYER_DECODE_KINDS_H

#include "decode.h"

void *gzip_open(void);
int gzip_run(void *state, struct decode_step *step, struct error *err);
int gzip_end(void *state, struct error *err);
void gzip_close(void *state);

void *zstd_open(void);
int zstd_run(void *state, struct decode_step *step, struct error *err);
int zstd_end(void *state, struct error *err);
void zstd_close(void *state);

#endif
