/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel counted for a container: kills for memory, time, peak memory.
 */
#ifndef CAISSON_USAGE_H
#define CAISSON_USAGE_H

#include "decode.h"
#include "exit_record.h"

struct oom {
	uint64_t start; /* kills before the process was there */
	uint64_t seen;  /* since then */
	uint32_t looks; /* more looks at the counter: version 1 tells before it counts */
	int fd;         /* to be watched (EPOLLPRI for v2, EPOLLIN for v1), or -1 */
	uint32_t kind;  /* of PLAN_OOM_FILE; 0: none */
};

/* Notes where the counter starts. A counter that cannot be read counts nothing. */
void oom_begin(const struct plan *plan, struct oom *oom);

/* Opens what tells of kills while they happen; oom->fd is -1 where the kernel offers nothing. */
void oom_watch(const struct plan *plan, struct oom *oom);

/* Reads the counter, and makes the descriptor wait for the next kill. */
void oom_read(const struct plan *plan, struct oom *oom);

/* Reads the usage files into the record. What cannot be read stays 0. */
void usage_read(const struct plan *plan, struct exit_record *record);

#endif
