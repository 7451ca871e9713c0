// The families of a customer's facts: which part of the customer each keeps, and how its facts show.

import type { Activity } from './activity.ts'
import { consentFacts } from './consents.ts'
import { evolveBy, type FactRow, type Happening } from './factRow.ts'
import type { CustomerFact, CustomerFactType } from './facts.ts'
import { evolveLoyalty } from './loyalty/evolve.ts'
import { type LoyaltyFact, loyaltyFacts } from './loyalty/facts.ts'
import { loyaltyActivity, loyaltyHappening } from './loyalty/show.ts'
import { messageFacts } from './messages.ts'
import { evolveOrders, type OrderFact, orderFacts } from './orders/facts.ts'
import { orderActivity, orderHappening } from './orders/show.ts'
import { noteEarned } from './orders/state.ts'
import { profileFacts } from './profileFacts.ts'
import { evolveRedemptions, type RedemptionFact, redemptionFacts } from './redemptions/facts.ts'
import { redemptionActivity, redemptionHappening } from './redemptions/show.ts'
import { evolveReferrals, type ReferralFact, referralFacts } from './referrals/facts.ts'
import { referralActivity, referralHappening } from './referrals/show.ts'
import { segmentFacts } from './segmentFacts.ts'
import type { CustomerState } from './state.ts'
import { trackingFacts } from './tracking.ts'
import { evolveVouchers, type VoucherFact, voucherFacts } from './vouchers/facts.ts'

interface Family<F extends CustomerFact = CustomerFact> {
  readonly facts: Readonly<Record<string, unknown>>
  evolve(state: CustomerState, fact: F): CustomerState
  happening(fact: F): Happening | undefined
  activity(fact: F, id: string): Activity | undefined
  /** Whether it has an activity. */
  isShown(fact: F): boolean
}

/** A family whose rows say all of it. */
const ofRows = <Part>(
  facts: Readonly<Record<string, FactRow<Part>>>,
  partOf: (state: CustomerState) => Part,
  withPart: (state: CustomerState, part: Part) => CustomerState,
): Family => {
  const evolvePart = evolveBy(facts)
  return {
    facts,
    evolve: (state, fact) => withPart(state, evolvePart(partOf(state), fact)),
    happening: ({ type, data }) => facts[type]?.happening?.(data),
    activity: ({ type, data }, id) => facts[type]?.activity?.(data, id),
    isShown: ({ type, data }) => facts[type]?.activity?.(data, '') !== undefined,
  }
}

const whole = (facts: Readonly<Record<string, FactRow<CustomerState>>>): Family =>
  ofRows(
    facts,
    (state) => state,
    (_, state) => state,
  )

const loyalty: Family<LoyaltyFact> = {
  facts: loyaltyFacts,
  isShown: ({ type }) => loyaltyFacts[type].event !== undefined,
  evolve: (state, fact) => ({
    ...state,
    loyalty: evolveLoyalty(state.loyalty, fact),
    orders: noteEarned(state.orders, fact),
  }),
  happening: loyaltyHappening,
  activity: loyaltyActivity,
}

const vouchers: Family<VoucherFact> = {
  facts: voucherFacts,
  isShown: ({ type }) => voucherFacts[type].event !== undefined,
  evolve: (state, fact) => ({ ...state, vouchers: evolveVouchers(state.vouchers, fact) }),
  happening: referralHappening,
  activity: referralActivity,
}

const referrals: Family<ReferralFact> = {
  facts: referralFacts,
  isShown: ({ type }) => referralFacts[type].event !== undefined,
  evolve: (state, fact) => ({ ...state, referrals: evolveReferrals(state.referrals, fact) }),
  happening: referralHappening,
  activity: referralActivity,
}

const redemptions: Family<RedemptionFact> = {
  facts: redemptionFacts,
  isShown: ({ type }) => redemptionFacts[type].event !== undefined,
  evolve: (state, fact) => ({ ...state, redemptions: evolveRedemptions(state.redemptions, fact) }),
  happening: redemptionHappening,
  activity: redemptionActivity,
}

const orders: Family<OrderFact> = {
  facts: orderFacts,
  isShown: ({ type }) => orderFacts[type].event !== undefined,
  evolve: (state, fact) => ({ ...state, orders: evolveOrders(state.orders, fact) }),
  happening: orderHappening,
  activity: orderActivity,
}

const FAMILIES: readonly Family[] = [
  whole(profileFacts),
  whole(trackingFacts),
  ofRows(
    consentFacts,
    ({ consents }) => consents,
    (state, consents) => ({ ...state, consents }),
  ),
  ofRows(
    segmentFacts,
    ({ segments }) => segments,
    (state, segments) => ({ ...state, segments }),
  ),
  ofRows(
    messageFacts,
    ({ messages }) => messages,
    (state, messages) => ({ ...state, messages }),
  ),
  loyalty,
  vouchers,
  referrals,
  redemptions,
  orders,
]

const byType = new Map(FAMILIES.flatMap((family) => Object.keys(family.facts).map((type) => [type, family] as const)))

/** The family of a customer's fact. */
export const familyOf = ({ type }: { readonly type: CustomerFactType }): Family => {
  const family = byType.get(type)
  if (!family) throw new Error(`no family of facts has ${type}`)
  return family
}
