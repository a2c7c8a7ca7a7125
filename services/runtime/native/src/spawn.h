/* SPDX-License-Identifier: Apache-2.0
 *
 * The addon's parts: values from and to JavaScript, and the spawning of a monitor.
 */
#ifndef CAISSON_SPAWN_H
#define CAISSON_SPAWN_H

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* spawn_values.c. The readers return 0, or -1 with a JavaScript error pending. */

#define SPAWN_PATH_BYTES 4096

/* Reads exactly `count` arguments. */
int spawn_arguments(napi_env env, napi_callback_info info, napi_value *values, size_t count);
/* An integer in a range. `name` is for the error. */
int spawn_integer(napi_env env, napi_value value, const char *name, int64_t least, int64_t most, int64_t *result);
/* A string of at most SPAWN_PATH_BYTES - 1 bytes without a NUL. */
int spawn_path(napi_env env, napi_value value, const char *name, char *path);
napi_value spawn_number(napi_env env, int64_t number);
/* Throws an Error with `code`, `errno` and `syscall`; returns NULL. */
napi_value spawn_throw(napi_env env, int code, const char *call);

/* spawn_process.c. These return a negative errno on failure. */

struct spawned {
	pid_t pid;
	int pidfd;
	int control;
};

/* A sealed copy of a program, in memory. */
int spawn_sealed_program(const char *path);
/* Starts a monitor. `init` may be -1. */
int spawn_monitor(int monitor, int init, const void *plan, size_t size, int state, struct spawned *spawned);

#endif
