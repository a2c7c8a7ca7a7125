import { backendSuite } from '../ports-suite/index.ts'
import { BucketUnderTest } from './bucket-under-test.ts'

async function open(options: { readonly conditionalDeletes: boolean }) {
  const bucket = await BucketUnderTest.start(options)
  let backend = await bucket.open()
  return {
    get backend() {
      return backend
    },
    get now() {
      return bucket.now
    },
    set now(time: number) {
      bucket.now = time
    },
    async reopen() {
      backend = await bucket.open()
    },
    [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose](),
  }
}

backendSuite('bucket', () => open({ conditionalDeletes: true }))
backendSuite('bucket without conditional deletes', () => open({ conditionalDeletes: false }))
