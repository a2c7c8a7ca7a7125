/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>

int error_set(struct error *err, int number, const char *syscall)
{
	err->number = number;
	err->syscall = syscall;
	return -1;
}

int error_system(struct error *err, const char *syscall)
{
	return error_set(err, errno, syscall);
}
