// What follows in a customer's stream from facts that concern referrals.
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { convert } from './convert.ts'
import { reward } from './reward.ts'

/** An event with a code may convert, and so may the redemption of one; a conversion and a credit are rewarded. */
export const refer = (draft: Draft, fact: DecidedFact): void => {
  if (fact.type === 'CustomEventTracked' || fact.type === 'RedemptionSucceeded') convert(draft, fact)
  else reward(draft, fact)
}
