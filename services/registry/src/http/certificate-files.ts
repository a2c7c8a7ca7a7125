import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { type CaissonError, invalid } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'

const LOOK_EVERY_MS = 5_000

interface Places {
  readonly certificate: string
  readonly key: string
}

/** A certificate and its key in files that others renew. What cannot be used is told and not taken. */
export class CertificateFiles implements AsyncDisposable {
  readonly #places: Places
  readonly #log: Logger
  readonly #stop = new AbortController()
  #current: { readonly cert: string; readonly key: string }
  #changed: (tls: SecureContextOptions) => void = () => {}
  #watching: Promise<void> | undefined

  private constructor(places: Places, log: Logger, current: { readonly cert: string; readonly key: string }) {
    this.#places = places
    this.#log = log
    this.#current = current
  }

  static async open(places: Places, log: Logger, lookEveryMs = LOOK_EVERY_MS): Promise<CertificateFiles> {
    const files = new CertificateFiles(places, log, await read(places))
    files.#watching = files.#watch(lookEveryMs)
    return files
  }

  get current(): SecureContextOptions {
    return this.#current
  }

  onChange(changed: (tls: SecureContextOptions) => void): void {
    this.#changed = changed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#watching
  }

  async #watch(everyMs: number): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) await this.#look()
    }
  }

  async #look(): Promise<void> {
    try {
      const found = await read(this.#places)
      if (found.cert === this.#current.cert && found.key === this.#current.key) return
      this.#current = found
      this.#changed(found)
      this.#log.info({ certificate: this.#places.certificate }, 'the certificate is renewed')
    } catch (error) {
      this.#log.warn({ error: String(error) }, 'the new certificate cannot be used: the former stays')
    }
  }
}

/** Throws INVALID_CONFIG when certificate and key do not belong together. */
async function read(places: Places): Promise<{ cert: string; key: string }> {
  const [cert, key] = await Promise.all([readFile(places.certificate, 'utf8'), readFile(places.key, 'utf8')])
  try {
    createSecureContext({ cert, key })
    // An empty file counts for none above.
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key }
  } catch (cause) {
    throw noPair(places, cause)
  }
  throw noPair(places)
}

function noPair({ certificate, key }: Places, cause?: unknown): CaissonError {
  return invalid(`${certificate} and ${key} are no certificate and its key`, { reason: 'INVALID_CONFIG', cause })
}
