/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "changes.h"
#include "commands.h"
#include "output.h"
#include "sandbox.h"

#define LOWERS_MAX 500

struct request {
	struct changes_options options;
	int lowers[LOWERS_MAX];
};

/* Names of directories of the caller's own, opened before anything that a container had a say in is looked at. */
static int open_lowers(struct request *request, int argc, char **argv, struct error *err)
{
	if (argc > LOWERS_MAX)
		return usage(err, "more lower directories than overlayfs takes");
	for (int i = 0; i < argc; i++) {
		request->lowers[i] = open(argv[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (request->lowers[i] < 0)
			return error_system_as(err, REASON_IO, errno, "setup", "cannot open a lower directory");
		request->options.lower_count++;
	}
	request->options.lowers = request->lowers;
	return 0;
}

/* The number of arguments used, or -1. */
static int take_options(struct request *request, int argc, char **argv, struct error *err)
{
	int i = 0;

	while (i < argc && strncmp(argv[i], "--", 2) == 0) {
		bool has_value = strcmp(argv[i], "--max-entries") == 0;

		if (has_value && take_number(i + 1 < argc ? argv[i + 1] : NULL, &request->options.max_entries, err) < 0)
			return -1;
		if (!has_value && strcmp(argv[i], "--userxattr") != 0)
			return usage(err, "unknown option");
		if (!has_value)
			request->options.space = MARKS_USER;
		i += has_value ? 2 : 1;
	}
	return request->options.max_entries > 0 ? i : usage(err, "--max-entries is needed");
}

static void count_and_tell(void *context, char kind, const char *path, size_t length)
{
	uint64_t *count = context;

	++*count;
	output_change(kind, path, length);
}

int run_changes(int argc, char **argv, struct error *err)
{
	static struct request request = {.options = {.upper = FD_TARGET}};
	struct sandbox_options sandbox = {.target = FD_TARGET, .overlay_xattrs = true, .read_only = true};
	uint64_t count = 0;
	const struct changes_listener listener = {.tell = count_and_tell, .context = &count};
	int used = take_options(&request, argc, argv, err);

	if (used < 0 || open_lowers(&request, argc - used, argv + used, err) < 0)
		return -1;
	sandbox.more = request.lowers;
	sandbox.more_count = request.options.lower_count;
	sandbox.last_fd = FD_TEE;
	for (size_t i = 0; i < sandbox.more_count; i++)
		if (request.lowers[i] > sandbox.last_fd)
			sandbox.last_fd = request.lowers[i];
	if (sandbox_enter(&sandbox, err) < 0 || changes_list(&request.options, &listener, err) < 0)
		return -1;
	output_changes(count);
	return 0;
}
