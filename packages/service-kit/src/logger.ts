import { type Logger, pino } from 'pino'

export type { Logger }

/** A logger that writes JSON lines to standard output, with the service's name and times in RFC 3339. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Nothing that lets someone in may reach a log.
    redact: ['*.password', '*.identityToken', '*.registryToken', '*.auth'],
  })
}
