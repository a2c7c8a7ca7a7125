import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Word } from '../lex/position.ts'
import type { Statement } from '../lex/statement.ts'
import { parseDuration } from '../words/duration.ts'
import { splitFirst } from '../words/spaces.ts'
import { readCommandLine } from './command-line.ts'
import { Flags } from './flags.ts'
import type { HealthcheckInstruction, HealthcheckTimes } from './instruction.ts'
import { baseOf, missing } from './statement-parts.ts'

const FLAGS = {
  interval: 'value',
  timeout: 'value',
  'start-period': 'value',
  'start-interval': 'value',
  retries: 'value',
} as const
const LEAST_NS = 1_000_000
const MOST_RETRIES = 2 ** 31 - 1

/** `HEALTHCHECK [flags] CMD command` or `HEALTHCHECK NONE`. */
export function parseHealthcheck(statement: Statement): HealthcheckInstruction {
  const times = readTimes(Flags.read(statement, FLAGS))
  const [kind, command] = splitFirst(statement.args)
  const base = { ...baseOf(statement), name: 'HEALTHCHECK' as const }
  switch (kind.text.toUpperCase()) {
    case 'NONE':
      if (command.text === '') return base
      throw new DockerfileError('ARGUMENT_UNEXPECTED', 'HEALTHCHECK NONE stands alone', command.range)
    case 'CMD': {
      const line = readCommandLine(command)
      const isEmpty = command.text === '' || (line.command.form === 'exec' && line.command.args.length === 0)
      if (isEmpty) throw missing(statement, 'a command after CMD')
      return { ...base, check: { ...line, ...times } }
    }
    case '':
      throw missing(statement, 'CMD and a command, or NONE')
    default: {
      const message = `HEALTHCHECK is followed by CMD or NONE, not by ${shown(kind.text)}`
      throw new DockerfileError('ARGUMENT_INVALID', message, kind.range)
    }
  }
}

function readTimes(flags: Flags): HealthcheckTimes {
  const retries = flags.value('retries')
  const all = {
    intervalNs: readTime(flags, 'interval'),
    timeoutNs: readTime(flags, 'timeout'),
    startPeriodNs: readTime(flags, 'start-period'),
    startIntervalNs: readTime(flags, 'start-interval'),
    retries: retries === undefined || retries.text === '' ? undefined : readRetries(retries),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function readTime(flags: Flags, name: string): number | undefined {
  const value = flags.value(name)
  if (value === undefined || value.text === '') return undefined
  const time = parseDuration(value.text)
  if (time === undefined) throw invalid(name, value, 'is no duration; write one such as 30s or 1m30s')
  if (time !== 0 && time < LEAST_NS) throw invalid(name, value, 'is less than 1ms; that would do nothing but check')
  return time
}

function readRetries(value: Word): number {
  const count = /^\+?[0-9]{1,10}$/.test(value.text) ? Number(value.text) : -1
  if (count >= 0 && count <= MOST_RETRIES) return count
  throw invalid('retries', value, `is no whole number from 0 to ${MOST_RETRIES}`)
}

function invalid(name: string, value: Word, why: string): DockerfileError {
  return new DockerfileError('FLAG_INVALID', `--${name}=${value.text.slice(0, 40)} ${why}`, value.range)
}
