// Publishing codes to a customer: by request, with a code reserved before, or by a rule that calls for one.
import { calendarOf } from '../calendar.ts'
import type { Draft } from '../customer/draft.ts'
import type { ProfilePatch } from '../customer/profile.ts'
import type { Publication, VoucherRef } from '../customer/vouchers/facts.ts'
import { type HeldVoucher, voucherIn } from '../customer/vouchers/state.ts'
import { idFrom } from '../ids.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { Campaign } from '../rulebook/campaign.ts'
import type { Entry } from '../rulebook/kind.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import type { VoucherSpec, VoucherType } from '../rulebook/voucherSpec.ts'
import { compileValidity } from '../validity.ts'
import { secretCode } from './secret.ts'

export interface PublishVoucher {
  readonly type: 'PublishVoucher'
  /** Absent for a single voucher. */
  readonly campaign?: string
  readonly voucher: VoucherRef
  /** Further codes of the campaign that are given with it, all or none. */
  readonly more?: readonly VoucherRef[]
  /** What a single voucher is. */
  readonly voucherType?: VoucherType
  readonly publication: Publication
  /** A customer who has a code of the campaign keeps that one. */
  readonly joinOnce: boolean
  readonly profile: ProfilePatch
  readonly mayCreate: boolean
}

/** The code that a rule gave was taken: another attempt, which a process reserves in turn. */
export interface ReplaceVoucherCode {
  readonly type: 'ReplaceVoucherCode'
  readonly voucher: string
  /** The code that was taken. */
  readonly taken: string
  readonly attempt: number
}

/** Codes that were claimed together cannot all be had. The claim's key decides between this and their publication. */
export interface GiveUpClaim {
  readonly type: 'GiveUpClaim'
  readonly publication: string
  readonly claim: string
}

export type VoucherCommand = PublishVoucher | ReplaceVoucherCode | GiveUpClaim

/** The types of campaign whose codes are published as vouchers; loyalty programs issue cards instead. */
const PUBLISHABLE: ReadonlySet<Campaign['campaign_type']> = new Set<Campaign['campaign_type']>([
  'REFERRAL_PROGRAM',
  'GIFT_VOUCHERS',
  'DISCOUNT_COUPONS',
])

/** What a code of a gift campaign begins with: the campaign's amount, unless the one who gives it says another (minor units). */
export const giftOf = (
  campaign: Campaign | undefined,
  credits?: number | null,
): Pick<VoucherSpec, 'gift'> | undefined => {
  if (campaign?.campaign_type !== 'GIFT_VOUCHERS') return undefined
  const gift = campaign.voucher?.gift
  const amount = credits ?? gift?.amount
  return amount === undefined ? undefined : { gift: { amount, effect: gift?.effect ?? 'APPLY_TO_ORDER' } }
}

/** How the stream of a code names its owner, by the type of the code's campaign. */
export const ownerTypeOf = (campaignType: string | undefined): string => {
  if (campaignType === 'LOYALTY_PROGRAM') return 'loyalty_card'
  return campaignType === 'REFERRAL_PROGRAM' ? 'referral_code' : 'voucher'
}

/** The code of a voucher or card of a campaign at an attempt, in the campaign's format. */
export const codeOf = (entry: Entry<Campaign> | undefined, rulebook: Rulebook, voucher: string, attempt: number) =>
  secretCode(entry?.definition.voucher?.code_config ?? {}, rulebook.project.customerKey, voucher, attempt)

const refOf = ({ id, definition: { name, campaign_type: type } }: Entry<Campaign>) => ({ id, name, type })

/** Whether a campaign gives out codes at an instant (ms); else why not. */
export const publishable = ({ definition }: Entry<Campaign>, rulebook: Rulebook, now: number): string | undefined => {
  if (!PUBLISHABLE.has(definition.campaign_type)) return `campaigns of type ${definition.campaign_type} have no codes`
  if (!definition.active) return `the campaign ${definition.name} is disabled`
  return compileValidity(definition, calendarOf(rulebook.project.timeZone))(now).holds
    ? undefined
    : `the campaign ${definition.name} is not in force now`
}

/** The voucher that a publication gave. */
export const publishedBy = (
  vouchers: Readonly<Record<string, HeldVoucher>>,
  publication: string,
): HeldVoucher | undefined => Object.values(vouchers).find((held) => held.publication.id === publication)

/** The voucher that a request for one would find the customer to have already. */
export const heldAlready = (
  vouchers: Readonly<Record<string, HeldVoucher>>,
  {
    campaign,
    voucher,
    publication,
    joinOnce,
  }: Pick<PublishVoucher, 'campaign' | 'voucher' | 'publication' | 'joinOnce'>,
): HeldVoucher | undefined => {
  if (Object.hasOwn(vouchers, voucher.id)) return vouchers[voucher.id]
  return (
    publishedBy(vouchers, publication.id) ??
    (joinOnce && campaign !== undefined ? voucherIn(vouchers, campaign) : undefined)
  )
}

const publish = (draft: Draft, command: PublishVoucher): Refused | undefined => {
  const { campaign: id, voucher, voucherType, publication } = command
  if (id === undefined) {
    if (!heldAlready(draft.state.vouchers, command))
      draft.emit('VoucherPublished', {
        voucher,
        ...(voucherType ? { type: voucherType } : {}),
        publication,
        by: 'request',
        occurredAt: draft.now,
      })
    return undefined
  }
  const entry = draft.rulebook.entries('campaign').get(id)
  if (!entry) return refuseNotFound('campaign', id)
  if (heldAlready(draft.state.vouchers, command)) return undefined
  const fault = publishable(entry, draft.rulebook, draft.now)
  if (fault) return refuse('campaign_not_active', fault, { resource: { type: 'campaign', id } })
  for (const one of [voucher, ...(command.more ?? [])])
    draft.emit('VoucherPublished', {
      voucher: one,
      campaign: refOf(entry),
      publication,
      by: 'request',
      occurredAt: draft.now,
    })
  return undefined
}

const replaceCode = (draft: Draft, { voucher: id, taken, attempt }: ReplaceVoucherCode): undefined => {
  const held = Object.hasOwn(draft.state.vouchers, id) ? draft.state.vouchers[id] : undefined
  if (held?.code !== taken || !held.campaign) return undefined
  const entry = draft.rulebook.entries('campaign').get(held.campaign.id)
  draft.emit('VoucherCodeReplaced', {
    voucher: { id, code: codeOf(entry, draft.rulebook, id, attempt) },
    campaign: held.campaign,
    before: taken,
    attempt,
    ...(held.credits === undefined ? {} : { credits: held.credits }),
    occurredAt: draft.now,
  })
  return undefined
}

export const performVouchers = (draft: Draft, command: VoucherCommand): Refused | undefined => {
  switch (command.type) {
    case 'PublishVoucher':
      return publish(draft, command)
    case 'ReplaceVoucherCode':
      return replaceCode(draft, command)
    case 'GiveUpClaim': {
      const { publication, claim } = command
      if (draft.state.status !== 'active') return refuseNotFound('customer', draft.state.id)
      draft.emit('ClaimGivenUp', { publication, claim, occurredAt: draft.now })
      return undefined
    }
    default:
      return command satisfies never
  }
}

/** The id of the publication of a voucher or card that was given without one of its own being asked for. */
export const impliedPublication = (voucher: string): string => idFrom('pub', voucher)

/** The id of the voucher that a rule gives a customer for a cause. */
export const ruleVoucher = (customer: string, campaign: string, cause: string): string =>
  idFrom('v', customer, campaign, cause)

/** Publishes a code that a rule calls for; a process then reserves it, and replaces it if it is another's. */
export const publishByRule = (
  draft: Draft,
  entry: Entry<Campaign>,
  cause: string,
  credits?: number | null,
): VoucherRef => {
  const id = ruleVoucher(draft.state.id, entry.id, cause)
  const voucher = { id, code: codeOf(entry, draft.rulebook, id, 0) }
  draft.emit(
    'VoucherPublished',
    {
      voucher,
      campaign: refOf(entry),
      publication: { id: impliedPublication(id), channel: 'Automation' },
      by: 'rule',
      ...(credits ? { credits } : {}),
      occurredAt: draft.now,
    },
    cause,
  )
  return voucher
}
