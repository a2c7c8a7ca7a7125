/* SPDX-License-Identifier: Apache-2.0
 *
 * A digest that is being made, as an object of JavaScript.
 */
#ifndef CAISSON_RUNNING_H
#define CAISSON_RUNNING_H

#include <node_api.h>
#include <openssl/evp.h>
#include <stdbool.h>

struct running {
	EVP_MD_CTX *context;
	bool is_busy; /* a write adds to it */
};

/* Makes the object, which takes the context over; NULL stands for one that there was no memory for. NULL: it has thrown. */
napi_value running_wrap(napi_env env, EVP_MD_CTX *context);

/* What is in the object. NULL: it is something else or busy, and a TypeError is thrown. */
struct running *running_unwrap(napi_env env, napi_value value);

/* A copy of the context; NULL when there is no memory. */
EVP_MD_CTX *running_copy(const struct running *running);

#endif
