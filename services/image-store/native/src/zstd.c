/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "decode_kinds.h"

struct zstd {
	ZSTD_DCtx *context;
	bool inside; /* a frame is not complete yet */
};

void *zstd_open(void)
{
	struct zstd *zstd = calloc(1, sizeof(*zstd));

	if (!zstd)
		return NULL;
	zstd->context = ZSTD_createDCtx();
	if (!zstd->context ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, DECODE_WINDOW_LOG_MAX))) {
		zstd_close(zstd);
		return NULL;
	}
	return zstd;
}

void zstd_close(void *state)
{
	struct zstd *zstd = state;

	ZSTD_freeDCtx(zstd->context);
	free(zstd);
}

static int failure(size_t code, struct error *err)
{
	ZSTD_ErrorCode error = ZSTD_getErrorCode(code);

	if (error == ZSTD_error_frameParameter_windowTooLarge || error == ZSTD_error_memory_allocation)
		return error_set(err, REASON_LIMIT, "inflate", "the zstd window is larger than 128 MiB");
	return error_set(err, REASON_INVALID, "inflate", "malformed zstd data: %s", ZSTD_getErrorName(code));
}

int zstd_run(void *state, struct decode_step *step, struct error *err)
{
	struct zstd *zstd = state;
	bool full = true;

	while (step->out_length > 0 && (step->in_length > 0 || full)) {
		ZSTD_inBuffer in = {step->in, step->in_length, 0};
		ZSTD_outBuffer out = {step->out, step->out_length, 0};
		size_t left;

		if (step->in_length == 0 && !zstd->inside)
			return 0; /* libzstd would take a call now for the start of another frame */
		left = ZSTD_decompressStream(zstd->context, &out, &in);
		if (ZSTD_isError(left))
			return failure(left, err);
		zstd->inside = left != 0;
		/* Only a call that filled its room may have more to give without more input. */
		full = out.pos == out.size;
		step->in += in.pos;
		step->in_length -= in.pos;
		step->out += out.pos;
		step->out_length -= out.pos;
	}
	return 0;
}

int zstd_end(void *state, struct error *err)
{
	const struct zstd *zstd = state;

	if (zstd->inside)
		return error_set(err, REASON_TRUNCATED, "inflate", "the zstd stream ends too early");
	return 0;
}
