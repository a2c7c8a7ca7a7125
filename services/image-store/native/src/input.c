/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "sandbox.h"
#include "thread.h"

#define RAW_SLOT (128u * 1024u)
#define PLAIN_SLOT (256u * 1024u)

/* Compression cannot make data much larger; more than this is an endless stream of nothing. */
static uint64_t raw_limit(const struct input *input)
{
	return input->options.max_bytes + input->options.max_bytes / 8 + (1u << 20);
}

static int too_large(const struct input *input, struct error *err)
{
	return error_set(err, REASON_LIMIT, "read", "the layer is larger than %llu bytes",
			 (unsigned long long)input->options.max_bytes);
}

/* Counts and copies what was read. */
static int account_raw(struct input *input, const uint8_t *data, size_t length, struct error *err)
{
	input->raw_bytes += length;
	if (input->raw_bytes > raw_limit(input))
		return too_large(input, err);
	if (input->options.tee < 0)
		return 0;
	return fd_write_all(input->options.tee, data, length, "tee", err);
}

static int account_plain(struct input *input, size_t length, struct error *err)
{
	input->plain_bytes += length;
	return input->plain_bytes > input->options.max_bytes ? too_large(input, err) : 0;
}

/* Waits for a sign that the file has grown, or that it is whole. */
static int await_growth(struct input *input, struct error *err)
{
	uint8_t signs[256];
	ssize_t n;

	do
		n = read(input->options.growth, signs, sizeof(signs));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_system_as(err, REASON_IO, errno, "read", "cannot wait for the layer to grow");
	if (n == 0)
		input->options.growth = -1;
	return 0;
}

/* Some bytes of the blob, as many as there are by now up to `size`. 0 at the end. */
static ssize_t read_blob(struct input *input, uint8_t *buffer, size_t size, struct error *err)
{
	for (;;) {
		/* Looked at before it is read: then what came before the last sign is seen. */
		bool whole = input->options.growth < 0;
		ssize_t length = fd_read_full(input->options.blob, buffer, size, err);

		if (length != 0 || whole)
			return length;
		if (await_growth(input, err) < 0)
			return -1;
	}
}

/* The next bytes of the blob: first those that were read to tell the compression. 0 at the end. */
static ssize_t read_some(struct input *input, uint8_t *buffer, size_t size, struct error *err)
{
	size_t before = input->first_length;
	ssize_t length;

	if (before > 0)
		memcpy(buffer, input->first, before);
	input->first_length = 0;
	length = read_blob(input, buffer + before, size - before, err);
	if (length < 0 || account_raw(input, buffer, before + (size_t)length, err) < 0)
		return -1;
	return (ssize_t)before + length;
}

/* 1 to go on, 0 when the work was given up elsewhere. */
static int run_plain(struct input *input, struct error *err)
{
	for (;;) {
		uint8_t *slot = ring_reserve(&input->plain);
		ssize_t length;

		if (!slot)
			return 0;
		length = read_some(input, slot, PLAIN_SLOT, err);
		if (length <= 0)
			return (int)length;
		if (account_plain(input, (size_t)length, err) < 0)
			return -1;
		ring_publish(&input->plain, (size_t)length);
	}
}

static int publish_plain(struct input *input, struct decode_step *step, struct error *err)
{
	size_t length = PLAIN_SLOT - step->out_length;

	if (length > 0 && account_plain(input, length, err) < 0)
		return -1;
	if (length > 0)
		ring_publish(&input->plain, length);
	step->out = ring_reserve(&input->plain);
	step->out_length = PLAIN_SLOT;
	return step->out ? 1 : 0;
}

/* Everything that one piece of input gives; full slots are passed on. 0 when the work was given up. */
static int inflate_piece(struct input *input, struct decode_step *step, struct error *err)
{
	int more;

	for (;;) {
		if (decoder_run(&input->decoder, step, err) < 0)
			return -1;
		if (step->out_length > 0 && step->in_length == 0)
			return 1;
		more = step->out_length == 0 ? publish_plain(input, step, err) : 1;
		if (more <= 0)
			return more;
	}
}

static int run_inflate(struct input *input, struct error *err)
{
	struct decode_step step = {.out_length = PLAIN_SLOT};
	int more = publish_plain(input, &step, err);

	while (more > 0) {
		uint8_t *slot = ring_reserve(&input->raw);
		ssize_t length;

		if (!slot)
			return 0;
		length = read_some(input, slot, RAW_SLOT, err);
		if (length < 0)
			return -1;
		if (length == 0)
			break;
		/* The digest reads the slot at the same time; the slot stays ours until the next one is published. */
		ring_publish(&input->raw, (size_t)length);
		step.in = slot;
		step.in_length = (size_t)length;
		more = inflate_piece(input, &step, err);
	}
	if (more <= 0)
		return more;
	if (decoder_end(&input->decoder, err) < 0)
		return -1;
	return publish_plain(input, &step, err);
}

static void *input_thread(void *context)
{
	struct input *input = context;
	int result;

	sandbox_drop_all();
	if (input->compression == COMPRESSION_NONE)
		result = run_plain(input, &input->err);
	else
		result = run_inflate(input, &input->err);
	input->failed = result < 0;
	if (input->compression != COMPRESSION_NONE)
		ring_close(&input->raw);
	ring_close(&input->plain);
	return NULL;
}

static int detect(struct input *input, struct error *err)
{
	while (input->first_length < sizeof(input->first)) {
		uint8_t *free_part = input->first + input->first_length;
		ssize_t length = read_blob(input, free_part, sizeof(input->first) - input->first_length, err);

		if (length < 0)
			return -1;
		if (length == 0)
			break;
		input->first_length += (size_t)length;
	}
	return decode_detect(input->first, input->first_length, &input->compression, err);
}

int input_start(struct input *input, const struct input_options *options, struct error *err)
{
	input->options = *options;
	(void)posix_fadvise(options->blob, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice: a pipe has no use for it */
	if (detect(input, err) < 0 || ring_init(&input->plain, PLAIN_SLOT, 2, err) < 0)
		return -1;
	if (digest_start(&input->plain_digest, &input->plain, PLAIN_DIGEST, err) < 0)
		return -1;
	if (input->compression != COMPRESSION_NONE &&
	    (ring_init(&input->raw, RAW_SLOT, 1, err) < 0 ||
	     decoder_open(&input->decoder, input->compression, err) < 0 ||
	     digest_start(&input->raw_digest, &input->raw, 0, err) < 0))
		return -1;
	return thread_start(&input->thread, input_thread, input, err);
}

int input_finish(struct input *input, struct input_sums *sums, struct error *err)
{
	bool compressed = input->compression != COMPRESSION_NONE;

	pthread_join(input->thread, NULL);
	if (digest_join(&input->plain_digest, sums->diff_id, err) < 0)
		return -1;
	if (compressed && digest_join(&input->raw_digest, sums->digest, err) < 0)
		return -1;
	if (!compressed)
		memcpy(sums->digest, sums->diff_id, DIGEST_TEXT_SIZE);
	if (compressed)
		ring_free(&input->raw);
	ring_free(&input->plain);
	decoder_close(&input->decoder);
	return 0;
}
