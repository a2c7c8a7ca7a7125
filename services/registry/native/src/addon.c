/* SPDX-License-Identifier: Apache-2.0 */
#include "addon.h"

#include <stdint.h>
#include <string.h>

napi_value make_error(napi_env env, int number)
{
	napi_value code = NULL, message = NULL, error = NULL;

	napi_create_string_utf8(env, strerrorname_np(number) ? strerrorname_np(number) : "EUNKNOWN", NAPI_AUTO_LENGTH, &code);
	napi_create_string_utf8(env, strerror(number), NAPI_AUTO_LENGTH, &message);
	napi_create_error(env, code, message, &error);
	return error;
}

napi_value throw_number(napi_env env, int number)
{
	napi_throw(env, make_error(env, number));
	return NULL;
}

bool read_number(napi_env env, napi_value value, double most, double *number)
{
	return napi_get_value_double(env, value, number) == napi_ok && *number >= 0 && *number <= most && *number == (double)(int64_t)*number;
}
