/* SPDX-License-Identifier: Apache-2.0 */
#include "blob.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "sandbox.h"
#include "thread.h"

#define PLAIN_DIGEST 0u
#define PLAIN_BLOB 1u
#define PLAIN_SLOT (256u * 1024u)
#define RAW_SLOT (128u * 1024u)

static int write_out(struct blob *blob, const uint8_t *data, size_t length, struct error *err)
{
	blob->raw_bytes += length;
	return length > 0 ? fd_write_all(blob->fd, data, length, "blob", err) : 0;
}

static int write_plain(struct blob *blob, struct error *err)
{
	const uint8_t *data;
	size_t length;

	while (ring_take(&blob->plain, PLAIN_BLOB, &data, &length)) {
		int result = write_out(blob, data, length, err);

		ring_release(&blob->plain, PLAIN_BLOB);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* Where compressed bytes gather until they fill a slot. */
struct gathering {
	uint8_t *slot;
	struct encode_step step;
};

static int renew(struct blob *blob, struct gathering *gathering, struct error *err)
{
	gathering->slot = ring_reserve(&blob->raw);
	gathering->step.out = gathering->slot;
	gathering->step.out_length = RAW_SLOT;
	return gathering->slot ? 0 : error_set(err, REASON_IO, "deflate", "the work was given up");
}

static int pass_on(struct blob *blob, struct gathering *gathering, struct error *err)
{
	size_t length = RAW_SLOT - gathering->step.out_length;

	if (write_out(blob, gathering->slot, length, err) < 0)
		return -1;
	if (length > 0)
		ring_publish(&blob->raw, length);
	return 0;
}

static int encode(struct blob *blob, struct gathering *gathering, struct error *err)
{
	int more;

	while ((more = encoder_run(&blob->encoder, &gathering->step, err)) > 0)
		if (pass_on(blob, gathering, err) < 0 || renew(blob, gathering, err) < 0)
			return -1;
	return more;
}

static int write_compressed(struct blob *blob, struct error *err)
{
	struct gathering gathering = {.slot = NULL};
	const uint8_t *data;
	size_t length;

	if (renew(blob, &gathering, err) < 0)
		return -1;
	while (ring_take(&blob->plain, PLAIN_BLOB, &data, &length)) {
		int result;

		gathering.step.in = data;
		gathering.step.in_length = length;
		result = encode(blob, &gathering, err);
		ring_release(&blob->plain, PLAIN_BLOB);
		if (result < 0)
			return -1;
	}
	gathering.step.in = NULL;
	gathering.step.in_length = 0;
	gathering.step.last = true;
	return encode(blob, &gathering, err) < 0 ? -1 : pass_on(blob, &gathering, err);
}

static void *blob_thread(void *context)
{
	struct blob *blob = context;
	bool compressed = blob->compression != COMPRESSION_NONE;

	sandbox_drop_all();
	blob->failed = (compressed ? write_compressed(blob, &blob->err) : write_plain(blob, &blob->err)) < 0;
	if (compressed)
		ring_close(&blob->raw);
	/* Whoever fills the ring would wait for ever. */
	if (blob->failed)
		ring_cancel(&blob->plain);
	return NULL;
}

int blob_start(struct blob *blob, int fd, enum compression compression, struct error *err)
{
	memset(blob, 0, sizeof(*blob));
	blob->fd = fd;
	blob->compression = compression;
	if (ring_init(&blob->plain, PLAIN_SLOT, 2, err) < 0 ||
	    digest_start(&blob->plain_digest, &blob->plain, PLAIN_DIGEST, err) < 0)
		return -1;
	if (compression != COMPRESSION_NONE && (ring_init(&blob->raw, RAW_SLOT, 1, err) < 0 ||
						encoder_open(&blob->encoder, compression, err) < 0 ||
						digest_start(&blob->raw_digest, &blob->raw, 0, err) < 0))
		return -1;
	return thread_start(&blob->thread, blob_thread, blob, err);
}

static int fill(void *context, const uint8_t *data, size_t length, struct error *err)
{
	struct blob *blob = context;

	blob->plain_bytes += length;
	while (length > 0) {
		size_t part;

		if (!blob->slot)
			blob->slot = ring_reserve(&blob->plain);
		if (!blob->slot) {
			*err = blob->err;
			return -1;
		}
		part = length < PLAIN_SLOT - blob->used ? length : PLAIN_SLOT - blob->used;
		memcpy(blob->slot + blob->used, data, part);
		blob->used += part;
		data += part;
		length -= part;
		if (blob->used < PLAIN_SLOT)
			continue;
		ring_publish(&blob->plain, blob->used);
		blob->slot = NULL;
		blob->used = 0;
	}
	return 0;
}

struct tar_sink blob_sink(struct blob *blob)
{
	return (struct tar_sink){.write = fill, .context = blob};
}

static int join(struct blob *blob, struct blob_sums *sums, struct error *err)
{
	pthread_join(blob->thread, NULL);
	if (blob->failed) {
		*err = blob->err;
		return -1;
	}
	if (digest_join(&blob->plain_digest, sums->diff_id, err) < 0)
		return -1;
	if (blob->compression != COMPRESSION_NONE)
		return digest_join(&blob->raw_digest, sums->digest, err);
	memcpy(sums->digest, sums->diff_id, DIGEST_TEXT_SIZE);
	return 0;
}

int blob_finish(struct blob *blob, bool sync, struct blob_sums *sums, struct error *err)
{
	if (blob->used > 0)
		ring_publish(&blob->plain, blob->used);
	ring_close(&blob->plain);
	if (join(blob, sums, err) < 0)
		return -1;
	if (sync && fsync(blob->fd) < 0)
		return error_system(err, errno, "sync", "cannot write the blob to the disk");
	sums->raw_bytes = blob->raw_bytes;
	sums->plain_bytes = blob->plain_bytes;
	ring_free(&blob->plain);
	if (blob->compression == COMPRESSION_NONE)
		return 0;
	ring_free(&blob->raw);
	encoder_close(&blob->encoder);
	return 0;
}
