/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection to another server, for a question that came over one. Both return -1 when it is of no more use.
 */
#ifndef CAISSON_FORWARD_STREAM_H
#define CAISSON_FORWARD_STREAM_H

#include "forward.h"

/* As much of the query as goes; the answer is waited for once all is sent. */
int stream_send(struct forward *forward);
/* 1: the answer is whole. */
int stream_receive(struct forward *forward);

#endif
