/* SPDX-License-Identifier: Apache-2.0
 *
 * What went wrong: an errno and the system call that gave it. A function that returns negative has set its error.
 */
#ifndef CAISSON_ERROR_H
#define CAISSON_ERROR_H

struct error {
	int number;         /* errno */
	const char *syscall; /* a string literal */
};

/* Records errno for this system call and returns -1. */
int error_system(struct error *err, const char *syscall);

/* Records this errno for this system call and returns -1. */
int error_set(struct error *err, int number, const char *syscall);

#endif
