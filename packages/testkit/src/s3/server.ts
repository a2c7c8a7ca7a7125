import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyOf } from './body.ts'
import type { S3Context } from './context.ts'
import type { S3Fault, S3Interceptor } from './faults.ts'
import { listObjects } from './listing.ts'
import * as multipart from './multipart.ts'
import { copyObject, deleteObject, deleteObjects, getObject, putObject } from './objects.ts'
import { callOf, type S3Answer, type S3Call, type S3Operation } from './request.ts'
import { S3Error } from './s3-error.ts'
import { checkSignature, type S3Credentials } from './signature.ts'
import { StoredBucket } from './store.ts'
import { xmlDocument } from './xml.ts'

export interface S3ServerOptions {
  /** Default: one, "registry". */
  readonly buckets?: readonly string[]
  /** Default: one pair, S3Server.credentials. */
  readonly credentials?: readonly S3Credentials[]
  /** Whether If-Match and If-None-Match count when something is written: old servers ignore them. Default: true. */
  readonly conditionalWrites?: boolean
  /** Whether If-Match counts when something is deleted: many servers ignore it. Default: true. */
  readonly conditionalDeletes?: boolean
  /** Bytes of the smallest part that is not the last. Default: 5 MiB, as S3. */
  readonly minPartSize?: number
}

/** A server that speaks S3 in path style, with all its data in memory. */
export interface S3Server extends AsyncDisposable {
  /** "http://127.0.0.1:41234". */
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  readonly credentials: S3Credentials
  /** Every request with a good signature, oldest first. */
  readonly calls: readonly S3Call[]
  /** What goes wrong from now on. Undefined: nothing. */
  intercept: S3Interceptor | undefined
  /** The time that is written beside what is written, so that a test can age it. Answers tell the real time. */
  now: () => Date
  /** What is kept in a bucket: for a look from outside. */
  content(bucket?: string): StoredBucket
}

const REGION = 'test-1'
const CREDENTIALS: S3Credentials = { accessKeyId: 'AKTEST', secretAccessKey: 'secret of the tests' }
const MIN_PART_SIZE = 5 * 1024 ** 2

const operations: Readonly<Record<S3Operation, (context: S3Context) => S3Answer>> = {
  HeadBucket: () => ({ status: 200, headers: { 'x-amz-bucket-region': REGION }, body: [] }),
  ListObjectsV2: listObjects,
  ListMultipartUploads: multipart.listMultipartUploads,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: deleteObject,
  CopyObject: copyObject,
  CreateMultipartUpload: multipart.createMultipartUpload,
  UploadPart: multipart.uploadPart,
  UploadPartCopy: multipart.uploadPartCopy,
  CompleteMultipartUpload: multipart.completeMultipartUpload,
  AbortMultipartUpload: multipart.abortMultipartUpload,
  ListParts: multipart.listParts,
}

/** Starts it on a free port of 127.0.0.1. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const bucketNames = options.buckets ?? ['registry']
  const [bucket = 'registry'] = bucketNames
  const [credentials = CREDENTIALS] = options.credentials ?? []
  const backing = new Backing(options, new Map(bucketNames.map((name) => [name, new StoredBucket()])))
  const server = createServer((request, response) => {
    void backing.serve(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(backing.handle, {
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    bucket,
    credentials,
    content: (name: string = bucket) => backing.bucket(name),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

class Backing {
  readonly handle: Pick<S3Server, 'calls' | 'intercept' | 'now'> & { readonly calls: S3Call[] } = {
    calls: [],
    intercept: undefined,
    now: () => new Date(),
  }
  readonly #options: S3ServerOptions
  readonly #buckets: ReadonlyMap<string, StoredBucket>

  constructor(options: S3ServerOptions, buckets: ReadonlyMap<string, StoredBucket>) {
    this.#options = options
    this.#buckets = buckets
  }

  bucket(name: string): StoredBucket {
    const bucket = this.#buckets.get(name)
    if (!bucket) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist.')
    return bucket
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response)
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      const body = xmlDocument('Error', { Code: error.code, Message: error.message })
      request.resume()
      send(request, response, { status: error.status, headers: {}, body: [Buffer.from(body)] })
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const call = callOf(method, url, headers)
    if (!call) throw new S3Error(501, 'NotImplemented', `${method} ${url}`)
    checkSignature(method, url, headers, this.#options.credentials ?? [CREDENTIALS])
    this.handle.calls.push(call)
    const fault = this.handle.intercept?.(call)
    const body = await bodyOf(request)
    if (fault?.kind === 'error') throw new S3Error(fault.status, fault.code)
    if (fault?.kind === 'delay') await sleep(fault.ms)
    if (isReset(fault, 'before')) return void request.socket.destroy()
    const answer = operations[call.operation](this.#context(call, body))
    if (isReset(fault, 'after')) return void request.socket.destroy()
    if (isReset(fault, 'during')) return sendHalf(request, response, answer)
    send(request, response, answer)
  }

  #context(call: S3Call, body: Buffer): S3Context {
    const { conditionalWrites: writes = true, conditionalDeletes: deletes = true } = this.#options
    return {
      call,
      body,
      bucket: this.bucket(call.bucket),
      now: this.handle.now(),
      minPartSize: this.#options.minPartSize ?? MIN_PART_SIZE,
      conditional: { writes, deletes },
    }
  }
}

const isReset = (fault: S3Fault | undefined, when: 'before' | 'during' | 'after'): boolean =>
  fault?.kind === 'reset' && fault.when === when

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: S3Answer): void {
  const length = body.reduce((sum, piece) => sum + piece.length, 0)
  response.writeHead(status, { ...(status !== 204 && status !== 304 && { 'content-length': length }), ...headers })
  if (request.method !== 'HEAD') for (const piece of body) response.write(piece)
  response.end()
}

/** Promises the whole body, sends half of it and cuts the connection. */
function sendHalf(request: IncomingMessage, response: ServerResponse, { status, headers, body }: S3Answer): void {
  const whole = Buffer.concat(body)
  response.writeHead(status, { 'content-length': whole.length, ...headers })
  response.write(whole.subarray(0, whole.length >> 1), () => request.socket.destroy())
}
