// Creating, changing, switching and deleting loyalty programs.
import * as v from 'valibot'
import { ByCampaign, CampaignObject, findProgram, showCampaign } from '../src/api/presenters/loyalties.ts'
import { LOYALTY_PROGRAMS } from '../src/api/resources.ts'
import { answered } from '../src/domain/answered.ts'
import { Campaign, Voucher } from '../src/domain/rulebook/campaign.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { tooMany } from '../src/domain/vouchers/generate.ts'
import type { Services } from '../src/services.ts'
import { begin, moreCodes, SHOWN, totalsIfKnown } from './campaigns.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'
import { routesToOne } from './partRoutes.ts'

const { campaign_type: _, voucher: __, ...entries } = Campaign.entries
const fields = entries
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

/** Cards are added by a request of their own. */
const patched = (
  old: Campaign,
  { voucher, vouchers_count: ___, ...patch }: v.InferOutput<typeof ProgramPatch>,
): object => ({
  ...old,
  ...patch,
  ...(voucher ? { voucher: { ...old.voucher, ...voucher } } : {}),
})

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

export const loyaltyCommands = (services: Services) => {
  const show = async (entry: Entry<Campaign>, { definitions }: Rulebook) =>
    showCampaign(entry, definitions, await totalsIfKnown(services, entry.id))
  return [
    definitionRoutes(services, LOYALTY_PROGRAMS, {
      body: ProgramBody,
      patch: ProgramPatch,
      response: CampaignObject,
      describe: {
        create:
          "Begins with `vouchers_count` cards that are nobody's yet (up to 100,000), made in the background. Beyond the contract: `max_per_customer` and `max_per_period` bound what all its rules together pay to one customer.",
      },
      show,
      fault: ({ vouchers_count: count }) => tooMany(count ?? 0),
      begun: (call, entry) => begin(services, call, entry, showCampaign),
    }).create,
    ...routesToOne(services, {
      kind: 'campaign',
      tag: LOYALTY_PROGRAMS.tag,
      path: '/v1/loyalties/{campaignId}',
      params: ByCampaign,
      find: (_, { campaignId }) => findProgram(services, campaignId),
      patch: ProgramPatch,
      whole: Campaign,
      response: CampaignObject,
      show,
      patched,
      refused: (old, patch) => moreCodes(services, old, patch),
      deletion: deletionOf,
      change: {
        summary: 'Change a loyalty program',
        description:
          'What is left out stays as it is. Past transactions stay as they were. Cards are added by `POST /v1/campaigns/{campaignId}/vouchers`: a `vouchers_count` of more than there are is refused.',
      },
      enable: { summary: 'Enable a loyalty program' },
      disable: { summary: 'Disable a loyalty program: it earns and takes nothing' },
      remove: {
        summary: 'Delete a loyalty program with its rules, tiers and offers',
        description:
          'Refused while a segment, a distribution or another definition refers to it. Past transactions stay.',
      },
    }),
  ]
}
