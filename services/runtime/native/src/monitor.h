/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor: the parts of its one loop, and the state that they share.
 */
#ifndef CAISSON_MONITOR_H
#define CAISSON_MONITOR_H

#include <sys/epoll.h>

#include "control.h"
#include "decode.h"
#include "input.h"
#include "launch.h"
#include "log.h"
#include "state.h"
#include "usage.h"

#define MONITOR_CONNECTIONS 64
#define MONITOR_BUFFER_BYTES 32768
#define FRAME_HEADER_BYTES 8
/* The largest frame that a monitor sends is CONTROL_FAILED. */
#define FRAME_BYTES (FRAME_HEADER_BYTES + 8 + ERROR_MESSAGE_SIZE)
/* The largest frame it keeps before it acts: all but CONTROL_STDIN, which goes to the input as it comes. */
#define COMMAND_BYTES (FRAME_HEADER_BYTES + 8)

/* What an event is about: kind << 32 | index. */
enum source { SOURCE_LISTENER = 1, SOURCE_CONNECTION, SOURCE_OUTPUT, SOURCE_INPUT, SOURCE_PROCESS, SOURCE_SYNC, SOURCE_OOM };

/* Frames that wait to be sent on a connection, in this order. */
enum notice {
	NOTICE_HELLO = 0x01,
	NOTICE_CREATED = 0x02,
	NOTICE_STARTED = 0x04,
	NOTICE_LOG = 0x08,
	NOTICE_OOM = 0x10,
	NOTICE_FAILED = 0x20,
	NOTICE_EXITED = 0x40,
};

struct connection {
	int fd; /* -1: free */
	uint32_t notices;
	uint32_t events; /* what epoll watches */
	bool subscribed;
	bool patient; /* hears nothing before there is something to say: hello alone costs a wake-up */
	bool wrote_input;
	bool holds;    /* its pin stands for a reader that has not come yet */
	uint32_t pin;  /* lowest segment that it needs, or LOG_UNPINNED */
	uint32_t left; /* bytes of the payload that are not kept: input, or skipped */
	bool left_is_input;
	uint32_t in_size, out_size, out_at;
	uint8_t in[COMMAND_BYTES];
	uint8_t out[FRAME_BYTES];
};

struct output {
	int fd; /* -1: at its end */
	enum log_stream stream;
	bool watched;
	bool counted;  /* the process ended: `left` is what it left behind */
	uint32_t left;
};

/* A chunk that was read and is not in the log yet; it is in the buffer. */
struct chunk {
	size_t size; /* 0: none */
	enum log_stream stream;
	uint64_t time_ns;
};

struct monitor {
	struct plan plan;
	struct launch launch;
	struct state state;
	struct log log;
	struct oom oom;
	struct input input;
	enum monitor_state phase;
	int epoll;
	int terminal; /* master, or -1 */
	int slave;    /* held open, or -1 */
	bool ready;   /* the child stands before its program */
	bool let_go;  /* and was told to execute it */
	bool groups;  /* the control groups are this monitor's to remove */
	bool failed;
	bool over;    /* nothing is left to do but to end */
	struct error error;
	struct output outputs[2];
	struct chunk chunk;
	int write_error; /* errno of the last failed write of the log, 0: it works */
	uint64_t retry_mono;
	uint64_t started_ns, started_mono;
	uint64_t ended_mono; /* 0: it runs */
	bool listening;
	uint32_t first_writer; /* connection that wrote to stdin first, plus 1 */
	struct exit_record record;
	struct connection connections[MONITOR_CONNECTIONS];
	uint8_t buffer[MONITOR_BUFFER_BYTES];
};

/* loop.c */
int monitor_watch(struct monitor *monitor, int fd, uint32_t events, enum source source, uint32_t index);
void monitor_unwatch(struct monitor *monitor, int fd);
void monitor_loop(struct monitor *monitor);

/* connection.c */
void connection_add(struct monitor *monitor, int fd);
void connection_accept(struct monitor *monitor);
void connection_event(struct monitor *monitor, uint32_t index, uint32_t events);
void connection_close(struct monitor *monitor, struct connection *connection);
/* Adds a notice to every connection, or to every subscriber, and sends what can be sent. */
void connection_tell(struct monitor *monitor, uint32_t notice, bool subscribers_only);
/* Sends what waits, for at most `milliseconds`, and closes every connection so that its reader gets all of it. */
void connection_finish(struct monitor *monitor, int milliseconds);
/* There is room for input again. */
void connection_resume_input(struct monitor *monitor);

/* notice.c: puts the next waiting frame of a connection into its `out`. */
void notice_fill(struct monitor *monitor, struct connection *connection);

/* command.c: does what the whole frame in connection->in says. */
void command_run(struct monitor *monitor, struct connection *connection);
/* Keeps what is written from now on for the first who subscribes with a pin, as long as this connection stands. */
void command_hold(struct monitor *monitor, struct connection *connection);
/* Whether a frame may have the header in connection->in; sets what of its payload is not kept. */
bool command_admit(struct connection *connection);
/* The lowest pin of all connections has changed. */
void command_update_pins(struct monitor *monitor);

/* output.c */
void output_add(struct monitor *monitor, int fd, enum log_stream stream);
void output_event(struct monitor *monitor, uint32_t index);
/* Tries again what could not be written. */
void output_retry(struct monitor *monitor);
/* Reads what an ended process left. True when nothing is left, or when it is given up. */
bool output_drain(struct monitor *monitor);

/* starting.c: a message of the child, or its end. */
void starting_event(struct monitor *monitor);
/* Lets the child execute its program. */
void starting_let_go(struct monitor *monitor);
void starting_fail(struct monitor *monitor, const struct error *error);

/* ending.c */
/* The main process ended. */
void ending_process(struct monitor *monitor);
/* Goes on with what the end needs; called again until monitor->over. */
void ending_continue(struct monitor *monitor);

#endif
