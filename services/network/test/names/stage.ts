import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@caisson/service-kit'
import { NetworkNamespace, releaseNamespace } from '../../src/kernel/namespace.ts'
import { Resolver } from '../../src/name-server/resolver.ts'
import { Asker } from './asking.ts'

/** Pids of the resolvers whose socket stands in a run directory. */
export function resolversOf(runDir: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => commandOf(pid).includes(join(runDir, 'names.sock'))).map(Number)
}

function commandOf(pid: string): string {
  try {
    // A zombie has none.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Polls; throws when it never comes true. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`)
    await sleep(20)
  }
}

/** A run directory with namespaces, who ask in them, and services that come and go. All of it goes at the end. */
export class Stage implements AsyncDisposable {
  readonly runDir = mkdtempSync('/tmp/caisson-names-')
  readonly #stack = new AsyncDisposableStack()

  constructor() {
    execFileSync('ip', ['link', 'set', 'lo', 'up'])
    mkdirSync(join(this.runDir, 'netns'))
    this.#stack.defer(() => rmSync(this.runDir, { recursive: true, force: true }))
    this.#stack.defer(() => {
      for (const pid of resolversOf(this.runDir)) process.kill(pid, 'SIGKILL')
    })
  }

  /** A client, as a service that starts has it. */
  service(program?: string): Resolver {
    const log = createLogger('network', process.env['CAISSON_TEST_LOG'] ?? 'fatal')
    return this.#stack.use(new Resolver({ runDir: this.runDir, log, ...(program === undefined ? {} : { program }) }))
  }

  path(id: string): string {
    return join(this.runDir, 'netns', id)
  }

  /** Makes a namespace. */
  async namespace(id: string): Promise<string> {
    const made = await NetworkNamespace.create(this.path(id), [])
    made[Symbol.dispose]()
    this.#stack.defer(() => releaseNamespace(this.path(id)))
    return this.path(id)
  }

  asker(id: string): Asker {
    return this.#stack.use(new Asker(this.path(id)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}
