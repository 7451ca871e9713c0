// What there is of a customer beside the profile and what was tracked: a capability is a line here.
import { consents } from './consents.ts'
import { loyalty } from './loyalty/capability.ts'
import { messages } from './messages.ts'
import { orders } from './orders/capability.ts'
import { redemptions } from './redemptions/capability.ts'
import { referrals } from './referrals/capability.ts'
import { segments } from './segmentFacts.ts'
import { vouchers } from './vouchers/capability.ts'

/** By the name of the part of the state that each keeps. */
export const capabilities = {
  segments,
  messages,
  consents,
  loyalty,
  vouchers,
  referrals,
  redemptions,
  orders,
} as const

type Capabilities = typeof capabilities
export type CapabilityName = keyof Capabilities
/** What each keeps of a customer. */
export type Parts = { readonly [K in CapabilityName]: Capabilities[K]['none'] }

type Merged<U> = (U extends unknown ? (all: U) => void : never) extends (all: infer All) => void ? All : never
/** The tables of all in one. */
export type CapabilityFacts = Merged<Capabilities[CapabilityName]['facts']>
