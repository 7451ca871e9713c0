// What tests of referrals begin with: a shop with a program, customers with worlds of their own, and processes run by hand.
import type { DecidedFact } from '../../src/domain/customer/draft.ts'
import type { ReferralOffer } from '../../src/domain/customer/referrals/offer.ts'
import { offerOf } from '../../src/domain/referrals/offer.ts'
import { type CodeState, noCode } from '../../src/domain/vouchers/code.ts'
import { creditCommand } from '../../src/processes/referrals.ts'
import { T0, track, type World, world } from '../given.ts'

export const CLUB = 'camp_club'
export const FRIENDS = 'camp_friends'
export const GIFTS = 'camp_gifts'

export const points = (amount: number) => ({
  type: 'LOYALTY_CARD' as const,
  amount,
  related_object_parent: { id: CLUB },
})

export const gift = (amount: number) => ({
  type: 'GIFT_VOUCHER' as const,
  amount,
  related_object_parent: { id: GIFTS },
})

export const friends = (part: Record<string, unknown> = {}, more: Record<string, unknown> = {}) => ({
  name: 'friends',
  campaign_type: 'REFERRAL_PROGRAM' as const,
  referral_program: {
    conversion_event_type: 'custom_event' as const,
    custom_event: { name: 'signed_up' },
    referee_reward: points(50),
    referrer_reward: points(100),
    ...part,
  },
  ...more,
})

/** A referral program as it is posted: 50 and 100 points of a program for a sign-up; `more` is of its referral program. */
export const postedProgram = (name: string, club: string, more: Record<string, unknown> = {}) => {
  const reward = (amount: number) => ({ type: 'LOYALTY_CARD', amount, related_object_parent: { id: club } })
  return {
    name,
    campaign_type: 'REFERRAL_PROGRAM',
    voucher: {
      type: 'DISCOUNT_VOUCHER',
      is_referral_code: true,
      code_config: { pattern: 'REF-########', charset: 'numeric' },
    },
    referral_program: {
      conversion_event_type: 'custom_event',
      custom_event: { name: 'signed_up' },
      referee_reward: reward(50),
      referrer_reward: reward(100),
      ...more,
    },
  }
}

/** A world with the definitions that referrals need; `part` is of the referral program, `more` of its campaign. */
export const shop = (
  customer: string,
  part: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
  now = T0,
): World => {
  const w = world({ customer, now })
  w.define('eventSchema', 'ms_signed_up', {
    name: 'signed_up',
    schema: { properties: { plan: { type: 'string', optional: true } } },
  })
  w.define('eventSchema', 'ms_visited', { name: 'visited', schema: { properties: {} } })
  w.define('campaign', CLUB, {
    name: 'club',
    campaign_type: 'LOYALTY_PROGRAM',
    voucher: { type: 'LOYALTY_CARD' },
  })
  w.define('campaign', GIFTS, {
    name: 'gifts',
    campaign_type: 'GIFT_VOUCHERS',
    voucher: { type: 'GIFT_VOUCHER', gift: { amount: 1_000 }, code_config: { prefix: 'G-', length: 10 } },
  })
  w.define('campaign', FRIENDS, friends(part, more))
  return w
}

export const CODE = 'ANN-1'

/** Publishes a referral code to the world's customer. */
export const publish = (w: World, code = CODE, more: Record<string, unknown> = {}): readonly DecidedFact[] =>
  w.facts({
    type: 'PublishVoucher',
    campaign: FRIENDS,
    voucher: { id: `v_${code}`, code },
    publication: { id: `pub_${code}` },
    joinOnce: true,
    profile: { source_id: w.state.id },
    mayCreate: true,
    ...more,
  })

/** The code's stream as its reservation leaves it. */
export const reserved = (referrer: World, code = CODE, more: Partial<CodeState> = {}): CodeState => ({
  ...noCode(code),
  owner: { type: 'referral_code', id: `v_${code}`, campaign: FRIENDS, customer: referrer.state.id },
  ...more,
})

/** What the handler of an event finds under a code. */
export const offered = (referrer: World, code = CODE, more: Partial<CodeState> = {}, named?: string): ReferralOffer =>
  offerOf(reserved(referrer, code, more), referrer.state, named, referrer.rulebook.project.customerKey)

/** The referee's event with a code. */
export const signUp = (
  referee: World,
  offer: ReferralOffer,
  more: { code?: string; profile?: Record<string, unknown>; ago?: number; event?: string; plan?: string } = {},
): readonly DecidedFact[] =>
  referee.facts(
    track(more.event ?? 'signed_up', {
      occurredAt: referee.now - (more.ago ?? 0),
      profile: { source_id: referee.state.id, ...more.profile },
      metadata: more.plan === undefined ? {} : { plan: more.plan },
      referral: { code: more.code ?? CODE, offer },
    }),
  )

/** What the process makes of the referee's conversions: the credit in the referrer's stream. */
export const credit = (referrer: World, referee: World, facts: readonly DecidedFact[]): readonly DecidedFact[] =>
  facts.flatMap((fact) =>
    fact.type === 'ReferralConverted'
      ? referrer.facts(creditCommand(referee.state.id, fact.data), { key: `process:${fact.id}` })
      : [],
  )

export const types = (facts: readonly DecidedFact[]): readonly string[] => facts.map(({ type }) => type)

/** The reason that a refusal among the facts gives. */
export const refusal = (facts: readonly DecidedFact[]): string | undefined => {
  for (const fact of facts) if (fact.type === 'ReferralRefused') return fact.data.reason
  return undefined
}

/** The spendable points on all cards. */
export const balance = ({ state }: World): number =>
  Object.values(state.loyalty.cards).reduce((sum, card) => sum + card.balance, 0)
