import { notFound } from '@caisson/api'
import type { SandboxStore } from './ports.ts'
import type { Sandbox } from './sandbox.ts'

/** Throws SANDBOX_NOT_FOUND. */
export function findSandbox(store: Pick<SandboxStore, 'sandbox'>, id: string): Sandbox {
  const sandbox = store.sandbox(id)
  if (sandbox === undefined) throw notFound('sandbox', id)
  return sandbox
}
