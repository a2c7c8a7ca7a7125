/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole trees: archives of few, colliding names (links, whiteouts, "..", one thing over another) written to a directory.
 * Three bytes of input are an entry. Whatever is in them, nothing beside the directory may change, and no mark of a
 * whiteout may be left as a name.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "remove.h"
#include "tree.h"

#define ENTRIES_MAX 24
#define SENTINEL "untouched"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const NAMES[16] = {
	"a",	   "b",	      "a/b",	   "b/a",	    "a/b/c",	"a/.wh.b", ".wh.a", "a/.wh..wh..opq",
	"../" SENTINEL, "/a", "./b/../a/c", ".wh..wh..opq", "b/.wh...", "a/.wh.", ".",	    "b/" SENTINEL,
};
static const char *const LINKS[8] = {"a", "b", "..", "/", "../" SENTINEL, "a/b", "../..", "b/.wh.a"};
static const char TYPES[8] = {'0', '5', '2', '1', '2', '5', '0', '6'};

static int outside = -1;
static struct stat before;
static char where[64];

struct feed {
	uint8_t bytes[(ENTRIES_MAX + 1) * 1024];
	size_t length;
	bool given;
};

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void clean_up(void)
{
	(void)unlinkat(outside, SENTINEL, 0);
	(void)rmdir(where);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	AUTO_FD int file = -1;

	(void)argc;
	(void)argv;
	umask(0);
	snprintf(where, sizeof(where), "/dev/shm/caisson-fuzz-XXXXXX");
	must(mkdtemp(where) != NULL, "cannot make a directory");
	atexit(clean_up);
	outside = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = openat(outside, SENTINEL, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	must(file >= 0 && write(file, "x", 1) == 1 && fstat(file, &before) == 0, "cannot make the file beside");
	return 0;
}

static void put_header(struct feed *feed, const uint8_t *what)
{
	uint8_t *block = feed->bytes + feed->length;
	bool is_file = TYPES[what[0] & 7] == '0';
	unsigned sum = 0;

	memset(block, 0, 1024);
	snprintf((char *)block, 100, "%s", NAMES[what[1] & 15]);
	snprintf((char *)block + 100, 8, "%07o", (what[0] & 0x18) ? 0755u : 04711u);
	snprintf((char *)block + 108, 8, "%07o", what[1] >> 4);
	snprintf((char *)block + 116, 8, "%07o", what[2] >> 4);
	snprintf((char *)block + 124, 12, "%011o", is_file ? 5u : 0u);
	snprintf((char *)block + 136, 12, "%011o", 1000u + what[2]);
	memset(block + 148, ' ', 8);
	block[156] = (uint8_t)TYPES[what[0] & 7];
	snprintf((char *)block + 157, 100, "%s", LINKS[what[2] & 7]);
	memcpy(block + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
	feed->length += is_file ? 1024 : 512;
}

static int next(void *context, const uint8_t **data, size_t *length, struct error *err)
{
	struct feed *feed = context;

	(void)err;
	*data = feed->bytes;
	*length = feed->length;
	if (feed->given)
		return 0;
	feed->given = true;
	return 1;
}

static bool write_tree(struct feed *feed, int target, const struct tree_options *options)
{
	static struct tar_entry entry;
	static struct tar_reader reader;
	static struct tree tree;
	struct error err;
	int more = -1;

	must(tree_open(&tree, target, options, &err) == 0, "cannot open the tree");
	must(tar_open(&reader, (struct tar_source){next, feed}, &err) == 0, "cannot open the archive");
	while ((more = tar_next(&reader, &entry, &err)) > 0)
		if (tree_add(&tree, &reader, &entry, &err) < 0)
			break;
	if (tree_close(&tree, &err) < 0)
		more = -1;
	tar_close(&reader);
	return more == 0;
}

/* No name of a mark is left. Takes the descriptor over. */
static void check_names(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *found;

	must(dir != NULL, "cannot list a directory");
	while ((found = readdir(dir)) != NULL) {
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		must(strncmp(found->d_name, ".wh.", 4) != 0, "the mark of a whiteout is left as a name");
		if (found->d_type == DT_DIR)
			check_names(fd_open_child(fd, found->d_name));
	}
	closedir(dir);
}

static void check_outside(void)
{
	struct stat now;
	DIR *dir = fdopendir(openat(outside, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int names = 0;

	must(dir != NULL, "cannot list what is beside");
	while (readdir(dir) != NULL)
		names++;
	closedir(dir);
	must(names == 4, "a name appeared or went beside the tree");
	must(fstatat(outside, SENTINEL, &now, AT_SYMLINK_NOFOLLOW) == 0, "the file beside is gone");
	must(now.st_ino == before.st_ino && now.st_nlink == 1 && now.st_size == 1 && now.st_mode == before.st_mode &&
		     now.st_uid == before.st_uid && now.st_mtim.tv_sec == before.st_mtim.tv_sec,
	     "the file beside was changed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct feed feed;
	struct tree_options options = {.max_bytes = 1 << 20, .max_entries = 1000, .uid_max = 14, .overlay = true};
	AUTO_FD int target = -1;
	struct error err;
	uint64_t count = 0;

	feed.length = 0;
	feed.given = false;
	if (size < 1)
		return 0;
	/* Marks at the root of an overlay need a privilege; without it they are only checked. */
	options.lowest = geteuid() != 0 || (data[0] & 1);
	for (size_t at = 1; at + 3 <= size && at < 1 + 3 * ENTRIES_MAX; at += 3)
		put_header(&feed, data + at);
	memset(feed.bytes + feed.length, 0, 1024);
	feed.length += 1024;
	must(mkdirat(outside, "tree", 0700) == 0, "cannot make the tree");
	target = openat(outside, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (write_tree(&feed, target, &options))
		check_names(openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	check_outside();
	must(remove_tree(outside, "tree", &count, &err) == 0, "cannot remove the tree");
	return 0;
}
