/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "name.h"
#include "tap.h"

static bool becomes(const char *raw, const char *path, const char *last)
{
	struct name name;
	struct error err;

	return name_parse(&name, raw, &err) == 0 && strcmp(name.path, path) == 0 && name.length == strlen(path) &&
	       strcmp(name_last(&name), last) == 0;
}

static bool fails(const char *raw, enum reason reason)
{
	struct name name;
	struct error err;

	return name_parse(&name, raw, &err) < 0 && err.reason == reason;
}

static int classify(const char *raw)
{
	struct name name;
	struct error err;
	enum name_kind kind;

	if (name_parse(&name, raw, &err) < 0)
		return -2;
	return name_classify(&name, &kind, &err) < 0 ? -(err.reason == REASON_UNSAFE_CONTENT) : (int)kind;
}

static void test_parse(void)
{
	char raw[8200];

	ok(becomes("a/b/c", "a/b/c", "c"), "keeps a plain path");
	ok(becomes("/a/b", "a/b", "b") && becomes("//a//b//", "a/b", "b"), "takes an absolute path from the root of the layer");
	ok(becomes("./a/./b/.", "a/b", "b") && becomes("./", "", "") && becomes("/", "", ""), "drops dots");
	ok(becomes("a/../b", "b", "b") && becomes("a/b/c/../../d", "a/d", "d") && becomes("a/..", "", ""),
	   "resolves .. by the letters");
	ok(becomes("a...", "a...", "a...") && becomes("..a/...", "..a/...", "..."), "keeps names of many dots");
	ok(becomes("\xff\xfe", "\xff\xfe", "\xff\xfe"), "keeps bytes that are not UTF-8");
	ok(fails("..", REASON_UNSAFE_CONTENT) && fails("../x", REASON_UNSAFE_CONTENT) &&
		   fails("a/../../x", REASON_UNSAFE_CONTENT) && fails("/../x", REASON_UNSAFE_CONTENT),
	   "refuses a path that leaves the root");
	ok(fails("", REASON_INVALID), "refuses an empty name");
	memset(raw, 'x', sizeof(raw));
	raw[255] = '\0';
	ok(becomes(raw, raw, raw), "keeps a name of 255 bytes");
	raw[255] = 'x';
	raw[256] = '\0';
	ok(fails(raw, REASON_INVALID), "refuses a name of 256 bytes");
	for (size_t i = 0; i < 8194; i++)
		raw[i] = i % 2 ? '/' : 'a';
	raw[8194] = '\0';
	ok(fails(raw, REASON_INVALID), "refuses a path of more than 4096 bytes");
	raw[4095] = '\0';
	ok(becomes(raw, raw, "a"), "keeps a path of 2048 components");
}

static void test_classify(void)
{
	ok(classify("a/b") == NAME_ORDINARY && classify("wh.a") == NAME_ORDINARY && classify(".wha") == NAME_ORDINARY,
	   "knows ordinary names");
	ok(classify(".wh.a") == NAME_WHITEOUT && classify("x/.wh.a") == NAME_WHITEOUT && classify(".wh....") == NAME_WHITEOUT,
	   "knows whiteouts");
	ok(classify(".wh..wh..opq") == NAME_OPAQUE && classify("x/.wh..wh..opq") == NAME_OPAQUE, "knows opaque marks");
	ok(classify(".wh..wh.plnk/1.2") == NAME_METADATA && classify(".wh..wh.aufs") == NAME_METADATA,
	   "knows the metadata of an old storage driver");
	ok(classify(".wh.") == -1 && classify(".wh..") == -1 && classify(".wh...") == -1, "refuses whiteouts of nothing, . and ..");
	ok(classify(".wh.a/b") == -1 && classify("x/.wh..wh..opq/b") == -1, "refuses whiteouts as directories");
	ok(classify(".wh..wh.other") == -1 && classify("x/.wh..wh.plnk") == -1 && classify(".wh..wh.") == -1,
	   "refuses whiteouts of whiteouts");
}

int main(void)
{
	test_parse();
	test_classify();
	return tap_end();
}
