/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "tap.h"
#include "tar_writer.h"

static struct archive archive;
static struct tar_entry entry;
static struct error err;
static struct xattrs xattrs;

static int keep(void *context, const uint8_t *data, size_t length, struct error *error)
{
	struct archive *into = context;

	if (length > sizeof(into->bytes) - into->length)
		return error_set(error, REASON_LIMIT, "write", "full");
	memcpy(into->bytes + into->length, data, length);
	into->length += length;
	return 0;
}

static const struct tar_sink sink = {.write = keep, .context = &archive};

static void begin(struct tar_writer *writer)
{
	archive.length = 0;
	tar_writer_open(writer, &sink, &err);
}

static int end(struct tar_writer *writer)
{
	int result = tar_writer_close(writer, &err);

	tar_writer_free(writer);
	return result;
}

/* Writes one entry and reads it back into `entry`. */
static bool pass(const struct tar_item *item, const char *data)
{
	struct tar_writer writer;
	struct tar_reader reader;
	struct feed feed;
	bool good;

	begin(&writer);
	good = tar_writer_entry(&writer, item, &err) == 0 &&
	       (!data || tar_writer_data(&writer, data, strlen(data), &err) == 0);
	good = end(&writer) == 0 && good;
	feed = (struct feed){archive.bytes, archive.length, 0, 1000};
	tar_open(&reader, (struct tar_source){feed_next, &feed}, &err);
	good = good && tar_next(&reader, &entry, &err) == 1;
	tar_close(&reader);
	return good;
}

static struct tar_item file(const char *path)
{
	return (struct tar_item){.type = TAR_FILE, .path = path, .mode = 0644, .mtime = {.tv_sec = 100}};
}

static bool refused(const struct tar_item *item, enum reason reason)
{
	struct tar_writer writer;
	bool good;

	begin(&writer);
	good = tar_writer_entry(&writer, item, &err) < 0 && err.reason == reason;
	tar_writer_free(&writer);
	return good;
}

static void test_plain(void)
{
	struct tar_item item = file("a/b");

	item.size = 5;
	item.mode = 04755;
	item.uid = 1000;
	item.gid = 7;
	ok(pass(&item, "hello") && archive.length == 4 * 512, "writes ordinary entries as ustar");
	ok(entry.mode == 04755 && entry.uid == 1000 && entry.gid == 7 && entry.size == 5 && entry.mtime.tv_sec == 100,
	   "keeps mode, owner, size and time");
	ok(memcmp(archive.bytes + 512, "hello\0", 6) == 0, "pads data with zeros");
	item = (struct tar_item){.type = TAR_DIR, .path = ""};
	ok(pass(&item, NULL) && strcmp(entry.path, "./") == 0 && entry.type == TAR_DIR, "calls the root ./");
	item = (struct tar_item){.type = TAR_CHAR, .path = "null", .major = 1, .minor = 3};
	ok(pass(&item, NULL) && entry.type == TAR_CHAR && entry.major == 1 && entry.minor == 3, "keeps device numbers");
	item = (struct tar_item){.type = TAR_SYMLINK, .path = "l", .link = "../x", .mode = 0777};
	ok(pass(&item, NULL) && strcmp(entry.link, "../x") == 0 && entry.type == TAR_SYMLINK, "keeps symlinks");
	item.type = TAR_HARDLINK;
	ok(pass(&item, NULL) && entry.type == TAR_HARDLINK && archive.length == 3 * 512, "keeps hard links");
}

static void test_names(void)
{
	static char path[TAR_PATH_MAX + 2];
	struct tar_item item = file(path);
	bool good = true;

	for (size_t length = 1; length <= TAR_PATH_MAX; length += length < 300 ? 1 : 61) {
		memset(path, 'n', length);
		path[length] = '\0';
		good = good && pass(&item, NULL) && strcmp(entry.path, path) == 0;
	}
	ok(good, "keeps names of every length");
	memset(path, 'n', TAR_PATH_MAX + 1);
	ok(refused(&item, REASON_LIMIT), "refuses a longer path");
	item = file("l");
	item.type = TAR_SYMLINK;
	path[3000] = '\0';
	item.link = path;
	ok(pass(&item, NULL) && strcmp(entry.link, path) == 0, "keeps long targets");
	item = file("line\nfeed \"\\ space ");
	ok(pass(&item, NULL) && strcmp(entry.path, item.path) == 0, "keeps names that are hostile to terminals");
	item = file("na\xc3\xafve");
	ok(pass(&item, NULL) && strcmp(entry.path, item.path) == 0 && !memmem(archive.bytes, 1024, "BINARY", 6),
	   "keeps names in UTF-8");
	item = file("\xff\xfe");
	ok(pass(&item, NULL) && strcmp(entry.path, item.path) == 0 &&
		   memmem(archive.bytes, 1024, "21 hdrcharset=BINARY\n", 21),
	   "keeps names that are not UTF-8, and says so");
}

static void test_numbers(void)
{
	static const struct timespec times[] = {
		{0, 0}, {1, 1}, {1700000000, 123456789}, {5, 500000000}, {-1, 0}, {-1, 999999999}, {-2, 500000000},
		{8589934591, 0}, {8589934592, 0}, {1ll << 40, 100}, {-(1ll << 40), 100},
	};
	static const uint64_t ids[] = {0, 2097151, 2097152, 4294967294};
	struct tar_item item = file("f");
	bool good = true;

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		item.mtime = times[i];
		good = good && pass(&item, NULL) && entry.mtime.tv_sec == times[i].tv_sec &&
		       entry.mtime.tv_nsec == times[i].tv_nsec;
	}
	ok(good, "keeps times before 1970, far away and with fractions");
	good = true;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		item.uid = ids[i];
		item.gid = ids[i];
		good = good && pass(&item, NULL) && entry.uid == ids[i] && entry.gid == ids[i];
	}
	ok(good, "keeps large ids");
	item = file("f");
	item.type = TAR_CHAR;
	item.major = 2097152;
	ok(refused(&item, REASON_INVALID), "refuses a device number that no header holds");
}

static void test_size(void)
{
	struct tar_item item = file("huge");
	struct tar_writer writer;
	struct tar_reader reader;
	struct feed feed;

	item.size = 8589934592;
	begin(&writer);
	ok(tar_writer_entry(&writer, &item, &err) == 0, "begins a file of 8 GiB");
	feed = (struct feed){archive.bytes, archive.length, 0, 1000};
	tar_open(&reader, (struct tar_source){feed_next, &feed}, &err);
	ok(tar_next(&reader, &entry, &err) == 1 && entry.size == item.size, "keeps sizes that ustar cannot say");
	tar_close(&reader);
	ok(tar_writer_close(&writer, &err) < 0 && err.reason == REASON_INVALID, "misses data of the last entry");
	tar_writer_free(&writer);
	item = file("f");
	item.size = 3;
	begin(&writer);
	tar_writer_entry(&writer, &item, &err);
	ok(tar_writer_data(&writer, "four", 4, &err) < 0, "refuses data beyond the size");
	ok(tar_writer_data(&writer, "12", 2, &err) == 0 && tar_writer_entry(&writer, &item, &err) < 0,
	   "misses data of the entry before");
	tar_writer_free(&writer);
}

static void add(const char *name, const char *value, size_t length)
{
	xattrs_add(&xattrs, name, strlen(name), value, length, &err);
}

static void test_xattrs(void)
{
	static uint8_t first[8192];
	static char large[30000];
	struct tar_item item = file("f");
	size_t length;

	item.xattrs = &xattrs;
	xattrs_clear(&xattrs);
	add("user.b", "a\0=\n\xff", 5);
	add("user.a", "", 0);
	ok(pass(&item, NULL) && entry.xattrs.count == 2 &&
		   memcmp(entry.xattrs.bytes + entry.xattrs.items[1].value, "a\0=\n\xff", 5) == 0 &&
		   strcmp(entry.xattrs.bytes + entry.xattrs.items[0].name, "user.a") == 0,
	   "keeps extended attributes, sorted by name");
	length = archive.length;
	memcpy(first, archive.bytes, length);
	xattrs_clear(&xattrs);
	add("user.a", "", 0);
	add("user.b", "a\0=\n\xff", 5);
	ok(pass(&item, NULL) && archive.length == length && memcmp(first, archive.bytes, length) == 0,
	   "writes the same bytes whatever order they came in");
	xattrs_clear(&xattrs);
	add("user.1", large, sizeof(large));
	add("user.2", large, sizeof(large));
	ok(pass(&item, NULL) && entry.xattrs.count == 2 && entry.xattrs.items[1].length == sizeof(large),
	   "has room for the largest attributes");
	xattrs_clear(&xattrs);
	add("user.a=b", "x", 1);
	ok(refused(&item, REASON_INVALID) && strcmp(err.path, "f") == 0, "refuses a name that would be taken for another");
}

int main(void)
{
	test_plain();
	test_names();
	test_numbers();
	test_size();
	test_xattrs();
	return tap_end();
}
