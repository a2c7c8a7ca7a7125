import { CaissonError } from '@caisson/api/error'
import { Volume } from '@caisson/api/volume'
import { EXIT_OK } from '../exit-code.ts'
import { reportFailure } from '../failure.ts'
import type { Action } from '../spec.ts'

/** Shows everything that is known of volumes, as JSON. */
export const volumeInspect: Action = async ({ engine, out, debug, signal }, names) => {
  const volumes = await engine.volumes()
  const documents: unknown[] = []
  let exitCode = EXIT_OK
  for (const name of names)
    try {
      documents.push(Volume.toJSON(await volumes.get({ name }, { signal })))
    } catch (thrown) {
      exitCode = reportFailure(CaissonError.from(thrown), out, debug)
    }
  out.document(documents)
  return exitCode
}
