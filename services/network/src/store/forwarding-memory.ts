import { readFileSync } from 'node:fs'
import type { Store } from '@caisson/service-kit'
import { HostSettings } from './host-setting.ts'

/** What this engine changed for the whole host since the machine was started. */
export type ForwardingMemory = {
  /** It turned the forwarding of IPv4 on. */
  turnedOn: boolean
  /** It turned that of IPv6 on, and made these interfaces listen to routers all the same; undefined: it did not. */
  ipv6: readonly string[] | undefined
}

// The value begins with the id of the boot in which it was done.
const IPV4 = 'forwarding_turned_on'
const IPV6 = 'ipv6_forwarding_turned_on'

export function forwardingMemory(store: Store): ForwardingMemory {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const settings = new HostSettings(store)
  return {
    get turnedOn() {
      return settings.get(IPV4) === boot
    },
    set turnedOn(value) {
      if (value !== this.turnedOn) settings.set(IPV4, value ? boot : '')
    },
    get ipv6() {
      const [when, ...interfaces] = settings.get(IPV6)?.split(' ') ?? []
      return when === boot ? interfaces : undefined
    },
    set ipv6(interfaces) {
      settings.set(IPV6, interfaces === undefined ? '' : [boot, ...interfaces].join(' '))
    },
  }
}
