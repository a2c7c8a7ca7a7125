import { backendSuite } from '../ports-suite/index.ts'
import { openBucketUnderTest } from './bucket-under-test.ts'

backendSuite('bucket', () => openBucketUnderTest({ conditionalDeletes: true }))
backendSuite('bucket without conditional deletes', () => openBucketUnderTest({ conditionalDeletes: false }))
