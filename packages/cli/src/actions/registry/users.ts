import { User } from '@caisson/api/registry'
import { openArchive } from '../../archive-input.ts'
import type { Context } from '../../context.ts'
import { eachName } from '../../each-name.ts'
import { EXIT_OK } from '../../exit-code.ts'
import { ask, passwordFromStdin } from '../../login/ask.ts'
import type { OptionValues } from '../../option-values.ts'
import { ageOf } from '../../output/age.ts'
import { formatGrant, parseGrant } from '../../parse/grant.ts'
import { everyPage, registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

/** Lists the users of the registry. */
export const userList: Action = async ({ engine, out, signal }) => {
  const { access } = await registryService(engine)
  const users = await everyPage(async (token) => {
    const page = await access.listUsers({ page: { token } }, { signal })
    return { items: page.users, nextPageToken: page.nextPageToken }
  })
  out.list(
    users,
    [
      { head: 'USER', cell: ({ name, disabled }) => (disabled ? `${name} (disabled)` : name) },
      { head: 'RIGHTS', cell: ({ grants }) => grants.map(formatGrant).join(' ') || '-' },
      { head: 'LAST SEEN', cell: ({ lastSeenAt }) => (lastSeenAt ? `${ageOf(lastSeenAt)} ago` : 'never') },
    ],
    User.toJSON,
  )
  return EXIT_OK
}

/** Makes a user. */
export const userCreate: Action = async (context, [name = ''], options) => {
  const { engine, out, signal } = context
  const grants = options.list('grant').map(parseGrant)
  const password = await passwordOf(context, options)
  const user = await (await registryService(engine)).access.createUser({ name, password, grants }, { signal })
  if (out.json) out.document(User.toJSON(user))
  else out.line(user.name)
  return EXIT_OK
}

/** Changes the password of a user, its rights as a whole, or whether it may come in. */
export const userUpdate: Action = async (context, [name = ''], options) => {
  const { engine, out, signal } = context
  const { access } = await registryService(engine)
  const password =
    options.flag('password') || options.flag('passwordStdin') ? await passwordOf(context, options) : undefined
  const disabled = options.flag('disable') ? true : options.flag('enable') ? false : undefined
  if (options.list('grant').length > 0)
    await access.setGrants({ subject: name, grants: options.list('grant').map(parseGrant) }, { signal })
  const user = await access.updateUser({ name, password, disabled }, { signal })
  if (out.json) out.document(User.toJSON(user))
  else out.line(user.name)
  return EXIT_OK
}

/** Removes users and their tokens. */
export const userRemove: Action = async (context, names) => {
  const { access } = await registryService(context.engine)
  return eachName(context, names, async (name) => {
    await access.deleteUser({ name }, { signal: context.signal })
    return undefined
  })
}

/** Takes users over from an htpasswd file. */
export const userImport: Action = async ({ engine, out, signal }, [file = '-']) => {
  const parts: Buffer[] = []
  for await (const chunk of openArchive(file).chunks) parts.push(chunk)
  const { access } = await registryService(engine)
  const { users, refused } = await access.importHtpasswd({ content: Buffer.concat(parts) }, { signal })
  if (out.json) out.document({ users, refused })
  else {
    for (const name of users) out.line(name)
    for (const line of refused) out.note(line)
  }
  return refused.length === 0 ? EXIT_OK : 1
}

async function passwordOf({ signal }: Context, options: OptionValues): Promise<string> {
  return options.flag('passwordStdin') ? passwordFromStdin() : ask('New password: ', false, signal)
}
