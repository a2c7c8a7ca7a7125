/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "diff.h"
#include "encode.h"
#include "fd.h"
#include "tap.h"

#define SIZE 100000

static struct archive archive;
static struct tar_entry entry;
static struct error err;
static char root[] = "/tmp/caisson-diff-XXXXXX";
static int upper;
static off_t cut; /* what becomes of the file when its header is written; -1: nothing */

static int keep(void *context, const uint8_t *data, size_t length, struct error *error)
{
	struct archive *into = context;
	AUTO_FD int fd = cut >= 0 ? openat(upper, "file", O_WRONLY | O_CLOEXEC) : -1;

	if (length > sizeof(into->bytes) - into->length)
		return error_set(error, REASON_LIMIT, "write", "full");
	if (fd >= 0 && length == TAR_BLOCK && data[156] == '0' && ftruncate(fd, cut) < 0)
		return error_set(error, REASON_IO, "write", "cannot cut");
	memcpy(into->bytes + into->length, data, length);
	into->length += length;
	return 0;
}

static int write_file(void)
{
	static char content[SIZE];
	AUTO_FD int fd = openat(upper, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	memset(content, 'x', sizeof(content));
	return fd >= 0 ? fd_write_all(fd, content, sizeof(content), "test", &err) : -1;
}

/* Makes a layer while the file becomes `size` long; its content as the layer has it. */
static bool layer(off_t size, struct diff_result *result, char *content)
{
	const struct diff_options options = {.upper = upper, .max_bytes = 1 << 20, .max_entries = 10};
	const struct tar_sink sink = {.write = keep, .context = &archive};
	struct tar_writer writer;
	struct tar_reader reader;
	struct feed feed;
	const uint8_t *data;
	size_t length;
	uint64_t offset;
	bool good;

	archive.length = 0;
	cut = size;
	good = write_file() == 0 && tar_writer_open(&writer, &sink, &err) == 0 &&
	       diff_write(&options, &writer, result, &err) == 0 && tar_writer_close(&writer, &err) == 0;
	tar_writer_free(&writer);
	feed = (struct feed){archive.bytes, archive.length, 0, 4096};
	tar_open(&reader, (struct tar_source){feed_next, &feed}, &err);
	good = good && tar_next(&reader, &entry, &err) == 1 && tar_next(&reader, &entry, &err) == 1 &&
	       entry.size == SIZE;
	while (good && tar_data(&reader, &entry, &data, &length, &offset, &err) > 0)
		memcpy(content + offset, data, length);
	good = good && tar_next(&reader, &entry, &err) == 0 && reader.ended;
	tar_close(&reader);
	return good;
}

static void test_changing(void)
{
	static char content[SIZE];
	struct diff_result result;

	ok(layer(-1, &result, content) && result.changed == 0 && content[SIZE - 1] == 'x', "writes a file that stays");
	ok(layer(10, &result, content) && result.changed == 1 && content[9] == 'x' && content[10] == '\0' &&
		   content[SIZE - 1] == '\0',
	   "fills up a file that was cut meanwhile, and counts it");
	ok(layer(2 * SIZE, &result, content) && result.changed == 1 && content[SIZE - 1] == 'x',
	   "leaves out what a file grew by, and counts it");
}

/* Compresses and decompresses, with room for `room` bytes at a time. */
static bool passes(enum compression compression, size_t length, size_t room)
{
	static uint8_t plain[300000], packed[400000], out[300000];
	struct encode_step step = {.in = plain, .in_length = length, .out = packed, .last = true};
	struct decode_step back = {.out = out, .out_length = sizeof(out)};
	struct encoder encoder;
	struct decoder decoder;
	bool good;
	int more;

	for (size_t i = 0; i < length; i++)
		plain[i] = (uint8_t)(i * i >> 7);
	if (encoder_open(&encoder, compression, &err) < 0)
		return false;
	do {
		step.out_length = room;
		more = encoder_run(&encoder, &step, &err);
	} while (more > 0);
	encoder_close(&encoder);
	back.in = packed;
	back.in_length = (size_t)(step.out - packed);
	if (more < 0 || decoder_open(&decoder, compression, &err) < 0)
		return false;
	good = decoder_run(&decoder, &back, &err) == 0 && decoder_end(&decoder, &err) == 0 &&
	       (size_t)(back.out - out) == length && memcmp(plain, out, length) == 0;
	decoder_close(&decoder);
	return good;
}

static void test_encode(void)
{
	static const size_t lengths[] = {0, 1, 511, 70000, 300000};
	static const size_t rooms[] = {1, 100, 131072};
	bool good = true;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		for (size_t j = 0; j < sizeof(rooms) / sizeof(*rooms); j++)
			good = good && passes(COMPRESSION_GZIP, lengths[i], rooms[j]) &&
			       passes(COMPRESSION_ZSTD, lengths[i], rooms[j]);
	ok(good, "compresses what decompresses to the same, with however little room");
}

int main(void)
{
	int status;

	if (!mkdtemp(root) || (upper = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return 1;
	test_changing();
	test_encode();
	status = tap_end();
	unlinkat(upper, "file", 0);
	close(upper);
	return rmdir(root) < 0 ? 1 : status;
}
