import { readFileSync } from 'node:fs'
import { failedPrecondition } from '@caisson/api'
import { z } from 'zod'

/** Where a registry's bucket is, and who it is to the bucket. */
export const bucketConfig = z.strictObject({
  name: z.string().min(3).max(63),
  region: z.string().min(1).default('us-east-1'),
  /** "https://s3.example.org:9000". Absent: Amazon's own for the region. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** All keys begin with it: for a bucket that is shared with other things. Ends in "/" unless it is empty. */
  prefix: z
    .string()
    .max(200)
    .regex(/^(?:[\w.-]+\/)*$/, 'must be empty, or words that each end in /')
    .default(''),
  /** Puts the bucket's name into the path of requests instead of the host's name: most servers but Amazon's want it. */
  pathStyle: z.boolean().default(false),
  /** A file with the JSON { accessKeyId, secretAccessKey, sessionToken? }. Absent: the environment, or the machine's role. */
  credentialsFile: z.string().optional(),
  /** Milliseconds that one request may take to connect, and then to make progress. */
  requestTimeoutMs: z.int().min(100).default(30_000),
})

export type BucketConfig = z.infer<typeof bucketConfig>

const credentialsSchema = z.object({
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  sessionToken: z.string().optional(),
})

export interface BucketCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Reads a file of credentials. The message of a failure never shows what is in it. */
export function readCredentials(file: string): BucketCredentials {
  try {
    const { sessionToken, ...pair } = credentialsSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return sessionToken === undefined ? pair : { ...pair, sessionToken }
  } catch (cause) {
    const message = `${file} is no file of bucket credentials: write {"accessKeyId": "...", "secretAccessKey": "..."}`
    // The cause would quote the file.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'MALFORMED'
    throw failedPrecondition('BUCKET_CREDENTIALS', message, { details: { file, code } })
  }
}
