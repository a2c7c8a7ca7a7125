/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include <string.h>

#include "descriptor.h"
#include "kernel.h"

static int call(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

int devices_attach(int cgroup, const uint8_t *instructions, size_t bytes, struct error *err)
{
	/* BPF_PROG_ATTACH wants a descriptor that can be read, not one of O_PATH. */
	autoclose int directory = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int program = -1;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)instructions;
	attr.insn_cnt = (uint32_t)(bytes / sizeof(struct bpf_insn));
	attr.license = (uint64_t)(uintptr_t)"Apache-2.0";
	program = directory < 0 ? -1 : call(BPF_PROG_LOAD, &attr);
	if (program < 0)
		return fail(err, STEP_DEVICE, "load device program", NULL);
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)directory;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (call(BPF_PROG_ATTACH, &attr) < 0)
		return fail(err, STEP_DEVICE, "attach device program", NULL);
	return 0;
}
