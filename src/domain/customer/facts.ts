// All facts of a customer's stream: of the profile, of what was tracked, and of each capability.

import { type CapabilityFacts, capabilities } from './capabilities.ts'
import type { DataIn, FactIn } from './factRow.ts'
import { profileFacts } from './profileFacts.ts'
import { trackingFacts } from './tracking.ts'

export const customerFacts: typeof profileFacts & typeof trackingFacts & CapabilityFacts = Object.assign(
  {},
  profileFacts,
  trackingFacts,
  ...Object.values(capabilities).map(({ facts }) => facts),
)

type Registry = typeof customerFacts
export type CustomerFactType = keyof Registry
export type FactData<T extends CustomerFactType> = DataIn<Registry, T>

/** A fact of a customer's stream: type and data, told apart by the type. */
export type CustomerFact = FactIn<Registry>

export const isCustomerFact = (fact: { type: string; data: unknown }): fact is CustomerFact =>
  Object.hasOwn(customerFacts, fact.type)
