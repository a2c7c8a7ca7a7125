import type { Store } from '@caisson/service-kit'

/** What a request made before. */
export interface EarlierRequest {
  readonly containerId: string
  readonly digest: string
}

const KEPT = 10_000
const KEPT_MS = 24 * 3_600_000

/** Which request ids made which containers: for a day, and the last ten thousand. */
export class RequestTable {
  readonly #insert
  readonly #find
  readonly #trim

  constructor(store: Store) {
    this.#insert = store.prepare(
      `INSERT INTO create_request (request_id, container_id, digest, at_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (request_id) DO UPDATE SET container_id = excluded.container_id, digest = excluded.digest,
         at_ms = excluded.at_ms`,
    )
    this.#find = store.prepare('SELECT container_id, digest FROM create_request WHERE request_id = ? AND at_ms > ?')
    this.#trim = store.prepare(
      'DELETE FROM create_request WHERE at_ms <= ? OR seq <= (SELECT max(seq) FROM create_request) - ?',
    )
  }

  find(requestId: string, nowMs: number): EarlierRequest | undefined {
    const row = this.#find.get(requestId, nowMs - KEPT_MS)
    return row && { containerId: String(row['container_id']), digest: String(row['digest']) }
  }

  add(requestId: string, request: EarlierRequest, nowMs: number): void {
    this.#insert.run(requestId, request.containerId, request.digest, nowMs)
    this.#trim.run(nowMs - KEPT_MS, KEPT)
  }
}
