/* SPDX-License-Identifier: Apache-2.0
 *
 * What went wrong, in the words that the caller of the program is told. Functions return a negative number exactly when
 * they have set their error.
 */
#ifndef CAISSON_LAYER_ERROR_H
#define CAISSON_LAYER_ERROR_H

#include <stdarg.h>
#include <stddef.h>

enum reason {
	REASON_NONE = 0,
	REASON_UNSAFE_CONTENT, /* the layer tries something that no honest layer needs */
	REASON_LIMIT,          /* larger than the caller allows, or than this program can hold */
	REASON_INVALID,        /* not a layer: malformed compression, tar or arguments */
	REASON_NOSPACE,        /* the target's file system, quota or inode table is full */
	REASON_TRUNCATED,      /* the input ends too early */
	REASON_MISSING,        /* there is nothing at the path */
	REASON_NOT_DIRECTORY,  /* something on the path, or at its end, is no directory */
	REASON_KIND,           /* a directory would take the place of something else, or the other way round */
	REASON_READ_ONLY,      /* the file system takes no changes */
	REASON_DENIED,         /* the root of the container may not do it either */
	REASON_BUSY,           /* something is mounted there */
	REASON_RACE,           /* the tree changed in a way that leaves no right answer */
	REASON_GONE,           /* the process whose tree was meant has ended */
	REASON_IO,             /* everything else that the kernel refused */
};

#define ERROR_PATH_SIZE 4097

struct error {
	enum reason reason;
	int number;                 /* errno, or 0 */
	const char *step;           /* a short fixed word: read, inflate, tar, name, write, ... */
	char path[ERROR_PATH_SIZE]; /* the entry concerned as the archive names it, or empty */
	char message[256];
};

void error_record(struct error *err, enum reason reason, const char *step, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void error_record_system(struct error *err, enum reason reason, int number, const char *step, const char *what);
enum reason error_reason_of(int number);

/* Gives -1, so that a function can `return error_set(...)`; a macro, so that the compiler sees that. */
#define error_set(err, reason, step, ...) (error_record((err), (reason), (step), __VA_ARGS__), -1)

static inline int error_system_as(struct error *err, enum reason reason, int number, const char *step, const char *what)
{
	error_record_system(err, reason, number, step, what);
	return -1;
}

/* Takes the reason from the errno value. */
static inline int error_system(struct error *err, int number, const char *step, const char *what)
{
	return error_system_as(err, error_reason_of(number), number, step, what);
}

/* Names the entry concerned, unless one is named already. */
void error_name(struct error *err, const char *path);

const char *reason_word(enum reason reason);

#endif
