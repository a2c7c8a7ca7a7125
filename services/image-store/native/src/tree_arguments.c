/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UID_MAX 65535u

static int usage(struct error *err, const char *what)
{
	return error_set(err, REASON_INVALID, "arguments", "%s", what);
}

/* Digits up to the end or up to `separator`; gives what is behind it. */
static int take_number(const char *text, int base, char separator, uint64_t *value, const char **rest,
		       struct error *err)
{
	char *end = NULL;

	errno = 0;
	if (text && *text >= '0' && *text <= '9')
		*value = strtoull(text, &end, base);
	if (!end || errno != 0 || *end != separator || *value > INT64_MAX)
		return usage(err, "a number is expected");
	if (rest)
		*rest = end + 1;
	return 0;
}

static int take_pair(const char *text, uint64_t *first, uint64_t *second, struct error *err)
{
	const char *rest;

	return take_number(text, 10, ':', first, &rest, err) < 0 ? -1 : take_number(rest, 10, '\0', second, NULL, err);
}

static int take_mode(struct tree_read_options *read, const char *text, struct error *err)
{
	uint64_t mode = 0;

	if (take_number(text, 8, '\0', &mode, NULL, err) < 0)
		return -1;
	if (mode > 07777)
		return usage(err, "a mode is at most 07777");
	read->moded = true;
	read->mode = (uint32_t)mode;
	return 0;
}

static int take_live(struct root_options *root, const char *text, struct error *err)
{
	uint64_t pid = 0;

	if (take_pair(text, &pid, &root->start_time, err) < 0)
		return -1;
	if (pid == 0 || pid > INT32_MAX)
		return usage(err, "a process id is expected");
	root->pid = (pid_t)pid;
	return 0;
}

static int take_owner(struct tree_read_options *read, const char *text, struct error *err)
{
	read->owned = true;
	if (take_pair(text, &read->uid, &read->gid, err) < 0)
		return -1;
	return read->uid >= UINT32_MAX || read->gid >= UINT32_MAX ? usage(err, "an id is too large") : 0;
}

static bool take_flag(struct tree_arguments *arguments, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"--follow", &arguments->read.source.follow},
		{"--patterns", &arguments->read.source.patterns},
		{"--one-mount", &arguments->read.source.one_mount},
		{"--parents", &arguments->read.parents},
		{"--make", &arguments->make},
		{"--keep-kinds", &arguments->keep_kinds},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(name, flags[i].name) == 0)
			return *flags[i].flag = true;
	return false;
}

static int take_value(struct tree_arguments *arguments, const char *name, const char *value, struct error *err)
{
	struct tree_read_options *read = &arguments->read;

	if (strcmp(name, "--lower") == 0)
		arguments->lowers[arguments->root.count++] = value;
	else if (strcmp(name, "--upper") == 0)
		arguments->root.upper = value;
	else if (strcmp(name, "--work") == 0)
		arguments->root.work = value;
	else if (strcmp(name, "--directory") == 0)
		arguments->root.directory = value;
	else if (strcmp(name, "--exclude") == 0)
		arguments->excludes[read->source.exclude_count++] = value;
	else if (strcmp(name, "--name") == 0)
		read->name = value;
	else if (strcmp(name, "--live") == 0)
		return take_live(&arguments->root, value, err);
	else if (strcmp(name, "--owner") == 0)
		return take_owner(read, value, err);
	else if (strcmp(name, "--mode") == 0)
		return take_mode(read, value, err);
	else if (strcmp(name, "--max-entries") == 0)
		return take_number(value, 10, '\0', &read->source.max_entries, NULL, err);
	else if (strcmp(name, "--max-bytes") == 0)
		return take_number(value, 10, '\0', &arguments->max_bytes, NULL, err);
	else if (strcmp(name, "--uid-max") == 0)
		return take_number(value, 10, '\0', &arguments->uid_max, NULL, err);
	else
		return usage(err, "unknown option");
	return 0;
}

int tree_arguments_parse(struct tree_arguments *arguments, int argc, char **argv, struct error *err)
{
	int at = 0;

	memset(arguments, 0, sizeof(*arguments));
	arguments->uid_max = UID_MAX;
	arguments->lowers = calloc((size_t)argc + 1, sizeof(char *));
	arguments->excludes = calloc((size_t)argc + 1, sizeof(char *));
	if (!arguments->lowers || !arguments->excludes)
		return error_system(err, ENOMEM, "setup", "cannot allocate buffers");
	arguments->root.lowers = arguments->lowers;
	arguments->read.source.excludes = arguments->excludes;
	while (at < argc && strcmp(argv[at], "--") != 0) {
		if (take_flag(arguments, argv[at])) {
			at++;
			continue;
		}
		if (at + 1 >= argc || take_value(arguments, argv[at], argv[at + 1], err) < 0)
			return at + 1 >= argc ? usage(err, "an option without its value") : -1;
		at += 2;
	}
	if (at + 1 >= argc)
		return usage(err, "paths are expected behind --");
	arguments->read.source.paths = (const char *const *)argv + at + 1;
	arguments->read.source.count = (size_t)(argc - at - 1);
	return 0;
}
