// Without SIGUSR1: Node keeps it for its debugger, and the launcher switches it off.
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const

/** Hands signals that this process gets to `send` instead of letting them end it. */
export function forwardSignals(send: (signal: NodeJS.Signals) => void): Disposable {
  for (const signal of FORWARDED) process.on(signal, send)
  return {
    [Symbol.dispose]: () => {
      for (const signal of FORWARDED) process.off(signal, send)
    },
  }
}
