/** What S3 answers with instead of a result: a status, and a code that clients test. */
export class S3Error extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string = code) {
    super(message)
    this.status = status
    this.code = code
  }
}

export const noSuchKey = (): S3Error => new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')

export const noSuchUpload = (): S3Error => new S3Error(404, 'NoSuchUpload', 'The specified upload does not exist.')

export const preconditionFailed = (): S3Error =>
  new S3Error(412, 'PreconditionFailed', 'At least one of the preconditions you specified did not hold.')
