/* SPDX-License-Identifier: Apache-2.0 */
#include "match.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "utf8.h"

/* A character as a number; bytes that are not UTF-8 come after all of Unicode. */
static uint32_t character(const char **at)
{
	const uint8_t *byte = (const uint8_t *)*at;
	size_t size = *byte < 0x80 ? 1 : utf8_sequence(*at);
	uint32_t value = *byte;

	if (size == 0) {
		*at += 1;
		return 0x110000u + *byte;
	}
	if (size > 1)
		value &= 0x7fu >> size;
	for (size_t i = 1; i < size; i++)
		value = value << 6 | (byte[i] & 0x3f);
	*at += size;
	return value;
}

/* One character of a class; false when it cannot be one. */
static bool class_character(const char **at, uint32_t *value)
{
	if (**at == '\0' || **at == '-' || **at == ']')
		return false;
	if (**at == '\\' && *++*at == '\0')
		return false;
	*value = character(at);
	return true;
}

/* Behind "[". Moves on behind "]"; false when the class is malformed. */
static bool take_class(const char **at, uint32_t wanted, bool *matches)
{
	bool negated = **at == '^';
	bool found = false;
	bool any = false;

	*at += negated;
	while (**at != ']' || !any) {
		uint32_t low;
		uint32_t high;

		if (!class_character(at, &low))
			return false;
		high = low;
		if (**at == '-') {
			++*at;
			if (!class_character(at, &high))
				return false;
		}
		found |= low <= wanted && wanted <= high;
		any = true;
	}
	++*at;
	*matches = found != negated;
	return true;
}

bool match_is_valid(const char *pattern)
{
	while (*pattern != '\0') {
		bool matches;
		char first = *pattern++;

		if (first == '\\' && *pattern++ == '\0')
			return false;
		if (first == '[' && !take_class(&pattern, 0, &matches))
			return false;
	}
	return true;
}

bool match_has_wildcard(const char *pattern)
{
	return strpbrk(pattern, "*?[\\") != NULL;
}

/* One element that is no "*". Moves both on when it matches. */
static bool match_one(const char **pattern, const char **name)
{
	const char *at = *pattern;
	bool matches = false;
	uint32_t wanted;

	if (**name == '\0' || *at == '\0')
		return false;
	wanted = character(name);
	if (*at == '?') {
		at++;
		matches = wanted != '/';
	} else if (*at == '[') {
		at++;
		if (!take_class(&at, wanted, &matches))
			return false;
		matches = matches && wanted != '/';
	} else {
		at += *at == '\\' && at[1] != '\0';
		matches = character(&at) == wanted;
	}
	*pattern = at;
	return matches;
}

bool match_name(const char *pattern, const char *name)
{
	const char *star = NULL;
	const char *retry = NULL;

	while (*name != '\0' || *pattern != '\0') {
		const char *pattern_at = pattern;
		const char *name_at = name;

		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
			continue;
		}
		if (match_one(&pattern_at, &name_at)) {
			pattern = pattern_at;
			name = name_at;
			continue;
		}
		/* The last star takes one character more. */
		if (!star || *retry == '\0' || *retry == '/')
			return false;
		(void)character(&retry);
		pattern = star;
		name = retry;
	}
	return true;
}

#define COMPONENT_SIZE 256u

/* The first component as a string of its own, and what is behind it. NULL when it is longer than a name can be. */
static const char *take_component(const char *path, char buffer[COMPONENT_SIZE], const char **rest)
{
	size_t length = strcspn(path, "/");

	if (length >= COMPONENT_SIZE)
		return NULL;
	memcpy(buffer, path, length);
	buffer[length] = '\0';
	path += length;
	while (*path == '/')
		path++;
	*rest = path;
	return buffer;
}

bool match_path(const char *pattern, const char *path)
{
	const char *star = NULL;
	const char *retry = NULL;

	while (*pattern == '/')
		pattern++;
	while (*pattern != '\0') {
		char buffers[2][COMPONENT_SIZE];
		const char *behind_part;
		const char *behind_name;
		const char *part = take_component(pattern, buffers[0], &behind_part);
		const char *name = take_component(path, buffers[1], &behind_name);

		if (!part || !name || *path == '\0')
			return false;
		if (strcmp(part, "**") == 0) {
			star = pattern = behind_part;
			retry = path;
		} else if (match_name(part, name)) {
			pattern = behind_part;
			path = behind_name;
		} else if (star) {
			/* The last "**" takes one directory more. */
			(void)take_component(retry, buffers[1], &retry);
			pattern = star;
			path = retry;
		} else {
			return false;
		}
	}
	return true;
}
