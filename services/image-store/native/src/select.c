/* SPDX-License-Identifier: Apache-2.0 */
#include "select.h"

#include <stdbool.h>
#include <string.h>

#include "fd.h"
#include "match.h"
#include "tree_names.h"
#include "path.h"
#include "tar.h"

struct search {
	int root;
	const struct selection *selection;
	size_t matches;
	size_t length;
	char path[TAR_PATH_MAX + 2]; /* what is resolved so far, with a "/" at its end */
};

static int search_from(struct search *search, const char *pattern, struct error *err);

static bool is_absent(const struct error *err)
{
	return err->reason == REASON_MISSING || err->reason == REASON_NOT_DIRECTORY;
}

static int take(struct search *search, struct error *err)
{
	AUTO_FD int fd = path_open(search->root, search->path, true, err);

	if (fd < 0)
		return is_absent(err) ? 0 : -1;
	if (search->matches++ >= SELECT_MAX)
		return error_set(err, REASON_LIMIT, "path", "a pattern matches more than %u paths", SELECT_MAX);
	return search->selection->take(search->selection->context, search->path, fd, err);
}

static int go_on(struct search *search, const char *name, size_t size, const char *rest, struct error *err)
{
	size_t before = search->length;
	int result;

	if (before + size + 1 > TAR_PATH_MAX)
		return error_set(err, REASON_INVALID, "path", "a path is longer than %u bytes", TAR_PATH_MAX);
	memcpy(search->path + before, name, size);
	search->path[before + size] = '\0';
	search->length += size;
	if (*rest != '\0') {
		search->path[search->length++] = '/';
		search->path[search->length] = '\0';
	}
	result = search_from(search, rest, err);
	search->length = before;
	search->path[before] = '\0';
	return result;
}

static int look_through(struct search *search, const char *component, const char *rest, struct error *err)
{
	AUTO_FD int directory = path_open_directory(search->root, search->path, false, err);
	struct tree_names names;
	int result;

	if (directory < 0)
		return is_absent(err) ? 0 : -1;
	result = tree_names_read(directory, &names, err);
	for (size_t i = 0; result == 0 && i < names.count; i++)
		if (match_name(component, names.items[i]))
			result = go_on(search, names.items[i], strlen(names.items[i]), rest, err);
	tree_names_free(&names);
	return result;
}

static int search_from(struct search *search, const char *pattern, struct error *err)
{
	size_t size = strcspn(pattern, "/");
	const char *rest = pattern + size;
	char component[1024];

	while (*rest == '/')
		rest++;
	if (size == 0)
		return take(search, err);
	if (size >= sizeof(component))
		return error_set(err, REASON_INVALID, "path", "a component of a pattern is too long");
	memcpy(component, pattern, size);
	component[size] = '\0';
	if (!match_has_wildcard(component))
		return go_on(search, component, size, rest, err);
	return look_through(search, component, rest, err);
}

int select_paths(int root, const char *pattern, const struct selection *selection, struct error *err)
{
	struct search search = {.root = root, .selection = selection, .path = "/", .length = 1};
	int result;

	if (!match_is_valid(pattern)) {
		error_record(err, REASON_INVALID, "path", "the pattern is malformed");
		error_name(err, pattern);
		return -1;
	}
	while (*pattern == '/')
		pattern++;
	result = search_from(&search, pattern, err);
	if (result == 0 && search.matches == 0) {
		error_record(err, REASON_MISSING, "path", "there is nothing");
		error_name(err, pattern);
		return -1;
	}
	return result;
}
