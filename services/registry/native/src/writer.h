/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes what arrives to a file and hashes it on the way, while it is in the processor's caches.
 */
#ifndef CAISSON_WRITER_H
#define CAISSON_WRITER_H

#include <openssl/evp.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Writes all of the pieces to `file` from `offset` on. `hash` may be NULL. `pieces` is used up. 0, or an errno. */
int write_pieces(EVP_MD_CTX *hash, int file, off_t offset, struct iovec *pieces, size_t count);

#endif
