/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

#define NUMBER(value) ((unsigned long long)(value))

static void put_string(const char *string)
{
	const unsigned char *at = (const unsigned char *)string;

	putchar('"');
	while (*at != '\0') {
		size_t length = utf8_sequence((const char *)at);

		if (*at < 0x20 || *at == '"' || *at == '\\' || *at == 0x7f)
			printf("\\u%04x", *at);
		else if (length == 0)
			printf("\\ufffd");
		else
			fwrite(at, 1, length, stdout);
		at += length ? length : 1;
	}
	putchar('"');
}

void output_unpacked(const struct unpack_result *result)
{
	printf("{\"digest\":\"%s\",\"diffId\":\"%s\",\"compressedBytes\":%llu,\"bytes\":%llu,\"contentBytes\":%llu,"
	       "\"entries\":%llu,\"compression\":\"%s\",\"rootOpaque\":%s,\"rootEntry\":%s}\n",
	       result->sums.digest, result->sums.diff_id, NUMBER(result->raw_bytes), NUMBER(result->plain_bytes),
	       NUMBER(result->content_bytes), NUMBER(result->entries), compression_word(result->compression),
	       result->root_opaque ? "true" : "false", result->root_entry ? "true" : "false");
	fflush(stdout);
}

void output_digest(const char *digest, uint64_t bytes)
{
	printf("{\"digest\":\"%s\",\"bytes\":%llu}\n", digest, NUMBER(bytes));
	fflush(stdout);
}

void output_diff(const struct diff_result *result, const struct blob_sums *sums, enum compression compression)
{
	printf("{\"digest\":\"%s\",\"diffId\":\"%s\",\"compressedBytes\":%llu,\"bytes\":%llu,\"contentBytes\":%llu,"
	       "\"entries\":%llu,\"skipped\":%llu,\"changed\":%llu,\"compression\":\"%s\"}\n",
	       sums->digest, sums->diff_id, NUMBER(sums->raw_bytes), NUMBER(sums->plain_bytes), NUMBER(result->bytes),
	       NUMBER(result->entries), NUMBER(result->skipped), NUMBER(result->changed), compression_word(compression));
	fflush(stdout);
}

void output_change(char kind, const char *path, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	printf("{\"change\":\"%c\",\"path\":\"", kind);
	for (size_t i = 0; i < length; i++) {
		putchar(digits[(unsigned char)path[i] >> 4]);
		putchar(digits[(unsigned char)path[i] & 15]);
	}
	printf("\"}\n");
}

void output_changes(uint64_t changes)
{
	printf("{\"changes\":%llu}\n", NUMBER(changes));
	fflush(stdout);
}

void output_removed(uint64_t entries)
{
	printf("{\"removed\":%llu}\n", NUMBER(entries));
	fflush(stdout);
}

void output_synced(void)
{
	printf("{\"synced\":true}\n");
	fflush(stdout);
}

void output_stat(const struct stat *about, const char *target)
{
	printf("{\"mode\":%u,\"uid\":%u,\"gid\":%u,\"size\":%llu,\"mtime\":[%lld,%ld],\"target\":", about->st_mode,
	       about->st_uid, about->st_gid, NUMBER(about->st_size), (long long)about->st_mtim.tv_sec,
	       about->st_mtim.tv_nsec);
	put_string(target);
	printf("}\n");
	fflush(stdout);
}

void output_read(uint64_t bytes, uint64_t entries)
{
	printf("{\"bytes\":%llu,\"entries\":%llu}\n", NUMBER(bytes), NUMBER(entries));
	fflush(stdout);
}

void output_hashes(char (*digests)[DIGEST_TEXT_SIZE], size_t count)
{
	printf("{\"digests\":[");
	for (size_t i = 0; i < count; i++)
		printf("%s\"%s\"", i > 0 ? "," : "", digests[i]);
	printf("]}\n");
	fflush(stdout);
}

void output_quota_set(void)
{
	printf("{\"set\":true}\n");
	fflush(stdout);
}

void output_quota_state(const struct quota_state *state)
{
	printf("{\"filesystem\":\"%s\",\"accounts\":%s,\"enforces\":%s}\n", state->filesystem,
	       state->accounts ? "true" : "false", state->enforces ? "true" : "false");
	fflush(stdout);
}

void output_quota_usage(const struct quota_usage *usage)
{
	printf("{\"bytes\":%llu,\"inodes\":%llu}\n", NUMBER(usage->bytes), NUMBER(usage->inodes));
	fflush(stdout);
}

void output_progress(uint64_t bytes, uint64_t entries)
{
	printf("{\"progress\":{\"bytes\":%llu,\"entries\":%llu}}\n", NUMBER(bytes), NUMBER(entries));
	fflush(stdout);
}

void output_error(const struct error *err)
{
	printf("{\"error\":{\"step\":\"%s\",\"errno\":%d,\"reason\":\"%s\",\"path\":", err->step, err->number,
	       reason_word(err->reason));
	put_string(err->path);
	printf(",\"message\":");
	put_string(err->message);
	printf("}}\n");
	fflush(stdout);
}
