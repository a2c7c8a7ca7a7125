/**
 * Runs inside a namespace and asks 127.0.0.11 there: a JSON line for each wish on standard input, one for what came of it on
 * standard output. asking.ts starts it.
 */
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

export type Wish =
  /** Each from a socket of its own, at once, as far as the buffer of the other side goes. */
  | { readonly kind: 'udp'; readonly messages: readonly string[]; readonly timeoutMs: number }
  /** All on one connection, sent at once; ends when as many answers have come, or the connection ends. */
  | { readonly kind: 'tcp'; readonly messages: readonly string[]; readonly timeoutMs: number; readonly raw?: boolean }
  /** Sends a message for so long, as fast as it can, and hears nothing. */
  | { readonly kind: 'flood'; readonly message: string; readonly durationMs: number }
  /** Opens connections and says nothing; counts those that are still open then. */
  | { readonly kind: 'connections'; readonly count: number; readonly durationMs: number }
  /** Listens on 0.0.0.0:53, UDP and TCP. */
  | { readonly kind: 'bind' }

/** In base64; null: none came in time. */
export type Outcome = { readonly answers: readonly (string | null)[]; readonly count: number; readonly error?: string }

const SERVER = '127.0.0.11'
const PORT = 53
const MESSAGES_AT_ONCE = 50

function overUdp(message: Buffer, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const done = (answer: string | null): void => {
      clearTimeout(late)
      socket.close()
      resolve(answer)
    }
    const late = setTimeout(() => done(null), timeoutMs)
    socket.on('error', () => done(null))
    socket.on('message', (answer) => done(answer.toString('base64')))
    socket.connect(PORT, SERVER, () => socket.send(message))
  })
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

function overTcp(messages: readonly Buffer[], timeoutMs: number, raw: boolean): Promise<string[]> {
  return new Promise((resolve) => {
    const answers: string[] = []
    let received = Buffer.alloc(0)
    const socket = connect(PORT, SERVER)
    const late = setTimeout(() => socket.destroy(), timeoutMs)
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(late)
      resolve(answers)
    })
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk as Buffer])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        const end = 2 + received.readUInt16BE()
        answers.push(received.subarray(2, end).toString('base64'))
        received = received.subarray(end)
      }
      if (answers.length >= messages.length) socket.destroy()
    })
    socket.write(Buffer.concat(raw ? messages : messages.map(framed)))
  })
}

async function flood(message: Buffer, durationMs: number): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.connect(PORT, SERVER, resolve))
  const end = performance.now() + durationMs
  let count = 0
  while (performance.now() < end) {
    for (let i = 0; i < 100; i++, count++) socket.send(message)
    await new Promise((resolve) => setImmediate(resolve))
  }
  socket.close()
  return count
}

async function openConnections(count: number, durationMs: number): Promise<number> {
  const sockets = Array.from({ length: count }, () => connect(PORT, SERVER).on('error', () => {}))
  await sleep(durationMs)
  const open = sockets.filter((socket) => socket.readyState === 'open').length
  for (const socket of sockets) socket.destroy()
  return open
}

async function bindAll(): Promise<void> {
  const udp = createSocket('udp4')
  const tcp = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject)
      udp.bind(PORT, '0.0.0.0', resolve)
    })
    await new Promise<void>((resolve, reject) => {
      tcp.once('error', reject)
      tcp.listen(PORT, '0.0.0.0', resolve)
    })
  } finally {
    udp.close()
    tcp.close()
  }
}

async function fulfil(wish: Wish): Promise<Outcome> {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64')
  switch (wish.kind) {
    case 'udp': {
      const asked: Promise<string | null>[] = []
      for (const message of wish.messages) {
        asked.push(overUdp(bytes(message), wish.timeoutMs))
        if (asked.length % MESSAGES_AT_ONCE === 0) await sleep(20)
      }
      const answers = await Promise.all(asked)
      return { answers, count: answers.filter((answer) => answer !== null).length }
    }
    case 'tcp': {
      const answers = await overTcp(wish.messages.map(bytes), wish.timeoutMs, wish.raw === true)
      return { answers, count: answers.length }
    }
    case 'flood':
      return { answers: [], count: await flood(bytes(wish.message), wish.durationMs) }
    case 'connections':
      return { answers: [], count: await openConnections(wish.count, wish.durationMs) }
    case 'bind':
      await bindAll()
      return { answers: [], count: 0 }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await fulfil(JSON.parse(line) as Wish).catch((error: unknown) => ({
    answers: [],
    count: 0,
    error: String(error),
  }))
  process.stdout.write(`${JSON.stringify(outcome)}\n`)
}
