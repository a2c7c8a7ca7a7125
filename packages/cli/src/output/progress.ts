import type { Progress } from '@caisson/api/common'
import type { Output } from './output.ts'
import { printable } from './printable.ts'
import { decimalBytes } from './units.ts'

/** Shows how far a long work is. */
export interface ProgressDisplay extends Disposable {
  show(progress: Progress): void
}

/** A line on standard error that moves while something is done, on a terminal only: elsewhere nothing is shown. */
export async function progressDisplay(out: Output, title: string): Promise<ProgressDisplay> {
  if (out.json || !process.stderr.isTTY) return { show: () => {}, [Symbol.dispose]: () => {} }
  const { default: ora } = await import('ora')
  // The input may be the archive: the spinner must keep its hands off it.
  const spinner = ora({ text: title, stream: process.stderr, discardStdin: false }).start()
  return {
    show: (progress) => {
      spinner.text = `${title}: ${describeProgress(progress)}`
    },
    [Symbol.dispose]: () => {
      spinner.stop()
    },
  }
}

/** How far a work is, in words: reading sha256:0123 12.3MB of 45MB (27%). */
export function describeProgress({ subject, action, done, total, unit }: Progress): string {
  const amount = (count: number): string => (unit === 'bytes' ? decimalBytes(count) : `${count} ${unit}`.trim())
  const share = total > 0 ? ` of ${amount(total)} (${Math.floor((done / total) * 100)}%)` : ''
  const short = printable(subject).replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1')
  return [action, short, done > 0 || total > 0 ? `${amount(done)}${share}` : ''].filter((word) => word !== '').join(' ')
}
