import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { type S3Server, type S3ServerOptions, startS3Server } from '@caisson/testkit'

/** The server for tests, tried with the client that everybody has. */
const at = (Key: string) => ({ Bucket: 'registry', Key })

async function start(options: S3ServerOptions = {}) {
  const stack = new AsyncDisposableStack()
  const server = stack.use(await startS3Server(options))
  const client = clientOf(server)
  stack.defer(() => client.destroy())
  return { server, client, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function clientOf(server: S3Server, secretAccessKey = server.credentials.secretAccessKey): S3Client {
  const credentials = { ...server.credentials, secretAccessKey }
  return new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  })
}

const fails = (promise: Promise<unknown>, name: string) => assert.rejects(promise, { name })

test('an object is read back whole, in ranges, and with its metadata', async () => {
  await using s3 = await start()
  const key = at("a b/ü+'()*!")
  await s3.client.send(new PutObjectCommand({ ...key, Body: '0123456789', Metadata: { kind: 'digits' } }))
  const read = async (Range?: string) =>
    await (await s3.client.send(new GetObjectCommand({ ...key, Range }))).Body?.transformToString()
  assert.equal(await read(), '0123456789')
  assert.equal(await read('bytes=2-4'), '234')
  assert.equal(await read('bytes=7-'), '789')
  assert.equal(await read('bytes=-2'), '89')
  await fails(read('bytes=10-'), 'InvalidRange')
  const head = await s3.client.send(new HeadObjectCommand(key))
  assert.deepEqual([head.ContentLength, head.Metadata], [10, { kind: 'digits' }])
  await fails(s3.client.send(new GetObjectCommand(at('none'))), 'NoSuchKey')
})

test('a stream with a trailing checksum arrives', async () => {
  await using s3 = await start()
  const Body = Readable.from([Buffer.alloc(70_000, 1), Buffer.alloc(5, 2)])
  await s3.client.send(new PutObjectCommand({ ...at('s'), Body, ContentLength: 70_005, ChecksumAlgorithm: 'CRC32' }))
  assert.equal(s3.server.calls[0]?.headers['x-amz-trailer'], 'x-amz-checksum-crc32')
  assert.equal(s3.server.content().objects.get('s')?.size, 70_005)
})

test('a signature by another key, and a body with another checksum, are refused', async () => {
  await using s3 = await start()
  await fails(
    clientOf(s3.server, 'wrong').send(new PutObjectCommand({ ...at('x'), Body: 'x' })),
    'SignatureDoesNotMatch',
  )
  await fails(s3.client.send(new PutObjectCommand({ ...at('x'), Body: 'x', ChecksumSHA256: 'AAAA' })), 'BadDigest')
  const plain = await fetch(`${s3.server.endpoint}/registry/x`)
  assert.equal(plain.status, 403)
  assert.equal(s3.server.content().objects.size, 0)
})

test('writes and deletes keep to their conditions', async () => {
  await using s3 = await start()
  const put = (Body: string, more: object) => s3.client.send(new PutObjectCommand({ ...at('x'), Body, ...more }))
  await fails(put('0', { IfMatch: '"none"' }), 'NoSuchKey')
  const races = await Promise.allSettled(['1', '2', '3'].map((text) => put(text, { IfNoneMatch: '*' })))
  assert.equal(races.filter(({ status }) => status === 'fulfilled').length, 1)
  const { ETag: first } = await s3.client.send(new HeadObjectCommand(at('x')))
  await put('4', { IfMatch: first })
  await fails(put('5', { IfMatch: first }), 'PreconditionFailed')
  await fails(s3.client.send(new DeleteObjectCommand({ ...at('x'), IfMatch: first })), 'PreconditionFailed')
  await s3.client.send(new DeleteObjectCommand(at('x')))
  assert.equal(s3.server.content().objects.size, 0)
})

test('listings go by pages, by prefix and to the next delimiter', async () => {
  await using s3 = await start()
  for (const key of ['a', 'b/1', 'b/2', 'b/3/x', 'c/1', 'd'])
    await s3.client.send(new PutObjectCommand({ ...at(key), Body: key }))
  const list = (more: object) => s3.client.send(new ListObjectsV2Command({ Bucket: 'registry', ...more }))
  const found: string[] = []
  let token: string | undefined
  do {
    const page = await list({ MaxKeys: 2, Delimiter: '/', ...(token !== undefined && { ContinuationToken: token }) })
    found.push(
      ...(page.Contents ?? []).map(({ Key = '' }) => Key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix),
    )
    token = page.NextContinuationToken
  } while (token !== undefined)
  assert.deepEqual(found.sort(), ['a', 'b/', 'c/', 'd'])
  const below = await list({ Prefix: 'b/', StartAfter: 'b/1' })
  assert.deepEqual(
    below.Contents?.map(({ Key }) => Key),
    ['b/2', 'b/3/x'],
  )
  await s3.client.send(
    new DeleteObjectsCommand({ Bucket: 'registry', Delete: { Objects: [{ Key: 'a' }, { Key: 'd' }] } }),
  )
  assert.equal((await list({})).KeyCount, 4)
})

test('parts and copies become one object when they are completed, and nothing before', async () => {
  await using s3 = await start({ minPartSize: 4 })
  await s3.client.send(new PutObjectCommand({ ...at('source'), Body: 'abcdefgh' }))
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand(at('big')))
  const upload = { ...at('big'), UploadId }
  const one = await s3.client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: '12345' }))
  const CopySource = 'registry/source'
  const two = await s3.client.send(
    new UploadPartCopyCommand({ ...upload, PartNumber: 5, CopySource, CopySourceRange: 'bytes=2-4' }),
  )
  await fails(s3.client.send(new GetObjectCommand(at('big'))), 'NoSuchKey')
  const listed = await s3.client.send(new ListPartsCommand(upload))
  assert.deepEqual(
    listed.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
    [
      [1, 5],
      [5, 3],
    ],
  )
  assert.equal((await s3.client.send(new ListMultipartUploadsCommand({ Bucket: 'registry' }))).Uploads?.length, 1)
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[], more = {}) =>
    s3.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }))
  const [first, second] = [
    { PartNumber: 1, ETag: one.ETag },
    { PartNumber: 5, ETag: two.CopyPartResult?.ETag },
  ]
  await fails(complete([second, first]), 'InvalidPartOrder')
  await fails(complete([{ ...first, ETag: '"x"' }, second]), 'InvalidPart')
  const done = await complete([first, second], { IfNoneMatch: '*' })
  assert.match(done.ETag ?? '', /^"[0-9a-f]{32}-2"$/)
  assert.equal(await (await s3.client.send(new GetObjectCommand(at('big')))).Body?.transformToString(), '12345cde')
  await s3.client.send(new CopyObjectCommand({ ...at('copy'), CopySource: 'registry/big' }))
  assert.equal((await s3.client.send(new HeadObjectCommand(at('copy')))).ContentLength, 8)
  await fails(s3.client.send(new AbortMultipartUploadCommand(upload)), 'NoSuchUpload')
})

test('faults come when they are asked for', async () => {
  await using s3 = await start()
  const put = () => s3.client.send(new PutObjectCommand({ ...at('x'), Body: '0123456789' }))
  s3.server.intercept = () => ({ kind: 'error', status: 503, code: 'SlowDown' })
  await fails(put(), 'SlowDown')
  s3.server.intercept = () => ({ kind: 'reset', when: 'before' })
  await assert.rejects(put())
  assert.equal(s3.server.content().objects.size, 0)
  s3.server.intercept = () => ({ kind: 'reset', when: 'after' })
  await assert.rejects(put())
  assert.equal(s3.server.content().objects.size, 1)
  s3.server.intercept = () => ({ kind: 'reset', when: 'during' })
  const half = await s3.client.send(new GetObjectCommand(at('x')))
  await assert.rejects(async () => await half.Body?.transformToString())
})
