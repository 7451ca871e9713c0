// How a request for redemptions stands in the ledgers that it needs: from its places where it has them, from behind everybody, or
// as far as can be hoped for. Pure: what the streams say is given.
import { byText } from '../byText.ts'
import { calendarOf } from '../calendar.ts'
import type { Context } from '../conditions/subject.ts'
import type { LeftOut, RedemptionFactData } from '../customer/redemptions/facts.ts'
import type { Share } from '../customer/redemptions/share.ts'
import type { ReferralOffer } from '../customer/referrals/offer.ts'
import { idFrom } from '../ids.ts'
import { present } from '../present.ts'
import type { Refusal } from '../refusal.ts'
import { resolveVoucher, tierOf } from '../vouchers/resolve.ts'
import { type Evaluated, evaluate, leftOutOf } from './evaluate.ts'
import { redemptionContext } from './faults.ts'
import {
  campaignMeasures,
  codeMeasures,
  creditsLeft,
  type Ledger,
  NO_LEDGER,
  redemptionsWith,
  type View,
} from './ledger.ts'
import { boundsOf, type CodeStream, ledgerOfStream, ledgerStream, limitsStream } from './ledgers.ts'
import { offerFor, type RewardWanted } from './points.ts'
import { type Asked, type Placed, refusedBy, shareOf } from './redeem.ts'
import type { Situation } from './situation.ts'

/** A code or, with `isTier`, a promotion tier that is to be redeemed, the gift credits that were asked for (minor units), and what points are to pay for. */
export interface Wanted {
  readonly code: string
  readonly isTier?: boolean
  readonly credits?: number
  readonly reward?: Pick<RewardWanted, 'id' | 'points'>
}

/** The redeemables with what their streams say. */
export interface Looked {
  readonly codes: readonly CodeStream[]
  /** What referral codes say of their holders, by code. */
  readonly referrals: ReadonlyMap<string, ReferralOffer>
  /** By campaign: only of those that have rules which count over the campaign; and by promotion tier. */
  readonly campaigns: ReadonlyMap<string, Ledger>
  /** Rewards among those that are wanted of which no more can be had. */
  readonly outOfStock: ReadonlySet<string>
}

/** Whether sums over a campaign are among what is looked at: they are judged by what the redemptions would add to them. */
const sumsOverCampaigns = ({ codes, campaigns }: Looked): boolean => {
  const tiers = new Set(codes.map(({ code }) => tierOf(code)))
  return [...campaigns.keys()].some((name) => !tiers.has(name))
}

/** From where a request sees the ledgers: in those in which it has its place, from there; in others as far as is hoped for. */
export interface Sight {
  readonly request?: string
  readonly reserved?: ReadonlySet<string>
  /** By place; none of what is not applied. */
  readonly shares?: readonly (Share | undefined)[]
  readonly hopeful: boolean
}

/** Who has no place yet comes last. */
const BEHIND_ALL: Sight = { hopeful: false }

/** What is asked for. */
export interface Asking {
  readonly redeemables: readonly Wanted[]
  readonly asked: Asked
  readonly session?: string
}

/** A place in a ledger that a request needs. */
export interface Target {
  readonly stream: string
  readonly of: 'code' | 'campaign'
  /** The code, the campaign or the promotion tier. */
  readonly name: string
  /** Which redeemable of the request. */
  readonly place: number
}

/**
 * The id of a request for redemptions: of its name, of whoever it is for (one name names a request of one customer), and of how
 * often it was begun before and given up.
 */
export const requestId = (name: string, customer: string | undefined, beginning: number): string =>
  idFrom('r', name, customer ?? '', String(beginning))

/** What a request was called when ids said nothing of the customer. */
export const formerRequestId = (name: string, beginning: number): string => idFrom('r', name, String(beginning))

/** The id of a redemption that failed: each asking that is refused is a record of its own. */
export const failedRedemptionId = (request: string, asking: string): string => idFrom('rf', request, asking)

/** The id of a redemption within its request. */
export const redemptionId = (request: string, place: number): string => idFrom('r', request, String(place))

/** The redeemables as they stand in their ledgers under a sight. */
export const placedOf = (
  { redeemables, asked: { apiKey }, session }: Asking,
  { codes, campaigns, referrals, outOfStock }: Looked,
  sight: Sight,
  { now, rulebook: current }: Pick<Situation, 'now' | 'rulebook'>,
): readonly Placed[] => {
  const calendar = calendarOf(current.project.timeZone)
  /** Redeemables of this request that come before and have no place in the campaign's ledger yet. */
  const earlier = new Map<string, number>()
  return redeemables.map(({ code: asked, credits, reward }, place) => {
    const { code, ledger: ofCode } = codes[place]!
    const tier = tierOf(code)
    const ledger = tier === undefined ? ofCode : (campaigns.get(tier) ?? NO_LEDGER)
    const voucher = resolveVoucher(code, current)
    const redemption = sight.request === undefined ? '' : redemptionId(sight.request, place)
    const share = sight.shares?.[place]
    const viewIn = (stream: string): View => ({
      now,
      calendar,
      apiKey,
      hopeful: sight.hopeful,
      ...present({ session, share }),
      ...(sight.reserved?.has(`${stream}/${place}`) ? { redemption, hopeful: false } : {}),
    })
    const own = ledgerStream(code)
    const view = viewIn(own)
    const { credits: initial } = boundsOf(code, current)
    const over = voucher?.campaign && campaigns.get(voucher.campaign.id)
    const shared = over && { stream: limitsStream(voucher.campaign.id), ledger: over }
    let before = 0
    if (shared) {
      const ahead = earlier.get(shared.stream) ?? 0
      earlier.set(shared.stream, ahead + 1)
      if (!sight.reserved?.has(`${shared.stream}/${place}`)) before = ahead
    }
    const offered = voucher && reward ? offerFor(voucher, reward, current)?.reward.id : undefined
    const ofCampaign = shared ? campaignMeasures(shared.ledger, viewIn(shared.stream)) : {}
    return {
      asked,
      code,
      redemption,
      ...(referrals.has(asked) ? { referral: referrals.get(asked)! } : {}),
      ledgers: [own, ...(shared ? [shared.stream] : [])],
      measures: {
        ...codeMeasures(ledger, view),
        ...Object.fromEntries(
          Object.entries(ofCampaign)
            // What it would add to sums of money is known only after it was judged once.
            .filter(([name]) => share !== undefined || !name.startsWith('campaign.orders.'))
            .map(([name, n]) => [name, name.startsWith('campaign.redemptions.') ? n + before : n]),
        ),
      },
      times: redemptionsWith(ledger, view),
      ...present({ credits }),
      ...(reward
        ? { reward: { ...reward, ...(offered !== undefined && outOfStock.has(offered) ? { isOutOfStock: true } : {}) } }
        : {}),
      ...(initial === undefined ? {} : { available: creditsLeft(ledger, initial, view) }),
    }
  })
}

/** A redeemable as it is decided for good: with no more credits and points than have their place, and what is reserved for it. */
export const asPlaced = (one: Placed, hoped: Taken | undefined, reservation: string | undefined): Placed => ({
  ...one,
  ...(one.available === undefined || !hoped ? {} : { available: Math.min(one.available, hoped.share.credits) }),
  ...(one.reward ? { reward: { ...one.reward, ...present({ most: hoped?.paid?.points, reservation }) } } : {}),
})

/**
 * The redeemables as they stand under a sight, and how they are judged; where rules bound sums of money, with what the redemptions
 * would add to them. The one question of validations and qualifications, of a request that looks for its places, and of each round
 * in which it waits for those before it.
 */
const judge = (
  asking: Asking,
  looked: Looked,
  situation: Situation,
  sight: Sight = BEHIND_ALL,
): { readonly placed: readonly Placed[]; readonly evaluated: Evaluated } => {
  const under = (from: Sight) => {
    const placed = placedOf(asking, looked, from, situation)
    return { placed, evaluated: evaluate(placed, situation) }
  }
  const first = under(sight)
  if (!first.evaluated.valid || sight.shares || !sumsOverCampaigns(looked)) return first
  const shares = first.evaluated.verdicts.map((verdict) =>
    verdict.status === 'APPLICABLE' ? shareOf(verdict, situation.order, situation) : undefined,
  )
  return under({ ...sight, shares })
}

/** What a redeemable would take of its limits and of a card. */
export type Taken = Pick<RedemptionFactData<'RedemptionSucceeded'>, 'place' | 'share' | 'paid'> & {
  readonly voucher: { readonly code: string }
}

/** How the redeemables of a request stand, and what those that are applied would take. */
export interface Hope {
  readonly placed: readonly Placed[]
  readonly taken: readonly Taken[]
  readonly leftOut: readonly LeftOut[]
}

/** What can be hoped for under a sight, or why nothing can. */
export const hopeOf = (asking: Asking, looked: Looked, situation: Situation, sight: Sight): Hope | Refusal => {
  const { placed, evaluated } = judge(asking, looked, situation, sight)
  if (!evaluated.valid) return refusedBy(evaluated.verdicts).refused
  const taken = evaluated.verdicts.flatMap((verdict, place): Taken[] => {
    if (verdict.status !== 'APPLICABLE') return []
    const { voucher, paid } = verdict
    return [{ place, voucher, paid, share: shareOf(verdict, situation.order, situation) }]
  })
  return { placed, taken, leftOut: leftOutOf(evaluated.verdicts) }
}

/** Judges redeemables for somebody who has no place in the ledgers yet. */
export const evaluateFor = (asking: Asking, looked: Looked, situation: Situation): Evaluated =>
  judge(asking, looked, situation).evaluated

/** What rules find when the first redeemable would be redeemed now; undefined when there is no such voucher. */
export const contextFor = (asking: Asking, looked: Looked, situation: Situation): Context | undefined => {
  const [first] = judge(asking, looked, situation).placed
  const voucher = first && resolveVoucher(first.code, situation.rulebook)
  return voucher && redemptionContext(voucher, first, situation, situation.order)
}

/** The places that a request needs, in one order for all requests: of two that need the same, one is before the other in all of them. */
export const targetsOf = (looked: Looked, places: readonly Placed[]): readonly Target[] =>
  places
    .flatMap(({ ledgers: streams }, place) =>
      streams.flatMap((stream): Target[] => {
        const owner = ledgerOfStream(stream)
        return owner ? [{ stream, ...owner, place }] : []
      }),
    )
    .sort((a, b) => byText(a.stream, b.stream))
    .filter(({ of, name }) => of === 'code' || looked.campaigns.has(name))

/** The same with what a ledger says after it was told something. */
export const withLedger = (looked: Looked, target: Target, state: CodeStream | Ledger): Looked =>
  'ledger' in state
    ? { ...looked, codes: looked.codes.map((one, place) => (place === target.place ? state : one)) }
    : { ...looked, campaigns: new Map([...looked.campaigns, [target.name, state]]) }

export const ledgerIn = (looked: Looked, target: Target): Ledger =>
  target.of === 'code' ? looked.codes[target.place]!.ledger : looked.campaigns.get(target.name)!
