/* SPDX-License-Identifier: Apache-2.0 */
#include <zstd.h>

#include "encode.h"

#define LEVEL 3

void *zstd_encode_open(void)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();

	if (!context)
		return NULL;
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	return context;
}

void zstd_encode_close(void *state)
{
	ZSTD_freeCCtx(state);
}

int zstd_encode_run(void *state, struct encode_step *step, struct error *err)
{
	ZSTD_inBuffer in = {.src = step->in, .size = step->in_length};
	ZSTD_outBuffer out = {.dst = step->out, .size = step->out_length};
	size_t left = ZSTD_compressStream2(state, &out, &in, step->last ? ZSTD_e_end : ZSTD_e_continue);

	if (ZSTD_isError(left))
		return error_set(err, REASON_IO, "deflate", "the zstd compression failed: %s", ZSTD_getErrorName(left));
	step->in += in.pos;
	step->in_length -= in.pos;
	step->out += out.pos;
	step->out_length -= out.pos;
	if (step->last)
		return left > 0 ? 1 : 0;
	return step->in_length > 0 ? 1 : 0;
}
