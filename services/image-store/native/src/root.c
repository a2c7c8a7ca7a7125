/* SPDX-License-Identifier: Apache-2.0 */
#include "root.h"

int root_open(const struct root_options *options, struct error *err)
{
	if ((options->pid > 0) + (options->count > 0) + (options->directory != NULL) > 1)
		return error_set(err, REASON_INVALID, "arguments", "a root is layers, a process or a directory");
	if (options->pid > 0)
		return root_open_live(options->pid, options->start_time, err);
	if (options->directory)
		return root_open_directory(options->directory, err);
	if (options->count == 0)
		return error_set(err, REASON_INVALID, "arguments", "a root needs layers, a process or a directory");
	if (!options->upper != !options->work)
		return error_set(err, REASON_INVALID, "arguments", "an upper directory needs a work directory");
	return root_open_overlay(options, err);
}
