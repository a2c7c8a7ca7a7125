import { failedPrecondition } from '@caisson/api'
import type { CommittedImage, ImageDraft, RootChange, RunSettings } from '../ports.ts'
import type { Container } from './container.ts'
import { alone, type Core } from './core.ts'
import { standingStill } from './standing-still.ts'

export interface CommitRequest extends Omit<ImageDraft, 'createdBy' | 'settings'> {
  /** Id, name or prefix. */
  readonly container: string
  /** A running one stands still meanwhile. */
  readonly pause: boolean
}

/**
 * Makes an image of a container. It holds the container's lock: nothing starts, ends or removes it meanwhile. One that was
 * paused for it goes on, whatever comes of the image.
 */
export function commitContainer(core: Core, request: CommitRequest, signal: AbortSignal): Promise<CommittedImage> {
  const { container: reference, pause, ...draft } = request
  return alone(core, reference, async (container) => {
    requireWritable(container)
    const commit = (): Promise<CommittedImage> =>
      core.roots.commit(container.id, { ...draft, ...madeBy(container) }, signal)
    return pause && container.state === 'running' ? await standingStill(core, container, commit) : await commit()
  })
}

function madeBy({ program, spec, image }: Container): { createdBy: string; settings: RunSettings } {
  const { entrypoint, cmd, env, workingDir, user } = spec.process
  const { labels, stopSignal } = spec
  const settings = { image: image.id, entrypoint, cmd, env, workingDir, user, labels, stopSignal }
  return { createdBy: program.args.join(' '), settings }
}

/** What a container changed in its root. */
export function containerChanges(core: Core, reference: string, signal: AbortSignal): AsyncIterable<RootChange> {
  const container = core.registry.resolve(reference)
  requireWritable(container)
  return core.roots.changes(container.id, signal)
}

function requireWritable({ id, name, root }: Container): void {
  if (root.upperDir === '')
    throw failedPrecondition('ROOT_READ_ONLY', `the root of container ${name} is read-only: it changed nothing`, {
      details: { container: id },
    })
}
