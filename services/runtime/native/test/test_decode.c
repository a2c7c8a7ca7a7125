/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <sys/mount.h>

#include "kernel.h"
#include "plan_builder.h"
#include "tap.h"

static void add_launch(struct builder *builder, uint64_t kind)
{
	builder_add(builder, PLAN_LAUNCH, "ii", kind, N(0));
}

static void add_basics(struct builder *builder)
{
	builder_begin(builder);
	add_launch(builder, PLAN_KIND_CREATE);
	builder_add(builder, PLAN_NAMESPACES, "l", N(CLONE_NEWNS));
	builder_add(builder, PLAN_ROOT_BIND, "is", N(0), "/r");
	builder_add(builder, PLAN_ARGV, "s", "true");
}

static bool decodes(struct builder *builder)
{
	uint8_t *bytes = builder_end(builder);
	struct error err = { 0 };
	struct plan plan;
	bool good = plan_decode(&plan, bytes, builder->size, &err) == 0;

	free(bytes);
	return good;
}

/* The basics and one more record. */
#define WITH(...) (add_basics(&b), builder_add(&b, __VA_ARGS__), decodes(&b))

static void accepts_what_it_should(void)
{
	static struct builder b;

	add_basics(&b);
	ok(decodes(&b), "takes a small plan");
	ok(WITH(PLAN_ROOT_PROPAGATION, "i", N(MS_SLAVE)), "takes a propagation type");
	ok(WITH(PLAN_MOUNT, "iisss", N(PLAN_MOUNT_FS), N(PLAN_MOUNT_NODEV), "/proc", "proc", ""), "takes a mount");
	ok(WITH(PLAN_ENV, "s", "A="), "takes an empty variable");
	ok(WITH(PLAN_RLIMIT, "iill", N(7), N(0), N(1), UINT64_MAX), "takes a limit without a bound");
	ok(WITH(PLAN_INIT, ""), "takes a record without a payload");
	ok(WITH(PLAN_MASK, "s", "/proc/kcore"), "takes a mask");
}

static void refuses_shapes(void)
{
	static struct builder b;

	ok(!WITH(PLAN_INIT, "i", N(1)), "refuses bytes where none belong");
	ok(!WITH(PLAN_UMASK, "h", N(1)), "refuses a payload that is too short");
	ok(!WITH(PLAN_UMASK, "l", N(1)), "refuses a payload that is too long");
	ok(!WITH(PLAN_MASK, "ss", "/a", "/b"), "refuses a string too many");
	ok(!WITH(PLAN_MASK, "i", N(0x61616161)), "refuses a string without an end");
	ok(!WITH(7, "i", N(1)), "refuses a hole between the types");
	ok(!WITH(999, "i", N(1)), "refuses a type it does not know");
	ok(!WITH(PLAN_LAUNCH, "ii", N(1), N(0)), "refuses a second launch");
	ok(!WITH(PLAN_SECCOMP, "iii", N(0), N(0), N(0)), "refuses half an instruction");
}

static void refuses_values(void)
{
	static struct builder b;

	ok(!WITH(PLAN_MASK, "s", "proc/kcore"), "refuses a relative path");
	ok(!WITH(PLAN_MASK, "s", "/proc/../etc"), "refuses dots in a path");
	ok(!WITH(PLAN_MASK, "s", "/proc//kcore"), "refuses empty parts of a path");
	ok(!WITH(PLAN_MOUNT, "iisss", N(PLAN_MOUNT_FS), N(0), "/", "tmpfs", ""), "refuses a mount on the root");
	ok(!WITH(PLAN_MOUNT, "iisss", N(9), N(0), "/a", "tmpfs", ""), "refuses a kind of mount it does not know");
	ok(!WITH(PLAN_MOUNT, "iisss", N(PLAN_MOUNT_BIND), N(0), "/a", "b", ""), "refuses a relative source");
	ok(!WITH(PLAN_MOUNT, "iisss", N(PLAN_MOUNT_FS), N(0x80000000u), "/a", "b", ""), "refuses flags it does not know");
	ok(!WITH(PLAN_SYSCTL, "ss", "../core_pattern", "x"), "refuses a sysctl that climbs");
	ok(!WITH(PLAN_SYSCTL, "ss", "/kernel/core_pattern", "x"), "refuses an absolute sysctl");
	ok(!WITH(PLAN_DEV_NODE, "iiiiis", N(0100666), N(1), N(3), N(0), N(0), "null"), "refuses a device that is a file");
	ok(!WITH(PLAN_DEV_NODE, "iiiiis", N(020666), N(1), N(3), N(0), N(0), "../null"), "refuses a device outside");
	ok(!WITH(PLAN_ENV, "s", "=x"), "refuses a variable without a name");
	ok(!WITH(PLAN_ENV, "s", "PATH"), "refuses a variable without a value");
	ok(!WITH(PLAN_RLIMIT, "iill", N(16), N(0), N(1), N(2)), "refuses an unknown limit");
	ok(!WITH(PLAN_RLIMIT, "iill", N(7), N(0), N(3), N(2)), "refuses a soft limit over the hard one");
	ok(!WITH(PLAN_UMASK, "i", N(01777)), "refuses a umask out of range");
	ok(!WITH(PLAN_UID_MAP, "iii", N(0), N(100000), N(65536)), "refuses a map without a user namespace");
	ok(!WITH(PLAN_JOIN, "ls", N(CLONE_NEWNS), "/proc/1/ns/mnt"), "refuses to join a mount namespace");
	ok(!WITH(PLAN_JOIN, "ls", N(CLONE_NEWNET | CLONE_NEWIPC), "/x"), "refuses to join two in one");
	ok(!WITH(PLAN_EXEC_TARGET, "ill", N(1), N(1), N(0)), "refuses a target where a container is made");
	ok(!WITH(PLAN_ROOT_OVERLAY, "iissss", N(0), N(1), "", "", "", "/l"), "refuses two roots");
	ok(!WITH(PLAN_HOSTNAME, "s", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	   "refuses a long host name");
	ok(!WITH(PLAN_SECCOMP, "iil", N(8), N(0), N(0)), "refuses a filter that wants a listener");
}

static void checks_overlays(void)
{
	static struct builder b;
	const char *const good[] = { "/u", "/w" };
	int i;

	for (i = 0; i < 4; i++) {
		builder_begin(&b);
		add_launch(&b, PLAN_KIND_CREATE);
		builder_add(&b, PLAN_NAMESPACES, "l", N(CLONE_NEWNS));
		builder_add(&b, PLAN_ARGV, "s", "true");
		builder_add(&b, PLAN_ROOT_OVERLAY, "iisssss", N(0), N(i == 1 ? 3 : i == 2 ? 1 : 2), good[0],
			    i == 3 ? "" : good[1], "", "/a", "/b");
		ok(decodes(&b) == (i == 0), i == 0 ? "takes an overlay" : "refuses an overlay whose parts do not fit");
	}
}

static void checks_execs(void)
{
	static struct builder b;

	builder_begin(&b);
	add_launch(&b, PLAN_KIND_EXEC);
	builder_add(&b, PLAN_ARGV, "s", "true");
	builder_add(&b, PLAN_EXEC_TARGET, "ill", N(7), N(1), N(CLONE_NEWNS));
	ok(decodes(&b), "takes an exec");
	builder_add(&b, PLAN_MASK, "s", "/a");
	ok(!decodes(&b), "refuses a mask in an exec");
	builder_begin(&b);
	add_launch(&b, PLAN_KIND_EXEC);
	builder_add(&b, PLAN_ARGV, "s", "true");
	ok(!decodes(&b), "refuses an exec without a target");
}

static void survives_every_cut_and_flip(void)
{
	static struct builder b;
	struct error err = { 0 };
	struct plan plan;
	uint32_t size, i;
	bool all = true;
	uint8_t *bytes;

	add_basics(&b);
	builder_add(&b, PLAN_MOUNT, "iisss", N(PLAN_MOUNT_FS), N(0), "/proc", "proc", "a=b");
	bytes = builder_end(&b);
	for (size = 0; size < b.size; size++) {
		uint8_t *cut = malloc(size ? size : 1);

		memcpy(cut, bytes, size);
		all = all && plan_decode(&plan, cut, size, &err) < 0;
		free(cut);
	}
	ok(all, "refuses every plan that is cut short");
	for (i = 0; i < b.size * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		(void)plan_decode(&plan, bytes, b.size, &err);
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	ok(plan_decode(&plan, bytes, b.size, &err) == 0, "lives through every flipped bit");
	free(bytes);
}

static void finds_records_in_order(void)
{
	static struct builder b;
	struct error err = { 0 };
	struct record record;
	struct plan plan;
	uint32_t cursor = 0;
	uint8_t *bytes;

	add_basics(&b);
	builder_add(&b, PLAN_ENV, "s", "A=1");
	builder_add(&b, PLAN_ARGV, "s", "two");
	builder_add(&b, PLAN_ENV, "s", "B=2");
	bytes = builder_end(&b);
	ok(plan_decode(&plan, bytes, b.size, &err) == 0, "takes mixed records");
	ok(plan_next(&plan, PLAN_ENV, &cursor, &record) && !strcmp(record_string(&record, 0), "A=1") &&
		   plan_next(&plan, PLAN_ENV, &cursor, &record) && !strcmp(record_string(&record, 0), "B=2") &&
		   !plan_next(&plan, PLAN_ENV, &cursor, &record),
	   "finds records of a type in their order");
	ok(plan_count(&plan, PLAN_ARGV) == 2, "counts them");
	free(bytes);
}

int main(void)
{
	accepts_what_it_should();
	refuses_shapes();
	refuses_values();
	checks_overlays();
	checks_execs();
	survives_every_cut_and_flip();
	finds_records_in_order();
	return tap_end();
}
