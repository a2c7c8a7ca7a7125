/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_ADDON_H
#define CAISSON_ADDON_H

#include <node_api.h>
#include <stdbool.h>

/* An Error that says what an errno means, with its name as `code`. */
napi_value make_error(napi_env env, int number);

/* Throws it, and returns NULL. */
napi_value throw_number(napi_env env, int number);

/* Whether a value is a whole number from 0 to `most`. */
bool read_number(napi_env env, napi_value value, double most, double *number);

#endif
