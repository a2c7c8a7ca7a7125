import { createInterface } from 'node:readline/promises'
import { type Timestamp, toTimestamp } from '@caisson/api'
import { Damage, type DiskUsageResponse, GarbageItem } from '@caisson/api/content'
import type { Context } from '../context.ts'
import { EXIT_OK } from '../exit-code.ts'
import type { OptionValues } from '../option-values.ts'
import { ageOf } from '../output/age.ts'
import { decimalBytes } from '../output/units.ts'
import { parseFilters } from '../parse/pairs.ts'
import { refuse } from '../parse/refusal.ts'
import { parseTime } from '../parse/time.ts'
import type { Action } from '../spec.ts'
import { shortId } from './images.ts'

/** Shows what the image store takes of its disk. */
export const df: Action = async ({ engine, out, signal }, _, options) => {
  const verbose = options.flag('verbose')
  const usage = await (await engine.imageStorage()).diskUsage({ verbose }, { signal })
  if (out.json) {
    const { DiskUsageResponse } = await import('@caisson/api/content')
    out.document(DiskUsageResponse.toJSON(usage))
    return EXIT_OK
  }
  out.table(rowsOf(usage), [
    { head: 'TYPE', cell: ([type]) => type },
    { head: 'COUNT', cell: ([, count]) => String(count ?? '') },
    { head: 'SIZE', cell: ([, , bytes]) => decimalBytes(bytes) },
  ])
  out.line('')
  out.line(`reclaimable: ${decimalBytes(usage.reclaimableBytes)} without removing an image or a container`)
  out.line(
    `disk:        ${decimalBytes(usage.freeBytes)} free of ${decimalBytes(usage.diskBytes)}, ` +
      `${decimalBytes(usage.reserveBytes)} of it reserved`,
  )
  if (verbose) showDetail({ out }, usage)
  return EXIT_OK
}

type Row = readonly [type: string, count: number | undefined, bytes: number]

function rowsOf(usage: DiskUsageResponse): Row[] {
  return [
    ['Image content', usage.blobs, usage.contentBytes],
    ['Unpacked layers', usage.layers, usage.layerBytes],
    ['Container layers', usage.snapshots, usage.snapshotBytes],
    ['Partial downloads', undefined, usage.partialBytes],
    ['Work in flight', undefined, usage.stagingBytes],
    ['Being removed', undefined, usage.trashBytes],
    ['Database', undefined, usage.databaseBytes],
    ['Total', undefined, usage.totalBytes],
  ]
}

function showDetail({ out }: Pick<Context, 'out'>, { images, snapshotList }: DiskUsageResponse): void {
  out.line('')
  out.table(images, [
    { head: 'IMAGE', cell: ({ names, id }) => names[0] ?? shortId(id) },
    { head: 'SIZE', cell: ({ bytes }) => decimalBytes(bytes) },
    { head: 'UNIQUE', cell: ({ uniqueBytes }) => decimalBytes(uniqueBytes) },
    { head: 'LAST USED', cell: ({ lastUsedAt }) => (lastUsedAt ? `${ageOf(lastUsedAt)} ago` : '-') },
    { head: 'NEEDED', cell: ({ inUse }) => (inUse ? 'yes' : 'no') },
  ])
  out.line('')
  out.table(snapshotList, [
    { head: 'SNAPSHOT', cell: ({ key }) => key },
    { head: 'IMAGE', cell: ({ image }) => shortId(image) },
    { head: 'SIZE', cell: ({ bytes }) => decimalBytes(bytes) },
  ])
}

/** Removes ended containers, images that nothing needs and garbage. */
export const prune: Action = async (context, _, options) => {
  const { engine, out, signal } = context
  const until = untilOf(options)
  if (!options.flag('force') && !(await confirmed(options.flag('all')))) return EXIT_OK
  const containers = await (await engine.containers()).prune({ until }, { signal })
  const images = await (await engine.images()).prune({ all: options.flag('all'), until }, { signal })
  const garbage = await (await engine.imageStorage()).collectGarbage({}, { signal })
  const freedBytes = containers.freedBytes + images.freedBytes + garbage.freedBytes
  const removed = { containers: containers.removed, untagged: images.untagged, deleted: images.deleted }
  if (out.json) out.document({ ...removed, collected: garbage.removed, freedBytes })
  else {
    for (const id of containers.removed) out.line(`removed container: ${id}`)
    for (const name of images.untagged) out.line(`untagged: ${name}`)
    for (const name of [...images.deleted, ...garbage.removed]) out.line(`deleted: ${name}`)
    out.line(`freed: ${decimalBytes(freedBytes)}`)
  }
  return EXIT_OK
}

function untilOf(options: OptionValues): Timestamp | undefined {
  const until = parseFilters(options.list('filter'), ['until']).get('until')?.at(-1)
  if (until === undefined) return undefined
  return toTimestamp(parseTime('--filter until', until, BigInt(Date.now()) * 1_000_000n))
}

async function confirmed(all: boolean): Promise<boolean> {
  if (!process.stdin.isTTY) throw refuse('system prune', 'without -f', 'asks first, and nobody is there to answer')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const images = all ? 'all images that no container needs' : 'images without a name'
  const answer = await asking.question(`Remove ended containers, ${images} and unneeded content? [y/N] `)
  asking.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** Collects garbage by the policy of the service. */
export const gc: Action = async ({ engine, out, signal }, _, options) => {
  const dryRun = options.flag('dryRun')
  const done = await (await engine.imageStorage()).collectGarbage({ dryRun, applyPolicy: true }, { signal })
  if (out.json) out.document({ dryRun, freedBytes: done.freedBytes, items: done.items.map(GarbageItem.toJSON) })
  else {
    if (done.items.length > 0)
      out.table(done.items, [
        { head: 'KIND', cell: ({ kind }) => kind },
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'SIZE', cell: ({ bytes }) => (bytes === 0 ? '-' : decimalBytes(bytes)) },
        { head: 'REASON', cell: ({ reason }) => reason },
      ])
    out.line(`${dryRun ? 'would free' : 'freed'}: ${decimalBytes(done.freedBytes)}`)
  }
  return EXIT_OK
}

/** Checks the store; 1 when something stays broken. */
export const verify: Action = async ({ engine, out, signal }, _, options) => {
  const request = { quarantine: options.flag('quarantine'), repair: options.flag('repair') }
  let left = 0
  let found = 0
  for await (const { item } of (await engine.imageStorage()).verify(request, { signal })) {
    if (item?.$case !== 'damage') continue
    found += 1
    if (!item.value.repaired) left += 1
    if (out.json) out.record(Damage.toJSON(item.value))
    else out.line(`${stateOf(item.value)}: ${item.value.subject}: ${item.value.message}`)
  }
  if (!out.json) out.line(found === 0 ? 'everything is whole' : `found ${found}, ${left} of them are not mended`)
  return left === 0 ? EXIT_OK : 1
}

function stateOf({ repaired, quarantined }: Damage): string {
  if (repaired) return 'mended'
  return quarantined ? 'moved away' : 'broken'
}
