import type { Backend } from '../ports.ts'

/** A new, empty backend whose clock is the test's. */
export interface BackendUnderTest extends AsyncDisposable {
  readonly backend: Backend
  /** Milliseconds since 1970 that the backend takes for now. */
  now: number
  /** Ends it and opens what it left behind: as when the process was killed and started again. */
  reopen(): Promise<void>
}

/** Declares a test that gets a backend of its own. */
export type It = (title: string, run: (backend: Backend, under: BackendUnderTest) => Promise<void>) => void
