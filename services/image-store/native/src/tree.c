/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <linux/openat2.h>
#include <string.h>

#include "tree_parts.h"

int tree_open(struct tree *tree, int target, const struct tree_options *options, struct error *err)
{
	memset(tree, 0, sizeof(*tree));
	tree->options = *options;
	if (dirs_open(&tree->dirs, target, err) < 0)
		return -1;
	if (options->in_use) {
		tree->dirs.resolve = options->whole ? RESOLVE_IN_ROOT : RESOLVE_BENEATH;
		tree->dirs.natural_times = true;
		tree->dirs.items[0].timed = false;
	}
	return 0;
}

int tree_close(struct tree *tree, struct error *err)
{
	return dirs_close(&tree->dirs, err);
}

static int check_limits(struct tree *tree, const struct tar_entry *entry, struct error *err)
{
	const struct tree_options *options = &tree->options;

	if (entry->uid > options->uid_max || entry->gid > options->uid_max)
		return error_set(err, REASON_UNSAFE_CONTENT, "attributes", "a user or group id is larger than %llu",
				 (unsigned long long)options->uid_max);
	if (tree->entries + tree->implied >= options->max_entries)
		return error_set(err, REASON_LIMIT, "create", "more than %llu entries",
				 (unsigned long long)options->max_entries);
	if (entry->size > options->max_bytes - tree->bytes)
		return error_set(err, REASON_LIMIT, "write", "the files are larger than %llu bytes together",
				 (unsigned long long)options->max_bytes);
	tree->entries++;
	tree->bytes += entry->size;
	return 0;
}

static int add_ordinary(struct tree *tree, struct tar_reader *reader, const struct name *name,
			const struct tar_entry *entry, struct error *err)
{
	if (name->length == 0 && entry->type != TAR_DIR)
		return error_set(err, REASON_UNSAFE_CONTENT, "name", "the root of the layer is not a directory");
	switch (entry->type) {
	case TAR_FILE:
		return tree_add_file(tree, reader, name, entry, err);
	case TAR_DIR:
		return tree_add_dir(tree, name, entry, err);
	case TAR_SYMLINK:
		return tree_add_symlink(tree, name, entry, err);
	case TAR_HARDLINK:
		return tree_add_hardlink(tree, name, entry, err);
	case TAR_CHAR:
	case TAR_BLOCK_DEVICE:
	case TAR_FIFO:
		return tree_add_device(tree, name, entry, err);
	}
	return error_set(err, REASON_INVALID, "tar", "unknown type of entry");
}

static int add_named(struct tree *tree, struct tar_reader *reader, const struct name *name,
		     const struct tar_entry *entry, struct error *err)
{
	enum name_kind kind = NAME_ORDINARY;

	if (tree->options.overlay && name_classify(name, &kind, err) < 0)
		return -1;
	switch (kind) {
	case NAME_METADATA:
		return 0;
	case NAME_WHITEOUT:
		return tree_add_whiteout(tree, name, entry, err);
	case NAME_OPAQUE:
		return tree_add_opaque(tree, name, entry, err);
	case NAME_ORDINARY:
		return add_ordinary(tree, reader, name, entry, err);
	}
	return 0;
}

int tree_add(struct tree *tree, struct tar_reader *reader, const struct tar_entry *entry, struct error *err)
{
	struct name name;

	if (check_limits(tree, entry, err) < 0 || name_parse(&name, entry->path, err) < 0 ||
	    add_named(tree, reader, &name, entry, err) < 0) {
		error_name(err, entry->path);
		return -1;
	}
	return 0;
}
