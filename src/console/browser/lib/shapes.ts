// What pages read of the API's answers. They are the server's to make; a field that is not there shows as a dash.

export type Fields = Readonly<Record<string, unknown>>

export interface Property {
  readonly type: 'string' | 'number' | 'boolean' | 'date' | 'datetime'
  readonly array?: boolean
  readonly optional?: boolean
  readonly deleted?: boolean
  readonly personal?: boolean
}

export interface EventSchema {
  readonly id: string
  readonly name: string
  readonly schema: { readonly properties: Readonly<Record<string, Property>> }
  readonly created_at: string
  readonly updated_at?: string
}

export interface EventName {
  readonly event: string
  readonly events: number
  readonly last_at: string | null
}

/** As much of a customer as tells who it is. */
export interface Called {
  readonly id: string
  readonly source_id?: string | null
  readonly name?: string | null
  readonly email?: string | null
}

export interface Customer {
  readonly id: string
  readonly source_id?: string
  readonly name?: string
  readonly email?: string
  readonly phone?: string
  readonly description?: string
  readonly birthdate?: string
  readonly address: Fields | null
  readonly metadata: Fields
  readonly summary?: Fields
  readonly loyalty?: { readonly points: number; readonly referred_customers: number; readonly campaigns: Fields }
  readonly referrals?: { readonly total: number; readonly campaigns: readonly Fields[] }
  readonly created_at: string
  readonly updated_at?: string
}

export interface Activity {
  readonly id: string
  readonly type: string
  readonly category: 'ACTION' | 'EFFECT'
  readonly data: Fields & { readonly customer?: Called }
  readonly created_at: string
  readonly recorded_at: string
  readonly group_id: string
}

export interface RejectedEvent {
  readonly id: string
  readonly event: string
  readonly reasons: readonly string[]
  readonly body: Fields
  readonly channel: string
  readonly rejected_at: string
  readonly customer_id: string | null
  readonly resent_at: string | null
}

export interface Segment {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly filter: unknown
  readonly condition?: unknown
  readonly customers_count?: number
  readonly trigger_on_rollout: boolean
  readonly created_at: string
  readonly updated_at?: string
  readonly switched_off?: string
  readonly rollout: { readonly status: string; readonly done: number; readonly total: number }
}

export interface Voucher {
  readonly id: string
  readonly code: string
  readonly campaign?: string
  readonly campaign_id?: string
  readonly type: string
  readonly discount?: Fields
  readonly gift?: { readonly amount: number; readonly balance: number }
  readonly loyalty_card?: {
    readonly points: number
    readonly balance: number
    readonly pending_points?: number
    readonly next_expiration_date?: string
    readonly next_expiration_points?: number
  }
  readonly loyalty_tier?: { readonly id: string; readonly name: string } | null
  readonly redemption: { readonly quantity?: number; readonly redeemed_quantity: number }
  readonly publish?: { readonly count: number }
  readonly active: boolean
  readonly is_referral_code: boolean
  readonly holder_id?: string
  readonly metadata: Fields
  readonly created_at: string
  readonly expiration_date?: string
}

export interface Campaign {
  readonly id: string
  readonly name: string
  readonly campaign_type: string
  readonly description?: string
  readonly active: boolean
  readonly vouchers_count?: number
  readonly voucher?: Fields
  readonly vouchers_generation_status?: string
  readonly created_at: string
}

export interface Redemption {
  readonly id: string
  readonly date: string
  readonly result: string
  readonly status: string
  readonly failure_code?: string
  readonly failure_message?: string
  readonly customer?: Called
  readonly voucher?: { readonly code: string; readonly campaign?: string }
  readonly promotion_tier?: { readonly id: string; readonly name: string }
  readonly order?: { readonly amount: number; readonly total_discount_amount: number } | null
  readonly object: string
}

export interface Message {
  readonly id: string
  readonly customer_id: string
  readonly distribution: { readonly id: string; readonly name: string }
  readonly channel: string
  readonly state: string
  readonly reason: string | null
  readonly details: string | null
  readonly due_at: string | null
  readonly attempts: number
  readonly cause: string
  readonly log: readonly Fields[]
  readonly created_at: string
  readonly updated_at: string
}

export interface Distribution {
  readonly id: string
  readonly name: string
  readonly active: boolean
  readonly trigger: { readonly type: string; readonly event?: string; readonly segment_id?: string }
  readonly channel: { readonly type: string } & Fields
  readonly validation_rule_id?: string
  readonly re_entry?: Fields
  readonly created_at: string
}

export interface ListOf<T> {
  readonly data: readonly T[]
  readonly total?: number
}

/** What a customer is called wherever one is shown. */
export const nameOf = (customer: Called): string => customer.name || customer.email || customer.source_id || customer.id
