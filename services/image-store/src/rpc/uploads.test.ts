import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { byteSockets } from '@caisson/service-kit'
import { openSocketUpload } from './uploads.ts'

type Message =
  Parameters<typeof openSocketUpload<{ overSocket: boolean }>>[0] extends AsyncIterable<infer M> ? M : never

describe('an upload over a socket', () => {
  const root = mkdtempSync(join(tmpdir(), 'csn-uploads-'))
  after(() => rmSync(root, { recursive: true }))

  /** `later`: the message behind the options, which comes when the socket was told and before a connection is taken. */
  async function receive(later: Message, send: (path: string) => void, acceptTimeoutMs?: number): Promise<string> {
    const told = Promise.withResolvers<void>()
    async function* messages(): AsyncGenerator<Message> {
      yield { item: { $case: 'options', value: { overSocket: true } } }
      await told.promise
      yield later
    }
    using upload = await openSocketUpload(messages(), byteSockets(root, 'image-store'), acceptTimeoutMs)
    send(upload.path ?? '')
    told.resolve()
    let text = ''
    for await (const chunk of upload.chunks) text += chunk
    return text
  }

  test('is whole when all was said to be sent before its connection was heard of', async () => {
    const sent = await receive({ item: { $case: 'sent', value: 5 } }, (path) => connect(path).end('bytes'))
    assert.equal(sent, 'bytes')
  })

  test('takes messages from who does not connect', async () => {
    const sent = await receive({ item: { $case: 'chunk', value: Buffer.from('piece') } }, () => {})
    assert.equal(sent, 'piece')
  })

  test('is refused when less arrived than was sent', async () => {
    const short = receive({ item: { $case: 'sent', value: 6 } }, (path) => connect(path).end('bytes'))
    await assert.rejects(short, { code: 'out-of-range', reason: 'UPLOAD_INCOMPLETE' })
  })

  test('is refused when nobody connected', async () => {
    const nobody = receive({ item: { $case: 'sent', value: 5 } }, () => {}, 50)
    await assert.rejects(nobody, { code: 'invalid-argument', reason: 'UPLOAD_NOT_CONNECTED' })
  })
})
