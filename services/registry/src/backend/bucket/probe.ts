import { randomBytes } from 'node:crypto'
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { failedPrecondition } from '@caisson/api'
import { statusOf } from './failures.ts'
import type { Objects } from './objects.ts'

/** Tries what the bucket can, with an object of its own. Throws when it does not keep to conditions of writes. */
export async function probe(objects: Objects): Promise<void> {
  const key = `probes/${randomBytes(12).toString('hex')}`
  const etag = await write(objects, key, { IfNoneMatch: '*' })
  try {
    if (etag === undefined) refuse(objects.bucket)
    if ((await write(objects, key, { IfNoneMatch: '*' })) !== undefined) refuse(objects.bucket)
    const next = await write(objects, key, { IfMatch: etag })
    if (next === undefined) refuse(objects.bucket)
    // The first version is not there any more.
    if ((await write(objects, key, { IfMatch: etag })) !== undefined) refuse(objects.bucket)
    objects.conditionalDeletes = await keepsOnCondition(objects, key, etag)
  } finally {
    await objects.delete(key)
  }
}

/** Undefined when the condition, which does or does not hold, refused it. */
async function write(
  objects: Objects,
  key: string,
  condition: { IfNoneMatch: '*' } | { IfMatch: string },
): Promise<string | undefined> {
  return await objects.attempt('writing', async () => {
    try {
      const Body = randomBytes(12).toString('hex')
      return (await objects.client.send(new PutObjectCommand({ ...objects.at(key), Body, ...condition }))).ETag
    } catch (thrown) {
      const status = statusOf(thrown)
      if (status === 412 || status === 409) return undefined
      if (status === 501 || status === 400) refuse(objects.bucket)
      throw thrown
    }
  })
}

async function keepsOnCondition(objects: Objects, key: string, stale: string): Promise<boolean> {
  try {
    await objects.client.send(new DeleteObjectCommand({ ...objects.at(key), IfMatch: stale }))
    return false
  } catch (thrown) {
    const status = statusOf(thrown)
    if (status === 412 || status === 409) return true
    if (status === 501 || status === 400) return false
    return await objects.attempt('deleting', () => Promise.reject(thrown))
  }
}

function refuse(bucket: string): never {
  const message = `the bucket ${bucket} does not keep to If-None-Match and If-Match of writes, by which registries agree: use a server that does`
  throw failedPrecondition('BUCKET_UNCONDITIONAL', message, { details: { bucket } })
}
