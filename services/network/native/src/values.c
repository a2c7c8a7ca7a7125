/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "values.h"

#include <stdio.h>
#include <string.h>

#include "cleanup.h"

#define STRING_MAX 4096

napi_value throw_type(napi_env env, const char *message)
{
	napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
	return NULL;
}

static bool refuse(napi_env env, const char *name, const char *wanted)
{
	char message[128];

	snprintf(message, sizeof(message), "%s must be %s", name, wanted);
	throw_type(env, message);
	return false;
}

bool is_undefined(napi_env env, napi_value value)
{
	napi_valuetype type;

	return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
	size_t given = count;

	if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok)
		return false;
	if (given + 1 < count || given > count) {
		throw_type(env, "wrong number of arguments");
		return false;
	}
	return true;
}

bool read_int(napi_env env, napi_value value, const char *name, int *out)
{
	double number;
	int32_t whole;

	if (napi_get_value_double(env, value, &number) != napi_ok || napi_get_value_int32(env, value, &whole) != napi_ok)
		return refuse(env, name, "an integer");
	if ((double)whole != number)
		return refuse(env, name, "an integer of 32 bits");
	*out = whole;
	return true;
}

bool read_string(napi_env env, napi_value value, const char *name, char **out)
{
	size_t length;
	auto_free char *text = NULL;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
		return refuse(env, name, "a string");
	if (length >= STRING_MAX)
		return refuse(env, name, "shorter than 4096 bytes");
	text = calloc(1, length + 1);
	if (!text || napi_get_value_string_utf8(env, value, text, length + 1, &length) != napi_ok)
		return refuse(env, name, "a string");
	if (strlen(text) != length)
		return refuse(env, name, "a string without NUL");
	*out = text;
	text = NULL;
	return true;
}

bool read_bytes(napi_env env, napi_value value, const char *name, unsigned char **data, size_t *length)
{
	napi_typedarray_type type;
	bool typed = false;
	void *start = NULL;

	if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed ||
	    napi_get_typedarray_info(env, value, &type, length, &start, NULL, NULL) != napi_ok ||
	    type != napi_uint8_array)
		return refuse(env, name, "a Uint8Array");
	*data = start;
	return true;
}

bool read_array_length(napi_env env, napi_value value, const char *name, uint32_t *length)
{
	bool is_array = false;

	if (napi_is_array(env, value, &is_array) != napi_ok || !is_array)
		return refuse(env, name, "an array");
	return napi_get_array_length(env, value, length) == napi_ok;
}

static void set_property(napi_env env, napi_value object, const char *name, napi_value value)
{
	napi_set_named_property(env, object, name, value);
}

static napi_value make_string(napi_env env, const char *text)
{
	napi_value value = NULL;

	napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
	return value;
}

napi_value make_error(napi_env env, const struct error *err)
{
	const char *code = strerrorname_np(err->number);
	const char *text = strerrordesc_np(err->number);
	char message[256];
	napi_value error = NULL;

	code = code ? code : "EUNKNOWN";
	snprintf(message, sizeof(message), "%s: %s, %s", code, text ? text : "unknown error", err->syscall);
	napi_create_error(env, make_string(env, code), make_string(env, message), &error);
	set_property(env, error, "errno", make_int(env, -err->number));
	set_property(env, error, "syscall", make_string(env, err->syscall));
	return error;
}

napi_value throw_error(napi_env env, const struct error *err)
{
	napi_throw(env, make_error(env, err));
	return NULL;
}

napi_value make_int(napi_env env, int number)
{
	napi_value value = NULL;

	napi_create_int32(env, number, &value);
	return value;
}

napi_value make_bytes(napi_env env, const unsigned char *data, size_t length)
{
	napi_value value = NULL;

	napi_create_buffer_copy(env, length, data, NULL, &value);
	return value;
}

napi_value make_undefined(napi_env env)
{
	napi_value value = NULL;

	napi_get_undefined(env, &value);
	return value;
}
