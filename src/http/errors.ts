// The one table of what can go wrong over HTTP: failure key → status and message, their builders, and the error body.
import { randomFillSync } from 'node:crypto'
import { isRefused, type Refusal, type RefusalKey, type Refused } from '../domain/refusal.ts'

/**
 * Every `key` an error body may carry, with its status and the short message, as the HTTP contract lists them.
 * Keys that the contract lacks (`method_not_allowed`, `payload_too_large` …) follow its style.
 */
const table = {
  invalid_payload: [400, 'Invalid payload'],
  malformed_json: [400, 'Malformed JSON'],
  invalid_query_params: [400, 'Invalid query params'],
  invalid_header: [400, 'Invalid header'],
  invalid_path: [400, 'Invalid path'],
  invalid_request: [400, 'Invalid request'],
  missing_param: [400, 'Missing parameter'],
  metadata_validation_failed: [400, 'Metadata validation failed'],
  invalid_validation_rules: [400, 'Invalid validation rules'],
  invalid_customer: [400, 'Invalid customer'],
  missing_customer: [400, 'Missing customer'],
  customer_rules_violated: [400, 'Customer rules violated'],
  order_rules_violated: [400, 'Order rules violated'],
  redemption_rules_violated: [400, 'Redemption rules violated'],
  condition_too_costly: [400, 'Condition too costly'],
  missing_order: [400, 'Missing order'],
  invalid_order: [400, 'Invalid order'],
  missing_order_items: [400, 'Missing order items'],
  missing_order_items_amount: [400, 'Missing order items amount'],
  missing_amount: [400, 'Missing amount'],
  invalid_amount: [400, 'Invalid amount'],
  invalid_redeemables: [400, 'Invalid redeemables'],
  duplicated_redeemables: [400, 'Duplicated redeemables'],
  invalid_redemption: [400, 'Invalid redemption'],
  invalid_redemption_parent: [400, 'Invalid redemption parent'],
  already_rolled_back: [400, 'Already rolled back'],
  voucher_expired: [400, 'Voucher expired'],
  voucher_disabled: [400, 'Voucher is disabled'],
  voucher_not_active: [400, 'Voucher is not active yet'],
  voucher_not_active_now: [400, 'Voucher is not active now'],
  campaign_not_active: [400, 'Campaign is not active'],
  campaign_not_allow_auto_join: [400, 'Campaign does not allow auto join'],
  quantity_exceeded: [400, 'Quantity exceeded'],
  gift_amount_exceeded: [400, 'Gift amount exceeded'],
  loyalty_card_points_exceeded: [400, 'Loyalty card points exceeded'],
  loyalty_card_not_active: [400, 'Loyalty card is not active'],
  invalid_balance: [400, 'Invalid balance'],
  invalid_expiration_date: [400, 'Invalid expiration date'],
  invalid_pending_points_state: [400, 'Invalid pending points state'],
  missing_reward: [400, 'Missing reward'],
  no_voucher_suitable_for_publication: [400, 'No voucher suitable for publication'],
  voucher_already_published: [400, 'Voucher already published'],
  voucher_cannot_be_published: [400, 'Voucher cannot be published'],
  not_published: [400, 'Not published'],
  duplicate_source_id: [400, 'Duplicate source id'],
  duplicate_key: [400, 'Duplicate key'],
  referrer_not_permitted_to_redeem: [400, 'Referrer is not permitted to redeem'],
  resource_in_use: [400, 'Resource in use'],
  resource_protected: [400, 'Resource is protected'],
  too_many_vouchers_requested: [400, 'Too many vouchers requested'],
  page_over_limit: [400, 'Page over limit'],
  invalid_or_expired_cursor: [400, 'Invalid or expired cursor'],
  query_too_large: [400, 'Query too large'],
  multiple_requests: [400, 'Multiple requests'],
  ambiguous_tracking_id: [400, 'Ambiguous tracking id'],
  invalid_export_fields: [400, 'Invalid export fields'],
  promotion_inactive: [400, 'Promotion is not active'],
  promotion_not_active_now: [400, 'Promotion is not active now'],
  invalid_campaign: [400, 'Invalid campaign'],
  invalid_campaign_params: [400, 'Invalid campaign params'],
  invalid_voucher: [400, 'Invalid voucher'],
  invalid_gift: [400, 'Invalid gift'],
  invalid_grant_type: [400, 'Invalid grant type'],
  invalid_scope: [400, 'Invalid scope'],
  missing_vouchers: [400, 'Missing vouchers'],
  invalid_publish_params: [400, 'Invalid publish params'],
  invalid_code_config: [400, 'Invalid code config'],
  invalid_add_balance_params: [400, 'Invalid add balance params'],
  invalid_rollback_params: [400, 'Invalid rollback params'],
  unauthorized: [401, 'Unauthorized'],
  missing_required_feature: [402, 'Missing required feature'],
  forbidden: [403, 'Forbidden'],
  missing_required_permission: [403, 'Missing required permission'],
  integration_api_key_required: [403, 'Integration API key required'],
  not_found: [404, 'Resource not found'],
  not_served: [404, 'Not served'],
  method_not_allowed: [405, 'Method not allowed'],
  request_timeout: [408, 'Request timeout'],
  duplicate_found: [409, 'Duplicate resource found'],
  duplicate_event_id: [409, 'Duplicate event id'],
  holder_assignement_duplication: [409, 'Holder assignment duplication'],
  definition_in_use: [409, 'Definition in use'],
  conflict: [409, 'Conflict'],
  precondition_failed: [412, 'Precondition failed'],
  payload_too_large: [413, 'Payload too large'],
  unsupported_media_type: [415, 'Unsupported media type'],
  idempotency_key_reused: [422, 'Idempotency key reused'],
  too_many_requests: [429, 'Too many requests hit the API too quickly.'],
  headers_too_large: [431, 'Request header fields too large'],
  internal_error: [500, 'Internal error'],
  unavailable: [503, 'Service unavailable'],
  not_tried: [503, 'Not tried'],
  insufficient_storage: [507, 'Insufficient storage'],
} as const satisfies Record<string, readonly [status: number, message: string]> &
  Record<RefusalKey, readonly [status: number, message: string]>

export type FailureKey = keyof typeof table

/** What a request is refused with. A value: handlers return it, the pipeline writes it. */
export interface Failure {
  readonly failed: true
  readonly status: number
  readonly key: FailureKey
  readonly message: string
  readonly details?: string
  readonly resourceId?: string
  readonly resourceType?: string
  /** The text that a rule's author wrote for its failure. */
  readonly error?: { readonly message: string }
  /** Seconds, sent as `Retry-After`. */
  readonly retryAfter?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure, with where to wait for the record of it, or of what came about before it. */
export const shownFrom = (failure: Failure, position: bigint | undefined): Failure =>
  position === undefined ? failure : { ...failure, headers: { 'Consistency-Token': String(position) } }

type FailureExtras = Omit<Failure, 'failed' | 'status' | 'key' | 'message' | 'details'>

/** The reference's error body. `code` repeats the HTTP status: the SDK reads it from here. */
export interface ErrorBody {
  readonly code: number
  readonly key: FailureKey
  readonly message: string
  readonly details?: string
  readonly request_id: string
  readonly resource_id?: string
  readonly resource_type?: string
  readonly error?: { readonly message: string }
}

/** Any failure of the table. */
export const fail = (key: FailureKey, details?: string, extras: FailureExtras = {}): Failure => {
  const [status, message] = table[key]
  return { failed: true, status, key, message, details, ...extras }
}

/** 404 with the reference's words: "Cannot find {type} with id {id}". */
export const notFound = (resourceType: string, resourceId: string): Failure =>
  fail('not_found', `Cannot find ${resourceType} with id ${resourceId}`, { resourceId, resourceType })

/** 409 for a name or id that is taken. */
export const duplicateFound = (resourceType: string, resourceId: string, details?: string): Failure =>
  fail('duplicate_found', details ?? `Duplicate ${resourceType}: ${resourceId}`, { resourceId, resourceType })

/** 503: what is needed to answer is not there now. `retryAfter` in seconds. */
export const unavailable = (details: string, retryAfter = 1): Failure => fail('unavailable', details, { retryAfter })

/** 503 at the door: nothing was done, and after so many seconds there is room again. */
export const overloaded = (retryAfter: number): Failure =>
  unavailable(`There is more to do than can be done soon; ask again in ${retryAfter} s`, retryAfter)

/** 503 for one of many that there was no time for. */
export const notTried = (): Failure =>
  fail('not_tried', 'The time of the batch was over before it came to this event; send it again', { retryAfter: 1 })

/** 507: nothing can be recorded until an operator has made room. Seconds until it may be worth asking again. */
export const insufficientStorage = (details: string, retryAfter = 30): Failure =>
  fail('insufficient_storage', details, { retryAfter })

/** 503 for a read model that did not reach the asked position in time: never a silent stale read. */
export const notYetConsistent = (waitedMs: number): Failure =>
  unavailable(`The read model did not reach the Consistency-Token within ${waitedMs} ms; ask again`, 1)

/** The decision's "no" (domain) as a failure. */
export const fromRefusal = (refusal: Refusal): Failure =>
  fail(refusal.key, refusal.details, {
    resourceType: refusal.resource?.type,
    resourceId: refusal.resource?.id,
    ...(refusal.ruleMessage === undefined ? {} : { error: { message: refusal.ruleMessage } }),
  })

export const isFailure = (value: object): value is Failure => 'failed' in value && value.failed === true

/** A domain refusal becomes a failure; anything else stays what it is. */
export const asFailure = <T extends object>(value: T | Failure | Refused): T | Failure =>
  isRefused(value) ? fromRefusal(value.refused) : value

/** The error body of a failure, also for one item of a batch. */
export const errorBody = (failure: Failure, requestId: string): ErrorBody => ({
  code: failure.status,
  key: failure.key,
  message: failure.message,
  details: failure.details,
  request_id: requestId,
  resource_id: failure.resourceId,
  resource_type: failure.resourceType,
  error: failure.error,
})

/** Thrown by a layer below when a needed server does not answer: becomes 503 with `Retry-After` (seconds). */
export class Unavailable extends Error {
  readonly retryAfter: number
  constructor(message: string, options: { readonly retryAfter?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Unavailable'
    this.retryAfter = options.retryAfter ?? 1
  }
}

const ID_BYTES = 9
const pool = Buffer.alloc(ID_BYTES * 256)
let used = pool.length

/** A fresh request id: `v-` and 18 hex digits. Random bytes are drawn for 256 ids at a time. */
export const newRequestId = (): string => {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const id = `v-${pool.toString('hex', used, used + ID_BYTES)}`
  used += ID_BYTES
  return id
}
