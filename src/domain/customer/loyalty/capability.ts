// Loyalty, as a capability of the customer.
import { capability } from '../capability.ts'
import { evolveLoyalty } from './evolve.ts'
import { loyaltyFacts } from './facts.ts'
import { loyaltyHappening } from './happening.ts'
import { NO_LOYALTY } from './state.ts'

export const loyalty = capability({
  title: 'Loyalty',
  says: 'Cards, points, tiers and rewards.',
  facts: loyaltyFacts,
  none: NO_LOYALTY,
  evolve: evolveLoyalty,
  happening: loyaltyHappening,
})
