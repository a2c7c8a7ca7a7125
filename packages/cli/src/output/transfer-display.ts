import type { Progress } from '@caisson/api/common'
import type { Output } from './output.ts'
import { printable } from './printable.ts'
import { decimalBytes } from './units.ts'

/** Shows how far the parts of a transfer are: layers of an image, each by its digest. */
export interface TransferDisplay extends Disposable {
  show(progress: Progress): void
}

/** Milliseconds between two pictures. */
const INTERVAL_MS = 100
const BAR = 24

/** A line for each part on standard error: moving on a terminal, elsewhere a new line when a part comes to its next step. */
export async function transferDisplay(out: Output, quiet: boolean): Promise<TransferDisplay> {
  if (quiet || out.json) return { show: () => {}, [Symbol.dispose]: () => {} }
  if (!process.stderr.isTTY) return stepDisplay(out)
  const { createLogUpdate } = await import('log-update')
  return liveDisplay(createLogUpdate(process.stderr), () => process.stderr.rows)
}

/** One line a step. */
export function stepDisplay(out: Pick<Output, 'note'>): TransferDisplay {
  const steps = new Map<string, string>()
  return {
    show: ({ subject, action, total }) => {
      if (steps.get(subject) === action) return
      steps.set(subject, action)
      out.note(`${shortSubject(subject)}: ${printable(action)}${total > 0 ? ` (${decimalBytes(total)})` : ''}`)
    },
    [Symbol.dispose]: () => {},
  }
}

interface Canvas {
  (text: string): void
  done(): void
}

function liveDisplay(canvas: Canvas, rows: () => number): TransferDisplay {
  const parts = new Map<string, Progress>()
  const draw = (): void => canvas(describeTransfer([...parts.values()], rows()))
  const timer = setInterval(draw, INTERVAL_MS)
  return {
    show: (progress) => void parts.set(progress.subject, progress),
    [Symbol.dispose]: () => {
      clearInterval(timer)
      draw()
      canvas.done()
    },
  }
}

/** The picture: a line a part. Where there are more than the terminal has rows, those that are over are only counted. */
export function describeTransfer(parts: readonly Progress[], rows: number): string {
  const room = Math.max(3, rows - 2)
  const isOver = ({ action }: Progress): boolean => !['downloading', 'unpacking', 'uploading'].includes(action)
  const shown = parts.length <= room ? parts : parts.filter((part) => !isOver(part)).slice(0, room - 1)
  const hidden = parts.length - shown.length
  const more = hidden > 0 ? [`and ${hidden} more, ${parts.filter(({ action }) => action === 'done').length} done`] : []
  return [...shown.map(describePart), ...more].join('\n')
}

function describePart({ subject, action, done, total }: Progress): string {
  const head = `${shortSubject(subject)}: ${printable(action).padEnd(11)}`
  const isMoving = ['downloading', 'unpacking', 'uploading'].includes(action)
  if (!isMoving) return head.trimEnd()
  if (total <= 0) return `${head} ${decimalBytes(done)}`
  const filled = Math.round(Math.min(1, done / total) * BAR)
  return `${head} [${'='.repeat(filled)}${' '.repeat(BAR - filled)}] ${decimalBytes(done)} of ${decimalBytes(total)}`
}

function shortSubject(subject: string): string {
  return printable(subject).replace(/^(?:sha256|sha512):([0-9a-f]{12})[0-9a-f]+$/, '$1')
}
