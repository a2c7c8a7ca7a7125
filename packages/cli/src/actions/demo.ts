import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { CaissonError } from '@caisson/api/error'
import { type Layout, layoutOf } from '@caisson/api/layout'
import { Upload } from '@caisson/api/upload'
import type { Context } from '../context.ts'
import { demoCommand, demoRootFileSystem } from '../demo/image.ts'
import { type DemoProgram, findProgram } from '../demo/program.ts'
import { Engine } from '../engine.ts'
import { listAll } from '../listing.ts'
import { printable } from '../output/printable.ts'
import { decimalBytes } from '../output/units.ts'
import type { Action } from '../spec.ts'
import { chosenServices } from '../supervisor/chosen-services.ts'
import { runningSupervisor } from '../supervisor/pid-file.ts'
import { prepareHost, requireRoot } from '../supervisor/prepare-host.ts'
import { startDetached, stopSupervisor } from '../supervisor/start-detached.ts'

const IMAGE = 'caisson-demo'
const WARM_RUNS = 5

/** Shows the whole way on a private root: starts an engine, imports an image, runs containers, and stops everything. */
export const demo: Action = async (context, _args, options) => {
  requireRoot()
  const place = choosePlace(context)
  prepareHost(place.layout, chosenServices(place.layout))
  const command = `caisson --root ${place.layout.root}`
  using engine = new Engine(place.layout, command)
  const own: Context = { ...context, layout: place.layout, engine, command }
  try {
    await start(own)
    const program = await findProgram(context.installation.demoSource, (text) => note(own, text))
    await importProgram(own, program)
    await showInside(own, program)
    await measure(own)
  } catch (error) {
    await stopEngine(own, place)
    if (place.temporary) note(own, `${place.layout.root} is left, with the logs of the services`)
    throw error
  }
  if (options.flag('keep')) {
    note(own, `the engine keeps running: '${command} ps' talks to it, '${command} down --containers' stops it`)
    return 0
  }
  await stopEngine(own, place)
  if (place.temporary) removeRoot(own)
  return 0
}

interface Place {
  readonly layout: Layout
  /** Made for the demo, and removed with it. */
  readonly temporary: boolean
  /** There was an engine already: it is left running. */
  readonly inUse: boolean
}

function choosePlace({ layout }: Context): Place {
  if (layout.root !== '') return { layout, temporary: false, inUse: runningSupervisor(layout) !== undefined }
  const root = mkdtempSync(join(tmpdir(), 'caisson-demo-'))
  // Users of containers pass through it.
  chmodSync(root, 0o711)
  return { layout: layoutOf(root), temporary: true, inUse: false }
}

async function start(context: Context): Promise<void> {
  const { layout, installation, signal } = context
  if (runningSupervisor(layout)) return step(context, 'services', 'they run already')
  const begun = performance.now()
  const services = chosenServices(layout)
  await startDetached(layout, installation, services, () => {}, signal)
  step(context, 'services', `${services.join(', ')} serve after ${elapsed(begun)}`)
}

async function importProgram(context: Context, program: DemoProgram): Promise<void> {
  const archive = demoRootFileSystem(program)
  const images = await context.engine.images()
  const begun = performance.now()
  const upload = new Upload({ reference: IMAGE, size: archive.length }, [archive])
  for await (const { item } of images.import(upload.messages(), { signal: context.signal }))
    if (item?.$case === 'socket') upload.goesTo(item.value)
    else if (item?.$case === 'image')
      step(
        context,
        'image',
        `${IMAGE} from ${program.from}: ${decimalBytes(archive.length)} imported in ${elapsed(begun)}`,
      )
}

/** Runs a container that tells what it sees. */
async function showInside(context: Context, program: DemoProgram): Promise<void> {
  const begun = performance.now()
  const { output, exitCode, startedMs } = await runOnce(context, demoCommand(program))
  step(
    context,
    'container',
    `started in ${ms(startedMs)}, ended with ${exitCode} and was removed after ${elapsed(begun)}; inside:`,
  )
  for (const line of output.trimEnd().split('\n')) note(context, `    ${printable(line)}`)
  if (exitCode !== 0)
    throw new CaissonError('internal', `the container of the demo ended with ${exitCode}`, { reason: 'DEMO_FAILED' })
}

async function measure(context: Context): Promise<void> {
  const times: number[] = []
  for (let run = 0; run < WARM_RUNS; run += 1) {
    const begun = performance.now()
    await runOnce(context, ['true'])
    times.push(performance.now() - begun)
  }
  step(context, 'again', `create, start, end and remove took ${times.map(ms).join(', ')} (${WARM_RUNS} runs of true)`)
}

async function runOnce({ engine, signal }: Context, cmd: readonly string[]) {
  const containers = await engine.containers()
  const begun = performance.now()
  const create = { spec: { image: IMAGE, process: { cmd: { values: cmd } }, autoRemove: true } }
  let [output, exitCode, startedMs] = ['', -1, 0]
  for await (const { item } of containers.run({ create, output: true }, { signal })) {
    if (item?.$case === 'started') startedMs = performance.now() - begun
    else if (item?.$case === 'output') output += item.value.data.toString()
    else if (item?.$case === 'exited') exitCode = item.value.exitCode
  }
  return { output, exitCode, startedMs }
}

async function stopEngine(context: Context, { layout, inUse }: Place): Promise<void> {
  if (inUse || !runningSupervisor(layout)) return
  const begun = performance.now()
  await removeContainers(context)
  await stopSupervisor(layout)
  step(context, 'stopped', `in ${elapsed(begun)}`)
}

/** What an interrupted demo left behind must not go on without anyone knowing of it. */
async function removeContainers({ engine, out }: Context): Promise<void> {
  try {
    const containers = await engine.containers()
    for (const { id } of await listAll(containers, { all: true, images: [IMAGE] }))
      await containers.remove({ container: id, force: true })
  } catch (error) {
    out.note(`caisson: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function removeRoot(context: Context): void {
  const { root } = context.layout
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${root}/`)
  if (mounted) note(context, `${root} is left: something is still mounted below it`)
  else rmSync(root, { recursive: true, force: true })
}

function step({ out }: Context, what: string, text: string): void {
  if (out.json) out.record({ step: what, text })
  else out.line(`${out.colors.green('✓')} ${what.padEnd(9)} ${text}`)
}

function note({ out }: Context, text: string): void {
  if (out.json) out.record({ note: text })
  else out.line(text)
}

function elapsed(begun: number): string {
  return ms(performance.now() - begun)
}

function ms(milliseconds: number): string {
  return `${milliseconds < 100 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`
}
