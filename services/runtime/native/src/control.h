/* SPDX-License-Identifier: Apache-2.0
 *
 * How the runtime service and a monitor talk.
 *
 * The monitor is started with four descriptors and no other (its argv is only its name, its environment is empty):
 *
 *   0, 1    /dev/null
 *   2       /dev/null, or where diagnostics go when someone debugs
 *   3  MONITOR_FD_CONTROL  one end of a unix stream socket pair: the first control connection
 *   4  MONITOR_FD_PLAN     a descriptor to read the launch plan from (plan.h), at offset 0
 *   5  MONITOR_FD_STATE    the state directory (O_PATH or O_DIRECTORY), mode 0700, owned by root
 *   6  MONITOR_FD_INIT     the static program caisson-init, or /dev/null when the plan has no PLAN_INIT
 *
 * In the state directory the monitor makes: `control.sock` (more control connections, SO_PEERCRED must say uid 0),
 * `exit` (exit_record.h), `log/00000001` and so on (log_record.h). It removes `control.sock` when it ends.
 *
 * Frames, both ways, little endian:  u32 bytes of payload · u32 type · payload (at most CONTROL_MAX_PAYLOAD)
 * A frame of an unknown type is skipped; one that breaks its shape closes the connection. Nothing a connection does or
 * fails to do (being slow, being gone) stops the container or loses output: what clients read comes from the log.
 */
#ifndef CAISSON_CONTROL_H
#define CAISSON_CONTROL_H

#define CONTROL_VERSION 1u
#define CONTROL_MAX_PAYLOAD 65536u

#define MONITOR_FD_CONTROL 3
#define MONITOR_FD_PLAN 4
#define MONITOR_FD_STATE 5
#define MONITOR_FD_INIT 6

enum control_type {
	/* ---- monitor to service ---- */
	CONTROL_HELLO = 1,   /* u32 version, u32 state (enum monitor_state), i32 pid of the main process in the host's pid
	                      * namespace (0: none yet), u32 zero, u64 its start time (field 22 of /proc/pid/stat), u64 started
	                      * at (CLOCK_REALTIME, ns), u32 current log segment, u32 zero, u64 bytes in it.
	                      * First frame on every connection */
	CONTROL_CREATED,     /* i32 pid, u32 zero, u64 start time: namespaces exist, the process waits for CONTROL_START */
	CONTROL_STARTED,     /* i32 pid, u32 zero, u64 start time, u64 started at (ns): the program was executed */
	CONTROL_FAILED,      /* u32 step (enum launch_step), i32 errno, string message: the launch failed; the monitor ends, it
	                      * leaves no mount, cgroup or process behind, and the exit record stays empty */
	CONTROL_LOG,         /* u32 segment, u32 zero, u64 bytes in it now: the log has grown (subscribers only, coalesced) */
	CONTROL_EXITED,      /* struct exit_record: durable before it is sent, and all output is in the log. The monitor ends */
	CONTROL_OOM,         /* u64 oom kills so far: told when it is seen (subscribers only) */

	/* ---- service to monitor ---- */
	CONTROL_START = 64,  /* no payload: leave the barrier */
	CONTROL_SIGNAL,      /* u32 signal, u32 0 = main process, 1 = every process of the container. By pidfd, never by pid */
	CONTROL_RESIZE,      /* u16 rows, u16 columns */
	CONTROL_SUBSCRIBE,   /* u32 flags (1: pin): send CONTROL_LOG from now on, one at once. A pinned reader's segments are not
	                      * dropped by rotation: the container's output waits when the reader falls a whole log behind */
	CONTROL_ACK,         /* u32 segment: a pinned reader is done with every segment before this one */
	CONTROL_STDIN,       /* bytes. The connection is not read on while they do not fit: use one of its own for stdin */
	CONTROL_STDIN_CLOSE, /* no payload */
	CONTROL_LET_GO,      /* no payload: a log that is held (PLAN_LOG_HELD) is not any more, for nobody is going to read it */
};

enum monitor_state { MONITOR_STARTING = 1, MONITOR_CREATED = 2, MONITOR_RUNNING = 3, MONITOR_EXITED = 4 };

/* Where a launch failed. The service turns step and errno into a typed error and into exit codes 125, 126 and 127. */
enum launch_step {
	STEP_PLAN = 1,       /* the plan cannot be read or is malformed */
	STEP_STATE,          /* the state directory: socket, exit record, log */
	STEP_CGROUP,         /* message names the file */
	STEP_NAMESPACE,      /* clone3, setns, id maps */
	STEP_ROOT,           /* the root file system */
	STEP_MOUNT,          /* message names the target */
	STEP_UNSAFE,         /* the root is hostile: message names the path */
	STEP_DEVICE,
	STEP_SYSCTL,         /* message names the key */
	STEP_USER,           /* no such user or group, or out of range */
	STEP_CWD,
	STEP_RLIMIT,
	STEP_CAPABILITY,
	STEP_SECCOMP,
	STEP_STDIO,
	STEP_EXEC,           /* ENOENT: not found (127); EACCES, ENOEXEC, EISDIR and others: cannot be run (126) */
	STEP_TARGET,         /* exec: the container is gone */
	STEP_INTERNAL,
};

#endif
