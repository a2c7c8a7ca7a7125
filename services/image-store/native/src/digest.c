/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <stdio.h>
#include <string.h>

#include "sandbox.h"
#include "thread.h"

int digest_open(struct digest *digest, struct error *err)
{
	memset(digest, 0, sizeof(*digest));
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
		return error_set(err, REASON_IO, "hash", "cannot start SHA-256");
	return 0;
}

int digest_update(struct digest *digest, const void *data, size_t length, struct error *err)
{
	if (EVP_DigestUpdate(digest->context, data, length) != 1)
		return error_set(err, REASON_IO, "hash", "SHA-256 failed");
	digest->bytes += length;
	return 0;
}

int digest_finish(struct digest *digest, char text[DIGEST_TEXT_SIZE], struct error *err)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[32];
	unsigned size = 0;
	bool ok = EVP_DigestFinal_ex(digest->context, sum, &size) == 1 && size == sizeof(sum);
	char *out;

	EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
	if (!ok)
		return error_set(err, REASON_IO, "hash", "SHA-256 failed");
	out = text + snprintf(text, DIGEST_TEXT_SIZE, "sha256:");
	for (size_t i = 0; i < sizeof(sum); i++) {
		*out++ = digits[sum[i] >> 4];
		*out++ = digits[sum[i] & 15];
	}
	*out = '\0';
	return 0;
}

static void *digest_thread(void *context)
{
	struct digest *digest = context;
	struct error err;
	const uint8_t *data;
	size_t length;

	sandbox_drop_all();
	while (ring_take(digest->ring, digest->consumer, &data, &length)) {
		if (!digest->failed && digest_update(digest, data, length, &err) < 0)
			digest->failed = true;
		ring_release(digest->ring, digest->consumer);
	}
	return NULL;
}

int digest_start(struct digest *digest, struct ring *ring, unsigned consumer, struct error *err)
{
	if (digest_open(digest, err) < 0)
		return -1;
	digest->ring = ring;
	digest->consumer = consumer;
	return thread_start(&digest->thread, digest_thread, digest, err);
}

int digest_join(struct digest *digest, char text[DIGEST_TEXT_SIZE], struct error *err)
{
	pthread_join(digest->thread, NULL);
	if (digest->failed)
		return error_set(err, REASON_IO, "hash", "SHA-256 failed");
	return digest_finish(digest, text, err);
}
