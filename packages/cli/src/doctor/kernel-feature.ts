import type { Host } from './host.ts'

/**
 * Whether the kernel has a feature, built in or as a module that can be loaded: by its own configuration, by the modules
 * that are loaded, and by those that are installed. Undefined when nothing tells.
 */
export function kernelHas(host: Host, option: string, module: string): boolean | undefined {
  if (host.exists(`/sys/module/${module}`)) return true
  const config = host.kernelConfig()
  if (config !== undefined && new RegExp(`^${option}=y$`, 'm').test(config)) return true
  const installed = ['builtin', 'dep'].map((kind) => host.read(`/lib/modules/${host.kernel}/modules.${kind}`))
  const wanted = new RegExp(`/${module.replaceAll('_', '[-_]')}\\.ko`, 'm')
  if (installed.some((list) => list !== undefined && wanted.test(list))) return true
  return config === undefined && installed.every((list) => list === undefined) ? undefined : false
}

/** Whether a release of the kernel is at least a version: 5.19. */
export function isAtLeast(release: string, major: number, minor: number): boolean {
  const found = /^(\d+)\.(\d+)/.exec(release)
  const [a, b] = [Number(found?.[1]), Number(found?.[2])]
  return a > major || (a === major && b >= minor)
}
