/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <errno.h>

/* What one call writes: few enough bytes that they are still in the cache that they were hashed in. */
#define GROUP_BYTES (256 * 1024)
#define GROUP_PIECES 256

/* How many of the pieces belong together. */
static size_t group_of(const struct iovec *pieces, size_t count)
{
	size_t bytes = 0, taken = 0;

	while (taken < count && taken < GROUP_PIECES && (taken == 0 || bytes + pieces[taken].iov_len <= GROUP_BYTES))
		bytes += pieces[taken++].iov_len;
	return taken;
}

static int hash_all(EVP_MD_CTX *hash, const struct iovec *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (EVP_DigestUpdate(hash, pieces[i].iov_base, pieces[i].iov_len) != 1)
			return EIO;
	return 0;
}

/* Takes what was written from the pieces; returns how many are done. */
static size_t drop_written(struct iovec *pieces, size_t count, size_t written)
{
	size_t done = 0;

	while (done < count && written >= pieces[done].iov_len)
		written -= pieces[done++].iov_len;
	if (done < count) {
		pieces[done].iov_base = (char *)pieces[done].iov_base + written;
		pieces[done].iov_len -= written;
	}
	return done;
}

static int write_all(int file, off_t *offset, struct iovec *pieces, size_t count)
{
	while (count > 0) {
		ssize_t written = pwritev(file, pieces, (int)count, *offset);
		size_t done;

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		*offset += written;
		done = drop_written(pieces, count, (size_t)written);
		pieces += done;
		count -= done;
	}
	return 0;
}

int write_pieces(EVP_MD_CTX *hash, int file, off_t offset, struct iovec *pieces, size_t count)
{
	int failure = 0;

	while (count > 0 && failure == 0) {
		size_t together = group_of(pieces, count);

		if (hash)
			failure = hash_all(hash, pieces, together);
		if (failure == 0)
			failure = write_all(file, &offset, pieces, together);
		pieces += together;
		count -= together;
	}
	return failure;
}
