import { asDiffResult, type Compression, type DiffResult, type LayerChange, type LayerProgress } from './answer.ts'
import { runHelper } from './helper-process.ts'
import { type Directory, withDirectory } from './unpacker.ts'

export interface DiffOptions {
  /** The upper directory of an overlay. */
  readonly upper: Directory
  /** A descriptor of a file that takes the layer. It is on the disk when the call resolves. */
  readonly blob: number
  readonly compression: Compression
  readonly limits: {
    /** Bytes that the files may have together. */
    readonly maxBytes: number
    /** Entries and whiteouts that there may be. */
    readonly maxEntries: number
  }
  /** Devices become part of the layer. */
  readonly devices?: boolean
  /** Called about four times a second. */
  readonly onProgress?: (progress: LayerProgress) => void
  readonly signal?: AbortSignal
}

export interface ChangesOptions {
  readonly upper: Directory
  /** Paths, the topmost first. */
  readonly lowerDirs: readonly string[]
  readonly maxEntries: number
  readonly signal: AbortSignal
}

/** Reads upper directories in a helper that is confined to them and can change nothing. Throws as Unpacker does. */
export interface Differ {
  /** Makes a layer of what an upper directory changed. The same directory gives the same tar. */
  diff(options: DiffOptions): Promise<DiffResult>
  /** What an upper directory changed against the directories below it. */
  changes(options: ChangesOptions): AsyncGenerator<LayerChange>
}

/** `program` is the path of caisson-layer. */
export function createDiffer(program: string): Differ {
  return {
    async diff(options) {
      const args = diffArguments(options)
      const { blob: tee, onProgress, signal } = options
      return await withDirectory(options.upper, async (directory) =>
        asDiffResult(await runHelper({ program, args, directory, tee, onProgress, signal })),
      )
    },
    changes: (options) => listChanges(program, options),
  }
}

function diffArguments({ limits, compression, devices, onProgress }: DiffOptions): string[] {
  const args = ['diff', '--max-bytes', String(limits.maxBytes), '--max-entries', String(limits.maxEntries)]
  args.push('--compression', compression, '--sync')
  if (devices) args.push('--devices')
  if (onProgress) args.push('--progress')
  return args
}

/** The helper writes no faster than the changes are taken; who stops taking them ends it. */
async function* listChanges(program: string, options: ChangesOptions): AsyncGenerator<LayerChange> {
  const stopped = new AbortController()
  const signal = AbortSignal.any([options.signal, stopped.signal])
  const { readable, writable } = new TransformStream<LayerChange, LayerChange>()
  const writer = writable.getWriter()
  const args = ['changes', '--max-entries', String(options.maxEntries), ...options.lowerDirs]
  const onChange = (change: LayerChange): Promise<void> => writer.write(change)
  const running = withDirectory(options.upper, (directory) =>
    runHelper({ program, args, directory, onChange, signal }),
  ).then(
    () => writer.close(),
    (error: unknown) => writer.abort(error),
  )
  // Told to the reader, who may be gone.
  running.catch(() => {})
  writer.closed.catch(() => {})
  try {
    yield* readable
  } finally {
    stopped.abort()
    await running.catch(() => {})
  }
}
