import { backendSuite } from '../ports-suite/index.ts'
import { DiskUnderTest } from './disk-under-test.ts'

backendSuite('disk', () => new DiskUnderTest().open())
