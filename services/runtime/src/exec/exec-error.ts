import { CaissonError, conflict, notFound } from '@caisson/api'
import type { Container } from '../container/container.ts'
import { launchError } from '../container/launch-error.ts'
import { LaunchStep, type MonitorFailed } from '../monitor/message.ts'
import type { Exec } from './exec.ts'

/** The typed error of an exec that could not be started. */
export function execError(exec: Exec, failed: MonitorFailed): CaissonError {
  const program = exec.spec.process.cmd?.[0] ?? ''
  const details = { container: exec.containerId, exec: exec.id }
  if (failed.step === LaunchStep.TARGET) return containerGone(exec, failed.message)
  const { code, reason } = launchError(exec.containerId, program, failed)
  return new CaissonError(code, describe(reason, program, failed.message), { reason, details: { ...details, program } })
}

function describe(reason: string, program: string, message: string): string {
  if (reason === 'COMMAND_NOT_FOUND')
    return `the container has no program ${program}: check the command and PATH (${message})`
  if (reason === 'COMMAND_NOT_EXECUTABLE') return `the program ${program} cannot be run: ${message}`
  return `the process cannot be started in the container: ${message}`
}

/** Of an exec whose container ended while it was started. */
export function containerGone(exec: Exec, message: string): CaissonError {
  return conflict('CONTAINER_NOT_RUNNING', `the container has ended: start it first (${message})`, {
    details: { container: exec.containerId, exec: exec.id },
  })
}

/** The exit code that stands for a start that failed, as shells have it. */
export function exitCodeOf(error: CaissonError): number {
  if (error.reason === 'COMMAND_NOT_FOUND') return 127
  return error.reason === 'COMMAND_NOT_EXECUTABLE' ? 126 : 125
}

export function checkRunning(container: Container): void {
  const details = { container: container.id }
  if (container.state === 'paused')
    throw conflict('CONTAINER_PAUSED', `the container ${container.name} is paused: resume it first`, { details })
  if (container.state !== 'running' || !container.process)
    throw conflict('CONTAINER_NOT_RUNNING', `the container ${container.name} does not run: start it first`, { details })
}

export function noSuchExec(id: string): CaissonError {
  return notFound('exec', id.slice(0, 80))
}

export function startedAlready(exec: Exec): CaissonError {
  return conflict('EXEC_STARTED', `the exec ${exec.id.slice(0, 12)} was started already: make another one`, {
    details: { exec: exec.id },
  })
}

export function execNotRunning(exec: Exec): CaissonError {
  return conflict('EXEC_NOT_RUNNING', `the exec ${exec.id.slice(0, 12)} does not run`, { details: { exec: exec.id } })
}
