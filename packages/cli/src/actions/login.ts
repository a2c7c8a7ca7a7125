import { invalid } from '@caisson/api/error'
import { EXIT_OK } from '../exit-code.ts'
import { ask, passwordFromStdin } from '../login/ask.ts'
import { authFilePath, removeLogin, saveLogin } from '../login/auth-file.ts'
import type { Action } from '../spec.ts'

const DEFAULT_REGISTRY = 'docker.io'

/** Shows a registry a name and a password, and keeps them when it takes them. */
export const login: Action = async ({ engine, out, signal }, args, options) => {
  const registry = await registryName(args[0])
  const username = options.text('username') ?? (await ask('User name: ', true, signal))
  if (username.includes(':')) throw invalid('a user name has no colon', { reason: 'USAGE' })
  const password = options.flag('passwordStdin') ? await passwordFromStdin() : await ask('Password: ', false, signal)
  const registries = await engine.registries()
  const { asked } = await registries.checkLogin({ registry, auth: { username, password } }, { signal })
  const file = authFilePath()
  saveLogin(file, registry, { username, password })
  if (out.json) out.document({ registry, username, file, checked: asked })
  else {
    out.line(`logged in to ${registry} as ${username}`)
    out.note(`the password is kept, not encrypted, in ${file}`)
  }
  if (!asked) out.note(`${registry} did not ask who comes: nobody has looked at the password`)
  return EXIT_OK
}

/** Forgets the login of a registry. */
export const logout: Action = async ({ out }, args) => {
  const registry = await registryName(args[0])
  const removed = removeLogin(authFilePath(), registry)
  if (out.json) out.document({ registry, removed })
  else out.line(removed ? `logged out of ${registry}` : `there was no login of ${registry}`)
  return EXIT_OK
}

/** "https://index.docker.io/v1/" and "docker.io" are the same. */
async function registryName(given: string = DEFAULT_REGISTRY): Promise<string> {
  const { normalName } = await import('@caisson/registry-client/credentials')
  const name = normalName(given)
  if (name === '' || name.includes('/'))
    throw invalid(`${given} is not the name of a registry: write HOST or HOST:PORT`, { reason: 'USAGE' })
  return name
}
