import { test } from 'node:test'
import { blobs } from './blobs.suite.ts'
import { documents } from './documents.suite.ts'
import { garbage } from './garbage.suite.ts'
import { listings } from './listings.suite.ts'
import { manifests } from './manifests.suite.ts'
import type { BackendUnderTest, It } from './under-test.ts'
import { uploads } from './uploads.suite.ts'

/** What every backend does. `open` makes one for each test. */
export function backendSuite(kind: string, open: () => Promise<BackendUnderTest>): void {
  const it: It = (title, run) => {
    test(`${kind}: ${title}`, async () => {
      await using under = await open()
      await run(under.backend, under)
    })
  }
  for (const suite of [blobs, uploads, manifests, listings, garbage, documents]) suite(it)
}
