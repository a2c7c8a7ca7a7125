/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "decode.h"
#include "tap.h"

#define PLAIN 200000u

static uint8_t plain[PLAIN];
static uint8_t packed[4 * PLAIN];
static uint8_t unpacked[4 * PLAIN];
static struct error err;

/* Words from a small vocabulary between noise: compressible, but not trivially. */
static void make_plain(void)
{
	uint32_t state = 12345;

	for (size_t i = 0; i < PLAIN; i++) {
		state = state * 1103515245u + 12345u;
		plain[i] = (state >> 16) % 7 ? (uint8_t)("caisson "[i % 8]) : (uint8_t)(state >> 24);
	}
}

static size_t add_gzip(size_t at, const uint8_t *data, size_t length)
{
	static uint8_t work[ISAL_DEF_LVL1_DEFAULT];
	struct isal_zstream stream;

	isal_deflate_init(&stream);
	stream.level = 1;
	stream.level_buf = work;
	stream.level_buf_size = sizeof(work);
	stream.gzip_flag = IGZIP_GZIP;
	stream.end_of_stream = 1;
	stream.next_in = (uint8_t *)(uintptr_t)data;
	stream.avail_in = (uint32_t)length;
	stream.next_out = packed + at;
	stream.avail_out = (uint32_t)(sizeof(packed) - at);
	isal_deflate(&stream);
	return at + stream.total_out;
}

static size_t add_zstd(size_t at, const uint8_t *data, size_t length)
{
	return at + ZSTD_compress(packed + at, sizeof(packed) - at, data, length, 3);
}

/* In pieces of `piece` bytes, with room for `room` bytes at a time. Each piece is a block of its own, so that reading
 * outside it is found. The length of what came out, or -1. */
static long decode(size_t length, size_t piece, size_t room)
{
	struct decoder decoder = {0};
	enum compression compression;
	size_t done = 0;
	int result = -1;

	if (decode_detect(packed, length, &compression, &err) < 0 || decoder_open(&decoder, compression, &err) < 0)
		return -1;
	for (size_t at = 0; at < length || (result = 1, false); at += piece) {
		size_t size = length - at < piece ? length - at : piece;
		uint8_t *block = malloc(size);
		struct decode_step step = {.in = block, .in_length = size};
		size_t got;

		memcpy(block, packed + at, size);
		do {
			size_t space = sizeof(unpacked) - done < room ? sizeof(unpacked) - done : room;

			step.out = unpacked + done;
			step.out_length = space;
			result = decoder_run(&decoder, &step, &err);
			got = space - step.out_length;
			done += got;
		} while (result == 0 && (step.in_length > 0 || step.out_length == 0));
		free(block);
		if (result < 0)
			break;
	}
	if (result >= 0)
		result = decoder_end(&decoder, &err);
	decoder_close(&decoder);
	return result < 0 ? -1 : (long)done;
}

static bool gives_plain(size_t length, size_t piece, size_t room)
{
	return decode(length, piece, room) == (long)PLAIN && memcmp(plain, unpacked, PLAIN) == 0;
}

static bool gives_plain_in_all_pieces(size_t length)
{
	static const size_t pieces[] = {1, 2, 3, 5, 7, 8, 9, 17, 64, 1000, 4096, 65536, sizeof(packed)};
	static const size_t rooms[] = {511, 4096, 262144};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		for (size_t j = 0; j < sizeof(rooms) / sizeof(*rooms); j++)
			if (!gives_plain(length, pieces[i], rooms[j])) {
				printf("# pieces of %zu, room of %zu\n", pieces[i], rooms[j]);
				return false;
			}
	return true;
}

/* Every prefix must be noticed as such: the reason is TRUNCATED and never a success. */
static bool notices_truncation(size_t length, size_t from)
{
	for (size_t cut = from; cut < length; cut += cut + 40 < length ? 997 : 1)
		if (decode(cut, 4096, 65536) >= 0 || err.reason != REASON_TRUNCATED) {
			printf("# cut at %zu of %zu: %s\n", cut, length, err.message);
			return false;
		}
	return true;
}

static void test_gzip(void)
{
	size_t length = add_gzip(0, plain, PLAIN);
	size_t end;

	ok(gives_plain_in_all_pieces(length), "inflates gzip whatever the pieces");
	ok(notices_truncation(length, 2), "notices a truncated gzip stream");
	packed[length] = 'x';
	ok(decode(length + 1, 4096, 65536) < 0 && err.reason == REASON_INVALID, "refuses garbage behind gzip");
	memset(packed + length, 0, 1000);
	ok(gives_plain_in_all_pieces(length + 1000), "accepts padding of zeros behind gzip");
	packed[length + 999] = 1;
	ok(decode(length + 1000, 4096, 65536) < 0 && err.reason == REASON_INVALID, "refuses garbage in the padding");
	packed[length / 2] ^= 0x10;
	ok(decode(length, 4096, 65536) < 0 && err.reason == REASON_INVALID, "refuses corrupt gzip data");
	length = add_gzip(0, plain, PLAIN);
	packed[length - 8] ^= 1;
	ok(decode(length, 4096, 65536) < 0 && err.reason == REASON_INVALID, "refuses a wrong checksum");

	length = add_gzip(0, plain, 7);
	length = add_gzip(length, plain, 0);
	length = add_gzip(length, plain + 7, 100000);
	end = add_gzip(length, plain + 100007, PLAIN - 100007);
	ok(gives_plain_in_all_pieces(end), "inflates gzip of many members whatever the pieces");
	ok(notices_truncation(end, length + 1), "notices a truncated member");
}

static void test_gzip_header(void)
{
	static const uint8_t header[] = {0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 3, 4, 0, 'a', 'b', 'c', 'd', 'n', 'a', 'm', 'e', 0,
					 'c', 'o', 'm', 0};
	size_t length = add_gzip(0, plain, PLAIN);

	memmove(packed + sizeof(header), packed + 10, length - 10);
	memcpy(packed, header, sizeof(header));
	ok(gives_plain_in_all_pieces(length - 10 + sizeof(header)), "inflates gzip with name, comment and extra field");
	packed[2] = 7;
	ok(decode(length, 4096, 65536) < 0 && err.reason == REASON_INVALID, "refuses another method than deflate");
}

static void test_zstd(void)
{
	static const uint8_t skippable[] = {0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
	size_t length = add_zstd(0, plain, PLAIN);

	ok(gives_plain_in_all_pieces(length), "inflates zstd whatever the pieces");
	ok(notices_truncation(length, 5), "notices a truncated zstd stream");
	packed[length] = 'x';
	ok(decode(length + 1, 4096, 65536) < 0, "refuses garbage behind zstd");
	memcpy(packed, skippable, sizeof(skippable));
	length = add_zstd(sizeof(skippable), plain, 1000);
	memcpy(packed + length, skippable, sizeof(skippable));
	length = add_zstd(length + sizeof(skippable), plain + 1000, PLAIN - 1000);
	ok(gives_plain_in_all_pieces(length), "inflates zstd of many frames, some to be skipped");
}

static void test_zstd_window(void)
{
	/* A frame header that asks for a window of 2^28 bytes, and one for 2^27. */
	static const uint8_t large[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, 0x01, 0x00, 0x00};
	static const uint8_t fits[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00};

	memcpy(packed, large, sizeof(large));
	ok(decode(sizeof(large), 4096, 65536) < 0 && err.reason == REASON_LIMIT, "refuses a window of 256 MiB");
	memcpy(packed, fits, sizeof(fits));
	ok(decode(sizeof(fits), 4096, 65536) == 0, "accepts a window of 128 MiB");
}

static void test_detect(void)
{
	enum compression compression;

	ok(decode_detect((const uint8_t *)"\x1f", 1, &compression, &err) == 0 && compression == COMPRESSION_NONE &&
		   decode_detect((const uint8_t *)"", 0, &compression, &err) == 0 && compression == COMPRESSION_NONE,
	   "takes short input as it is");
	ok(decode_detect((const uint8_t *)"BZh91AY&", 8, &compression, &err) < 0 && err.reason == REASON_INVALID, "refuses bzip2");
	ok(decode_detect((const uint8_t *)"\xfd" "7zXZ\0\0\0", 8, &compression, &err) < 0 && err.reason == REASON_INVALID,
	   "refuses xz");
}

int main(void)
{
	make_plain();
	test_detect();
	test_gzip();
	test_gzip_header();
	test_zstd();
	test_zstd_window();
	return tap_end();
}
