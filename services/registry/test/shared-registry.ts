import { after } from 'node:test'
import { Client } from './client.ts'
import { startRegistry, type TestRegistry, type TestRegistryOptions } from './registry.ts'

/** A registry that the tests of a file share, with a client of it. It ends behind the last of them. */
export async function sharedRegistry(
  options: TestRegistryOptions = {},
): Promise<{ readonly registry: TestRegistry; readonly client: Client }> {
  const registry = await startRegistry(options)
  after(() => registry[Symbol.asyncDispose]())
  return { registry, client: new Client(registry.url) }
}
