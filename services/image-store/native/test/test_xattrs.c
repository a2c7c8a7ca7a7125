/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tap.h"
#include "xattrs.h"

static struct xattrs set;
static struct error err;

static int add(const char *name, const void *value, size_t length)
{
	return xattrs_add(&set, name, strlen(name), value, length, &err);
}

static bool refused(const char *name, enum reason reason)
{
	return add(name, "y", 1) < 0 && err.reason == reason;
}

static void test_capability(void)
{
	static const char revision_2[20] = {1, 0, 0, 2, 0, 4};
	static const char revision_3[24] = {1, 0, 0, 3, 0, 4, [20] = 7};

	xattrs_clear(&set);
	ok(add("security.capability", revision_2, 20) == 0 && set.count == 1 && set.items[0].length == 20 &&
		   memcmp(set.bytes + set.items[0].value, revision_2, 20) == 0,
	   "keeps file capabilities");
	xattrs_clear(&set);
	ok(add("security.capability", revision_3, 24) == 0 && set.items[0].length == 20 &&
		   memcmp(set.bytes + set.items[0].value, revision_2, 20) == 0,
	   "takes the root id out of file capabilities");
	ok(add("security.capability", revision_2, 12) < 0 && err.reason == REASON_INVALID &&
		   add("security.capability", revision_3, 20) < 0 && add("security.capability", "", 0) < 0,
	   "refuses malformed file capabilities");
}

static void test_limits(void)
{
	static char large[65536];
	char name[300] = "user.";
	int added = 0;

	xattrs_clear(&set);
	ok(add("user.large", large, 65536) < 0 && err.reason == REASON_LIMIT, "refuses a value of 64 KiB");
	ok(add("user.a", large, 32000) == 0 && add("user.b", large, 32000) == 0 && add("user.c", large, 32000) < 0 &&
		   err.reason == REASON_LIMIT,
	   "refuses more than 64 KiB together");
	xattrs_clear(&set);
	while (add("user.a", "", 0) == 0)
		added++;
	ok(added == XATTRS_MAX && err.reason == REASON_LIMIT, "refuses more than 128 attributes");
	xattrs_clear(&set);
	memset(name + 5, 'x', 251);
	ok(add(name, "", 0) < 0 && err.reason == REASON_INVALID, "refuses a name of 256 bytes");
	ok(xattrs_add(&set, "user.\0x", 7, "", 0, &err) < 0 && err.reason == REASON_INVALID, "refuses NUL in a name");
}

int main(void)
{
	ok(add("user.comment", "hello", 5) == 0 && set.count == 1, "keeps user attributes");
	ok(add("security.selinux", "x", 1) == 0 && add("trusted.x", "x", 1) == 0 && add("system.posix_acl_access", "x", 1) == 0 &&
		   set.count == 1,
	   "drops what concerns another host");
	ok(refused("trusted.overlay.opaque", REASON_UNSAFE_CONTENT) && refused("trusted.overlay.redirect", REASON_UNSAFE_CONTENT) &&
		   refused("user.overlay.metacopy", REASON_UNSAFE_CONTENT),
	   "refuses attributes of the overlay file system");
	ok(refused("user.", REASON_INVALID), "refuses an empty name");
	test_capability();
	test_limits();
	return tap_end();
}
