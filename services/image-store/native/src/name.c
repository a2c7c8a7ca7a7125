/* SPDX-License-Identifier: Apache-2.0 */
#include "name.h"

#include <string.h>

#define WHITEOUT ".wh."
#define WHITEOUT_SIZE 4u
#define OPAQUE ".wh..wh..opq"

static int append(struct name *name, const char *part, size_t length, struct error *err)
{
	/* A whiteout never becomes a file: it may hide the longest name. */
	if (length > NAME_COMPONENT_MAX + (strncmp(part, WHITEOUT, WHITEOUT_SIZE) == 0 ? WHITEOUT_SIZE : 0))
		return error_set(err, REASON_INVALID, "name", "a name is longer than %u bytes", NAME_COMPONENT_MAX);
	if (name->length + 1 + length > TAR_PATH_MAX)
		return error_set(err, REASON_INVALID, "name", "a path is longer than %u bytes", TAR_PATH_MAX);
	name->parent = name->length;
	if (name->length > 0)
		name->path[name->length++] = '/';
	memcpy(name->path + name->length, part, length);
	name->length += length;
	name->path[name->length] = '\0';
	return 0;
}

static size_t parent_of(const char *path, size_t length)
{
	while (length > 0 && path[length - 1] != '/')
		length--;
	return length > 0 ? length - 1 : 0;
}

static int go_up(struct name *name, struct error *err)
{
	if (name->length == 0)
		return error_set(err, REASON_UNSAFE_CONTENT, "name", "a path leaves the root of the layer");
	name->length = name->parent;
	name->path[name->length] = '\0';
	name->parent = parent_of(name->path, name->length);
	return 0;
}

int name_parse(struct name *name, const char *raw, struct error *err)
{
	*name->path = '\0';
	name->length = 0;
	name->parent = 0;
	if (*raw == '\0')
		return error_set(err, REASON_INVALID, "name", "an entry without a name");
	while (*raw != '\0') {
		size_t length = strcspn(raw, "/");
		bool dot = length == 1 && raw[0] == '.';
		bool up = length == 2 && raw[0] == '.' && raw[1] == '.';

		if (up && go_up(name, err) < 0)
			return -1;
		if (!up && !dot && length > 0 && append(name, raw, length, err) < 0)
			return -1;
		raw += length + (raw[length] == '/');
	}
	return 0;
}

const char *name_last(const struct name *name)
{
	return name->path + name->parent + (name->parent > 0 ? 1 : 0);
}

const char *name_hidden(const struct name *name)
{
	return name_last(name) + WHITEOUT_SIZE;
}

static bool is_whiteout(const char *component)
{
	return strncmp(component, WHITEOUT, WHITEOUT_SIZE) == 0;
}

static bool is_component(const char *component, const char *word)
{
	size_t size = strlen(word);

	return strncmp(component, word, size) == 0 && (component[size] == '\0' || component[size] == '/');
}

static bool is_metadata(const char *component)
{
	return is_component(component, ".wh..wh.plnk") || is_component(component, ".wh..wh.aufs") ||
	       is_component(component, ".wh..wh.orph");
}

static int refuse(struct error *err)
{
	return error_set(err, REASON_UNSAFE_CONTENT, "whiteout", "malformed whiteout");
}

int name_classify(const struct name *name, enum name_kind *kind, struct error *err)
{
	const char *last = name_last(name);
	const char *hidden;

	*kind = NAME_ORDINARY;
	if (is_metadata(name->path)) {
		*kind = NAME_METADATA;
		return 0;
	}
	for (const char *at = name->path; at < last; at = strchr(at, '/') + 1)
		if (is_whiteout(at))
			return refuse(err);
	if (!is_whiteout(last))
		return 0;
	if (strcmp(last, OPAQUE) == 0) {
		*kind = NAME_OPAQUE;
		return 0;
	}
	hidden = name_hidden(name);
	if (*hidden == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0 || is_whiteout(hidden))
		return refuse(err);
	*kind = NAME_WHITEOUT;
	return 0;
}
