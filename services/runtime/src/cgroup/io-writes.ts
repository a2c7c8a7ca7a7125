import type { LinuxBlockIo, LinuxThrottleDevice } from '@caisson/oci'
import { blkioWeightToIoWeight } from './conversions.ts'
import { type ControllerHome, controllerMissing } from './placement.ts'
import { asked, type CgroupWrite, WriteList } from './writes.ts'

/** Weights and throttles of block devices. `files` are the weight files that this kernel has. */
export function ioWrites(home: ControllerHome, io: LinuxBlockIo, files: ReadonlySet<string>): CgroupWrite[] {
  const to = new WriteList(home)
  const weight = asked(io.weight)
  if (weight !== undefined) setWeight(to, home, weight, '', files)
  for (const device of io.weightDevice ?? []) {
    const own = asked(device.weight)
    if (own !== undefined) setWeight(to, home, own, `${device.major}:${device.minor} `, files)
  }
  const name = home.version === 1 ? throttleV1 : throttleV2
  const throttle = (kind: keyof typeof throttleV1, devices: readonly LinuxThrottleDevice[] | undefined) => {
    for (const device of devices ?? []) to.set(...name[kind](device))
  }
  throttle('readBps', io.throttleReadBpsDevice)
  throttle('writeBps', io.throttleWriteBpsDevice)
  throttle('readIops', io.throttleReadIOPSDevice)
  throttle('writeIops', io.throttleWriteIOPSDevice)
  return to.writes
}

type Throttle = (device: LinuxThrottleDevice) => [file: string, value: string]

const v1 =
  (file: string): Throttle =>
  ({ major, minor, rate }) => [`blkio.throttle.${file}_device`, `${major}:${minor} ${rate}`]

const throttleV1 = {
  readBps: v1('read_bps'),
  writeBps: v1('write_bps'),
  readIops: v1('read_iops'),
  writeIops: v1('write_iops'),
}

const v2 =
  (key: string): Throttle =>
  ({ major, minor, rate }) => ['io.max', `${major}:${minor} ${key}=${rate === 0 ? 'max' : rate}`]

const throttleV2 = { readBps: v2('rbps'), writeBps: v2('wbps'), readIops: v2('riops'), writeIops: v2('wiops') }

/** `device` is "" or "8:0 ". BFQ takes the old scale, io.weight its own. */
function setWeight(
  to: WriteList,
  home: ControllerHome,
  weight: number,
  device: string,
  files: ReadonlySet<string>,
): void {
  const prefix = home.version === 1 ? 'blkio' : 'io'
  const scaled = home.version === 1 ? weight : blkioWeightToIoWeight(weight)
  if (files.has(`${prefix}.bfq.weight`)) to.set(deviceFile(home, `${prefix}.bfq.weight`, device), `${device}${weight}`)
  else if (files.has(`${prefix}.weight`)) to.set(deviceFile(home, `${prefix}.weight`, device), `${device}${scaled}`)
  else throw controllerMissing(`${prefix} weight`, 'a block I/O weight')
}

function deviceFile(home: ControllerHome, file: string, device: string): string {
  return home.version === 1 && device !== '' ? `${file}_device` : file
}
