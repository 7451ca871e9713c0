// Loyalty programs: campaigns of one type, under a path of their own.
import * as v from 'valibot'
import { answered } from '../../domain/answered.ts'
import { Campaign, Voucher } from '../../domain/rulebook/campaign.ts'
import { entriesOf } from '../../domain/rulebook/entries.ts'
import type { DefinitionChange } from '../../domain/rulebook/facts.ts'
import type { Definitions } from '../../domain/rulebook/kind.ts'
import { tooMany } from '../../domain/vouchers/generate.ts'
import { CampaignObject, showCampaign } from '../presenters/loyalties.ts'
import { begin, moreCodes, SHOWN, totalsIfKnown } from './campaign.ts'
import { campaignOf } from './part.ts'
import { asWhole, definitionResource, recorded } from './resource.ts'

const { campaign_type: _, voucher: __, ...fields } = Campaign.entries
const type = v.optional(v.literal('LOYALTY_PROGRAM'), 'LOYALTY_PROGRAM')

const Card = v.pipe(
  v.object({ ...Voucher.entries, type: v.optional(Voucher.entries.type, 'LOYALTY_CARD') }),
  answered('object', 'active'),
)
const ProgramBody = v.pipe(
  v.object({ ...fields, voucher: v.optional(Card, {}), campaign_type: type }),
  recorded(...SHOWN),
  v.title('LoyaltyProgram'),
)

/** What an update may say: whatever is left out stays, in the card's part as well. */
const ProgramPatch = v.pipe(
  v.partial(
    v.object({
      ...fields,
      voucher: v.pipe(v.partial(v.object(Voucher.entries)), answered('object', 'active')),
      campaign_type: type,
    }),
  ),
  recorded(...SHOWN),
)

/** A program with everything that is only there for it, in an order in which nothing is deleted from under another. */
const deletionOf = (definitions: Definitions, id: string, occurredAt: number): readonly DefinitionChange[] => {
  const tiers = [...entriesOf(definitions, 'loyaltyTier').values()].filter((t) => t.definition.campaign_id === id)
  const rules = [...entriesOf(definitions, 'earningRule').values()].filter((r) => r.definition.campaign_id === id)
  const offers = [...entriesOf(definitions, 'rewardAssignment').values()].filter((a) => a.definition.campaign === id)
  return [
    // Tiers and rules may name each other.
    ...tiers.map(
      (tier): DefinitionChange => ({
        kind: 'loyaltyTier',
        verb: 'Updated',
        id: tier.id,
        definition: { ...tier.definition, earning_rules: {}, rewards: {} },
        occurredAt,
      }),
    ),
    ...rules.map((rule): DefinitionChange => ({ kind: 'earningRule', verb: 'Deleted', id: rule.id, occurredAt })),
    ...tiers.map((tier): DefinitionChange => ({ kind: 'loyaltyTier', verb: 'Deleted', id: tier.id, occurredAt })),
    ...offers.map(
      (offer): DefinitionChange => ({ kind: 'rewardAssignment', verb: 'Deleted', id: offer.id, occurredAt }),
    ),
    { kind: 'campaign', verb: 'Deleted', id, occurredAt },
  ]
}

export const loyaltyPrograms = definitionResource('campaign', {
  path: '/v1/loyalties',
  param: 'campaignId',
  tag: 'Loyalty programs',
  one: 'a loyalty program',
  many: 'loyalty programs',
  body: ProgramBody,
  patch: ProgramPatch,
  response: CampaignObject,
  show: async (entry, { services, rulebook }) =>
    showCampaign(entry, rulebook.definitions, await totalsIfKnown(services, entry.id)),
  describe: {
    create:
      "Begins with `vouchers_count` cards that are nobody's yet (up to 100,000), made in the background. Beyond the contract: `max_per_customer` and `max_per_period` bound what all its rules together pay to one customer.",
    change:
      'What is left out stays as it is. Past transactions stay as they were. Cards are added by `POST /v1/campaigns/{campaignId}/vouchers`: a `vouchers_count` of more than there are is refused.',
    remove:
      'With its rules, tiers and offers. Refused while a segment, a distribution or another definition refers to it. Past transactions stay.',
  },
  find: campaignOf('LOYALTY_PROGRAM'),
  fault: ({ vouchers_count: count }) => tooMany(count ?? 0),
  begun: (call, entry, services) => begin(services, call, entry, showCampaign),
  // Cards are added by a request of their own.
  patched: ({ definition: old }, { voucher, vouchers_count: ___, ...patch }) =>
    asWhole(Campaign, { ...old, ...patch, ...(voucher ? { voucher: { ...old.voucher, ...voucher } } : {}) }),
  refused: (old, patch, services) => moreCodes(services, old, patch),
  switches: {
    enable: { summary: 'Enable a loyalty program' },
    disable: { summary: 'Disable a loyalty program: it earns and takes nothing' },
  },
  deletion: deletionOf,
  // With totals, and by name.
  own: ['list', 'one'],
})
