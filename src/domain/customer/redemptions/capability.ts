// Redemptions, as a capability of the customer.
import { capability } from '../capability.ts'
import { evolveRedemptions, redemptionFacts } from './facts.ts'
import { redemptionHappening } from './happening.ts'
import { NO_REDEMPTIONS } from './state.ts'

export const redemptions = capability({
  title: 'Redemptions',
  stream: 'customer-<id>, or redemption-<request> for one without a customer',
  says: 'What came of a request to redeem.',
  facts: redemptionFacts,
  none: NO_REDEMPTIONS,
  evolve: evolveRedemptions,
  happening: redemptionHappening,
})
