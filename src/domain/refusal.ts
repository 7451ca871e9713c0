// A refusal: the business answer "no", as a value that says why and names what is at fault.

/** The reference's error keys that decisions give; the HTTP edge maps each to its status. */
export type RefusalKey =
  | 'not_found'
  | 'invalid_payload'
  | 'missing_param'
  | 'metadata_validation_failed'
  | 'invalid_customer'
  | 'missing_customer'
  | 'invalid_validation_rules'
  | 'customer_rules_violated'
  | 'order_rules_violated'
  | 'redemption_rules_violated'
  | 'condition_too_costly'
  | 'missing_order'
  | 'invalid_order'
  | 'missing_amount'
  | 'invalid_amount'
  | 'invalid_redeemables'
  | 'duplicated_redeemables'
  | 'invalid_redemption'
  | 'invalid_redemption_parent'
  | 'already_rolled_back'
  | 'voucher_expired'
  | 'voucher_disabled'
  | 'voucher_not_active'
  | 'voucher_not_active_now'
  | 'campaign_not_active'
  | 'promotion_inactive'
  | 'promotion_not_active_now'
  | 'campaign_not_allow_auto_join'
  | 'quantity_exceeded'
  | 'gift_amount_exceeded'
  | 'loyalty_card_points_exceeded'
  | 'loyalty_card_not_active'
  | 'invalid_balance'
  | 'invalid_expiration_date'
  | 'invalid_pending_points_state'
  | 'missing_reward'
  | 'no_voucher_suitable_for_publication'
  | 'voucher_already_published'
  | 'voucher_cannot_be_published'
  | 'not_published'
  | 'duplicate_source_id'
  | 'duplicate_key'
  | 'duplicate_event_id'
  | 'idempotency_key_reused'
  | 'referrer_not_permitted_to_redeem'
  | 'resource_in_use'
  | 'definition_in_use'
  | 'resource_protected'
  | 'too_many_vouchers_requested'
  | 'invalid_campaign'
  | 'invalid_campaign_params'
  | 'invalid_voucher'
  | 'invalid_gift'
  | 'invalid_publish_params'
  | 'invalid_code_config'
  | 'invalid_add_balance_params'
  | 'invalid_rollback_params'
  | 'duplicate_found'
  | 'holder_assignement_duplication'
  | 'multiple_requests'
  | 'precondition_failed'
  | 'conflict'
  | 'forbidden'

export interface Refusal {
  readonly key: RefusalKey
  readonly details: string
  readonly resource?: { readonly type: string; readonly id?: string }
  /** The text that the author of a rule wrote for its failure. */
  readonly ruleMessage?: string
}

export type Refused = { readonly refused: Refusal }

export const refuse = (key: RefusalKey, details: string, more: Omit<Refusal, 'key' | 'details'> = {}): Refused => ({
  refused: { key, details, ...more },
})

/** "Cannot find {type} with id {id}", as the HTTP contract words it. */
export const refuseNotFound = (type: string, id: string): Refused =>
  refuse('not_found', `Cannot find ${type} with id ${id}`, { resource: { type, id } })

/** A `source_id` stands for one content: another under it is not taken for a repeat. */
export const refuseSourceId = (sourceId: string): Refused =>
  refuse('duplicate_source_id', `The source_id ${sourceId} was used for another request before`)

export const isRefused = (value: object | undefined): value is Refused => value !== undefined && 'refused' in value
