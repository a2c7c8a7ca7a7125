/* SPDX-License-Identifier: Apache-2.0
 *
 * The state directory: the control socket and the exit record.
 */
#ifndef CAISSON_STATE_H
#define CAISSON_STATE_H

#include <stdbool.h>

#include "error.h"
#include "exit_record.h"

struct state {
	int directory;
	int listener; /* control.sock */
	bool is_volatile; /* nothing has to survive a power cut */
	int exit;     /* the exit record, locked (flock) for as long as the monitor lives */
};

/* Makes socket and empty exit record. EBUSY: another monitor lives in this directory. */
int state_open(struct state *state, int directory, struct error *err);

/* Makes the exit record and its name durable, unless they are volatile. */
int state_sync(const struct state *state, struct error *err);

/* Writes the record, with its magic, version and CRC, and waits until it is on disk, unless it is volatile.
 * -1 and errno. */
int state_record(const struct state *state, struct exit_record *record);

/* Takes the socket's name away. */
void state_close(struct state *state);

#endif
