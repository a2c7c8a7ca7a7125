import { Replication } from '@caisson/api/registry'
import { eachName } from '../../each-name.ts'
import { EXIT_OK } from '../../exit-code.ts'
import { secretInput } from '../../login/secret-input.ts'
import { printable } from '../../output/printable.ts'
import { registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

/** Lists replications and how they stand. */
export const replicationList: Action = async ({ engine, out, signal }) => {
  const { replications } = await (await registryService(engine)).replications.list({}, { signal })
  out.list(
    replications,
    [
      { head: 'REPLICATION', cell: ({ name }) => name },
      { head: 'REPOSITORIES', cell: ({ repositories }) => repositories.join(' ') },
      { head: 'TAGS', cell: ({ tags }) => tags || '*' },
      { head: 'TARGET', cell: ({ targetUrl, prefix }) => `${targetUrl}/${prefix}` },
      { head: 'STATE', cell: ({ state, syncing }) => (syncing ? `${state} (sync)` : state) },
      { head: 'WAITING', cell: ({ pending }) => String(pending) },
      { head: 'ERROR', cell: ({ error }) => printable(error) || '-' },
    ],
    Replication.toJSON,
  )
  return EXIT_OK
}

/** Sets a replication as a whole. */
export const replicationSet: Action = async ({ engine, out, signal }, [name = '', targetUrl = ''], options) => {
  const replication = await (await registryService(engine)).replications.set(
    {
      ...{ name, targetUrl },
      repositories: [...options.list('repository')],
      tags: options.text('tags') ?? '',
      prefix: options.text('prefix') ?? '',
      username: options.text('username') ?? '',
      password: await secretInput(options, 'password'),
      deletes: options.flag('deletes'),
      insecure: options.flag('insecure'),
    },
    { signal },
  )
  if (out.json) out.document(Replication.toJSON(replication))
  else out.line(replication.name)
  return EXIT_OK
}

/** Removes replications; what was copied stays. */
export const replicationRemove: Action = async (context, names) => {
  const { replications } = await registryService(context.engine)
  return eachName(context, names, async (name) => {
    await replications.delete({ name }, { signal: context.signal })
    return undefined
  })
}

/** Has all that is here gone through. */
export const replicationSync: Action = async (context, names) => {
  const { replications } = await registryService(context.engine)
  return eachName(context, names, async (name) => {
    await replications.sync({ name }, { signal: context.signal })
    return undefined
  })
}
