// Campaigns of all types.
import * as v from 'valibot'
import { isRefused, type Refused, refuse } from '../../domain/refusal.ts'
import { Campaign, CampaignType } from '../../domain/rulebook/campaign.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import { MAX_TIERS } from '../../domain/rulebook/promotionTier.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import type { VoucherType } from '../../domain/rulebook/voucherSpec.ts'
import { firstCodes, tooMany } from '../../domain/vouchers/generate.ts'
import type { Answer, Call } from '../../http/route.ts'
import { ReadModelUnavailable } from '../../readmodel/index.ts'
import type { Services } from '../../services.ts'
import { assignmentsFor, ValidationRules } from '../assigning.ts'
import { contextOf } from '../context.ts'
import { CampaignObject, campaignNamed, showCampaign, type Totals, totalsOf } from '../presenters/campaigns.ts'
import { promotionOf } from '../presenters/promotionTiers.ts'
import { TierBody, tiersFor } from './promotionTier.ts'
import { definitionResource, recorded } from './resource.ts'

/** What answers say of a campaign beside its definition. */
export const SHOWN = [
  'creation_status',
  'vouchers_generation_status',
  'readonly',
  'protected',
  'categories',
  'validation_rules_assignments',
]

/** The type of campaign that gives out such vouchers. */
const TYPES = {
  DISCOUNT_VOUCHER: 'DISCOUNT_COUPONS',
  GIFT_VOUCHER: 'GIFT_VOUCHERS',
  LOYALTY_CARD: 'LOYALTY_PROGRAM',
} as const satisfies Record<VoucherType, CampaignType>

type Untyped = Omit<Campaign, 'campaign_type'> & { readonly campaign_type?: CampaignType | undefined }

/** Which type a campaign has: the one that is said, else the one that follows from its vouchers. */
const typeOf = ({ campaign_type: said, referral_program: referral, voucher }: Untyped): CampaignType | undefined =>
  said ?? (referral || voucher?.is_referral_code ? 'REFERRAL_PROGRAM' : voucher && TYPES[voucher.type])

const CampaignBody = v.pipe(
  v.object({
    ...Campaign.entries,
    campaign_type: v.optional(CampaignType),
    validation_rules: ValidationRules,
    promotion: v.nullish(v.object({ tiers: v.nullish(v.pipe(v.array(TierBody), v.maxLength(MAX_TIERS))) })),
  }),
  recorded(...SHOWN),
  v.check((body) => typeOf(body) !== undefined, "should have required property 'campaign_type'"),
  v.transform(({ validation_rules: rules, promotion, ...body }) => ({
    definition: { ...body, campaign_type: typeOf(body) ?? 'DISCOUNT_COUPONS' } satisfies Campaign,
    rules: rules ?? [],
    tiers: promotion?.tiers ?? [],
  })),
)
const CampaignPatch = v.pipe(v.partial(v.object(Campaign.entries)), recorded(...SHOWN, 'promotion'))

/** What an update gives replaces what there is, part by part; codes are added by a request of their own. */
const patched = (old: Campaign, { vouchers_count: _, ...patch }: v.InferOutput<typeof CampaignPatch>): Campaign => {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
  return { ...old, ...given }
}

/** A change stands whether or not the totals can be told. */
export const totalsIfKnown = async (services: Services, id: string) => {
  try {
    return (await totalsOf(services, [id])).get(id)
  } catch (error) {
    if (error instanceof ReadModelUnavailable) return undefined
    throw error
  }
}

/**
 * Refuses a change that would have more codes, which are made by a request of their own. What was answered can be sent back, though
 * there may be more of them by now, or not yet so many.
 */
export const moreCodes = async (
  services: Services,
  { id, definition }: Entry<Campaign>,
  { vouchers_count: count }: Pick<Campaign, 'vouchers_count'>,
): Promise<Refused | undefined> => {
  if (!count || count <= (definition.vouchers_count ?? 0)) return undefined
  const there = (await totalsIfKnown(services, id))?.codes
  return there === undefined || count <= there
    ? undefined
    : refuse(
        'invalid_payload',
        `Property .vouchers_count must NOT be more than the ${there} that there are: add codes by POST /v1/campaigns/{campaignId}/vouchers`,
      )
}

/** Asks for the codes of a campaign that was created a moment ago; a single one is there when it is answered. */
export const begin = async (
  services: Services,
  call: Call<unknown, unknown, unknown>,
  entry: Entry<Campaign>,
  show: (entry: Entry<Campaign>, all: Definitions, totals?: Totals) => object = showCampaign,
): Promise<Answer> => {
  const all = services.rulebook.current().definitions
  const wish = firstCodes(entry.id, entry.definition)
  if (!wish) return { body: show(entry, all) }
  const consistencyToken = await services.voucherJobs.request(wish, [], contextOf(call, services))
  if (wish.count === 1) {
    const last = await services.voucherJobs.complete(wish.id)
    const totals = { codes: 1, published: 0, open: 0, failed: 0 }
    return { body: show(entry, all, totals), consistencyToken: last ?? consistencyToken }
  }
  services.voucherJobs.begin(wish.id)
  return { body: show(entry, all), consistencyToken }
}

const showWhole = (entry: Entry<Campaign>, rulebook: Rulebook, totals?: Totals) => ({
  ...showCampaign(entry, rulebook.definitions, totals),
  ...promotionOf(entry, rulebook),
})

export const campaigns = definitionResource('campaign', {
  path: '/v1/campaigns',
  tag: 'Campaigns',
  one: 'a campaign',
  many: 'campaigns',
  body: CampaignBody,
  patch: CampaignPatch,
  response: CampaignObject,
  describe: {
    create:
      'A REFERRAL_PROGRAM converts new customers by a custom event that brings a code along: `referral_program` says which, ' +
      'who counts as new (`new_customers`) and what both sides get, the referrer from the nth conversion on something else ' +
      '(`referrer_tiers`). Campaigns of other types begin with `vouchers_count` codes (up to 100,000), made in the ' +
      'background; how far they are is in `vouchers_generation_status` and the async action. A PROMOTION is made with its ' +
      'tiers (`promotion.tiers`), or gets them under /v1/promotions.',
    change:
      'What is given replaces what there is. The type of a campaign stays. Promised rewards stay promised. Codes are added under /vouchers: a `vouchers_count` of more than there are is refused.',
    remove: 'Refused, with the list of users, while something refers to it. Its codes convert nothing any more.',
  },
  show: async (entry, { services, rulebook }) => showWhole(entry, rulebook, await totalsIfKnown(services, entry.id)),
  find: (definitions, { id = '' }) => campaignNamed(definitions, id),
  fault: ({ definition, tiers }) =>
    tiers.length > 0 && definition.campaign_type !== 'PROMOTION'
      ? refuse('invalid_payload', 'Property .promotion goes with the campaign_type PROMOTION alone')
      : tooMany(definition.vouchers_count ?? 0),
  made: ({ definition }) => definition,
  along: (definitions, id, { rules, tiers }, now) => {
    const gates = assignmentsFor(definitions, rules, { related_object_type: 'campaign', related_object_id: id }, now)
    if (isRefused(gates)) return gates
    const made = tiersFor(definitions, id, tiers, now)
    return isRefused(made) ? made : [...gates, ...made]
  },
  begun: (call, entry, services) =>
    begin(services, call, entry, (one, _, totals) => showWhole(one, services.rulebook.current(), totals)),
  patched: ({ id, definition }, patch) =>
    patch.campaign_type !== undefined && patch.campaign_type !== definition.campaign_type
      ? refuse('invalid_payload', 'Property .campaign_type cannot be changed', { resource: { type: 'campaign', id } })
      : patched(definition, patch),
  refused: (old, patch, services) => moreCodes(services, old, patch),
  switches: { enable: { summary: 'Enable a campaign' }, disable: { summary: 'Disable a campaign' } },
  // With totals, in bulk, and with the tiers of a promotion.
  own: ['list', 'one'],
})
