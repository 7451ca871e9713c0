// Conversion: an event that brings a code along makes its customer a referee, once in a program, or the reason why not is kept.
import { shifted } from '../conditions/span.ts'
import { subjectOf } from '../customer/conditions.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { occurrenceOf } from '../customer/occurrence.ts'
import type { RefusalReason } from '../customer/referrals/facts.ts'
import type { ReferralOffer } from '../customer/referrals/offer.ts'
import { codeTarget, gatesBefore } from '../gates.ts'
import { present } from '../present.ts'
import { REDEMPTION_EVENT } from '../rulebook/referralProgram.ts'
import { notNew } from './newcomer.ts'
import { contactsOf } from './offer.ts'
import { type Program, type Programs, programsOf } from './programs.ts'

type Converting = Extract<DecidedFact, { type: 'CustomEventTracked' | 'RedemptionSucceeded' }>

/** A code that a fact brings along, with what was found under it. */
interface Brought {
  readonly code: string
  readonly offer: ReferralOffer
  /** The event that the fact is for triggers. */
  readonly event: string
  readonly schema?: string
  /** Whom the caller took for the referrer. */
  readonly named?: string
}

const broughtBy = (fact: Converting): Brought | undefined => {
  if (fact.type === 'RedemptionSucceeded') {
    const { referral: offer, voucher } = fact.data
    return offer && { code: voucher.code, offer, event: REDEMPTION_EVENT }
  }
  const { referral, event, schema } = fact.data
  return (
    referral && {
      code: referral.code,
      offer: referral.offer ?? { published: false },
      event,
      ...present({ schema: schema?.id, named: referral.referrer_id }),
    }
  )
}

interface No {
  readonly reason: RefusalReason
  readonly details: string
}

/** What is wrong with the code itself at the time of the event. */
const codeFault = (offer: ReferralOffer, program: Program, programs: Programs, at: number): No | undefined => {
  if (!offer.published)
    return offer.referrer === undefined || offer.publishedAt === undefined
      ? { reason: 'not_published', details: 'the code was not published to anybody' }
      : { reason: 'referrer_gone', details: 'the customer to whom the code was published is not there any more' }
  if (offer.active === false) return { reason: 'code_disabled', details: 'the code is disabled' }
  const { codesLast } = program
  const end =
    codesLast && offer.publishedAt !== undefined
      ? shifted(programs.calendar, offer.publishedAt, codesLast, 1)
      : undefined
  return end !== undefined && at >= end
    ? { reason: 'code_expired', details: `the code was good until ${new Date(end).toISOString()}` }
    : undefined
}

/** Whether referee and referrer are one: the same customer, or one with the same e-mail address or phone number. */
const selfFault = (draft: Draft, offer: ReferralOffer): No | undefined => {
  const { id, profile } = draft.state
  if (offer.referrer === id) return { reason: 'self_referral', details: "the code is the customer's own" }
  const own = contactsOf(profile, draft.rulebook.project.customerKey)
  return offer.contacts?.some((contact) => own.includes(contact))
    ? { reason: 'self_referral', details: 'the referrer has the same e-mail address or phone number' }
    : undefined
}

/** Asks the program. Answers the truth tables of the rules that held, or why the event does not convert. */
const ask = (
  draft: Draft,
  fact: Converting,
  { offer, named, code }: Brought,
  program: Program,
  programs: Programs,
): { readonly because: unknown } | No => {
  const { entry, gates } = program
  const at = fact.data.occurredAt
  if (!entry.definition.active) return { reason: 'campaign_not_active', details: 'the program is disabled' }
  if (!program.inForce(at).holds)
    return { reason: 'campaign_not_active', details: 'the program is not in force at that time' }
  const fault = codeFault(offer, program, programs, at)
  if (fault) return fault
  if (offer.named === false) return { reason: 'wrong_referrer', details: `the code is not that of ${named}` }
  const self = selfFault(draft, offer)
  if (self) return self
  const { referred, former } = draft.state.referrals
  const before = referred[entry.id]?.code ?? former[entry.id]
  if (before !== undefined) return { reason: 'already_referred', details: `referred with the code ${before} before` }
  const old = notNew(draft, program, programs, at)
  if (old !== undefined) return { reason: 'not_new', details: old }
  const event = occurrenceOf(fact.id, fact, fact.now)
  let because: unknown[] | undefined
  // What was redeemed has been through the rules of the code; what an event brings along comes to them here.
  const own = fact.type === 'RedemptionSucceeded' ? [] : gatesBefore(draft.rulebook, [codeTarget(offer.voucher, code)])
  for (const { rule, condition } of [...gates, ...own]) {
    const verdict = condition.evaluate(subjectOf(draft.state), event ? { event } : {}, draft.now)
    if (!verdict.holds) return { reason: 'rule_failed', details: `validation rule ${rule} does not hold` }
    because = [...(because ?? []), verdict.because]
  }
  return { because }
}

/** Reacts to an event with a code, or to the redemption of one. */
export const convert = (draft: Draft, fact: Converting): void => {
  const brought = broughtBy(fact)
  if (!brought) return
  const { code, offer, event, schema } = brought
  const decline = (definition: string, reason: string) => draft.decline({ kind: 'referral', definition, reason })
  const programs = programsOf(draft.rulebook)
  const program = offer.campaign === undefined ? undefined : programs.program.get(offer.campaign)
  if (!program) {
    decline(offer.campaign ?? code, `${code} is no code of a referral program`)
    return
  }
  const { entry } = program
  if (program.event !== event) {
    decline(entry.id, `the program converts on ${program.event}`)
    return
  }
  const asked = ask(draft, fact, brought, program, programs)
  const campaign = { id: entry.id, name: entry.definition.name }
  const cause = {
    fact: fact.id,
    event,
    ...present({ schema }),
  }
  const voucher = { id: offer.voucher ?? '', code }
  const common = { campaign, definition: entry.revision, cause, occurredAt: draft.now }
  if ('reason' in asked) {
    const { reason, details } = asked
    decline(entry.id, details)
    const last = draft.state.referrals.refused[entry.id]
    if (last?.code === code && last.reason === reason) return
    draft.emit(
      'ReferralRefused',
      {
        ...common,
        voucher,
        ...present({ referrer: offer.referrer }),
        reason,
        details,
      },
      fact.id,
    )
    return
  }
  // A code that passed has a referrer: that is what being published means.
  const { referrer = '' } = offer
  const { referee_reward: forReferee, referrer_reward: forReferrer, referrer_tiers: tiers } = program.program
  draft.emit(
    'ReferralConverted',
    {
      ...common,
      voucher,
      referrer,
      promise: {
        ...present({ referee: forReferee, referrer: forReferrer }),
        ...(tiers.length > 0 ? { tiers: [...tiers] } : {}),
      },
      ...present({ because: asked.because }),
    },
    fact.id,
  )
}
