/* SPDX-License-Identifier: Apache-2.0
 *
 * What the process gives up before it reads the first packet: its user, its capabilities, and every system call that it does
 * not need.
 */
#ifndef CAISSON_CONFINE_H
#define CAISSON_CONFINE_H

/* The user of nobody. */
#define CONFINED_ID 65534

/* -1 with errno, and what could not be given up in `what`. */
int confine(const char **what);

/* confine_filter.c. -1 with errno. */
int confine_filter(void);

#endif
