import assert from 'node:assert/strict'
import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { app, read, signal } from '../ports-suite/content.ts'
import { backendSuite } from '../ports-suite/index.ts'
import { DiskUnderTest } from './disk-under-test.ts'

backendSuite('disk', () => new DiskUnderTest().open())

test('an upload whose file has less than its row says goes on where the file ends', async () => {
  await using under = await new DiskUnderTest().open()
  const whole = Buffer.from('0123456789')
  for (const left of [undefined, 0, 4]) {
    const { id } = await under.backend.uploads.create(app, 'sha256')
    await under.backend.uploads.append(app, id, {}, Readable.from([whole]), signal)
    const file = join(under.dir, 'uploads', id)
    if (left === undefined) rmSync(file)
    else truncateSync(file, left)
    await under.reopen()
    const { uploads } = under.backend
    const { offset = -1 } = (await uploads.state(app, id)) ?? {}
    assert.equal(offset, left ?? 0)
    await uploads.append(app, id, { offset }, Readable.from([whole.subarray(offset)]), signal)
    const digest = digestOf(whole)
    assert.deepEqual(await uploads.finish(app, id, digest), { digest, size: whole.length })
    assert.equal(await read(under.backend, digest), whole.toString())
  }
})
