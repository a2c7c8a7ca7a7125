/* SPDX-License-Identifier: Apache-2.0
 *
 * JavaScript values in and out. A reader returns false with a TypeError or RangeError pending.
 */
#ifndef CAISSON_VALUES_H
#define CAISSON_VALUES_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

/* False (with a TypeError) unless exactly `count` arguments were given, the last of which may be undefined. */
bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);

bool read_int(napi_env env, napi_value value, const char *name, int *out);

/* A string without NUL, shorter than a page: allocated, the caller's to free. */
bool read_string(napi_env env, napi_value value, const char *name, char **out);

/* The bytes of a Uint8Array, where they are: they live as long as the value does. */
bool read_bytes(napi_env env, napi_value value, const char *name, unsigned char **data, size_t *length);

bool read_array_length(napi_env env, napi_value value, const char *name, uint32_t *length);

bool is_undefined(napi_env env, napi_value value);

/* An Error with `code` ("EEXIST"), `errno` (negative) and `syscall`, as node:fs throws them. */
napi_value make_error(napi_env env, const struct error *err);

/* Throws it and returns NULL. */
napi_value throw_error(napi_env env, const struct error *err);

napi_value throw_type(napi_env env, const char *message);

napi_value make_int(napi_env env, int number);

napi_value make_bytes(napi_env env, const unsigned char *data, size_t length);

napi_value make_undefined(napi_env env);

#endif
