/** How the deliveries of a webhook went in this process. Times are milliseconds since 1970. */
export interface WebhookState {
  /** Events that were taken. */
  readonly delivered: number
  /** Attempts that failed. */
  readonly failed: number
  /** Events that the log held no more. */
  readonly skipped: number
  readonly deliveredAt?: number | undefined
  readonly failedAt?: number | undefined
  /** Why the last failure was. */
  readonly error?: string | undefined
}

export const FRESH_STATE: WebhookState = { delivered: 0, failed: 0, skipped: 0 }

export const taken = (state: WebhookState, at: number): WebhookState => ({
  ...state,
  delivered: state.delivered + 1,
  deliveredAt: at,
})

export const refused = (state: WebhookState, at: number, error: string): WebhookState => ({
  ...state,
  failed: state.failed + 1,
  failedAt: at,
  error,
})
