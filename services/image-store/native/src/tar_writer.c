/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tar_header_write.h"
#include "tar_parts.h"
#include "tar_records.h"

static const uint8_t zeros[2 * TAR_BLOCK];

int tar_writer_open(struct tar_writer *writer, const struct tar_sink *sink, struct error *err)
{
	memset(writer, 0, sizeof(*writer));
	writer->sink = *sink;
	writer->records = malloc(TAR_RECORDS_MAX);
	return writer->records ? 0 : error_system(err, ENOMEM, "setup", "cannot allocate buffers");
}

void tar_writer_free(struct tar_writer *writer)
{
	free(writer->records);
	writer->records = NULL;
}

static int put(struct tar_writer *writer, const void *data, size_t length, struct error *err)
{
	return length > 0 ? writer->sink.write(writer->sink.context, data, length, err) : 0;
}

static int put_padding(struct tar_writer *writer, struct error *err)
{
	size_t length = writer->padding;

	writer->padding = 0;
	return put(writer, zeros, length, err);
}

/* The entry before has to be whole. */
static int finish_entry(struct tar_writer *writer, struct error *err)
{
	if (writer->data_left > 0)
		return error_set(err, REASON_INVALID, "tar", "data of an entry is missing");
	return put_padding(writer, err);
}

static int put_pax_header(struct tar_writer *writer, const struct tar_item *item, struct error *err)
{
	if (writer->records_length == 0)
		return 0;
	tar_header_write_pax(writer->block, item->path, writer->records_length);
	if (put(writer, writer->block, TAR_BLOCK, err) < 0 ||
	    put(writer, writer->records, writer->records_length, err) < 0)
		return -1;
	return put(writer, zeros, tar_padding(writer->records_length), err);
}

static int check(const struct tar_item *item, struct error *err)
{
	size_t slash = item->type == TAR_DIR ? 1 : 0;

	if (strlen(item->path) + slash > TAR_PATH_MAX || (item->link && strlen(item->link) > TAR_PATH_MAX))
		return error_set(err, REASON_LIMIT, "tar", "a path is longer than %u bytes", TAR_PATH_MAX);
	if (item->major > TAR_DEVICE_MAX || item->minor > TAR_DEVICE_MAX)
		return error_set(err, REASON_INVALID, "tar", "a device number is larger than %u", TAR_DEVICE_MAX);
	return 0;
}

static int put_entry(struct tar_writer *writer, const struct tar_item *item, struct error *err)
{
	struct tar_records records = {.text = writer->records};
	char path[TAR_PATH_MAX + 1];

	if (finish_entry(writer, err) < 0 || check(item, err) < 0)
		return -1;
	tar_item_path(item, path);
	if (tar_records_of(&records, item, path, err) < 0)
		return -1;
	writer->records_length = records.length;
	if (put_pax_header(writer, item, err) < 0)
		return -1;
	tar_header_write(writer->block, item, path);
	writer->data_left = item->type == TAR_FILE ? item->size : 0;
	writer->padding = tar_padding(writer->data_left);
	return put(writer, writer->block, TAR_BLOCK, err);
}

int tar_writer_entry(struct tar_writer *writer, const struct tar_item *item, struct error *err)
{
	if (put_entry(writer, item, err) == 0)
		return 0;
	error_name(err, item->path);
	return -1;
}

int tar_writer_data(struct tar_writer *writer, const void *data, size_t length, struct error *err)
{
	if (length > writer->data_left)
		return error_set(err, REASON_INVALID, "tar", "more data than the entry's size");
	writer->data_left -= length;
	return put(writer, data, length, err);
}

int tar_writer_close(struct tar_writer *writer, struct error *err)
{
	return finish_entry(writer, err) < 0 ? -1 : put(writer, zeros, sizeof(zeros), err);
}
