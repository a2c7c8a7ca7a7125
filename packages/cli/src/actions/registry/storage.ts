import { ApplyRetentionResponse, UsageResponse } from '@caisson/api/registry'
import { EXIT_OK } from '../../exit-code.ts'
import { decimalBytes } from '../../output/units.ts'
import { registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

/** Shows what the registry stores. */
export const registryUsage: Action = async ({ engine, out, signal }) => {
  const usage = await (await registryService(engine)).storage.usage({}, { signal })
  if (out.json) {
    out.document(UsageResponse.toJSON(usage))
    return EXIT_OK
  }
  out.table(
    Object.entries(usage.namespaces).toSorted(([, one], [, other]) => other - one),
    [
      { head: 'NAMESPACE', cell: ([name]) => name },
      { head: 'SIZE', cell: ([, bytes]) => decimalBytes(bytes) },
    ],
  )
  out.line('')
  out.line(`${usage.blobs} blobs, ${decimalBytes(usage.bytes)} together; what namespaces share is counted in each`)
  return EXIT_OK
}

/** Removes what no manifest needs. */
export const registryGc: Action = async ({ engine, out, signal }, _args, options) => {
  const dryRun = options.flag('dryRun')
  let freedBytes = 0
  const removed: string[] = []
  const { storage } = await registryService(engine)
  for await (const message of storage.collectGarbage({ dryRun }, { signal })) {
    freedBytes = message.freedBytes
    if (message.removed === '') continue
    removed.push(message.removed)
    if (!out.json) out.line(message.removed)
  }
  if (out.json) out.document({ dryRun, removed, freedBytes })
  else out.line(`${dryRun ? 'would free' : 'freed'}: ${decimalBytes(freedBytes)}`)
  return EXIT_OK
}

/** Applies the rules of retention. */
export const registryRetention: Action = async ({ engine, out, signal }, [repository = ''], options) => {
  const request = { repository, dryRun: options.flag('dryRun') }
  const { storage } = await registryService(engine)
  for await (const message of storage.applyRetention(request, { signal }))
    if (out.json) out.record(ApplyRetentionResponse.toJSON(message))
    else out.line(`${message.repository}:${message.tag} (${message.rule})`)
  return EXIT_OK
}
