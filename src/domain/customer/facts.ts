// All facts of a customer's stream. A capability adds its own facts in a file of its own and one line here.

import { consentFacts } from './consents.ts'
import type { DataIn, FactIn } from './factRow.ts'
import { loyaltyFacts } from './loyalty/facts.ts'
import { messageFacts } from './messages.ts'
import { orderFacts } from './orders/facts.ts'
import { profileFacts } from './profileFacts.ts'
import { redemptionFacts } from './redemptions/facts.ts'
import { referralFacts } from './referrals/facts.ts'
import { segmentFacts } from './segmentFacts.ts'
import { trackingFacts } from './tracking.ts'
import { voucherFacts } from './vouchers/facts.ts'

export const customerFacts = {
  ...profileFacts,
  ...consentFacts,
  ...trackingFacts,
  ...segmentFacts,
  ...messageFacts,
  ...loyaltyFacts,
  ...voucherFacts,
  ...referralFacts,
  ...redemptionFacts,
  ...orderFacts,
} as const

type Registry = typeof customerFacts
export type CustomerFactType = keyof Registry
export type FactData<T extends CustomerFactType> = DataIn<Registry, T>

/** A fact of a customer's stream: type and data, told apart by the type. */
export type CustomerFact = FactIn<Registry>

export const isCustomerFact = (fact: { type: string; data: unknown }): fact is CustomerFact =>
  Object.hasOwn(customerFacts, fact.type)
