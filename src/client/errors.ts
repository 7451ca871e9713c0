// What goes wrong in a call, as the API tells it.

interface ErrorBody {
  readonly key?: unknown
  readonly message?: unknown
  readonly details?: unknown
  readonly request_id?: unknown
  readonly resource_id?: unknown
  readonly resource_type?: unknown
  readonly error?: { readonly message?: unknown }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** A call that came to nothing. `status` is 0, and `key` `unreachable` or `timeout`, when there was no answer. */
export class TributaryError extends Error {
  override readonly name = 'TributaryError'
  /** The HTTP status. */
  readonly status: number
  /** What it is, for programs: `not_found`, `quantity_exceeded`, … */
  readonly key: string
  readonly details: string | undefined
  /** The same as in the log of the server. */
  readonly requestId: string | undefined
  readonly resourceId: string | undefined
  readonly resourceType: string | undefined
  /** What the author of a rule says about it. */
  readonly ruleMessage: string | undefined
  /** Seconds after which asking again may help, where the server says so. */
  readonly retryAfter: number | undefined
  /** The whole body. */
  readonly body: unknown

  constructor(
    status: number,
    body: unknown,
    { cause, retryAfter }: { cause?: unknown; retryAfter?: number | undefined } = {},
  ) {
    const said: ErrorBody = typeof body === 'object' && body !== null ? body : {}
    const details = text(said.details)
    const message = text(said.message) ?? `The server answered ${status}`
    super(details === undefined ? message : `${message}: ${details}`, { cause })
    this.status = status
    this.key = text(said.key) ?? 'unknown'
    this.details = details
    this.requestId = text(said.request_id)
    this.resourceId = text(said.resource_id)
    this.resourceType = text(said.resource_type)
    this.ruleMessage = text(said.error?.message)
    this.retryAfter = retryAfter
    this.body = body
  }
}
