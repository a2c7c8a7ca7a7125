/* SPDX-License-Identifier: Apache-2.0
 *
 * Standard input and output. Pipes and terminals are made by the child, as the container's root, so that they belong to
 * the container's users and are charged to them; the monitor gets its ends with SYNC_READY.
 */
#ifndef CAISSON_STANDARD_H
#define CAISSON_STANDARD_H

#include "decode.h"
#include "user.h"

/* The value of SYNC_READY: which descriptors it carries, in this order. */
#define STDIO_HAS_OUTPUT 1u   /* two: read ends of stdout and of stderr */
#define STDIO_HAS_INPUT 2u    /* one: write end of stdin */
#define STDIO_HAS_TERMINAL 4u /* two: master, and a slave so that it does not hang up between two users */

struct stdio {
	int own[3];               /* the program's 0, 1, 2 */
	int peer[3];              /* the monitor's ends */
	int peers;
	uint32_t has;             /* STDIO_HAS_* */
};

/* Makes what PLAN_STDIO says and gives it to the user. A terminal is the container's own and also stands on
 * /dev/console when `console` is set. */
int stdio_make(const struct plan *plan, int root, bool console, struct stdio *stdio, struct error *err);

/* Gives it to the user of the program. */
int stdio_own(const struct stdio *stdio, const struct user *user, struct error *err);

/* Puts the program's ends on 0, 1 and 2, and makes the terminal the one that controls the session. */
int stdio_install(const struct stdio *stdio, struct error *err);

#endif
