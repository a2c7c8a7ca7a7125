/* SPDX-License-Identifier: Apache-2.0
 *
 * Wildcards as Go's filepath.Match has them: "*" any characters but "/", "?" one character but "/", "[a-z]" and
 * "[^a-z]" one of a class, "\" takes the next character as it is. Characters are those of UTF-8; a byte that is not
 * UTF-8 is one too.
 */
#ifndef CAISSON_LAYER_MATCH_H
#define CAISSON_LAYER_MATCH_H

#include <stdbool.h>

/* Whether the pattern, all of it, is well formed. */
bool match_is_valid(const char *pattern);
bool match_has_wildcard(const char *pattern);

/* A well-formed pattern against a whole name. */
bool match_name(const char *pattern, const char *name);

/* A path against a pattern in which a component "**" stands for any number of directories. What is below a match
 * matches too. */
bool match_path(const char *pattern, const char *path);

#endif
