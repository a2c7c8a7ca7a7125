/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer against a file that takes everything and one that is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "writer.h"

#define MANY 1500

static int plan, failed;
static unsigned char content[3 << 20], found[sizeof(content) + 7];

static void check(bool holds, const char *what)
{
	plan++;
	failed += !holds;
	printf("%sok %d - %s\n", holds ? "" : "not ", plan, what);
}

/* Cuts the content into pieces of all sizes, empty ones too. Returns how many there are. */
static size_t cut(struct iovec pieces[MANY])
{
	size_t count = 0, at = 0;

	while (at < sizeof(content)) {
		size_t length = count < MANY - 2 ? (size_t)(count * count) % 9001 : sizeof(content) - at;

		if (length > sizeof(content) - at)
			length = sizeof(content) - at;
		pieces[count++] = (struct iovec){ content + at, length };
		at += length;
	}
	return count;
}

static EVP_MD_CTX *sha256(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		abort();
	return context;
}

static void writes_and_hashes(void)
{
	static struct iovec pieces[MANY];
	unsigned char sum[32], wanted[32];
	EVP_MD_CTX *hash = sha256();
	int file = memfd_create("taken", MFD_CLOEXEC);
	size_t count = cut(pieces);

	check(write_pieces(hash, file, 7, pieces, count) == 0, "takes pieces of all sizes");
	check(pread(file, found, sizeof(found), 0) == (ssize_t)sizeof(found) && memcmp(found + 7, content, sizeof(content)) == 0,
	      "writes them one behind the other, from the offset on");
	EVP_DigestFinal_ex(hash, sum, NULL);
	EVP_Digest(content, sizeof(content), wanted, NULL, EVP_sha256(), NULL);
	check(memcmp(sum, wanted, sizeof(sum)) == 0, "hashes what it writes");
	EVP_MD_CTX_free(hash);
	close(file);
}

static void needs_no_hash(void)
{
	struct iovec pieces[1] = { { content, 10 } };
	int file = memfd_create("taken", MFD_CLOEXEC);

	check(write_pieces(NULL, file, 0, pieces, 1) == 0 && pread(file, found, 11, 0) == 10, "writes without a hash");
	check(write_pieces(NULL, file, 10, pieces, 0) == 0 && pread(file, found, 11, 0) == 10, "writes nothing");
	close(file);
}

/* A limit on the size of files stands for a full disk: the first write is cut short, the next one fails. */
static void tells_of_a_full_disk(void)
{
	const struct rlimit limit = { 100000, RLIM_INFINITY };
	struct iovec pieces[1] = { { content, sizeof(content) } };
	char name[] = "/tmp/writer-test-XXXXXX";
	int file = mkstemp(name);

	unlink(name);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	check(write_pieces(NULL, file, 0, pieces, 1) == EFBIG, "tells what stopped it");
	check(lseek(file, 0, SEEK_END) == 100000, "has written what could be written");
	close(file);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (unsigned char)(i * 2654435761u >> 13);
	writes_and_hashes();
	needs_no_hash();
	tells_of_a_full_disk();
	printf("1..%d\n", plan);
	return failed != 0;
}
