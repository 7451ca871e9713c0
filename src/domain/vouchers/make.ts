// Making and changing vouchers: what one that is asked for must say of itself, and what it says after a change.
import type { Calendar } from '../calendar.ts'
import { mergeRecord } from '../mergeRecord.ts'
import { type Refused, refuse } from '../refusal.ts'
import type { Campaign } from '../rulebook/campaign.ts'
import { categoryFaults } from '../rulebook/category.ts'
import type { Definitions, Fault } from '../rulebook/kind.ts'
import { metadataRefused } from '../rulebook/metadataSchema.ts'
import type { VoucherSpec, VoucherType } from '../rulebook/voucherSpec.ts'
import { validityFaults } from '../validity.ts'
import { giftOf } from './publish.ts'
import type { ResolvedVoucher } from './resolve.ts'

const PARTS = { DISCOUNT_VOUCHER: 'discount', GIFT_VOUCHER: 'gift', LOYALTY_CARD: 'loyalty_card' } as const
const ALL_PARTS = Object.values(PARTS)

const faultsOfType = (type: VoucherType, spec: VoucherSpec): readonly Fault[] => {
  return ALL_PARTS.flatMap((part) =>
    part !== PARTS[type] && spec[part] ? [{ path: part, message: `does not go with the type ${type}` }] : [],
  )
}

/** The type that a spec speaks of without saying it. */
const impliedType = (spec: VoucherSpec): VoucherType => {
  if (spec.discount) return 'DISCOUNT_VOUCHER'
  if (spec.gift) return 'GIFT_VOUCHER'
  return spec.loyalty_card ? 'LOYALTY_CARD' : 'DISCOUNT_VOUCHER'
}

/** What is wrong with a voucher of no campaign. */
export const singleFaults = (spec: VoucherSpec, calendar: Calendar): readonly Fault[] => {
  const type = spec.type ?? impliedType(spec)
  return [
    ...faultsOfType(type, spec),
    ...(type === 'LOYALTY_CARD'
      ? [{ path: 'campaign', message: 'is required: a loyalty card is one of a program' }]
      : []),
    ...(!spec[PARTS[type]] ? [{ path: PARTS[type], message: 'is required' }] : []),
    ...validityFaults(spec, calendar),
  ]
}

/** The type of a campaign's vouchers. */
export const memberType = ({ voucher, campaign_type: type }: Campaign): VoucherType =>
  voucher?.type ?? (type === 'LOYALTY_PROGRAM' ? 'LOYALTY_CARD' : 'DISCOUNT_VOUCHER')

/** What is wrong with a voucher of a campaign that says something of itself. */
export const memberFaults = (spec: VoucherSpec, campaign: Campaign, calendar: Calendar): readonly Fault[] => {
  const type = memberType(campaign)
  return [
    ...(spec.type !== undefined && spec.type !== type
      ? [{ path: 'type', message: `must be equal to ${type}, the type of the campaign` }]
      : faultsOfType(type, spec)),
    ...validityFaults(spec, calendar),
  ]
}

/** What a voucher is worth is said wrongly, or something else. */
const isOfWorth = ({ path }: Fault): boolean => /^(?:type|discount|gift|loyalty_card|campaign)$/.test(path)

/** All faults as one refusal that names each path; undefined when there is none. `prefix` leads to the voucher. */
export const refusalOf = (faults: readonly Fault[], prefix = ''): Refused | undefined =>
  faults.length === 0
    ? undefined
    : refuse(
        faults.every(isOfWorth) ? 'invalid_voucher' : 'invalid_payload',
        faults.map(({ path, message }) => `Property ${prefix}.${path} ${message}`).join(', '),
      )

/**
 * Why a voucher may not say this beside the other definitions: its category is none, or its metadata do not have the schema of
 * vouchers or, where its campaign does not say to use that, of campaigns. What a code of a campaign does not say is the campaign's.
 */
export const misfitOf = (
  all: Definitions,
  { metadata, category_id }: Pick<VoucherSpec, 'metadata' | 'category_id'>,
  campaign: Campaign | undefined,
  { isNew = false } = {},
): Refused | undefined =>
  refusalOf(categoryFaults({ category_id }, all)) ??
  (campaign && !campaign.use_voucher_metadata_schema
    ? metadataRefused(all, 'campaign', metadata, { isNew: false })
    : metadataRefused(all, 'voucher', metadata, { isNew: isNew && !campaign }))

/** A single voucher says what it is. */
export const completeSingle = (spec: VoucherSpec): VoucherSpec => ({ ...spec, type: spec.type ?? impliedType(spec) })

/** A gift voucher and a card keep what they begin with, whatever their campaign says later. */
export const completeMember = (spec: VoucherSpec, campaign: Campaign): VoucherSpec => {
  if (campaign.campaign_type === 'LOYALTY_PROGRAM')
    return { ...spec, loyalty_card: spec.loyalty_card ?? { points: campaign.voucher?.loyalty_card?.points ?? 0 } }
  return spec.gift ? spec : { ...spec, ...giftOf(campaign) }
}

/** What a voucher says of itself after a change: what is given replaces what there is, metadata key by key (null takes one away). Pure. */
export const changedSpec = (
  before: VoucherSpec,
  voucher: Pick<ResolvedVoucher, 'code' | 'type' | 'gift' | 'points' | 'campaign'>,
  patch: VoucherSpec,
  calendar: Calendar,
): VoucherSpec | Refused => {
  const { code, type, gift, points, campaign } = voucher
  const resource = { type: 'voucher', id: code }
  if (patch.type !== undefined && patch.type !== type)
    return refuse('invalid_voucher', 'Property .type cannot be changed', { resource })
  if (patch.gift && patch.gift.amount !== gift?.amount)
    return refuse('invalid_gift', 'Property .gift.amount cannot be changed: credits are added by /balance', {
      resource,
    })
  if (patch.loyalty_card && patch.loyalty_card.points !== points)
    return refuse('invalid_voucher', 'Property .loyalty_card.points cannot be changed: a card begins with them', {
      resource,
    })
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
  const next: VoucherSpec = {
    ...before,
    ...given,
    ...(patch.metadata ? { metadata: mergeRecord(before.metadata ?? {}, patch.metadata) } : {}),
  }
  const faults = campaign ? memberFaults(next, campaign.definition, calendar) : singleFaults(next, calendar)
  return refusalOf(faults) ?? next
}
