// The families of a customer's facts: which part of the customer each keeps, and how its facts show as events.

import { consentFacts } from './consents.ts'
import { evolveBy, type FactRow, type Happening } from './factRow.ts'
import type { CustomerFact, CustomerFactType } from './facts.ts'
import { evolveLoyalty } from './loyalty/evolve.ts'
import { type LoyaltyFact, loyaltyFacts } from './loyalty/facts.ts'
import { loyaltyHappening } from './loyalty/happening.ts'
import { messageFacts } from './messages.ts'
import { evolveOrders, type OrderFact, orderFacts } from './orders/facts.ts'
import { orderHappening } from './orders/happening.ts'
import { noteEarned } from './orders/state.ts'
import { profileFacts } from './profileFacts.ts'
import { evolveRedemptions, type RedemptionFact, redemptionFacts } from './redemptions/facts.ts'
import { redemptionHappening } from './redemptions/happening.ts'
import { evolveReferrals, type ReferralFact, referralFacts } from './referrals/facts.ts'
import { referralHappening } from './referrals/happening.ts'
import { segmentFacts } from './segmentFacts.ts'
import type { CustomerState } from './state.ts'
import { trackingFacts } from './tracking.ts'
import { evolveVouchers, type VoucherFact, voucherFacts } from './vouchers/facts.ts'

interface Family<F extends CustomerFact = CustomerFact> {
  readonly facts: Readonly<Record<string, unknown>>
  evolve(state: CustomerState, fact: F): CustomerState
  happening(fact: F): Happening | undefined
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
  evolve: (state, fact) => ({
    ...state,
    loyalty: evolveLoyalty(state.loyalty, fact),
    orders: noteEarned(state.orders, fact),
  }),
  happening: loyaltyHappening,
}

const vouchers: Family<VoucherFact> = {
  facts: voucherFacts,
  evolve: (state, fact) => ({ ...state, vouchers: evolveVouchers(state.vouchers, fact) }),
  happening: referralHappening,
}

const referrals: Family<ReferralFact> = {
  facts: referralFacts,
  evolve: (state, fact) => ({ ...state, referrals: evolveReferrals(state.referrals, fact) }),
  happening: referralHappening,
}

const redemptions: Family<RedemptionFact> = {
  facts: redemptionFacts,
  evolve: (state, fact) => ({ ...state, redemptions: evolveRedemptions(state.redemptions, fact) }),
  happening: redemptionHappening,
}

const orders: Family<OrderFact> = {
  facts: orderFacts,
  evolve: (state, fact) => ({ ...state, orders: evolveOrders(state.orders, fact) }),
  happening: orderHappening,
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
