import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startS3Server } from '@caisson/testkit'
import { openBucketBackend } from '../src/backend/bucket/bucket-backend.ts'
import { Client } from './client.ts'
import { startRegistry } from './registry.ts'

/** Two registries on one bucket, with real connections everywhere. */
export async function startPool() {
  await using stack = new AsyncDisposableStack()
  const s3 = stack.use(await startS3Server())
  const dir = mkdtempSync(join(tmpdir(), 'csn-bucket-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const credentialsFile = join(dir, 'credentials.json')
  writeFileSync(credentialsFile, JSON.stringify(s3.credentials))
  const { bucket: name, region, endpoint } = s3
  const config = { name, region, endpoint, prefix: '', pathStyle: true, credentialsFile, requestTimeoutMs: 10_000 }
  const open = async () =>
    stack.use(await startRegistry({ openBackend: (changes) => openBucketBackend({ config, changes }) }))
  const registries = [await open(), await open()] as const
  const clients = [new Client(registries[0].url), new Client(registries[1].url)] as const
  const owned = stack.move()
  return { registries, clients, s3, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
