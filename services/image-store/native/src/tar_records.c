/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_records.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tar_header_write.h"
#include "utf8.h"

#define XATTR_PREFIX "SCHILY.xattr."

static int append(struct tar_records *records, const char *prefix, const char *key, const void *value, size_t length,
		  struct error *err)
{
	size_t rest = strlen(prefix) + strlen(key) + length + 3;
	size_t total = rest + 1;

	while (total < rest + (size_t)snprintf(NULL, 0, "%zu", total))
		total++;
	if (total >= TAR_RECORDS_MAX - records->length)
		return error_set(err, REASON_LIMIT, "tar", "the attributes of an entry do not fit into the archive");
	records->length += (size_t)sprintf(records->text + records->length, "%zu %s%s=", total, prefix, key);
	if (length > 0)
		memcpy(records->text + records->length, value, length);
	records->length += length;
	records->text[records->length++] = '\n';
	return 0;
}

static int append_text(struct tar_records *records, const char *key, const char *value, struct error *err)
{
	return append(records, "", key, value, strlen(value), err);
}

static int append_number(struct tar_records *records, const char *key, uint64_t value, uint64_t max, struct error *err)
{
	char text[24];

	if (value <= max)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return append_text(records, key, text, err);
}

/* Seconds with a sign and as much of a fraction as there is. */
static int append_mtime(struct tar_records *records, const struct timespec *time, struct error *err)
{
	bool negative = time->tv_sec < 0;
	bool borrowed = negative && time->tv_nsec > 0;
	long long seconds = (long long)time->tv_sec + (borrowed ? 1 : 0);
	long nanoseconds = borrowed ? 1000000000L - time->tv_nsec : time->tv_nsec;
	char text[40];
	int length;

	if (tar_time_fits(time))
		return 0;
	length = snprintf(text, sizeof(text), "%s%llu.%09ld", negative ? "-" : "",
			  negative ? -(unsigned long long)seconds : (unsigned long long)seconds, nanoseconds);
	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[--length] = '\0';
	return append_text(records, "mtime", text, err);
}

static int compare_names(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static const struct xattr *find(const struct xattrs *xattrs, const char *name)
{
	const struct xattr *item = xattrs->items;

	while (xattrs->bytes + item->name != name)
		item++;
	return item;
}

static int append_xattrs(struct tar_records *records, const struct xattrs *xattrs, struct error *err)
{
	const char *names[XATTRS_MAX];

	for (uint32_t i = 0; i < xattrs->count; i++)
		names[i] = xattrs->bytes + xattrs->items[i].name;
	qsort(names, xattrs->count, sizeof(*names), compare_names);
	for (uint32_t i = 0; i < xattrs->count; i++) {
		const struct xattr *item = find(xattrs, names[i]);

		if (strchr(names[i], '='))
			return error_set(err, REASON_INVALID, "tar", "the name of an extended attribute has a \"=\"");
		if (append(records, XATTR_PREFIX, names[i], xattrs->bytes + item->value, item->length, err) < 0)
			return -1;
	}
	return 0;
}

static int append_names(struct tar_records *records, const char *path, const char *link, struct error *err)
{
	if ((!utf8_valid(path) || !utf8_valid(link)) && append_text(records, "hdrcharset", "BINARY", err) < 0)
		return -1;
	if (!tar_name_fits(path) && append_text(records, "path", path, err) < 0)
		return -1;
	return tar_name_fits(link) ? 0 : append_text(records, "linkpath", link, err);
}

int tar_records_of(struct tar_records *records, const struct tar_item *item, const char *path, struct error *err)
{
	if (append_names(records, path, item->link ? item->link : "", err) < 0)
		return -1;
	if (item->type == TAR_FILE && append_number(records, "size", item->size, TAR_SIZE_MAX, err) < 0)
		return -1;
	if (append_number(records, "uid", item->uid, TAR_ID_MAX, err) < 0 ||
	    append_number(records, "gid", item->gid, TAR_ID_MAX, err) < 0 ||
	    append_mtime(records, &item->mtime, err) < 0)
		return -1;
	return item->xattrs ? append_xattrs(records, item->xattrs, err) : 0;
}
