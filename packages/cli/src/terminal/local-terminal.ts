import type { TerminalSize } from '@caisson/api/container'
import { failedPrecondition } from '@caisson/api/error'

/** The size of the user's terminal; undefined when there is none. */
export function terminalSize(): TerminalSize | undefined {
  const terminal = [process.stdout, process.stderr].find((stream) => stream.isTTY)
  if (!terminal) return undefined
  const [columns, rows] = terminal.getWindowSize()
  return columns > 0 && rows > 0 ? { rows, columns } : undefined
}

/** Refuses to give a container a terminal with input that is none: neither raw mode nor sizes could work. */
export function requireTerminalInput(): void {
  if (process.stdin.isTTY) return
  throw failedPrecondition('NO_TERMINAL', 'the input is not a terminal: leave -t out, or give the command a terminal')
}

/** Every key goes to the container as it is, Ctrl-C too. Disposing gives the terminal back as it was. */
export function rawMode(): Disposable {
  const { stdin } = process
  if (!stdin.isTTY) return { [Symbol.dispose]: () => {} }
  const restore = (): void => {
    stdin.setRawMode(false)
  }
  stdin.setRawMode(true)
  // However this process ends, the shell that follows must have a usable terminal.
  process.on('exit', restore)
  return {
    [Symbol.dispose]: () => {
      process.off('exit', restore)
      restore()
    },
  }
}

/** Calls `changed` with each new size of the user's terminal. */
export function onResize(changed: (size: TerminalSize) => void): Disposable {
  const listener = (): void => {
    const size = terminalSize()
    if (size) changed(size)
  }
  process.on('SIGWINCH', listener)
  return { [Symbol.dispose]: () => process.off('SIGWINCH', listener) }
}
