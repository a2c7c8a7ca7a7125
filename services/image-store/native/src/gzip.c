/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdlib.h>

#include "decode_kinds.h"

enum phase {
	BETWEEN, /* a member may start here, or zeros that pad the file to a block size */
	INSIDE,
	PADDING,
};

struct gzip {
	struct inflate_state inflate;
	enum phase phase;
	bool any; /* one member was complete */
};

void *gzip_open(void)
{
	return calloc(1, sizeof(struct gzip));
}

void gzip_close(void *state)
{
	free(state);
}

static int failure(int code, struct error *err)
{
	if (code == ISAL_INCORRECT_CHECKSUM)
		return error_set(err, REASON_INVALID, "inflate", "the gzip checksum does not match");
	if (code == ISAL_INVALID_WRAPPER || code == ISAL_UNSUPPORTED_METHOD)
		return error_set(err, REASON_INVALID, "inflate", "malformed gzip header");
	return error_set(err, REASON_INVALID, "inflate", "malformed gzip data");
}

static int begin_member(struct gzip *gzip, struct decode_step *step, struct error *err)
{
	uint8_t first = step->in[0];

	if (first == 0 && gzip->any) {
		gzip->phase = PADDING;
		return 0;
	}
	if (first != 0x1f)
		return error_set(err, REASON_INVALID, "inflate", "data after the end of the gzip stream");
	isal_inflate_init(&gzip->inflate);
	gzip->inflate.crc_flag = ISAL_GZIP;
	gzip->phase = INSIDE;
	return 0;
}

static int skip_padding(struct decode_step *step, struct error *err)
{
	for (; step->in_length > 0; step->in++, step->in_length--)
		if (*step->in != 0)
			return error_set(err, REASON_INVALID, "inflate", "data after the end of the gzip stream");
	return 0;
}

static int inflate_some(struct gzip *gzip, struct decode_step *step, struct error *err)
{
	struct inflate_state *inflate = &gzip->inflate;
	size_t room = step->out_length;
	int code;

	inflate->next_in = (uint8_t *)(uintptr_t)step->in;
	inflate->avail_in = (uint32_t)step->in_length;
	inflate->next_out = step->out;
	inflate->avail_out = (uint32_t)room;
	code = isal_inflate(inflate);
	if (code < 0 || code == ISAL_NEED_DICT)
		return failure(code, err);
	step->in = inflate->next_in;
	step->in_length = inflate->avail_in;
	step->out = inflate->next_out;
	step->out_length = inflate->avail_out;
	if (inflate->block_state == ISAL_BLOCK_FINISH) {
		gzip->phase = BETWEEN;
		gzip->any = true;
	}
	return 0;
}

int gzip_run(void *state, struct decode_step *step, struct error *err)
{
	struct gzip *gzip = state;

	for (;;) {
		if (gzip->phase == PADDING)
			return skip_padding(step, err);
		if (gzip->phase == BETWEEN && step->in_length == 0)
			return 0;
		if (gzip->phase == BETWEEN && begin_member(gzip, step, err) < 0)
			return -1;
		if (gzip->phase == INSIDE && inflate_some(gzip, step, err) < 0)
			return -1;
		if (gzip->phase == INSIDE && (step->in_length == 0 || step->out_length == 0))
			return 0;
	}
}

int gzip_end(void *state, struct error *err)
{
	const struct gzip *gzip = state;

	if (gzip->phase == INSIDE)
		return error_set(err, REASON_TRUNCATED, "inflate", "the gzip stream ends too early");
	return 0;
}
