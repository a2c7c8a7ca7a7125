/* SPDX-License-Identifier: Apache-2.0
 *
 * Who the program runs as, looked up in the container's own /etc/passwd and /etc/group.
 */
#ifndef CAISSON_USER_H
#define CAISSON_USER_H

#include "decode.h"

#define USER_MAX_GROUPS 1024
#define USER_HOME_BYTES 1024

struct user {
	uint32_t uid;
	uint32_t gid;
	int group_count;
	uint32_t groups[USER_MAX_GROUPS];
	char home[5 + USER_HOME_BYTES]; /* "HOME=..." */
};

/* Resolves PLAN_USER and PLAN_GROUP in `root`. */
int user_resolve(const struct plan *plan, int root, struct user *user, struct error *err);

#endif
