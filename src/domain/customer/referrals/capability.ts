// Referrals, as a capability of the customer.
import { capability } from '../capability.ts'
import { referralFacts } from './facts.ts'
import { referralHappening } from './happening.ts'
import { NO_REFERRALS } from './state.ts'

export const referrals = capability({
  title: 'Referrals',
  says: 'Conversions and what was paid for them.',
  facts: referralFacts,
  none: NO_REFERRALS,
  happening: referralHappening,
})
