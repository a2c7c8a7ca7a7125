/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <errno.h>

int encoder_open(struct encoder *encoder, enum compression compression, struct error *err)
{
	encoder->compression = compression;
	encoder->state = compression == COMPRESSION_GZIP ? gzip_encode_open() : zstd_encode_open();
	return encoder->state ? 0 : error_system(err, ENOMEM, "setup", "cannot start the compression");
}

int encoder_run(struct encoder *encoder, struct encode_step *step, struct error *err)
{
	if (encoder->compression == COMPRESSION_GZIP)
		return gzip_encode_run(encoder->state, step, err);
	return zstd_encode_run(encoder->state, step, err);
}

void encoder_close(struct encoder *encoder)
{
	if (encoder->compression == COMPRESSION_GZIP)
		gzip_encode_close(encoder->state);
	else
		zstd_encode_close(encoder->state);
	encoder->state = NULL;
}
