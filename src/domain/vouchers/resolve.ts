// A code as it counts now: what it says of itself, and for the rest what its campaign says. A promotion tier counts as a code that
// everybody has and nobody needs to know.
import type { Campaign } from '../rulebook/campaign.ts'
import type { Entry } from '../rulebook/kind.ts'
import type { PromotionTier } from '../rulebook/promotionTier.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import type { Discount, Gift, VoucherType } from '../rulebook/voucherSpec.ts'
import type { Validity } from '../validity.ts'
import { type CodeState, noCode } from './code.ts'

export interface ResolvedVoucher {
  readonly id: string
  readonly code: string
  readonly type: VoucherType
  /** Absent for a single voucher. */
  readonly campaign?: Entry<Campaign>
  /** Of a promotion tier: it has no code, and is called by its id. */
  readonly tier?: Entry<PromotionTier>
  /** The customer to whom the code was given. */
  readonly holder?: string
  /** When that was, ms. */
  readonly givenAt?: number
  /** Whether the code itself is switched on; its campaign may still be off. */
  readonly active: boolean
  readonly discount?: Discount
  readonly gift?: Gift
  /** What a loyalty card begins with. */
  readonly points?: number
  /** How often the code may be redeemed; null for no bound. */
  readonly quantity: number | null
  /** The code's own dates, days and hours; those of the campaign hold beside them. */
  readonly validity: Validity
  readonly isReferral: boolean
  /** Its own category; that of its campaign counts where there is none. */
  readonly category?: string
  readonly metadata: Readonly<Record<string, unknown>>
}

const typeOf = (code: CodeState, campaign: Campaign | undefined): VoucherType => {
  if (code.owner?.type === 'loyalty_card') return 'LOYALTY_CARD'
  const named = code.spec.type ?? campaign?.voucher?.type
  if (named) return named
  return campaign?.campaign_type === 'GIFT_VOUCHERS' ? 'GIFT_VOUCHER' : 'DISCOUNT_VOUCHER'
}

const TIER = 'promotion_tier'

/** A promotion tier in the place of a code; what it is, the rulebook says. */
export const tierCode = (id: string): CodeState => ({ ...noCode(id), owner: { type: TIER, id } })

/** The promotion tier that stands in the place of a code. */
export const tierOf = ({ owner }: CodeState): string | undefined => (owner?.type === TIER ? owner.id : undefined)

const resolveTier = (id: string, rulebook: Rulebook): ResolvedVoucher | undefined => {
  const tier = rulebook.entries('promotionTier').get(id)
  const campaign = tier && rulebook.entries('campaign').get(tier.definition.campaign_id)
  if (!tier || !campaign) return undefined
  const { definition } = tier
  return {
    id,
    code: id,
    type: 'DISCOUNT_VOUCHER',
    campaign,
    tier,
    active: definition.active,
    ...(definition.action.discount ? { discount: definition.action.discount } : {}),
    quantity: null,
    validity: definition,
    isReferral: false,
    ...(definition.category_id ? { category: definition.category_id } : {}),
    metadata: definition.metadata,
  }
}

/** What a code is under a rulebook; undefined for one that nobody reserved, or that was deleted, by itself or with its campaign. */
export const resolveVoucher = (code: CodeState, rulebook: Rulebook): ResolvedVoucher | undefined => {
  const { owner, spec } = code
  if (!owner || code.deleted) return undefined
  if (owner.type === TIER) return resolveTier(owner.id, rulebook)
  const campaign = owner.campaign === undefined ? undefined : rulebook.entries('campaign').get(owner.campaign)
  if (owner.campaign !== undefined && !campaign) return undefined
  const base = campaign?.definition.voucher
  const discount = spec.discount ?? base?.discount
  const gift = spec.gift ?? base?.gift
  const {
    type: _,
    discount: __,
    gift: ___,
    loyalty_card: card,
    redemption,
    category: ____,
    category_id: category,
    additional_info: _____,
    metadata,
    ...validity
  } = spec
  const type = typeOf(code, campaign?.definition)
  return {
    id: owner.id,
    code: code.code,
    type,
    ...(campaign ? { campaign } : {}),
    ...(owner.customer === undefined ? {} : { holder: owner.customer }),
    ...(code.givenAt === null ? {} : { givenAt: code.givenAt }),
    active: code.active,
    ...(discount ? { discount } : {}),
    ...(gift ? { gift } : {}),
    ...(type === 'LOYALTY_CARD' ? { points: card?.points ?? base?.loyalty_card?.points ?? 0 } : {}),
    quantity: redemption?.quantity !== undefined ? redemption.quantity : (base?.redemption?.quantity ?? null),
    validity,
    isReferral: owner.type === 'referral_code',
    ...(category ? { category } : {}),
    metadata: { ...(base?.metadata ?? {}), ...(metadata ?? {}) },
  }
}
