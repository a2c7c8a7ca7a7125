/** Credentials alone, without the client: for who only keeps them. */
export { dockerConfigCredentials } from './docker-config.ts'
export { normalName } from './names.ts'
export type { RegistryAuth } from './source.ts'
