import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Answer, type DecodedPacket, decode, encode, type Packet, type RecordType } from 'dns-packet'
import type { Outcome, Wish } from './asker.ts'

const PROGRAM = join(import.meta.dirname, 'asker.ts')
const TIMEOUT_MS = 1_500

export const RECURSION_DESIRED = 0x0100

/** Types that can be written, but are missing in what the library declares. */
type QuestionType = RecordType | 'ANY' | 'HTTPS'

let nextId = 1

/** A question as a client writes it. */
export function questionOf(name: string, type: QuestionType = 'A', options: Partial<Packet> = {}): Buffer {
  const id = nextId++ & 0xffff
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type: type as RecordType, name, class: 'IN' }],
    ...options,
  })
}

/** With EDNS: so many bytes are taken over UDP. */
export const edns = (udpPayloadSize: number): Partial<Packet> => ({
  additionals: [
    { type: 'OPT', name: '.', udpPayloadSize, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] },
  ],
})

export const dataOf = (answers: readonly Answer[] | undefined): string[] =>
  (answers ?? []).map((answer) => ('data' in answer ? String(answer.data) : ''))

/** The last four bits of the flags. */
export const codeOf = (message: Buffer): number => message.readUInt16BE(2) & 0xf

/** Whoever asks inside a namespace, in a process of its own there. */
export class Asker implements Disposable {
  readonly #child
  readonly #lines
  #last: Promise<unknown> = Promise.resolve()

  constructor(namespacePath: string) {
    this.#child = spawn('nsenter', [`--net=${namespacePath}`, process.execPath, PROGRAM], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** One after another. */
  wish(wish: Wish): Promise<Outcome> {
    const mine = this.#last.then(async () => {
      this.#child.stdin.write(`${JSON.stringify(wish)}\n`)
      const { value } = await this.#lines.next()
      const outcome = JSON.parse(String(value)) as Outcome
      if (outcome.error !== undefined) throw new Error(outcome.error)
      return outcome
    })
    this.#last = mine.catch(() => {})
    return mine
  }

  /** The answer as it came; undefined: none came. */
  async send(message: Buffer, timeoutMs = TIMEOUT_MS): Promise<Buffer | undefined> {
    const { answers } = await this.wish({ kind: 'udp', messages: [message.toString('base64')], timeoutMs })
    const [answer] = answers
    return typeof answer === 'string' ? Buffer.from(answer, 'base64') : undefined
  }

  async sendTcp(messages: readonly Buffer[], timeoutMs = TIMEOUT_MS): Promise<Buffer[]> {
    const encoded = messages.map((message) => message.toString('base64'))
    const { answers } = await this.wish({ kind: 'tcp', messages: encoded, timeoutMs })
    return answers.flatMap((answer) => (answer === null ? [] : [Buffer.from(answer, 'base64')]))
  }

  /** The whole answer; throws when none comes. */
  async ask(
    name: string,
    type: QuestionType = 'A',
    options: Partial<Packet> = {},
    timeoutMs = TIMEOUT_MS,
  ): Promise<DecodedPacket & { code: number }> {
    const answer = await this.send(questionOf(name, type, options), timeoutMs)
    if (answer === undefined) throw new Error(`nobody answers the question for ${name} (${type})`)
    return { ...decode(answer), code: codeOf(answer) }
  }

  /** The data of the records. */
  async lookUp(name: string, type: QuestionType = 'A'): Promise<string[]> {
    return dataOf((await this.ask(name, type)).answers)
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
