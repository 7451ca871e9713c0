// What the question whether redeemables may be redeemed is asked with.
import type { Steps } from '../conditions/steps.ts'
import type { CustomerState } from '../customer/state.ts'
import type { PricedOrder } from '../order.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import type { CodeState } from '../vouchers/code.ts'
import type { RewardWanted } from './points.ts'

/** One thing that is to be redeemed, with what its ledgers say. */
export interface Redeemable {
  /** The code as it was asked for. */
  readonly asked: string
  readonly code: CodeState
  /**
   * How the budgets of the ledgers stand with this redemption counted in, by the names of rules; what a rule asks for and this
   * lacks is taken to hold.
   */
  readonly measures: Readonly<Record<string, number>>
  /** Redemptions of the code with this one counted in; absent where that is not known yet. */
  readonly times?: number
  /** Gift credits that were asked for, and those that are there, minor units. */
  readonly credits?: number
  readonly available?: number
  /** What the points of a loyalty card are to pay for. */
  readonly reward?: RewardWanted
  /** What goes off a balance, once that is known. */
  readonly taken?: { readonly credits?: number; readonly points?: number }
}

/** Who asks, for what, and when. */
export interface Situation {
  /** Absent for a redemption without a customer. */
  readonly customer?: CustomerState
  readonly order?: PricedOrder
  readonly metadata: Readonly<Record<string, unknown>>
  readonly apiKey: string
  readonly rulebook: Rulebook
  /** ms. */
  readonly now: number
  /** Rules are asked only for what they say of the customer. */
  readonly audienceOnly?: boolean
  /** The redeemables were chosen by the stacking rules before: all of them or none. */
  readonly isChosen?: boolean
  /** What all rules may cost together; by default as much as one decision has. */
  readonly steps?: Steps
}
