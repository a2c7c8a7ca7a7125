/* SPDX-License-Identifier: Apache-2.0 */
#include "passwd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct slice slice(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static void reads_ids(void)
{
	static const struct {
		const char *text;
		enum id_kind kind;
	} cases[] = {
		{ "0", ID_NUMBER },	     { "1000", ID_NUMBER },	  { "2147483646", ID_NUMBER },
		{ "2147483647", ID_MALFORMED }, { "2147483648", ID_MALFORMED }, { "4294967295", ID_MALFORMED },
		{ "4294967296", ID_MALFORMED }, { "18446744073709551616", ID_MALFORMED }, { "-1", ID_MALFORMED },
		{ "0x0", ID_MALFORMED },    { " 0", ID_MALFORMED },	  { "0 ", ID_MALFORMED },
		{ "+1", ID_MALFORMED },	    { "01", ID_MALFORMED },	  { "", ID_MALFORMED },
		{ "root", ID_NAME },	    { "www-data", ID_NAME },	  { "_apt", ID_NAME },
		{ "a.b", ID_NAME },	    { "machine$", ID_NAME },	  { "a$b", ID_MALFORMED },
		{ "a b", ID_MALFORMED },    { "a:b", ID_MALFORMED },	  { "a\nb", ID_MALFORMED },
		{ "1abc", ID_MALFORMED },   { "../x", ID_MALFORMED },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t id;
		char title[64];

		(void)snprintf(title, sizeof(title), "tells what \"%s\" is", *cases[i].text == 'a' && cases[i].text[1] == '\n' ?
									"a newline" : cases[i].text);
		ok(id_parse(slice(cases[i].text), &id) == cases[i].kind, title);
	}
}

static void finds_users(void)
{
	struct slice text = slice("# comment\n\nroot:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/evil:\nbad:x:-1:0::/:\n"
				  "alice:x:1000:1001:Alice:/home/alice\nhuge:x:99999999999:0::/:\nlast:x:5:6::/last:/bin/sh");
	struct passwd_entry entry;

	ok(passwd_find_name(text, slice("alice"), &entry) == 1 && entry.uid == 1000 && entry.gid == 1001 &&
		   entry.home.length == 11 && !memcmp(entry.home.at, "/home/alice", 11),
	   "finds a user by name");
	ok(passwd_find_uid(text, 1000, &entry) == 1 && entry.gid == 1001, "finds a user by id, not the one of that name");
	ok(passwd_find_name(text, slice("last"), &entry) == 1 && entry.gid == 6, "finds the last line without a newline");
	ok(passwd_find_name(text, slice("nobody"), &entry) == 0, "finds nobody");
	ok(passwd_find_name(text, slice("bad"), &entry) == -1 && errno == ERANGE, "refuses an id below zero");
	ok(passwd_find_name(text, slice("huge"), &entry) == -1 && errno == ERANGE, "refuses an id that is too large");
	ok(passwd_find_uid(text, 4242, &entry) == 0, "finds no such id");
	ok(passwd_find_name(slice(""), slice("root"), &entry) == 0, "finds nobody in an empty file");
	ok(passwd_find_name(slice("root"), slice("root"), &entry) == -1, "refuses a line that is cut short");
}

static void finds_groups(void)
{
	struct slice text = slice("root:x:0:\naudio:x:29:bob,alice\nvideo:x:44:alice\nalice:x:1000:\nbad:x:x:alice\n"
				  "again:x:29:alice\nlike:x:7:alicex,xalice");
	uint32_t groups[4], gid;
	int count = 0;

	ok(group_find_name(text, slice("video"), &gid) == 1 && gid == 44, "finds a group by name");
	ok(group_find_name(text, slice("none"), &gid) == 0, "finds no group");
	ok(group_find_name(text, slice("bad"), &gid) == -1 && errno == ERANGE, "refuses a group without a number");
	ok(group_find_member(text, slice("alice"), groups, &count, 4) == 0 && count == 2 && groups[0] == 29 &&
		   groups[1] == 44,
	   "finds the groups of a member, each once");
	count = 0;
	ok(group_find_member(text, slice("alice"), groups, &count, 1) == -1 && errno == E2BIG, "says when there are too many");
}

static void bounds_lines(void)
{
	size_t size = PASSWD_MAX_LINES * 2 + 2;
	char *text = malloc(size);
	struct passwd_entry entry;
	size_t i;

	for (i = 0; i < size; i++)
		text[i] = i % 2 ? '\n' : 'x';
	ok(passwd_find_name((struct slice){ text, size }, slice("root"), &entry) == -1 && errno == EFBIG,
	   "refuses a file of too many lines");
	ok(passwd_find_name((struct slice){ text, size - 2 }, slice("root"), &entry) == 0, "reads one of as many as may be");
	free(text);
}

int main(void)
{
	reads_ids();
	finds_users();
	finds_groups();
	bounds_lines();
	return tap_end();
}
