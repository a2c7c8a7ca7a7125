/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fd.h"
#include "file_read.h"
#include "match.h"
#include "path.h"
#include "select.h"
#include "tar.h"
#include "walk.h"
#include "xattrs_read.h"

#define HEADER "caisson tree 1\n"

struct hashing {
	const struct tree_source *source;
	struct digest digest;
	bool patterned;
};

static int put(struct hashing *hashing, const void *data, size_t length, struct error *err)
{
	return digest_update(&hashing->digest, data, length, err);
}

static int put_number(struct hashing *hashing, uint64_t number, struct error *err)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	return put(hashing, bytes, sizeof(bytes), err);
}

static int put_bytes(struct hashing *hashing, const void *data, size_t length, struct error *err)
{
	return put_number(hashing, length, err) < 0 ? -1 : put(hashing, data, length, err);
}

static int put_string(struct hashing *hashing, const char *text, struct error *err)
{
	return put_bytes(hashing, text, strlen(text), err);
}

static int put_xattrs(struct hashing *hashing, int fd, struct error *err)
{
	static struct xattrs xattrs;

	xattrs_clear(&xattrs);
	if (fd >= 0 && xattrs_read(fd, &xattrs, err) < 0)
		return -1;
	if (put_number(hashing, xattrs.count, err) < 0)
		return -1;
	for (uint32_t i = 0; i < xattrs.count; i++)
		if (put_string(hashing, xattrs.bytes + xattrs.items[i].name, err) < 0 ||
		    put_bytes(hashing, xattrs.bytes + xattrs.items[i].value, xattrs.items[i].length, err) < 0)
			return -1;
	return 0;
}

static int put_piece(void *context, const uint8_t *data, size_t length, struct error *err)
{
	return put(context, data, length, err);
}

static int put_opened(struct hashing *hashing, const struct walk_entry *entry, struct error *err)
{
	bool file = S_ISREG(entry->about.st_mode);
	AUTO_FD int fd = path_reopen(entry->fd, file ? O_RDONLY : O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return path_failed(err, entry->path, "cannot open it");
	if (file && (put_number(hashing, (uint64_t)entry->about.st_size, err) < 0 ||
		     file_read(fd, (uint64_t)entry->about.st_size, true, put_piece, hashing, err) < 0))
		return -1;
	return put_xattrs(hashing, fd, err);
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	default:
		return 'p';
	}
}

static int put_content(struct hashing *hashing, const struct walk_entry *entry, struct error *err)
{
	char target[TAR_PATH_MAX + 1];
	mode_t mode = entry->about.st_mode;

	if (S_ISREG(mode) || S_ISDIR(mode))
		return put_opened(hashing, entry, err);
	if (S_ISLNK(mode) && (path_read_link(entry->fd, target, sizeof(target), err) < 0 ||
			      put_string(hashing, target, err) < 0))
		return -1;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && (put_number(hashing, major(entry->about.st_rdev), err) < 0 ||
						 put_number(hashing, minor(entry->about.st_rdev), err) < 0))
		return -1;
	return put_xattrs(hashing, -1, err);
}

static int visit(void *context, const struct walk_entry *entry, struct error *err)
{
	struct hashing *hashing = context;
	mode_t mode = S_ISLNK(entry->about.st_mode) ? 0777 : entry->about.st_mode & 07777;
	char type = type_of(entry->about.st_mode);

	if (entry->path[0] != '\0' && tree_source_excludes(hashing->source, entry->path))
		return 0;
	if (put(hashing, &type, 1, err) < 0 || put_string(hashing, entry->path, err) < 0 ||
	    put_number(hashing, mode, err) < 0 || put_number(hashing, entry->about.st_uid, err) < 0 ||
	    put_number(hashing, entry->about.st_gid, err) < 0 || put_content(hashing, entry, err) < 0)
		return -1;
	return 1;
}

static int take(void *context, const char *path, int fd, struct error *err)
{
	struct hashing *hashing = context;
	const struct walk_options options = {
		.max_entries = hashing->source->max_entries,
		.one_mount = hashing->source->one_mount,
		.visit = visit,
		.context = hashing,
	};

	if (hashing->patterned && (put(hashing, "m", 1, err) < 0 || put_string(hashing, path, err) < 0))
		return -1;
	return walk_tree(fd, &options, err);
}

int tree_hash(int root, const char *path, const struct tree_source *source, char text[DIGEST_TEXT_SIZE],
	      struct error *err)
{
	struct hashing hashing = {.source = source, .patterned = match_has_wildcard(path)};
	const struct selection selection = {.take = take, .context = &hashing};

	if (digest_open(&hashing.digest, err) < 0 || put(&hashing, HEADER, strlen(HEADER), err) < 0 ||
	    select_paths(root, path, &selection, err) < 0)
		return -1;
	return digest_finish(&hashing.digest, text, err);
}
