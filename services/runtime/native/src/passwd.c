/* SPDX-License-Identifier: Apache-2.0 */
#include "passwd.h"

#include <errno.h>
#include <string.h>

#define PASSWD_FIELDS 7
#define GROUP_FIELDS 4

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(struct slice text)
{
	size_t i;

	if (!text.length || !is_name_start(text.at[0]))
		return false;
	for (i = 1; i < text.length; i++) {
		char c = text.at[i];

		if (is_name_start(c) || is_digit(c) || c == '-' || c == '.')
			continue;
		if (c != '$' || i + 1 != text.length)
			return false;
	}
	return true;
}

static bool parse_number(struct slice text, uint32_t *id)
{
	uint64_t value = 0;
	size_t i;

	if (!text.length || text.length > 10 || (text.at[0] == '0' && text.length > 1))
		return false;
	for (i = 0; i < text.length; i++) {
		if (!is_digit(text.at[i]))
			return false;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	*id = (uint32_t)value;
	return value <= PASSWD_MAX_ID;
}

enum id_kind id_parse(struct slice text, uint32_t *id)
{
	if (parse_number(text, id))
		return ID_NUMBER;
	return is_name(text) ? ID_NAME : ID_MALFORMED;
}

static bool same(struct slice a, struct slice b)
{
	return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

struct lines {
	struct slice left;
	uint32_t count;
};

/* 1 and the next line, 0 at the end, -1 when there are too many. */
static int next_line(struct lines *lines, struct slice *line)
{
	const char *end;

	if (!lines->left.length)
		return 0;
	if (lines->count++ == PASSWD_MAX_LINES) {
		errno = EFBIG;
		return -1;
	}
	end = memchr(lines->left.at, '\n', lines->left.length);
	line->at = lines->left.at;
	line->length = end ? (size_t)(end - line->at) : lines->left.length;
	lines->left.at += line->length + (end ? 1 : 0);
	lines->left.length -= line->length + (end ? 1 : 0);
	return 1;
}

/* Takes the text up to `separator` off `rest`. */
static struct slice cut(struct slice *rest, char separator)
{
	const char *end = rest->length ? memchr(rest->at, separator, rest->length) : NULL;
	struct slice piece = { rest->at, end ? (size_t)(end - rest->at) : rest->length };

	rest->at += piece.length + (end ? 1 : 0);
	rest->length -= piece.length + (end ? 1 : 0);
	return piece;
}

static void split(struct slice line, struct slice *fields, int count)
{
	int i;

	for (i = 0; i < count; i++)
		fields[i] = cut(&line, ':');
}

static int entry_of(const struct slice fields[PASSWD_FIELDS], struct passwd_entry *entry)
{
	entry->name = fields[0];
	entry->home = fields[5];
	if (parse_number(fields[2], &entry->uid) && parse_number(fields[3], &entry->gid))
		return 1;
	errno = ERANGE;
	return -1;
}

int passwd_find_name(struct slice text, struct slice name, struct passwd_entry *entry)
{
	struct lines lines = { text, 0 };
	struct slice line, fields[PASSWD_FIELDS];
	int more;

	while ((more = next_line(&lines, &line)) > 0) {
		split(line, fields, PASSWD_FIELDS);
		if (same(fields[0], name))
			return entry_of(fields, entry);
	}
	return more;
}

int passwd_find_uid(struct slice text, uint32_t uid, struct passwd_entry *entry)
{
	struct lines lines = { text, 0 };
	struct slice line, fields[PASSWD_FIELDS];
	uint32_t id;
	int more;

	while ((more = next_line(&lines, &line)) > 0) {
		split(line, fields, PASSWD_FIELDS);
		if (is_name(fields[0]) && parse_number(fields[2], &id) && id == uid)
			return entry_of(fields, entry);
	}
	return more;
}

int group_find_name(struct slice text, struct slice name, uint32_t *gid)
{
	struct lines lines = { text, 0 };
	struct slice line, fields[GROUP_FIELDS];
	int more;

	while ((more = next_line(&lines, &line)) > 0) {
		split(line, fields, GROUP_FIELDS);
		if (!same(fields[0], name))
			continue;
		if (parse_number(fields[2], gid))
			return 1;
		errno = ERANGE;
		return -1;
	}
	return more;
}

bool group_add(uint32_t *groups, int *count, int max, uint32_t gid)
{
	int i;

	for (i = 0; i < *count; i++)
		if (groups[i] == gid)
			return true;
	if (*count == max)
		return false;
	groups[(*count)++] = gid;
	return true;
}

static bool lists(struct slice members, struct slice user)
{
	while (members.length)
		if (same(cut(&members, ','), user))
			return true;
	return false;
}

int group_find_member(struct slice text, struct slice user, uint32_t *groups, int *count, int max)
{
	struct lines lines = { text, 0 };
	struct slice line, fields[GROUP_FIELDS];
	uint32_t gid;
	int more;

	while ((more = next_line(&lines, &line)) > 0) {
		split(line, fields, GROUP_FIELDS);
		if (!lists(fields[3], user) || !parse_number(fields[2], &gid))
			continue;
		if (!group_add(groups, count, max, gid)) {
			errno = E2BIG;
			return -1;
		}
	}
	return more;
}
