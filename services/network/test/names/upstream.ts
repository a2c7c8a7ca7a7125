import { createSocket, type RemoteInfo } from 'node:dgram'
import { createServer } from 'node:net'
import { decode, encode, type Packet } from 'dns-packet'
import type { Forwarder } from '../../src/names/ports.ts'

/** What came over UDP; `reply` sends bytes back from the port of the server. */
export type Heard = { readonly message: Buffer; readonly from: RemoteInfo; reply(bytes: Buffer): void }

/** A name server of the host, which does what a test says. */
export type Upstream = AsyncDisposable & { readonly forwarder: Forwarder; readonly heard: readonly Heard[] }

/** Answers a question with one address. */
export function answerWith(message: Buffer, address: string, partial: Partial<Packet> = {}): Buffer {
  const { id = 0, questions = [] } = decode(message)
  const [question] = questions
  return encode({
    type: 'response',
    id,
    questions,
    answers: [{ type: 'A', name: question?.name ?? '', ttl: 60, data: address }],
    ...partial,
  })
}

/** `tcp`: what it says over connections, to each question; absent: it has no such port. */
export async function startUpstream(
  udp: (heard: Heard) => void,
  tcp?: (message: Buffer) => Buffer | undefined,
  address = '127.0.0.1',
  wantedPort = 0,
): Promise<Upstream> {
  await using stack = new AsyncDisposableStack()
  const heard: Heard[] = []
  const socket = createSocket('udp4')
  stack.defer(() => void socket.close())
  await new Promise<void>((resolve) => socket.bind(wantedPort, address, resolve))
  const { port } = socket.address()
  socket.on('message', (message, from) => {
    const each = { message, from, reply: (bytes: Buffer) => socket.send(bytes, from.port, from.address) }
    heard.push(each)
    udp(each)
  })
  if (tcp !== undefined) {
    const server = createServer((connection) => {
      connection.on('error', () => {})
      connection.on('data', (chunk) => {
        const answer = tcp((chunk as Buffer).subarray(2))
        if (answer !== undefined) connection.write(framed(answer))
      })
    })
    stack.defer(() => void server.close())
    await new Promise<void>((resolve) => server.listen(port, address, resolve))
  }
  const open = stack.move()
  return { forwarder: { address, port }, heard, [Symbol.asyncDispose]: () => open.disposeAsync() }
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}
