/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of /etc/passwd and /etc/group, as an image may have it: hostile.
 */
#ifndef CAISSON_PASSWD_H
#define CAISSON_PASSWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PASSWD_MAX_BYTES (4u << 20)
#define PASSWD_MAX_LINES 65536u
/* 2^31-1 is -1 for who keeps ids in a signed integer, and is refused with all that is above. */
#define PASSWD_MAX_ID 2147483646u

/* A piece of the text. */
struct slice {
	const char *at;
	size_t length;
};

struct passwd_entry {
	struct slice name;
	uint32_t uid;
	uint32_t gid;
	struct slice home;
};

enum id_kind {
	ID_MALFORMED = -1, /* neither a number in range nor a name */
	ID_NAME = 0,
	ID_NUMBER = 1,
};

/* What the text of a user or group is. A number is decimal, without sign, blank or leading zero. */
enum id_kind id_parse(struct slice text, uint32_t *id);

/* The lookups: 1 found, 0 not found, -1 and errno: EFBIG too many lines, ERANGE the entry's ids are no ids. */
int passwd_find_name(struct slice text, struct slice name, struct passwd_entry *entry);
int passwd_find_uid(struct slice text, uint32_t uid, struct passwd_entry *entry);
int group_find_name(struct slice text, struct slice name, uint32_t *gid);

/* Adds the ids of the groups that list `user` as a member, without doubles. -1 and errno: EFBIG, or E2BIG when `max` is
 * too small. */
int group_find_member(struct slice text, struct slice user, uint32_t *groups, int *count, int max);

/* Adds one id unless it is there. False when there is no room. */
bool group_add(uint32_t *groups, int *count, int max, uint32_t gid);

#endif
