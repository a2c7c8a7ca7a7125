/* SPDX-License-Identifier: Apache-2.0 */
#include "quota_command.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"
#include "output.h"
#include "quota.h"

static int usage(struct error *err, const char *what)
{
	return error_set(err, REASON_INVALID, "arguments", "%s", what);
}

static int take_number(const char *text, uint64_t most, uint64_t *value, struct error *err)
{
	char *end;

	if (*text < '0' || *text > '9')
		return usage(err, "a number is expected");
	errno = 0;
	*value = strtoull(text, &end, 10);
	return *end != '\0' || errno != 0 || *value > most ? usage(err, "a number is expected") : 0;
}

static int assign_below(int directory, const char *name, uint32_t project, struct error *err)
{
	AUTO_FD int child = -1;

	if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return usage(err, "a name must be one component");
	child = fd_open_child(directory, name);
	if (child < 0)
		return error_system(err, errno, "quota", "cannot open a directory");
	return quota_assign(child, project, err);
}

static int run_set(int directory, uint32_t project, int argc, char **argv, struct error *err)
{
	uint64_t bytes;

	if (argc < 1 || take_number(argv[0], INT64_MAX, &bytes, err) < 0)
		return argc < 1 ? usage(err, "a limit is expected") : -1;
	for (int i = 1; i < argc; i++)
		if (assign_below(directory, argv[i], project, err) < 0)
			return -1;
	if (quota_limit(directory, project, bytes, err) < 0)
		return -1;
	output_quota_set();
	return 0;
}

static int run_state(int directory, struct error *err)
{
	struct quota_state state;

	if (quota_state(directory, &state, err) < 0)
		return -1;
	output_quota_state(&state);
	return 0;
}

static int run_usage(int directory, uint32_t project, struct error *err)
{
	struct quota_usage found;

	if (quota_usage(directory, project, &found, err) < 0)
		return -1;
	output_quota_usage(&found);
	return 0;
}

int quota_command(int directory, int argc, char **argv, struct error *err)
{
	uint64_t project;

	if (argc == 1 && strcmp(argv[0], "state") == 0)
		return run_state(directory, err);
	if (argc < 2 || take_number(argv[1], UINT32_MAX, &project, err) < 0)
		return argc < 2 ? usage(err, "quota is followed by state, usage PROJECT or set PROJECT BYTES") : -1;
	/* Project 0 is everything that has none. */
	if (project == 0)
		return usage(err, "a project is at least 1");
	if (argc == 2 && strcmp(argv[0], "usage") == 0)
		return run_usage(directory, (uint32_t)project, err);
	if (strcmp(argv[0], "set") == 0)
		return run_set(directory, (uint32_t)project, argc - 2, argv + 2, err);
	return usage(err, "quota is followed by state, usage PROJECT or set PROJECT BYTES");
}
