import type { Handlers } from '@caisson/api'
import type { AccessDefinition } from '@caisson/api/registry'
import type { Administration } from '../access/administration.ts'
import { fromGrants, pageLimit, toToken, toUser } from './access-convert.ts'

/** caisson.registry.v1.Access */
export function accessHandlers(administration: Administration): Handlers<typeof AccessDefinition> {
  return {
    createUser: async ({ name, password, grants }) =>
      toUser(await administration.createUser(name, password, fromGrants(grants))),
    updateUser: async ({ name, password, disabled }) =>
      toUser(await administration.updateUser(name, { password, disabled })),
    listUsers: async ({ page }) => {
      const { users, next } = await administration.listUsers(page?.token ?? '', pageLimit(page))
      return { users: users.map(toUser), nextPageToken: next }
    },
    deleteUser: async ({ name }) => {
      await administration.deleteUser(name)
      return {}
    },
    createToken: async ({ user, description, grants, ttlSeconds }) => {
      const made = await administration.createToken({ user, description, grants: fromGrants(grants), ttlSeconds })
      return { token: toToken(made.token), secret: made.secret }
    },
    listTokens: async ({ user }) => ({ tokens: (await administration.listTokens(user)).map(toToken) }),
    deleteToken: async ({ id }) => {
      await administration.deleteToken(id)
      return {}
    },
    setGrants: async ({ subject, grants }) => {
      await administration.setGrants(subject, fromGrants(grants))
      return {}
    },
    importHtpasswd: async ({ content }) => await administration.importHtpasswd(Buffer.from(content).toString('utf8')),
  }
}
