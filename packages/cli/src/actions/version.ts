import { existsSync } from 'node:fs'
import { socketAddress } from '@caisson/api/address'
import type { Context } from '../context.ts'
import type { Action } from '../spec.ts'
import { VERSION } from '../version.ts'

/** Tells the version of this command, and of the engine when it runs. */
export const version: Action = async (context) => {
  const engine = await engineVersion(context)
  const { out } = context
  if (out.json) out.document({ client: { version: VERSION, node: process.version }, engine })
  else {
    out.line(`caisson ${VERSION} (Node ${process.version})`)
    out.line(`engine  ${engine ? `${engine.version} (${engine.architecture}, Linux ${engine.kernel})` : 'not running'}`)
  }
  return 0
}

async function engineVersion({ layout, engine }: Context) {
  if (!existsSync(socketAddress(layout.runDir, 'runtime').slice('unix://'.length))) return null
  try {
    const { version, kernel, architecture } = await (await engine.host()).info({}, { deadlineMs: 2_000 })
    return { version, kernel, architecture }
  } catch {
    // The command's own version is worth telling without it.
    return null
  }
}
