import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, type ServiceClient } from '@caisson/api'
import { VolumesDefinition } from '@caisson/api/volume'
import { inNamespaces, TestEngine } from '@caisson/testkit'

const skip = inNamespaces()
const ROUNDS = Number(process.env['CAISSON_VOLUME_KILLS'] ?? 20)
const WORKERS = 4
let engine: TestEngine
let volumes: ServiceClient<typeof VolumesDefinition>

before(async () => {
  if (skip) return
  engine = await TestEngine.start({ services: ['runtime'] })
  volumes = engine.channel('runtime').client(VolumesDefinition)
})

after(() => engine?.[Symbol.asyncDispose]())

/** What is known of a volume: what was answered, or that nobody can know. */
type Known = 'there' | 'without content' | 'gone' | 'unknown'

/** Makes and removes volumes of its own, until the service is gone. */
async function churn(worker: number, round: number, known: Map<string, Known>): Promise<void> {
  for (let index = 0; ; index++) {
    const name = `w${worker}-${round}-${index}`
    try {
      known.set(name, 'unknown')
      const { mountpoint } = await volumes.create({ name })
      known.set(name, 'there')
      writeFileSync(join(mountpoint, 'content'), name)
      if (index % 3 === 0) continue
      known.set(name, 'unknown')
      if (index % 3 === 1) await volumes.remove({ name })
      else {
        const { removed } = await volumes.prune({ all: true, filter: { names: [name] } })
        assert.deepEqual(removed, [name])
      }
      known.set(name, 'gone')
    } catch (error) {
      if (error instanceof CaissonError && ['unavailable', 'cancelled', 'deadline-exceeded'].includes(error.code))
        return
      throw error
    }
  }
}

test('records and directories of volumes agree after the runtime was killed amid everything', {
  skip,
  timeout: 400_000,
}, async () => {
  const folder = join(engine.root, 'runtime/volumes')
  const known = new Map<string, Known>()
  for (let round = 0; round < ROUNDS; round++) {
    const work = Promise.all(Array.from({ length: WORKERS }, (_, worker) => churn(worker, round, known)))
    await sleep(30 + Math.random() * 400)
    await engine.kill('runtime')
    await work
    await engine.startService('runtime')
    const { volumes: listed } = await volumes.list({})
    const recorded = listed.map(({ name }) => name)
    for (const [name, state] of known) {
      if (state !== 'unknown') assert.equal(recorded.includes(name), state !== 'gone', `${name} was ${state}`)
      if (state === 'there') assert.ok(existsSync(join(folder, name, '_data/content')), `${name} lost its content`)
    }
    const directories = () => readdirSync(folder).filter((name) => name !== '.trash')
    for (let tries = 0; tries < 200 && directories().length !== recorded.length; tries++) await sleep(25)
    assert.deepEqual(directories().toSorted(), recorded.toSorted())
    for (let tries = 0; tries < 200 && readdirSync(join(folder, '.trash')).length > 0; tries++) await sleep(25)
    assert.deepEqual(readdirSync(join(folder, '.trash')), [])
    for (const [name, state] of known)
      if (state === 'unknown') known.set(name, recorded.includes(name) ? 'without content' : 'gone')
  }
  const there = [...known.values()].filter((state) => state === 'there').length
  assert.ok(there > ROUNDS, `only ${there} volumes were made`)
  console.log(`${ROUNDS} kills, ${known.size} volumes, ${there} of them with content`)
})
