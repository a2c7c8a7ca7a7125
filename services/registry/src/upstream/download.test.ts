import assert from 'node:assert/strict'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { digestOf } from '@caisson/oci'
import { gathered } from '../backend/gathered.ts'
import { parseRepositoryName } from '../distribution/names.ts'
import { Download } from './download.ts'
import type { RemoteRepository } from './ports.ts'

test('a store that gives up leaves nothing behind that fails alone', async () => {
  const path = join(tmpdir(), `csn-download-${process.pid}`)
  const file = await open(path, 'w+')
  try {
    const abort = new AbortController()
    async function* chunks(): AsyncGenerator<Buffer> {
      yield Buffer.from('some')
      await new Promise((_resolve, reject) => abort.signal.addEventListener('abort', () => reject(abort.signal.reason)))
    }
    const nothing = async (): Promise<never> => assert.fail('only the blob is asked for')
    const remote: RemoteRepository = {
      resolve: nothing,
      manifest: nothing,
      referrers: nothing,
      statBlob: nothing,
      blob: async () => ({ offset: 0, size: undefined, chunks: chunks() }),
    }
    const download = new Download(
      { repository: parseRepositoryName('hub/app'), digest: digestOf(Buffer.from('other')) },
      {
        remote,
        file,
        left: 0,
        admit: async () => {},
        store: async (bytes) => {
          for await (const _ of gathered(bytes, 1_024)) throw new Error('no room')
          return assert.fail('something came')
        },
        mostBytes: 1 << 20,
      },
      abort,
    )
    await assert.rejects(download.run(), /no room/)
    for (let i = 0; i < 20; i++) await turn()
  } finally {
    await file.close()
    await rm(path)
  }
})
