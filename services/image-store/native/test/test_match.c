/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "tap.h"

struct name_case {
	const char *pattern;
	const char *name;
	bool matches;
};

/* Those of Go's filepath.Match, as its documentation tells. */
static const struct name_case names[] = {
	{"abc", "abc", true},	       {"*", "abc", true},	    {"*c", "abc", true},
	{"a*", "a", true},	       {"a*", "abc", true},	    {"a*", "ab/c", false},
	{"a*/b", "abc/b", true},       {"a*/b", "a/c/b", false},    {"a*b*c*d*e*/f", "axbxcxdxe/f", true},
	{"a*b*c*d*e*/f", "axbxcxdxexxx/f", true}, {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false},
	{"a*b?c*x", "abxbbxdbxebxczzx", true},	  {"a*b?c*x", "abxbbxdbxebxczzy", false},
	{"ab[c]", "abc", true},	       {"ab[b-d]", "abc", true},    {"ab[e-g]", "abc", false},
	{"ab[^c]", "abc", false},      {"ab[^b-d]", "abc", false},  {"ab[^e-g]", "abc", true},
	{"a\\*b", "a*b", true},	       {"a\\*b", "ab", false},	    {"a?b", "a\xe2\x98\xba" "b", true},
	{"a[^a]b", "a\xe2\x98\xba" "b", true}, {"a???b", "a\xe2\x98\xba" "b", false},
	{"a[^a][^a][^a]b", "a\xe2\x98\xba" "b", false},		    {"[a-\xce\xb6]*", "\xce\xb1", true},
	{"*[a-\xce\xb6]", "A", false}, {"a?b", "a/b", false},	    {"a*b", "a/b", false},
	{"[\\]a]", "]", true},	       {"[\\-]", "-", true},	    {"[x\\-]", "x", true},
	{"[x\\-]", "-", true},	       {"[x\\-]", "z", false},	    {"[\\-x]", "a", false},
	{"*x", "xxx", true},	       {"", "", true},		    {"", "x", false},
	{"?", "\xff", true},	       {"*.txt", ".txt", true},
};

static const struct name_case paths[] = {
	{"a", "a", true},	  {"a", "a/b/c", true},	      {"a/*", "a", false},	{"a/*", "a/b", true},
	{"**/x", "x", true},	  {"**/x", "a/b/x", true},    {"**/x", "a/xy", false},	{"a/**/x", "a/x", true},
	{"a/**/x", "a/b/c/x/d", true}, {"a/**", "a", false},  {"a/**", "a/b", true},	{"*.o", "d/x.o", false},
	{"**/*.o", "d/x.o", true}, {"/a", "a", true},	      {"b", "a/b", false},
	{"**/a/**/b/**/c", "a/a/b/b/x/c", true},
};

static const char *const malformed[] = {"[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\", "[a-"};

int main(void)
{
	char many[1024] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ok(match_is_valid(names[i].pattern) && match_name(names[i].pattern, names[i].name) == names[i].matches,
		   names[i].pattern);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ok(match_path(paths[i].pattern, paths[i].name) == paths[i].matches, paths[i].pattern);
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		ok(!match_is_valid(malformed[i]), malformed[i]);
	for (int i = 0; i < 200; i++)
		strcat(many, "**/");
	strcat(many, "x");
	ok(!match_path(many, "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/b"),
	   "many wildcards take no exponential time");
	return tap_end();
}
