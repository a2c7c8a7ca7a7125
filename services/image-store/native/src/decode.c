/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <errno.h>
#include <string.h>

#include "decode_kinds.h"

const char *compression_word(enum compression compression)
{
	switch (compression) {
	case COMPRESSION_GZIP:
		return "gzip";
	case COMPRESSION_ZSTD:
		return "zstd";
	case COMPRESSION_NONE:
		return "none";
	}
	return "none";
}

static bool starts_with(const uint8_t *data, size_t length, const char *magic, size_t size)
{
	return length >= size && memcmp(data, magic, size) == 0;
}

int decode_detect(const uint8_t *data, size_t length, enum compression *compression, struct error *err)
{
	*compression = COMPRESSION_NONE;
	if (starts_with(data, length, "\x1f\x8b", 2))
		*compression = COMPRESSION_GZIP;
	else if (starts_with(data, length, "\x28\xb5\x2f\xfd", 4))
		*compression = COMPRESSION_ZSTD;
	else if (length >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0)
		*compression = COMPRESSION_ZSTD; /* a skippable frame first */
	else if (starts_with(data, length, "BZh", 3))
		return error_set(err, REASON_INVALID, "inflate", "bzip2 compression is not supported");
	else if (starts_with(data, length, "\xfd" "7zXZ\0", 6))
		return error_set(err, REASON_INVALID, "inflate", "xz compression is not supported");
	return 0;
}

int decoder_open(struct decoder *decoder, enum compression compression, struct error *err)
{
	decoder->compression = compression;
	decoder->state = compression == COMPRESSION_GZIP ? gzip_open() : zstd_open();
	if (!decoder->state)
		return error_system(err, ENOMEM, "setup", "cannot allocate the decoder");
	return 0;
}

int decoder_run(struct decoder *decoder, struct decode_step *step, struct error *err)
{
	if (decoder->compression == COMPRESSION_GZIP)
		return gzip_run(decoder->state, step, err);
	return zstd_run(decoder->state, step, err);
}

int decoder_end(struct decoder *decoder, struct error *err)
{
	return decoder->compression == COMPRESSION_GZIP ? gzip_end(decoder->state, err) : zstd_end(decoder->state, err);
}

void decoder_close(struct decoder *decoder)
{
	if (!decoder->state)
		return;
	if (decoder->compression == COMPRESSION_GZIP)
		gzip_close(decoder->state);
	else
		zstd_close(decoder->state);
	decoder->state = NULL;
}
