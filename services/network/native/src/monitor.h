/* SPDX-License-Identifier: Apache-2.0
 *
 * Watches multicast groups of a netlink socket on a thread of its own.
 */
#ifndef CAISSON_MONITOR_H
#define CAISSON_MONITOR_H

#include <stddef.h>

#include "error.h"

/* Called on the monitor's thread. `data` is NULL when the kernel dropped notifications: look at everything anew. */
typedef void (*monitor_notify)(void *context, const unsigned char *data, size_t length);

struct monitor;

/* Takes over `netlink_fd`, also when it fails. NULL on failure. */
struct monitor *monitor_start(int netlink_fd, monitor_notify notify, void *context, struct error *err);

/* After it returns, notify is not called any more. */
void monitor_stop(struct monitor *monitor);

#endif
