import type { Layout } from '@caisson/api/layout'
import { decimalBytes } from '../output/units.ts'
import { type Finding, fail, ok, warn } from './finding.ts'
import type { Host } from './host.ts'

const GOOD: Readonly<Record<number, string>> = {
  [0xef53]: 'ext4',
  [0x58465342]: 'xfs',
  [0x9123683e]: 'btrfs',
  [0xf2f52010]: 'f2fs',
  [0x01021994]: 'tmpfs',
}
const BAD: Readonly<Record<number, string>> = {
  [0x794c7630]: 'overlay',
  [0x6969]: 'nfs',
  [0xff534d42]: 'cifs',
  [0x65735546]: 'fuse',
  [0x01021997]: '9p',
}
const LEAST_BYTES = 512e6
const GOOD_BYTES = 5e9

/** The place where the engine keeps its state. */
export async function checkStorage(host: Host, layout: Layout): Promise<Finding[]> {
  const { type, freeBytes, freeInodes, inodes } = host.fileSystem(layout.stateDir)
  return [
    kindOf(type, layout.stateDir),
    space(freeBytes, layout.stateDir),
    inodes > 0 && freeInodes < 50_000
      ? warn('inodes', `${freeInodes} free`, 'every file of an image needs one: free some, or use another --root')
      : ok('inodes', inodes > 0 ? `${freeInodes} free` : 'made as they are needed'),
    await overlayUpper(host, layout.stateDir),
    socketPath(layout.runDir),
  ]
}

function kindOf(type: number, path: string): Finding {
  const name = 'file system'
  const good = GOOD[type]
  if (good === 'tmpfs')
    return warn(name, `${path} is on tmpfs`, 'nothing survives a reboot there: use a --root on a disk')
  if (good !== undefined) return ok(name, `${path} is on ${good}`)
  const bad = BAD[type]
  if (bad !== undefined)
    return fail(
      name,
      `${path} is on ${bad}, which cannot hold the layers of overlay`,
      'use a --root on ext4, xfs or btrfs',
    )
  return warn(
    name,
    `${path} is on an unknown file system (0x${type.toString(16)})`,
    'ext4, xfs and btrfs are known to work',
  )
}

function space(freeBytes: number, path: string): Finding {
  const name = 'disk space'
  const found = `${decimalBytes(freeBytes)} free at ${path}`
  if (freeBytes < LEAST_BYTES) return fail(name, found, 'free some, or use another --root')
  if (freeBytes < GOOD_BYTES) return warn(name, found, 'images may need more than 5 GB')
  return ok(name, found)
}

/** Mounts an overlay with its upper directory on the real place, in a mount namespace that goes with the program. */
async function overlayUpper(host: Host, stateDir: string): Promise<Finding> {
  const name = 'overlay here'
  if (!host.root) return warn(name, 'not tried: only root can', 'run the doctor as root')
  const script =
    'd=$(mktemp -d "$1/.doctor.XXXXXX") && trap \'rm -rf "$d"\' EXIT && mkdir "$d/l" "$d/u" "$d/w" "$d/m" && ' +
    'mount -t overlay overlay -o "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w" "$d/m" && touch "$d/m/x" && umount "$d/m"'
  const parent = nearest(host, stateDir)
  const tried = await host.probe('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', parent])
  if (tried === undefined) return warn(name, 'not tried: unshare is missing', 'apt-get install util-linux')
  if (tried.succeeded) return ok(name, 'tried')
  return fail(name, `cannot be mounted: ${tried.said}`, 'use a --root on ext4, xfs or btrfs')
}

function nearest(host: Host, path: string): string {
  let found = path
  while (found !== '/' && !host.exists(found)) found = found.slice(0, found.lastIndexOf('/')) || '/'
  return found
}

/** The longest socket that is made below the run directory, and the most bytes its path may have (unix(7)). */
const LONGEST_SOCKET = '/image-store.metrics.sock'
const MOST_BYTES = 107

function socketPath(runDir: string): Finding {
  const length = Buffer.byteLength(runDir + LONGEST_SOCKET)
  if (length <= MOST_BYTES) return ok('socket paths', `${length} of ${MOST_BYTES} bytes`)
  return fail('socket paths', `${length} bytes are more than ${MOST_BYTES}`, 'choose a shorter --root')
}
