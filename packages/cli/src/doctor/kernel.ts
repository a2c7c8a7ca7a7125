import { type Finding, fail, ok, warn } from './finding.ts'
import type { Host } from './host.ts'
import { isAtLeast, kernelHas } from './kernel-feature.ts'

const NEWER_KERNEL = 'install a newer kernel: on Debian 12 or later linux-image-amd64 is new enough'

/** What containers need of the kernel besides control groups and networks. */
export async function checkKernel(host: Host): Promise<Finding[]> {
  return [
    release(host),
    await userNamespaces(host),
    overlay(host),
    idmappedMounts(host),
    seccomp(host),
    systemCalls(host),
    securityModules(host),
  ]
}

function release({ kernel }: Host): Finding {
  const name = 'kernel'
  if (isAtLeast(kernel, 5, 19)) return ok(name, `Linux ${kernel}`)
  return fail(name, `Linux ${kernel}: older than 5.19`, NEWER_KERNEL)
}

async function userNamespaces(host: Host): Promise<Finding> {
  const name = 'user namespaces'
  const most = host.read('/proc/sys/user/max_user_namespaces')?.trim()
  if (most === undefined) return fail(name, 'the kernel has none', 'use a kernel with CONFIG_USER_NS')
  if (Number(most) < 1) return fail(name, 'turned off', 'sysctl -w user.max_user_namespaces=65536')
  const tried = await host.probe('unshare', ['--user', '--map-root-user', '--mount', '--pid', '--fork', 'true'])
  if (tried?.succeeded === false)
    return fail(
      name,
      `cannot be made: ${tried.said}`,
      'see whether a security module or a surrounding container forbids it',
    )
  return ok(name, `up to ${most}${tried ? ', tried' : ''}`)
}

function overlay(host: Host): Finding {
  const name = 'overlay'
  if (/\toverlay$/m.test(host.read('/proc/filesystems') ?? '')) return ok(name, 'the kernel has it')
  if (kernelHas(host, 'CONFIG_OVERLAY_FS', 'overlay') === true) return ok(name, 'a module of the kernel')
  return fail(name, 'the kernel has no overlay file system', 'modprobe overlay, or use a kernel with CONFIG_OVERLAY_FS')
}

function idmappedMounts({ kernel }: Host): Finding {
  const name = 'id-mapped mounts'
  if (isAtLeast(kernel, 5, 19)) return ok(name, 'below overlay since 5.19')
  return fail(name, `Linux ${kernel} has none below overlay`, NEWER_KERNEL)
}

function seccomp(host: Host): Finding {
  const name = 'seccomp'
  const actions = host.read('/proc/sys/kernel/seccomp/actions_avail')?.trim()
  if (actions === undefined)
    return fail(name, 'the kernel cannot filter system calls', 'use a kernel with CONFIG_SECCOMP_FILTER')
  if (!actions.split(' ').includes('errno')) return fail(name, `cannot refuse calls: only ${actions}`, NEWER_KERNEL)
  return ok(name, 'filters of system calls')
}

function systemCalls({ kernel }: Host): Finding {
  const name = 'system calls'
  const needed: readonly (readonly [string, number, number])[] = [
    ['pidfd_open', 5, 3],
    ['clone3', 5, 3],
    ['openat2', 5, 6],
    ['close_range', 5, 9],
    ['mount_setattr', 5, 12],
  ]
  const missing = needed.filter(([, major, minor]) => !isAtLeast(kernel, major, minor)).map(([call]) => call)
  if (missing.length > 0) return fail(name, `missing: ${missing.join(', ')}`, NEWER_KERNEL)
  return ok(name, needed.map(([call]) => call).join(', '))
}

function securityModules(host: Host): Finding {
  const name = 'security modules'
  const modules = host.read('/sys/kernel/security/lsm')?.trim()
  if (modules === undefined) return ok(name, 'not told; containers are isolated without one')
  if (/apparmor|selinux/.test(modules)) return ok(name, modules)
  return warn(
    name,
    `${modules}: neither AppArmor nor SELinux`,
    'optional: on Debian apt-get install apparmor, and reboot',
  )
}
