/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files of the kernel: written whole, read whole.
 */
#ifndef CAISSON_FILES_H
#define CAISSON_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes `size` bytes with one write(2) to a file below `dir` that exists. -1 and errno. */
int files_write(int dir, const char *path, const char *value, size_t size);

/* Reads up to size - 1 bytes and ends them with a NUL. Number of bytes, or -1 and errno. */
ssize_t files_read(int dir, const char *path, char *buffer, size_t size);

/* Reads a decimal number at the start of `text`. False when there is none or it does not fit. */
bool files_number(const char *text, uint64_t *value);

/* The number behind `key` and a blank at the start of a line. False when there is no such line. */
bool files_keyed_number(const char *text, const char *key, uint64_t *value);

/* Writes `value` in decimal, with its NUL. Returns the number of digits. `buffer` has 21 bytes. */
size_t files_format(char *buffer, uint64_t value);

/* Start time (field 22 of /proc/pid/stat) of a process; 0 when it is gone. */
uint64_t files_start_time(pid_t pid);

/* The pid of a pidfd's process, in the namespace of /proc; 0 when it is gone. */
pid_t files_pid_of(int pidfd);

/* "/proc/<pid>/<name>" into a buffer of 64 bytes. */
void files_proc_path(char *buffer, pid_t pid, const char *name);

#endif
