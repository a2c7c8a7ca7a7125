/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "encode.h"

/* About the ratio of zlib's fastest level at ten times its speed; level 3 takes twice the time for a hundredth less. */
#define LEVEL 2

struct gzip_encode {
	struct isal_zstream stream;
	uint8_t level_buffer[ISAL_DEF_LVL2_DEFAULT];
};

void *gzip_encode_open(void)
{
	struct gzip_encode *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return NULL;
	isal_deflate_init(&gzip->stream);
	gzip->stream.level = LEVEL;
	gzip->stream.level_buf = gzip->level_buffer;
	gzip->stream.level_buf_size = sizeof(gzip->level_buffer);
	gzip->stream.gzip_flag = IGZIP_GZIP;
	return gzip;
}

void gzip_encode_close(void *state)
{
	free(state);
}

int gzip_encode_run(void *state, struct encode_step *step, struct error *err)
{
	struct isal_zstream *stream = &((struct gzip_encode *)state)->stream;

	stream->next_in = (uint8_t *)(uintptr_t)step->in;
	stream->avail_in = (uint32_t)step->in_length;
	stream->next_out = step->out;
	stream->avail_out = (uint32_t)step->out_length;
	stream->end_of_stream = step->last;
	if (isal_deflate(stream) != COMP_OK)
		return error_set(err, REASON_IO, "deflate", "the gzip compression failed");
	step->in = stream->next_in;
	step->in_length = stream->avail_in;
	step->out = stream->next_out;
	step->out_length = stream->avail_out;
	if (step->last)
		return stream->internal_state.state == ZSTATE_END ? 0 : 1;
	return step->out_length == 0 ? 1 : 0;
}
