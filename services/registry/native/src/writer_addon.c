/* SPDX-License-Identifier: Apache-2.0
 *
 * The boundary to TypeScript: src/native/native-writer.ts says what the functions take and give. The hash functions are
 * those of the OpenSSL that Node has in itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addon.h"
#include "running.h"
#include "writer.h"

struct job {
	napi_async_work work;
	napi_deferred deferred;
	napi_ref kept; /* the hash, and the pieces behind it */
	struct running *hash;
	int file;
	off_t offset;
	int error;
	uint32_t count;
	struct iovec pieces[];
};

static napi_value only_argument(napi_env env, napi_callback_info info)
{
	napi_value value = NULL;
	size_t count = 1;

	napi_get_cb_info(env, info, &count, &value, NULL, NULL);
	return value;
}

/* begin(algorithm) */
static napi_value begin(napi_env env, napi_callback_info info)
{
	char name[8] = "";
	size_t length = 0;
	EVP_MD_CTX *context;

	napi_get_value_string_utf8(env, only_argument(env, info), name, sizeof(name), &length);
	if (strcmp(name, "sha256") != 0 && strcmp(name, "sha512") != 0) {
		napi_throw_type_error(env, NULL, "begin takes sha256 or sha512");
		return NULL;
	}
	context = EVP_MD_CTX_new();
	if (context && EVP_DigestInit_ex(context, name[3] == '2' ? EVP_sha256() : EVP_sha512(), NULL) != 1) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return running_wrap(env, context);
}

/* copy(hash) */
static napi_value copy(napi_env env, napi_callback_info info)
{
	struct running *running = running_unwrap(env, only_argument(env, info));

	return running ? running_wrap(env, running_copy(running)) : NULL;
}

/* hex(hash): the hash can go on. */
static napi_value hex(napi_env env, napi_callback_info info)
{
	static const char digits[] = "0123456789abcdef";
	struct running *running = running_unwrap(env, only_argument(env, info));
	unsigned char sum[EVP_MAX_MD_SIZE];
	char text[2 * EVP_MAX_MD_SIZE];
	unsigned length = 0;
	napi_value result = NULL;
	EVP_MD_CTX *context;

	if (!running)
		return NULL;
	context = running_copy(running);
	if (!context || EVP_DigestFinal_ex(context, sum, &length) != 1)
		length = 0;
	EVP_MD_CTX_free(context);
	if (length == 0)
		return throw_number(env, ENOMEM);
	for (unsigned i = 0; i < length; i++) {
		text[2 * i] = digits[sum[i] >> 4];
		text[2 * i + 1] = digits[sum[i] & 15];
	}
	napi_create_string_latin1(env, text, 2 * length, &result);
	return result;
}

/* On a thread of the pool. */
static void work(napi_env env, void *data)
{
	struct job *job = data;

	(void)env;
	job->error = write_pieces(job->hash ? job->hash->context : NULL, job->file, job->offset, job->pieces, job->count);
}

/* Gives the memory of a piece back now rather than when its garbage is collected, unless others have a part of it. */
static void release(napi_env env, napi_value piece)
{
	size_t length = 0, whole = 0;
	napi_value buffer = NULL;

	if (napi_get_typedarray_info(env, piece, NULL, &length, NULL, &buffer, NULL) == napi_ok &&
	    napi_get_arraybuffer_info(env, buffer, NULL, &whole) == napi_ok && whole == length)
		napi_detach_arraybuffer(env, buffer);
}

static void release_all(napi_env env, const struct job *job)
{
	napi_value kept = NULL;

	if (napi_get_reference_value(env, job->kept, &kept) != napi_ok || !kept)
		return;
	for (uint32_t i = 1; i <= job->count; i++) {
		napi_value piece = NULL;

		if (napi_get_element(env, kept, i, &piece) == napi_ok)
			release(env, piece);
	}
}

static void free_job(napi_env env, struct job *job)
{
	if (job->hash)
		job->hash->is_busy = false;
	if (job->kept)
		napi_delete_reference(env, job->kept);
	if (job->work)
		napi_delete_async_work(env, job->work);
	if (job->file >= 0)
		close(job->file);
	free(job);
}

/* On the main thread. */
static void settle(napi_env env, napi_status status, void *data)
{
	struct job *job = data;
	napi_deferred deferred = job->deferred;
	int error = status == napi_cancelled ? ECANCELED : job->error;
	napi_value undefined = NULL;

	release_all(env, job);
	free_job(env, job);
	napi_get_undefined(env, &undefined);
	if (error)
		napi_reject_deferred(env, deferred, make_error(env, error));
	else
		napi_resolve_deferred(env, deferred, undefined);
}

/* Takes what the pieces point at, and keeps them. */
static bool read_pieces(napi_env env, napi_value list, napi_value kept, struct job *job)
{
	for (uint32_t i = 0; i < job->count; i++) {
		napi_value piece = NULL;
		bool is_bytes = false;

		if (napi_get_element(env, list, i, &piece) != napi_ok || napi_is_buffer(env, piece, &is_bytes) != napi_ok || !is_bytes ||
		    napi_get_buffer_info(env, piece, &job->pieces[i].iov_base, &job->pieces[i].iov_len) != napi_ok ||
		    napi_set_element(env, kept, i + 1, piece) != napi_ok)
			return false;
	}
	return true;
}

/* NULL for what is no hash, file, offset and list of buffers; or when there is no memory. */
static struct job *read_job(napi_env env, napi_value values[4])
{
	napi_valuetype kind = napi_undefined;
	napi_value kept = NULL;
	double file, offset;
	struct job *job;
	uint32_t count;

	if (napi_get_array_length(env, values[3], &count) != napi_ok || !read_number(env, values[1], INT32_MAX, &file) ||
	    !read_number(env, values[2], 9007199254740991.0, &offset))
		return NULL;
	job = calloc(1, sizeof(*job) + count * sizeof(job->pieces[0]));
	if (!job)
		return NULL;
	job->count = count;
	job->offset = (off_t)offset;
	job->file = fcntl((int)file, F_DUPFD_CLOEXEC, 0);
	napi_typeof(env, values[0], &kind);
	if (job->file < 0 || napi_create_array_with_length(env, count + 1, &kept) != napi_ok || !read_pieces(env, values[3], kept, job) ||
	    napi_set_element(env, kept, 0, values[0]) != napi_ok || napi_create_reference(env, kept, 1, &job->kept) != napi_ok ||
	    (kind != napi_undefined && !(job->hash = running_unwrap(env, values[0])))) {
		free_job(env, job);
		return NULL;
	}
	return job;
}

/* write(hash, file, offset, pieces) */
static napi_value write_to_file(napi_env env, napi_callback_info info)
{
	napi_value values[4], name = NULL, promise = NULL;
	bool is_thrown = false;
	struct job *job;
	size_t count = 4;

	napi_get_cb_info(env, info, &count, values, NULL, NULL);
	job = read_job(env, values);
	if (!job) {
		if (napi_is_exception_pending(env, &is_thrown) == napi_ok && !is_thrown)
			napi_throw_type_error(env, NULL, "write takes a digest or undefined, an open file, an offset, and buffers");
		return NULL;
	}
	napi_create_string_utf8(env, "caisson.write", NAPI_AUTO_LENGTH, &name);
	if (napi_create_async_work(env, NULL, name, work, settle, job, &job->work) != napi_ok ||
	    napi_create_promise(env, &job->deferred, &promise) != napi_ok) {
		free_job(env, job);
		return throw_number(env, ENOMEM);
	}
	if (job->hash)
		job->hash->is_busy = true;
	if (napi_queue_async_work(env, job->work) != napi_ok) {
		job->error = EAGAIN;
		settle(env, napi_ok, job);
	}
	return promise;
}

/* The macro below defines it without a prototype. */
NAPI_MODULE_EXPORT int32_t NODE_API_MODULE_GET_API_VERSION(void);

NAPI_MODULE_INIT()
{
	const napi_property_descriptor functions[] = {
		{ "begin", NULL, begin, NULL, NULL, NULL, napi_enumerable, NULL },
		{ "copy", NULL, copy, NULL, NULL, NULL, napi_enumerable, NULL },
		{ "hex", NULL, hex, NULL, NULL, NULL, napi_enumerable, NULL },
		{ "write", NULL, write_to_file, NULL, NULL, NULL, napi_enumerable, NULL },
	};

	if (napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions) != napi_ok)
		return NULL;
	return exports;
}
