import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { refusalOf } from '../../test/unpacked.ts'
import { createUnpacker, type Unpacker } from './unpacker.ts'

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`
const DIRECTORY = mkdtempSync(join(tmpdir(), 'caisson-unpacker-'))
after(() => rmSync(DIRECTORY, { recursive: true }))
let count = 0

/** An unpacker whose helper is a shell script. */
function scripted(script: string): Unpacker {
  const path = join(DIRECTORY, `helper-${count++}`)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return createUnpacker(path)
}

test('a helper that cannot be started is a failure that names it', async () => {
  const missing = join(DIRECTORY, 'missing')
  const error = await refusalOf(createUnpacker(missing).sync(DIRECTORY))
  assert.equal(error.reason, 'IO')
  assert.match(error.message, /missing ended before it started .*ENOENT/)
})

test('a helper that dies without an answer is a failure that says how, and what it complained of', async () => {
  const killed = await refusalOf(scripted('echo oops >&2; kill -9 $$').sync(DIRECTORY))
  assert.match(killed.message, /ended by SIGKILL without an answer: oops/)
  const failed = await refusalOf(scripted('exit 3').sync(DIRECTORY))
  assert.match(failed.message, /ended with status 3 without an answer/)
})

test('a helper that talks nonsense is refused', async () => {
  await assert.rejects(scripted('echo nonsense; exec sleep 60').sync(DIRECTORY), SyntaxError)
})

test('the answer of a helper that leaves its input unread is kept', async () => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(65_536)
    })(),
  )
  const unpacker = scripted(`echo '{"digest":"${DIGEST}","bytes":5}'`)
  assert.deepEqual(await unpacker.digest(endless), { digest: DIGEST, bytes: 5 })
})

test('an error of the stream is thrown as it is, and the helper ends', async () => {
  const broken = new Error('the network is gone')
  const stream = Readable.from(
    (async function* () {
      yield Buffer.from('x')
      throw broken
    })(),
  )
  await assert.rejects(scripted('exec sleep 60 <&3').digest(stream), broken)
})

test('a cancelled call throws the reason of its signal once the helper has ended', async () => {
  const pidFile = join(DIRECTORY, 'pid')
  const unpacker = scripted(`echo $$ > ${pidFile}; exec sleep 60`)
  const signal = AbortSignal.timeout(300)
  await assert.rejects(unpacker.sync(DIRECTORY, signal), { name: 'TimeoutError' })
  assert.throws(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0), { code: 'ESRCH' })
  await assert.rejects(unpacker.sync(DIRECTORY, AbortSignal.abort(new Error('before'))), /before/)
})

test('progress is reported, and an error in the report ends the helper', async () => {
  const unpacker = scripted(`echo '{"progress":{"bytes":1,"entries":2}}'; exec sleep 60`)
  const limits = { maxBytes: 1, maxEntries: 1 }
  const onProgress = (progress: unknown): void => {
    throw new Error(`seen ${JSON.stringify(progress)}`)
  }
  await assert.rejects(
    unpacker.unpack({ blob: Readable.from([]), target: DIRECTORY, limits, onProgress }),
    /seen {"bytes":1,"entries":2}/,
  )
})
