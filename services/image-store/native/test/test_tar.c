/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "archive.h"
#include "tap.h"

static struct archive archive;
static struct tar_entry entry;
static struct error err;

static void begin(void)
{
	archive.length = 0;
}

/* What the archive decodes to, one line an entry, so that one comparison says everything. */
static char listing[1 << 16];

static size_t describe(size_t at, const char *content, size_t length)
{
	static const char types[] = "fdlhcbp";

	return at + (size_t)snprintf(listing + at, sizeof(listing) - at, "%c %s%s%s %o %llu:%llu %lld.%09ld %llu [%.*s]\n",
				     types[entry.type], entry.path, entry.link[0] ? " -> " : "", entry.link, entry.mode,
				     (unsigned long long)entry.uid, (unsigned long long)entry.gid,
				     (long long)entry.mtime.tv_sec, entry.mtime.tv_nsec, (unsigned long long)entry.size,
				     (int)length, content);
}

/* Reads everything; the number of entries, or -1. */
static int list(size_t length, size_t piece, bool *ended)
{
	static char content[1 << 16];
	struct feed feed = {archive.bytes, length, 0, piece};
	struct tar_reader reader;
	size_t at = 0;
	int count = 0;
	int more;

	listing[0] = '\0';
	tar_open(&reader, (struct tar_source){feed_next, &feed}, &err);
	while ((more = tar_next(&reader, &entry, &err)) > 0) {
		const uint8_t *data;
		size_t size;
		uint64_t offset;
		size_t filled = entry.size < sizeof(content) ? (size_t)entry.size : sizeof(content);

		memset(content, '.', filled);
		while ((more = tar_data(&reader, &entry, &data, &size, &offset, &err)) > 0)
			memcpy(content + offset, data, size);
		if (more < 0)
			break;
		at = describe(at, content, filled);
		count++;
	}
	if (ended)
		*ended = reader.ended;
	tar_close(&reader);
	return more < 0 ? -1 : count;
}

static bool lists(const char *expected)
{
	static const size_t pieces[] = {1, 7, 511, 512, 513, 4096, sizeof(archive.bytes)};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		if (list(archive.length, pieces[i], NULL) < 0 || strcmp(listing, expected) != 0) {
			printf("# pieces of %zu: %s\n# %s\n", pieces[i], err.message, listing);
			return false;
		}
	return true;
}

static bool fails(enum reason reason)
{
	bool failed = list(archive.length, 4096, NULL) < 0 && err.reason == reason;

	if (!failed)
		printf("# %s, %s\n", reason_word(err.reason), err.message);
	return failed;
}

static void pax(const char *key, const char *value)
{
	char record[8192];

	archive_extended(&archive, 'x', record, archive_record(record, 0, key, value, strlen(value)));
}

static void test_ustar(void)
{
	uint8_t *block;

	begin();
	block = archive_header(&archive, "c", '0', 0);
	memcpy(block + 345, "a/b", 3);
	memcpy(block + 100, "0104755", 8);
	memcpy(block + 108, "0001750", 8);
	archive_checksum(block);
	archive_header(&archive, "dir/", '5', 77);
	block = archive_header(&archive, "link", '2', 0);
	memcpy(block + 157, "target", 6);
	archive_checksum(block);
	block = archive_header(&archive, "tty", '3', 0);
	memcpy(block + 329, "0000005", 8);
	archive_checksum(block);
	archive_file(&archive, "f", "hello");
	archive_end(&archive);
	ok(lists("f a/b/c 4755 1000:0 100.000000000 0 []\n"
		 "d dir/ 644 0:0 100.000000000 0 []\n"
		 "l link -> target 644 0:0 100.000000000 0 []\n"
		 "c tty 644 0:0 100.000000000 0 []\n"
		 "f f 644 0:0 100.000000000 5 [hello]\n"),
	   "reads ustar");
	begin();
	block = archive_header(&archive, "old/", '\0', 0);
	memset(block + 257, 0, 255);
	archive_checksum(block);
	archive_end(&archive);
	ok(lists("d old/ 644 0:0 100.000000000 0 []\n"), "takes a slash at the end for a directory in V7");
	begin();
	archive_file(&archive, "dir/", "data");
	archive_header(&archive, "dump", 'D', 4);
	archive_data(&archive, "data", 4);
	archive_file(&archive, "f", "x");
	archive_end(&archive);
	ok(lists("d dir/ 644 0:0 100.000000000 0 []\nd dump 644 0:0 100.000000000 0 []\nf f 644 0:0 100.000000000 1 [x]\n"),
	   "skips data behind directories");
}

static void test_gnu(void)
{
	static char name[3000];
	static char expected[3100];
	uint8_t *block;

	memset(name, 'n', sizeof(name) - 1);
	begin();
	archive_extended(&archive, 'L', name, sizeof(name));
	archive_extended(&archive, 'K', "far", 4);
	archive_header(&archive, "short", '1', 0);
	archive_file(&archive, "f", "x");
	archive_end(&archive);
	snprintf(expected, sizeof(expected), "h %s -> far 644 0:0 100.000000000 0 []\nf f 644 0:0 100.000000000 1 [x]\n", name);
	ok(lists(expected), "reads GNU long names");

	begin();
	block = archive_header(&archive, "f", '0', 3);
	memcpy(block + 257, "ustar  ", 8);
	memcpy(block + 345, "not a prefix", 12);
	memcpy(block + 124, "\x80\0\0\0\0\0\0\0\0\0\0\3", 12);
	memcpy(block + 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12);
	archive_checksum(block);
	archive_data(&archive, "abc", 3);
	archive_end(&archive);
	ok(lists("f f 644 0:0 -2.000000000 3 [abc]\n"), "reads GNU base-256 numbers, and no prefix");
	begin();
	archive_extended(&archive, 'L', "a\0b", 4);
	archive_file(&archive, "f", "");
	ok(fails(REASON_INVALID), "refuses NUL inside a GNU long name");
}

static void test_pax(void)
{
	char record[8192];
	size_t length;

	begin();
	length = archive_record(record, 0, "path", "long/name", 9);
	length = archive_record(record, length, "mtime", "12.5", 4);
	length = archive_record(record, length, "uid", "65534", 5);
	length = archive_record(record, length, "gid", "4294967296", 10);
	length = archive_record(record, length, "size", "3", 1);
	length = archive_record(record, length, "SCHILY.xattr.user.a", "b\0c", 3);
	length = archive_record(record, length, "comment", "ignored", 7);
	archive_extended(&archive, 'x', record, length);
	archive_header(&archive, "f", '0', 1);
	archive_data(&archive, "abc", 3);
	archive_file(&archive, "g", "");
	archive_end(&archive);
	ok(lists("f long/name 644 65534:4294967296 12.500000000 3 [abc]\nf g 644 0:0 100.000000000 0 []\n"), "reads pax headers");

	begin();
	length = archive_record(record, 0, "uid", "7", 1);
	length = archive_record(record, length, "mtime", "9", 1);
	archive_extended(&archive, 'g', record, length);
	archive_file(&archive, "a", "");
	pax("uid", "8");
	archive_file(&archive, "b", "");
	pax("uid", "");
	archive_file(&archive, "c", "");
	archive_end(&archive);
	ok(lists("f a 644 7:0 9.000000000 0 []\nf b 644 8:0 9.000000000 0 []\nf c 644 0:0 9.000000000 0 []\n"),
	   "reads global headers");
	begin();
	pax("path", "from pax");
	archive_extended(&archive, 'L', "from GNU", 9);
	archive_file(&archive, "from header", "");
	ok(lists("f from pax 644 0:0 100.000000000 0 []\n"), "prefers the name of the pax header");
}

static void test_pax_malformed(void)
{
	static const char *const bad[] = {"5 a=b\n", "7 a=b\n", "6 a=bc", "x a=b\n", "6 a:b\n", "5 =b\n", "6a=bc\n", "99 a=b\n",
					  "18446744073709551617 a=b\n", "6 a=b\n6 a"};
	bool all = true;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		begin();
		archive_extended(&archive, 'x', bad[i], strlen(bad[i]));
		archive_file(&archive, "f", "");
		all = fails(REASON_INVALID) && all;
	}
	ok(all, "refuses malformed pax records");
	begin();
	pax("size", "9223372036854775807");
	archive_file(&archive, "f", "");
	ok(fails(REASON_INVALID), "refuses a size that overflows");
	begin();
	pax("mtime", "noon");
	archive_file(&archive, "f", "");
	ok(fails(REASON_INVALID), "refuses a malformed time");
	begin();
	archive_extended(&archive, 'x', "12 path=a\0b\n", 12);
	archive_file(&archive, "f", "");
	ok(fails(REASON_INVALID), "refuses NUL in a path");
	begin();
	archive_extended(&archive, 'g', "10 path=a\n", 10);
	archive_file(&archive, "f", "");
	ok(fails(REASON_INVALID), "refuses one path for everything");
	begin();
	pax("SCHILY.xattr.trusted.overlay.redirect", "/etc");
	archive_file(&archive, "f", "");
	ok(fails(REASON_UNSAFE_CONTENT), "refuses attributes of the overlay file system");
	begin();
	archive_header(&archive, "x", 'x', TAR_EXTENDED_MAX + 1);
	ok(fails(REASON_LIMIT), "refuses an extended header of more than 1 MiB");
	begin();
	pax("path", "a");
	archive_end(&archive);
	ok(fails(REASON_INVALID), "refuses an extended header without an entry");
}

#define SPARSE_RESULT "f sparse 644 0:0 100.000000000 20 [...abc....defg......]\n"

static void sparse_pax(const char *const *pairs)
{
	char record[1024];
	size_t length = 0;

	for (; *pairs; pairs += 2)
		length = archive_record(record, length, pairs[0], pairs[1], strlen(pairs[1]));
	archive_extended(&archive, 'x', record, length);
}

static void test_sparse_pax(void)
{
	static const char *const v00[] = {"GNU.sparse.size", "20", "GNU.sparse.numblocks", "2", "GNU.sparse.offset", "3",
					  "GNU.sparse.numbytes", "3", "GNU.sparse.offset", "10", "GNU.sparse.numbytes", "4", NULL};
	static const char *const v01[] = {"GNU.sparse.size", "20", "GNU.sparse.numblocks", "2", "GNU.sparse.map", "3,3,10,4",
					  "GNU.sparse.name", "sparse", NULL};
	static const char *const v10[] = {"GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "sparse",
					  "GNU.sparse.realsize", "20", NULL};
	char map[519] = "2\n3\n3\n10\n4\n";

	begin();
	sparse_pax(v00);
	archive_file(&archive, "sparse", "abcdefg");
	archive_end(&archive);
	ok(lists(SPARSE_RESULT), "reads sparse files of format 0.0");
	begin();
	sparse_pax(v01);
	archive_file(&archive, "GNUSparseFile.1/sparse", "abcdefg");
	archive_end(&archive);
	ok(lists(SPARSE_RESULT), "reads sparse files of format 0.1");
	begin();
	sparse_pax(v10);
	memcpy(map + 512, "abcdefg", 7);
	archive_header(&archive, "GNUSparseFile.1/sparse", '0', 519);
	archive_data(&archive, map, 519);
	archive_end(&archive);
	ok(lists(SPARSE_RESULT), "reads sparse files of format 1.0");
	begin();
	sparse_pax(v10);
	archive_header(&archive, "sparse", '0', 7);
	archive_data(&archive, "2\n3\n3\n1", 7);
	ok(fails(REASON_INVALID), "refuses a map that the data does not hold");
}

static void put_pair(uint8_t *at, unsigned offset, unsigned length)
{
	snprintf((char *)at, 12, "%011o", offset);
	snprintf((char *)at + 12, 12, "%011o", length);
}

static void test_sparse_old(void)
{
	uint8_t more[512] = {0};
	uint8_t *block;

	begin();
	block = archive_header(&archive, "sparse", 'S', 7);
	memcpy(block + 257, "ustar  ", 8);
	put_pair(block + 386, 3, 1);
	put_pair(block + 410, 4, 1);
	put_pair(block + 434, 5, 1);
	put_pair(block + 458, 10, 2);
	block[482] = 1;
	memcpy(block + 483, "00000000024", 12);
	archive_checksum(block);
	put_pair(more, 12, 2);
	put_pair(more + 24, 20, 0);
	archive_data(&archive, more, 512);
	archive_data(&archive, "abcdefg", 7);
	archive_end(&archive);
	ok(lists(SPARSE_RESULT), "reads sparse files of old GNU archives");
	put_pair(block + 458, 5, 2);
	archive_checksum(block);
	ok(fails(REASON_INVALID), "refuses a map whose pieces overlap");
	put_pair(block + 458, 10, 3);
	archive_checksum(block);
	ok(fails(REASON_INVALID), "refuses a map of more data than there is");
	put_pair(block + 458, 10, 2);
	memcpy(block + 483, "00000000023", 12);
	archive_checksum(block);
	ok(fails(REASON_INVALID), "refuses a map that reaches behind the file");
}

static void test_damage(void)
{
	uint8_t *block;
	bool ended;
	bool all = true;

	begin();
	pax("path", "name");
	archive_file(&archive, "a", "content");
	archive_end(&archive);
	ok(list(archive.length, 4096, &ended) == 1 && ended, "sees the end marker");
	for (size_t cut = 1; cut < archive.length - 1024; cut++)
		all = list(cut, 4096, NULL) < 0 && err.reason == REASON_TRUNCATED && all;
	ok(all, "notices an archive cut anywhere before its end");
	ok(list(archive.length - 1024, 4096, &ended) == 1 && !ended, "tells when the end marker is missing");
	ok(list(0, 4096, &ended) == 0 && !ended, "takes empty input for an empty archive");

	begin();
	block = archive_header(&archive, "a", '0', 0);
	block[0] = 'b';
	ok(fails(REASON_INVALID), "refuses a header with a wrong checksum");
	archive_checksum(block);
	block[156] = 'Z';
	archive_checksum(block);
	ok(fails(REASON_INVALID), "refuses an unknown type");
	begin();
	archive_end(&archive);
	archive.length -= 512;
	archive_file(&archive, "a", "");
	ok(fails(REASON_INVALID), "refuses an empty block between entries");
	begin();
	archive_end(&archive);
	archive_data(&archive, "garbage", 7);
	ok(list(archive.length, 4096, &ended) == 0 && ended, "stops at the end marker whatever follows");
}

int main(void)
{
	test_ustar();
	test_gnu();
	test_pax();
	test_pax_malformed();
	test_sparse_pax();
	test_sparse_old();
	test_damage();
	return tap_end();
}
