import { randomBytes, randomInt } from 'node:crypto'
import { ADJECTIVES, NOUNS } from './words.ts'

/** A new id: 64 hexadecimal digits. It never looks like a number, so that no tool takes it for one. */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex')
    if (!/^\d+$/.test(id.slice(0, 12))) return id
  }
}

/** A name that `isTaken` says is free: an adjective and a noun, and a number when many are taken. */
export function madeUpName(isTaken: (name: string) => boolean): string {
  for (let tries = 0; ; tries++) {
    const words = `${ADJECTIVES[randomInt(ADJECTIVES.length)]}_${NOUNS[randomInt(NOUNS.length)]}`
    const name = tries < 3 ? words : `${words}${randomInt(10 ** Math.min(tries, 9))}`
    if (!isTaken(name)) return name
  }
}
