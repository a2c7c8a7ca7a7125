/** A delivery as it is sent. */
export interface Delivery {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What an endpoint answered. */
export interface Answer {
  readonly status: number
  /** Milliseconds that it asks to be left alone. */
  readonly retryAfterMs?: number
  /** The beginning of its body, as plain text. */
  readonly text: string
}

/** Sends deliveries over the network. */
export interface Sender {
  /**
   * Sends by POST and gives the answer, whatever its status: redirects are not followed. Ends in bounded time, and reads
   * some KiB of the body at most. Throws a CaissonError when there is no answer.
   */
  post(delivery: Delivery, signal: AbortSignal): Promise<Answer>
}
