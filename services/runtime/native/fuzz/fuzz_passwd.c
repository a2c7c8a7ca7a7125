/* SPDX-License-Identifier: Apache-2.0
 *
 * The first line is the name that is looked for; the rest is the file.
 */
#include <stdlib.h>
#include <string.h>

#include "passwd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	const char *end;
	struct slice name, text;
	struct passwd_entry entry;
	uint32_t id = 0, groups[8];
	int count = 0;

	memcpy(copy, data, size);
	end = size ? memchr(copy, '\n', size) : NULL;
	name = (struct slice){ copy, end ? (size_t)(end - copy) : size };
	text = (struct slice){ copy + name.length, size - name.length };
	if (id_parse(name, &id) == ID_NUMBER && id > PASSWD_MAX_ID)
		abort();
	if (passwd_find_name(text, name, &entry) == 1 && (entry.uid > PASSWD_MAX_ID || entry.name.length != name.length))
		abort();
	if (passwd_find_uid(text, id, &entry) == 1 && entry.uid != id)
		abort();
	(void)group_find_name(text, name, &id);
	if (group_find_member(text, name, groups, &count, 8) == 0 && count > 8)
		abort();
	free(copy);
	return 0;
}
