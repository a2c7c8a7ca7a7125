/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spawn.h"

static int refuse(napi_env env, const char *name, const char *what)
{
	char message[128];

	(void)snprintf(message, sizeof(message), "%s must be %s", name, what);
	(void)napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
	return -1;
}

int spawn_arguments(napi_env env, napi_callback_info info, napi_value *values, size_t count)
{
	size_t given = count;

	if (napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok && given >= count)
		return 0;
	(void)napi_throw_type_error(env, "ERR_MISSING_ARGS", "too few arguments");
	return -1;
}

int spawn_integer(napi_env env, napi_value value, const char *name, int64_t least, int64_t most, int64_t *result)
{
	double number;

	if (napi_get_value_double(env, value, &number) != napi_ok || number != (double)(int64_t)number ||
	    number < (double)least || number > (double)most)
		return refuse(env, name, "an integer in range");
	*result = (int64_t)number;
	return 0;
}

int spawn_path(napi_env env, napi_value value, const char *name, char *path)
{
	size_t whole, length;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &whole) != napi_ok || whole == 0 || whole >= SPAWN_PATH_BYTES ||
	    napi_get_value_string_utf8(env, value, path, SPAWN_PATH_BYTES, &length) != napi_ok || strlen(path) != whole)
		return refuse(env, name, "a path");
	return 0;
}

napi_value spawn_number(napi_env env, int64_t number)
{
	napi_value value = NULL;

	(void)napi_create_int64(env, number, &value);
	return value;
}

static const char *code_name(int code)
{
	const char *name = strerrorname_np(code);

	return name ? name : "UNKNOWN";
}

static void set_string(napi_env env, napi_value object, const char *key, const char *text)
{
	napi_value value;

	if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok)
		(void)napi_set_named_property(env, object, key, value);
}

napi_value spawn_throw(napi_env env, int code, const char *call)
{
	const char *name = code_name(code);
	napi_value text, tag, error;
	char message[192];

	(void)snprintf(message, sizeof(message), "%s: %s, %s", name, strerror(code), call);
	if (napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text) != napi_ok ||
	    napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &tag) != napi_ok ||
	    napi_create_error(env, tag, text, &error) != napi_ok)
		return NULL;
	/* As Node's own system errors: the number is negative. */
	(void)napi_set_named_property(env, error, "errno", spawn_number(env, -code));
	set_string(env, error, "syscall", call);
	(void)napi_throw(env, error);
	return NULL;
}
