import { join } from 'node:path'
import { SERVICES } from '@caisson/api/address'
import { type Finding, fail, ok, warn } from './finding.ts'
import type { Host } from './host.ts'

/** What a service needs beside its JavaScript, below its folder. */
const NATIVE_PARTS: Readonly<Record<string, readonly string[]>> = {
  'image-store': ['native/build/caisson-layer'],
  network: ['native/build/netlink.node', 'native/build/caisson-resolver'],
  runtime: ['native/build/spawn.node', 'native/build/caisson-monitor', 'native/build/caisson-init'],
}

/** Node, the services, and their native parts. */
export function checkInstallation(host: Host, servicesDir: string, nodeVersion: string): Finding[] {
  return [
    node(nodeVersion),
    host.root
      ? ok('user', 'root')
      : fail('user', 'not root', 'namespaces, mounts and networks need it: run the engine as root'),
    ...SERVICES.map((service) => serviceParts(host, servicesDir, service)),
  ]
}

function node(version: string): Finding {
  const major = Number(version.replace(/^v/, '').split('.')[0])
  if (major >= 24) return ok('node', version)
  return fail('node', `${version}: older than 24`, "start the command with './caisson', which brings its own")
}

function serviceParts(host: Host, servicesDir: string, service: string): Finding {
  const folder = join(servicesDir, service)
  const name = `service ${service}`
  const missing = (NATIVE_PARTS[service] ?? []).filter((part) => !host.exists(join(folder, part)))
  const program = ['dist/main.js', 'src/main.ts'].find((file) => host.exists(join(folder, file)))
  if (program === undefined) return fail(name, `not in ${folder}`, "build it with 'pnpm compile'")
  if (missing.length > 0)
    return fail(
      name,
      `without ${missing.join(', ')}`,
      "build it with 'pnpm compile'; it needs gcc, make and musl-tools",
    )
  if (program === 'src/main.ts') return warn(name, 'runs from its sources', "'pnpm compile' makes it start faster")
  return ok(name, 'built, with its native parts')
}
