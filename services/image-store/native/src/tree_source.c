/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_source.h"

#include "match.h"

bool tree_source_excludes(const struct tree_source *source, const char *path)
{
	for (size_t i = 0; i < source->exclude_count; i++)
		if (match_path(source->excludes[i], path))
			return true;
	return false;
}

int tree_source_check(const struct tree_source *source, struct error *err)
{
	for (size_t i = 0; i < source->exclude_count; i++)
		if (!match_is_valid(source->excludes[i])) {
			error_record(err, REASON_INVALID, "path", "a pattern is malformed");
			error_name(err, source->excludes[i]);
			return -1;
		}
	return 0;
}
