// How codes show: vouchers, gift cards, loyalty cards.

import type { LoyaltyCardDocument } from '../../../projections/loyaltyCards.ts'
import { NO_VOUCHER_SUMS, type VoucherDocument, type VoucherSums } from '../../../projections/vouchers.ts'
import { cardByCode } from '../../domain/customer/loyalty/state.ts'
import { present } from '../../domain/present.ts'
import type { Campaign } from '../../domain/rulebook/campaign.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import type { Gift } from '../../domain/rulebook/voucherSpec.ts'
import type { CodeState } from '../../domain/vouchers/code.ts'
import { resolveVoucher } from '../../domain/vouchers/resolve.ts'
import { loadCode } from '../../runtime/codeStreams.ts'
import type { Services } from '../../services.ts'
import { isoOf, isoOrNull } from '../shapes.ts'
import { showCategories } from './categories.ts'
import { showCard } from './loyaltyMembers.ts'
import { showAssignmentsTo } from './validationRules.ts'
import { showValidity } from './validity.ts'

/** What a gift voucher has had in all, and what is left of it, minor units. */
const showGift = ({ amount, effect }: Gift, { taken, added }: VoucherSums) => ({
  amount: amount + added,
  balance: Math.max(0, amount + added - taken),
  effect,
})

/** A voucher as the HTTP contract shows it; undefined for a code that nobody reserved or that is deleted. */
export const showVoucher = (code: CodeState, rulebook: Rulebook, sums: VoucherSums = NO_VOUCHER_SUMS) => {
  const voucher = resolveVoucher(code, rulebook)
  if (!voucher) return undefined
  const { spec } = code
  const campaign: Campaign | undefined = voucher.campaign?.definition
  const path = `/v1/vouchers/${encodeURIComponent(code.code)}`
  const categories = showCategories(rulebook.definitions, spec, campaign)
  return {
    id: voucher.id,
    code: code.code,
    ...present({
      campaign: campaign?.name,
      campaign_id: voucher.campaign?.id,
      category: spec.category ?? campaign?.category,
      category_id: categories[0]?.id,
    }),
    type: voucher.type,
    ...present({
      discount: voucher.type === 'DISCOUNT_VOUCHER' ? voucher.discount : undefined,
      gift: voucher.type === 'GIFT_VOUCHER' && voucher.gift ? showGift(voucher.gift, sums) : undefined,
      loyalty_card: voucher.points === undefined ? undefined : { points: voucher.points, balance: voucher.points },
    }),
    ...showValidity(spec, campaign),
    publish: {
      object: 'list' as const,
      count: voucher.holder === undefined ? 0 : 1,
      url: `/v1/publications?voucher=${encodeURIComponent(code.code)}`,
    },
    redemption: {
      object: 'list' as const,
      ...present({ quantity: voucher.quantity }),
      redeemed_quantity: sums.redeemed,
      ...(voucher.type === 'GIFT_VOUCHER' ? { redeemed_amount: sums.taken } : {}),
      ...(voucher.type === 'LOYALTY_CARD' ? { redeemed_points: 0 } : {}),
      url: `${path}/redemptions`,
    },
    active: voucher.active,
    metadata: voucher.metadata,
    is_referral_code: voucher.isReferral,
    ...present({
      additional_info: spec.additional_info,
      referrer_id: voucher.isReferral ? voucher.holder : undefined,
      holder_id: voucher.holder,
    }),
    validation_rules_assignments: showAssignmentsTo(rulebook, 'voucher', voucher.id, code.code),
    created_at: isoOf(code.createdAt),
    ...present({ updated_at: isoOrNull(code.updatedAt) }),
    categories,
    object: 'voucher' as const,
  }
}

/** The code that a path names by code or, when no code is called that, by the voucher's id: as its stream has it now. */
export const codeNamed = async (services: Services, name: string): Promise<CodeState | undefined> => {
  const { state } = await loadCode(services.ledgers, name)
  if (state.owner) return state
  const known = await services.readModel
    .collection<VoucherDocument>('vouchers')
    .findOne({ voucher: name }, { projection: { _id: 1 } })
  return known ? (await loadCode(services.ledgers, known._id)).state : undefined
}

/** The sums as the code's own ledger has them. */
const sumsInLedger = async (services: Services, code: string): Promise<VoucherSums> => {
  const { codes } = await services.redemptions.look([{ code }])
  const ledger = codes[0]?.ledger
  return ledger
    ? { redeemed: ledger.confirmed.times, taken: ledger.confirmed.credits, added: ledger.added }
    : NO_VOUCHER_SUMS
}

/**
 * A code of any kind as it is now, by its stream; a loyalty card that somebody has by that of its holder. Undefined when there is none. `sums`
 * are else those of its ledger, which hears of a redemption a moment after it came about.
 */
export const showCode = async (
  services: Services,
  code: CodeState,
  sums?: VoucherSums,
): Promise<object | undefined> => {
  const rulebook = services.rulebook.current()
  const { owner } = code
  if (owner?.type !== 'loyalty_card' || owner.customer === undefined)
    return showVoucher(code, rulebook, sums ?? (await sumsInLedger(services, code.code)))
  const { state } = await services.customers.load(owner.customer)
  const card = cardByCode(state.loyalty, code.code)
  return card && showCard(card, state.id, rulebook)
}

/** Whether the code is that of a loyalty card that somebody has: it is in the stream of its holder. */
const isHeldCard = ({ state }: VoucherDocument): boolean =>
  state.owner?.type === 'loyalty_card' && state.owner.customer !== undefined

/** Codes of any kind as the contract shows them, by code, from the read models; without those whose campaign is gone. */
export const showVouchers = async (
  services: Services,
  found: readonly VoucherDocument[],
): Promise<ReadonlyMap<string, object>> => {
  const cards = await services.readModel
    .collection<LoyaltyCardDocument>('loyaltyCards')
    .find(
      { _id: { $in: found.filter(isHeldCard).map(({ voucher }) => voucher) } },
      { limit: Math.max(1, found.length) },
    )
  const cardOf = new Map(cards.map((document) => [document._id, document]))
  const rulebook = services.rulebook.current()
  const shown = new Map<string, object>()
  for (const document of found) {
    const held = cardOf.get(document.voucher)
    const voucher = isHeldCard(document)
      ? held && showCard(held.card, held.customer, rulebook)
      : showVoucher(document.state, rulebook, document.sums)
    if (voucher) shown.set(document._id, voucher)
  }
  return shown
}
