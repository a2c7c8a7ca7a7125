/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of the addon, one group a file. src/kernel/native.ts says what each takes and gives.
 */
#ifndef CAISSON_ADDON_H
#define CAISSON_ADDON_H

#include <node_api.h>

napi_value addon_request_async(napi_env env, napi_callback_info info);
napi_value addon_create_namespace(napi_env env, napi_callback_info info);
napi_value addon_open_name_sockets(napi_env env, napi_callback_info info);
napi_value addon_hand_over(napi_env env, napi_callback_info info);
napi_value addon_subscribe(napi_env env, napi_callback_info info);
napi_value addon_unsubscribe(napi_env env, napi_callback_info info);

#endif
