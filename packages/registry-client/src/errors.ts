import { CaissonError, type ErrorOptions } from '@caisson/api'

type Options = Omit<ErrorOptions, 'reason'>

/** No right, or against our own rules. */
export function permissionDenied(reason: string, message: string, options: Options = {}): CaissonError {
  return new CaissonError('permission-denied', message, { ...options, reason })
}

/** Bytes that are not what a digest, a length or a range says. */
export function dataLoss(reason: string, message: string, options: Options = {}): CaissonError {
  return new CaissonError('data-loss', message, { ...options, reason })
}

export function unauthenticated(reason: string, message: string, options: Options = {}): CaissonError {
  return new CaissonError('unauthenticated', message, { ...options, reason })
}

/** Control characters, also the ones that turn text around, out; at most 300 characters. For text that others wrote. */
export function plainText(text: string): string {
  const plain = text
    .slice(0, 4096)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain
}
