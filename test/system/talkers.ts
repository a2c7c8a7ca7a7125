import assert from 'node:assert/strict'
import type { CaissonCommand } from '@caisson/testkit'

/** Containers of the image `busybox` that say their name to whoever calls port 7. */
export class Talkers {
  readonly #caisson: CaissonCommand

  constructor(caisson: CaissonCommand) {
    this.#caisson = caisson
  }

  /** Starts one, and returns its id. */
  up(name: string, ...options: string[]): string {
    const talk = ['busybox', 'sh', '-c', `while :; do echo ${name} | nc -l -p 7; done`]
    return this.#caisson.done(['run', '-d', '--name', name, ...options, ...talk]).trim()
  }

  /** Who answers; tried a few times, for a container may have just been started. '': nobody. */
  ask(from: string, address: string, tries = 20): string {
    const { out } = this.#caisson.run(['exec', from, 'nc', '-w', '1', address, '7'])
    return out !== '' || tries === 1 ? out.trim() : this.ask(from, address, tries - 1)
  }
}

/** That the engine refuses a command, and says why. */
export function assertRefused(caisson: CaissonCommand, args: readonly string[], why: RegExp): void {
  const { code, err } = caisson.run(args)
  assert.equal(code, 125, args.join(' '))
  assert.match(err, why)
}
