/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_UTF8_H
#define CAISSON_LAYER_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the UTF-8 sequence that starts here (RFC 3629), 0 when it is none. Not at the end of the string. */
size_t utf8_sequence(const char *text);
bool utf8_valid(const char *text);

#endif
