/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tar_parts.h"

struct record {
	const char *key;
	size_t key_length;
	const char *value;
	size_t length;
};

struct target {
	struct tar_reader *reader;
	struct tar_extended *extended;
	struct tar_entry *entry;
	bool offset_pending; /* GNU.sparse.offset waits for its GNU.sparse.numbytes */
	uint64_t offset;
};

static int malformed(struct error *err, const char *what)
{
	return error_set(err, REASON_INVALID, "tar", "malformed pax header: %s", what);
}

static bool is_key(const struct record *record, const char *key)
{
	return record->key_length == strlen(key) && memcmp(record->key, key, record->key_length) == 0;
}

static bool key_starts(const struct record *record, const char *prefix)
{
	size_t size = strlen(prefix);

	return record->key_length >= size && memcmp(record->key, prefix, size) == 0;
}

/* "<length> <key>=<value>\n", where the length counts the whole record. */
static int next_record(char **text, size_t *left, struct record *record, struct error *err)
{
	char *space = memchr(*text, ' ', *left);
	uint64_t length;
	char *equals;
	char *end;

	if (!space || !tar_decimal(*text, (size_t)(space - *text), &length))
		return malformed(err, "record length");
	if (length > *left || length < (uint64_t)(space - *text) + 3)
		return malformed(err, "record length");
	end = *text + length - 1;
	equals = memchr(space + 1, '=', (size_t)(end - space - 1));
	if (*end != '\n' || !equals || equals == space + 1)
		return malformed(err, "record");
	record->key = space + 1;
	record->key_length = (size_t)(equals - record->key);
	record->value = equals + 1;
	record->length = (size_t)(end - record->value);
	*text = end + 1;
	*left -= length;
	return 0;
}

static int take_name(const struct record *record, char *out, struct error *err)
{
	if (record->length > TAR_PATH_MAX)
		return error_set(err, REASON_INVALID, "tar", "a path is longer than %u bytes", TAR_PATH_MAX);
	if (memchr(record->value, '\0', record->length))
		return error_set(err, REASON_INVALID, "tar", "a path contains NUL");
	memcpy(out, record->value, record->length);
	out[record->length] = '\0';
	return 0;
}

static int take_path(struct target *target, const struct record *record, enum tar_name_rank rank, struct error *err)
{
	/* An empty value takes back what an earlier record of the same kind said. */
	if (record->length == 0) {
		if (target->extended->path_rank == rank)
			target->extended->path_rank = NAME_HEADER;
		return 0;
	}
	if (target->extended->path_rank > rank)
		return 0;
	target->extended->path_rank = rank;
	return take_name(record, target->entry->path, err);
}

static int take_link(struct target *target, const struct record *record, struct error *err)
{
	target->extended->link_rank = record->length > 0 ? NAME_PAX : NAME_HEADER;
	return record->length > 0 ? take_name(record, target->entry->link, err) : 0;
}

static int take_number(const struct record *record, bool *has, uint64_t *value, struct error *err)
{
	*has = record->length > 0;
	if (*has && !tar_decimal(record->value, record->length, value))
		return malformed(err, "number");
	return 0;
}

static int take_mtime(struct target *target, const struct record *record, struct error *err)
{
	target->extended->has_mtime = record->length > 0;
	if (record->length > 0 && !tar_time(record->value, record->length, &target->extended->mtime))
		return malformed(err, "time");
	return 0;
}

static int take_sparse_pair(struct target *target, const struct record *record, struct error *err)
{
	uint64_t value;

	if (!tar_decimal(record->value, record->length, &value))
		return malformed(err, "number");
	target->extended->sparse = true;
	if (is_key(record, "GNU.sparse.offset")) {
		target->offset_pending = true;
		target->offset = value;
		return 0;
	}
	if (!target->offset_pending)
		return malformed(err, "GNU.sparse.numbytes without an offset");
	target->offset_pending = false;
	return tar_sparse_add(&target->reader->sparse, target->offset, value, err);
}

static int take_sparse(struct target *target, const struct record *record, struct error *err)
{
	struct tar_extended *extended = target->extended;
	bool has;

	if (is_key(record, "GNU.sparse.name"))
		return take_path(target, record, NAME_SPARSE, err);
	if (is_key(record, "GNU.sparse.offset") || is_key(record, "GNU.sparse.numbytes"))
		return take_sparse_pair(target, record, err);
	extended->sparse = true;
	if (is_key(record, "GNU.sparse.map")) {
		tar_sparse_clear(&target->reader->sparse);
		return tar_sparse_parse_map(&target->reader->sparse, record->value, record->length, err);
	}
	if (is_key(record, "GNU.sparse.size") || is_key(record, "GNU.sparse.realsize"))
		return take_number(record, &extended->has_real_size, &extended->real_size, err);
	if (is_key(record, "GNU.sparse.major"))
		return take_number(record, &has, &extended->sparse_major, err);
	if (is_key(record, "GNU.sparse.minor"))
		return take_number(record, &has, &extended->sparse_minor, err);
	return 0;
}

static int take(struct target *target, const struct record *record, struct error *err)
{
	static const char xattr[] = "SCHILY.xattr.";
	struct tar_extended *extended = target->extended;

	if (is_key(record, "path"))
		return take_path(target, record, NAME_PAX, err);
	if (is_key(record, "linkpath"))
		return take_link(target, record, err);
	if (is_key(record, "size"))
		return take_number(record, &extended->has_size, &extended->size, err);
	if (is_key(record, "uid"))
		return take_number(record, &extended->has_uid, &extended->uid, err);
	if (is_key(record, "gid"))
		return take_number(record, &extended->has_gid, &extended->gid, err);
	if (is_key(record, "mtime"))
		return take_mtime(target, record, err);
	if (key_starts(record, "GNU.sparse."))
		return take_sparse(target, record, err);
	if (key_starts(record, xattr))
		return xattrs_add(&target->entry->xattrs, record->key + sizeof(xattr) - 1,
				  record->key_length - (sizeof(xattr) - 1), record->value, record->length, err);
	return 0;
}

static int take_all(struct target *target, char *text, size_t length, struct error *err)
{
	struct record record;

	while (length > 0) {
		if (next_record(&text, &length, &record, err) < 0 || take(target, &record, err) < 0)
			return -1;
	}
	return target->offset_pending ? malformed(err, "GNU.sparse.offset without a length") : 0;
}

int tar_pax_parse(struct tar_reader *reader, struct tar_entry *entry, char *text, size_t length, struct error *err)
{
	struct target target = {.reader = reader, .extended = &reader->extended, .entry = entry};

	return take_all(&target, text, length, err);
}

int tar_pax_parse_global(struct tar_reader *reader, struct tar_entry *scratch, char *text, size_t length,
			 struct error *err)
{
	struct tar_extended said = {0};
	struct target target = {.reader = reader, .extended = &said, .entry = scratch};
	struct tar_global *global = &reader->global;
	uint32_t xattrs = scratch->xattrs.count;

	if (take_all(&target, text, length, err) < 0)
		return -1;
	/* One name or size for all entries to come makes no sense but to a parser that is to be confused. */
	if (said.path_rank || said.link_rank || said.has_size || said.sparse || scratch->xattrs.count > xattrs)
		return malformed(err, "a global header may only set times and owners");
	if (said.has_uid) {
		global->has_uid = true;
		global->uid = said.uid;
	}
	if (said.has_gid) {
		global->has_gid = true;
		global->gid = said.gid;
	}
	if (said.has_mtime) {
		global->has_mtime = true;
		global->mtime = said.mtime;
	}
	return 0;
}
