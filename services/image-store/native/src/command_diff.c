/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "arguments.h"
#include "blob.h"
#include "commands.h"
#include "diff.h"
#include "output.h"
#include "sandbox.h"

struct request {
	struct diff_options diff;
	enum compression compression;
	bool sync;
};

static int take_compression(const char *text, enum compression *compression, struct error *err)
{
	static const enum compression kinds[] = {COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD};

	for (size_t i = 0; text && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(text, compression_word(kinds[i])) == 0) {
			*compression = kinds[i];
			return 0;
		}
	return usage(err, "--compression is gzip, zstd or none");
}

static int take_option(struct request *request, const char *name, const char *value, struct error *err)
{
	if (strcmp(name, "--max-bytes") == 0)
		return take_number(value, &request->diff.max_bytes, err) < 0 ? -1 : 2;
	if (strcmp(name, "--max-entries") == 0)
		return take_number(value, &request->diff.max_entries, err) < 0 ? -1 : 2;
	if (strcmp(name, "--compression") == 0)
		return take_compression(value, &request->compression, err) < 0 ? -1 : 2;
	if (strcmp(name, "--devices") == 0)
		request->diff.devices = true;
	else if (strcmp(name, "--userxattr") == 0)
		request->diff.space = MARKS_USER;
	else if (strcmp(name, "--sync") == 0)
		request->sync = true;
	else if (strcmp(name, "--progress") == 0)
		request->diff.progress = true;
	else
		return usage(err, "unknown option");
	return 1;
}

static int take_options(struct request *request, int argc, char **argv, struct error *err)
{
	for (int i = 0; i < argc;) {
		int used = take_option(request, argv[i], i + 1 < argc ? argv[i + 1] : NULL, err);

		if (used < 0)
			return -1;
		i += used;
	}
	if (request->diff.max_bytes == 0 || request->diff.max_entries == 0)
		return usage(err, "--max-bytes and --max-entries are needed");
	return 0;
}

/* On failure threads may still be running: the process has to end without freeing anything. */
static int write_layer(const struct request *request, struct blob *blob, struct diff_result *result,
		       struct blob_sums *sums, struct error *err)
{
	struct tar_writer writer;
	struct tar_sink sink = blob_sink(blob);

	if (blob_start(blob, FD_TEE, request->compression, err) < 0 || tar_writer_open(&writer, &sink, err) < 0 ||
	    diff_write(&request->diff, &writer, result, err) < 0 || tar_writer_close(&writer, err) < 0)
		return -1;
	tar_writer_free(&writer);
	return blob_finish(blob, request->sync, sums, err);
}

int run_diff(int argc, char **argv, struct error *err)
{
	struct request request = {.diff = {.upper = FD_TARGET}, .compression = COMPRESSION_GZIP};
	const struct sandbox_options sandbox = {
		.target = FD_TARGET,
		.last_fd = FD_TEE,
		.overlay_xattrs = true,
		.read_only = true,
	};
	static struct blob blob;
	struct diff_result result;
	struct blob_sums sums;

	if (take_options(&request, argc, argv, err) < 0 || sandbox_enter(&sandbox, err) < 0 ||
	    write_layer(&request, &blob, &result, &sums, err) < 0)
		return -1;
	output_diff(&result, &sums, request.compression);
	return 0;
}
