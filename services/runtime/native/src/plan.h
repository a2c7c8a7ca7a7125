/* SPDX-License-Identifier: Apache-2.0
 *
 * The launch plan: everything a process needs to become a container, as data.
 *
 * The runtime service writes a plan, the monitor reads it once and obeys it step by step. There is no policy here: what
 * the plan does not say is not done. All integers are little endian and unsigned unless said.
 *
 *   header   magic "CPLN" (u32 0x4e4c5043) · u32 version · u32 bytes in all · u32 number of records
 *   record   u16 type · u16 zero · u32 bytes of payload · payload · zero bytes up to a multiple of 8
 *
 * A string is its bytes and one NUL; it holds no other NUL. A payload made of several strings has them one behind the
 * other. Records of the same type keep their order, and the order between types does not matter: the stages of a launch
 * are fixed (launch.c). An unknown type, a payload of the wrong shape, a second record of a type marked [1], or a byte
 * too many is an error, and nothing is started.
 */
#ifndef CAISSON_PLAN_H
#define CAISSON_PLAN_H

#define PLAN_MAGIC 0x4e4c5043u
#define PLAN_VERSION 1u
#define PLAN_MAX_BYTES (4u << 20)
#define PLAN_MAX_RECORDS 100000u

enum plan_record {
	/* ---- what to do ---- */
	PLAN_LAUNCH = 1,     /* [1] u32 kind (enum plan_kind), u32 flags (PLAN_LAUNCH_*) */
	PLAN_NAMESPACES,     /* [1] u64 CLONE_NEW* flags of the namespaces to make (create only) */
	PLAN_JOIN,           /* u64 one CLONE_NEW* flag, string path of the namespace file to join instead of making one.
	                      * CLONE_NEWNET may be an init-userns namespace: it is entered before the user namespace */
	PLAN_UID_MAP,        /* u32 inside, u32 outside, u32 count. One record a line of uid_map; none = no user namespace map.
	                      * With a user namespace that is joined they say what its map is */
	PLAN_GID_MAP,        /* the same for gid_map */
	PLAN_EXEC_TARGET,    /* [1] i32 pid of the container's init, u64 its start time (field 22 of /proc/pid/stat) so that a
	                      * reused pid is refused, u64 CLONE_NEW* flags of the namespaces to join (exec only) */

	/* ---- control groups ---- */
	PLAN_CGROUP_DIR = 16, /* u32 flags (PLAN_CGROUP_*), string absolute directory. Made if missing (parents too, 0755), the
	                       * process is put inside before its first instruction, removed after the last process is gone
	                       * when PLAN_CGROUP_REMOVE is set */
	PLAN_CGROUP_WRITE,    /* u32 flags (PLAN_CGROUP_OPTIONAL), string absolute file, string value. Written after all
	                       * directories are made and before the process is put inside */
	PLAN_CGROUP_DEVICES,  /* [1] eBPF instructions (struct bpf_insn[]) of a device program, attached to the v2 directory */
	PLAN_OOM_FILE,        /* [1] u32 kind (1: v2 memory.events, 2: v1 memory.oom_control), string absolute file: the monitor
	                       * reads the oom_kill counter at the start and at the end */
	PLAN_USAGE_FILE,      /* u32 kind (enum plan_usage), string absolute file read at the end into the exit record */

	/* ---- root file system (create only) ---- */
	PLAN_ROOT_OVERLAY = 32, /* [1] u32 flags (PLAN_MOUNT_*), u32 number of lowers, then strings: upperdir ("" = none, read
	                         * only), workdir, extra options ("" = none), lowers from the topmost to the lowest. Every
	                         * layer is id-mapped to the container's user namespace when there is one and
	                         * PLAN_MOUNT_IDMAP is set. upperdir and workdir share one parent directory */
	PLAN_ROOT_BIND,         /* [1] u32 flags (PLAN_MOUNT_*), string absolute directory */
	PLAN_ROOT_PROPAGATION,  /* [1] u32 MS_PRIVATE, MS_SLAVE or MS_SHARED; default MS_PRIVATE */

	/* ---- mounts below the root, done in order (create only). `target` is resolved inside the root by the kernel
	 * (openat2 RESOLVE_IN_ROOT | NO_MAGICLINKS); a missing target is made. For /proc and /sys, and below, no symbolic link is
	 * followed at all ---- */
	PLAN_MOUNT = 48,     /* u32 kind (enum plan_mount_kind), u32 flags (PLAN_MOUNT_*), string target, string source,
	                      * string options. See enum plan_mount_kind */
	PLAN_DEV_NODE,       /* u32 mode (S_IFCHR or S_IFBLK | permissions), u32 major, u32 minor, u32 uid, u32 gid (as seen
	                      * inside), string name relative to /dev: a node in the tmpfs of PLAN_MOUNT_DEV */
	PLAN_DEV_LINK,       /* string name relative to /dev, string what the link says */
	PLAN_MASK,           /* string path: a file is covered by /dev/null, a directory by an empty read-only tmpfs; missing: skip */
	PLAN_READONLY,       /* string path: bound onto itself read-only, recursively; missing: skip */

	/* ---- the process ---- */
	PLAN_HOSTNAME = 64,  /* [1] string */
	PLAN_DOMAINNAME,     /* [1] string */
	PLAN_SYSCTL,         /* string file relative to /proc/sys, string value */
	PLAN_ARGV,           /* string, one record an argument; at least one */
	PLAN_ENV,            /* string NAME=value, one record a variable */
	PLAN_CWD,            /* [1] u32 flags (1: make it if missing), string absolute path inside the root */
	PLAN_USER,           /* [1] u32 flags (1: set HOME from the passwd entry unless ENV has it; 2: refuse uid 0), string
	                      * "name|uid[:group|gid]" looked up in the root's /etc/passwd and /etc/group, "" = 0:0 */
	PLAN_GROUP,          /* string name|gid: one more supplementary group */
	PLAN_UMASK,          /* [1] u32 */
	PLAN_RLIMIT,         /* u32 resource (RLIMIT_*), u32 zero, u64 soft, u64 hard. A hard limit over what may be raised is
	                      * lowered to the limit in force when the flag PLAN_LAUNCH_CLAMP_RLIMITS is set */
	PLAN_CAPABILITIES,   /* [1] u64 bounding, u64 effective, u64 permitted, u64 inheritable, u64 ambient (bit n = capability n);
	                      * what cannot be granted is left out */
	PLAN_SECCOMP,        /* [1] u32 SECCOMP_FILTER_FLAG_*, u32 zero, struct sock_filter[] */
	PLAN_OOM_SCORE_ADJ,  /* [1] i32; a value that may not be lowered is raised to what is in force */
	PLAN_INIT,           /* [1] no payload: pid 1 is caisson-init (descriptor MONITOR_FD_INIT), argv runs as its child */

	/* ---- stdio and records ---- */
	PLAN_STDIO = 80,     /* [1] u32 flags (PLAN_STDIO_*), u16 rows, u16 columns (tty only; 0 = 24x80) */
	PLAN_LOG,            /* [1] u64 bytes a segment, u32 number of segments kept, u32 flags (PLAN_LOG_*). Absent: nothing is kept
	                      * and output is dropped */
};

enum plan_kind { PLAN_KIND_CREATE = 1, PLAN_KIND_EXEC = 2 };

#define PLAN_LAUNCH_BARRIER       0x1u /* stop after the namespaces exist (CONTROL_CREATED) until CONTROL_START */
#define PLAN_LAUNCH_NO_NEW_PRIVS  0x2u
#define PLAN_LAUNCH_CLAMP_RLIMITS 0x4u
#define PLAN_LAUNCH_VOLATILE      0x10u /* the exit record need not survive a power cut */
#define PLAN_LAUNCH_KILL_CGROUP   0x8u /* after the main process ended kill what is left in the cgroups (host pid namespace) */

#define PLAN_CGROUP_V2       0x1u /* the process is born there (CLONE_INTO_CGROUP) */
#define PLAN_CGROUP_REMOVE   0x2u
#define PLAN_CGROUP_OPTIONAL 0x4u /* failing to make, join or write it is not an error */
#define PLAN_CGROUP_EXISTS   0x8u /* must exist already (exec) */

/* What a usage file holds and how it is read into struct exit_record. */
enum plan_usage {
	PLAN_USAGE_CPU_USEC_STAT = 1, /* the line usage_usec of a v2 cpu.stat */
	PLAN_USAGE_CPU_NSEC = 2,      /* one number, nanoseconds (v1 cpuacct.usage) */
	PLAN_USAGE_MEMORY_PEAK = 3,   /* one number, bytes */
};

/* Attributes of a mount: the low bits are MOUNT_ATTR_* of mount_setattr(2), the high ones ours. */
#define PLAN_MOUNT_RDONLY   0x00000001u
#define PLAN_MOUNT_NOSUID   0x00000002u
#define PLAN_MOUNT_NODEV    0x00000004u
#define PLAN_MOUNT_NOEXEC   0x00000008u
#define PLAN_MOUNT_NOATIME  0x00000010u
#define PLAN_MOUNT_NOSYMFOLLOW 0x00200000u
#define PLAN_MOUNT_RECURSIVE 0x01000000u /* a bind takes the mounts below along, and attributes apply to all of them */
#define PLAN_MOUNT_IDMAP     0x02000000u /* map ids to the container's user namespace */
#define PLAN_MOUNT_OPTIONAL  0x04000000u /* a kernel that lacks this file system is not an error */
#define PLAN_MOUNT_FILE      0x08000000u /* a missing target is made as a regular file, not as a directory */
#define PLAN_MOUNT_COPY_UP   0x10000000u /* reserved: tmpcopyup */

enum plan_mount_kind {
	PLAN_MOUNT_FS = 1,   /* a new file system of type `source` made inside the container's namespaces; `options` is
	                      * "key=value,flag,..." given to fsconfig */
	PLAN_MOUNT_BIND = 2, /* `source` is an absolute path of the host, opened by the monitor before the container runs;
	                      * `options` is the part of it that is meant, resolved inside of it (RESOLVE_IN_ROOT), "" for all */
	PLAN_MOUNT_DEV = 3,  /* a tmpfs with the nodes and links of PLAN_DEV_*, made by the monitor; `options` as for FS */
	PLAN_MOUNT_SYSFS = 4, /* sysfs of the network namespace, made by the monitor */
	PLAN_MOUNT_CGROUP = 5, /* the container's view of its control groups; `options`: "v2" or the list of v1 hierarchies as
	                        * "name=controllers;name=controllers" ("cpu=cpu;systemd=none,name=systemd;unified=v2") mounted
	                        * below a tmpfs at target, after the cgroup namespace is unshared */
};

#define PLAN_STDIO_TTY        0x1u
#define PLAN_STDIO_STDIN      0x2u /* stdin is open for CONTROL_STDIN; otherwise it is /dev/null */
#define PLAN_STDIO_STDIN_ONCE 0x4u /* stdin closes when the first client that wrote to it goes away */

#define PLAN_LOG_HELD 0x1u /* nothing is dropped before somebody subscribes with a pin, while the first connection stands and
			    * says nothing else (CONTROL_LET_GO) */

#endif
