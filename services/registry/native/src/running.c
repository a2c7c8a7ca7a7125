/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <errno.h>
#include <stdlib.h>

#include "addon.h"

static const napi_type_tag running_tag = { 0x6361697373686173, 0x682d72756e6e696e };

static void free_running(napi_env env, void *data, void *hint)
{
	struct running *running = data;

	(void)env;
	(void)hint;
	EVP_MD_CTX_free(running->context);
	free(running);
}

napi_value running_wrap(napi_env env, EVP_MD_CTX *context)
{
	struct running *running = calloc(1, sizeof(*running));
	napi_value object = NULL;

	if (!running || !context) {
		EVP_MD_CTX_free(context);
		free(running);
		return throw_number(env, ENOMEM);
	}
	running->context = context;
	if (napi_create_object(env, &object) != napi_ok || napi_type_tag_object(env, object, &running_tag) != napi_ok ||
	    napi_wrap(env, object, running, free_running, NULL, NULL) != napi_ok) {
		free_running(env, running, NULL);
		return throw_number(env, ENOMEM);
	}
	return object;
}

struct running *running_unwrap(napi_env env, napi_value value)
{
	struct running *running = NULL;
	bool is_ours = false;

	if (napi_check_object_type_tag(env, value, &running_tag, &is_ours) != napi_ok || !is_ours ||
	    napi_unwrap(env, value, (void **)&running) != napi_ok || running->is_busy) {
		napi_throw_type_error(env, NULL, "this is no digest that is free to be used");
		return NULL;
	}
	return running;
}

EVP_MD_CTX *running_copy(const struct running *running)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context && EVP_MD_CTX_copy_ex(context, running->context) != 1) {
		EVP_MD_CTX_free(context);
		return NULL;
	}
	return context;
}
