// Creating, changing, switching and deleting loyalty programs.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { ByCampaign, CampaignObject, findProgram, showCampaign } from '../src/api/presenters/loyalties.ts'
import { answered } from '../src/domain/answered.ts'
import { idFrom } from '../src/domain/ids.ts'
import { Campaign, Voucher } from '../src/domain/rulebook/campaign.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { entriesOf } from '../src/domain/rulebook/kinds.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { SHOWN, unsupported } from './campaigns.ts'
import { changeDefinitions, recorded } from './definitions.ts'
import { invalid } from './invalid.ts'

const TAG = 'Loyalty programs'

const { campaign_type: _, voucher: __, ...entries } = Campaign.entries
const fields = { ...entries, ...unsupported }
const type = v.optional(v.literal('LOYALTY_PROGRAM'), 'LOYALTY_PROGRAM')

const Card = v.pipe(
  v.object({ ...Voucher.entries, type: v.optional(Voucher.entries.type, 'LOYALTY_CARD') }),
  answered('object', 'active'),
)
export const ProgramBody = v.pipe(
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

const patched = (old: Campaign, { voucher, ...patch }: v.InferOutput<typeof ProgramPatch>): unknown => ({
  ...old,
  ...patch,
  ...(voucher ? { voucher: { ...old.voucher, ...voucher } } : {}),
})

/** A program with everything that is only there for it, in an order in which nothing is deleted from under another. */
export const deletionOf = (definitions: Definitions, id: string, occurredAt: number): readonly DefinitionChange[] => {
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

const change = (
  services: Services,
  call: Call<unknown, unknown, { campaignId: string }>,
  of: (old: Campaign) => unknown,
  verb: 'Updated' | 'Enabled' | 'Disabled',
): Outcome | Promise<Outcome> => {
  const found = findProgram(services, call.params.campaignId)
  if (isFailure(found)) return found
  // As it was written: the one that was found may be switched off.
  const { definition: old } = entriesOf(services.rulebook.current().definitions, 'campaign').get(found.id) ?? found
  const parsed = v.safeParse(Campaign, of(old))
  if (!parsed.success) return invalid(parsed.issues)
  return changeDefinitions(
    services,
    call,
    () => [{ kind: 'campaign', verb, id: found.id, definition: parsed.output, occurredAt: call.now }],
    (rulebook) => ({ body: showCampaign(rulebook.entries('campaign').get(found.id)!) }),
  )
}

export const loyaltyCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/loyalties',
    summary: 'Create a loyalty program',
    description:
      'Beyond the contract: `max_per_customer` and `max_per_period` bound what all its rules together pay to one customer.',
    tag: TAG,
    permission: 'definitions.write',
    body: ProgramBody,
    response: CampaignObject,
    handler: (call): Promise<Outcome> => {
      const id = idFrom('camp', call.idempotencyKey ?? randomBytes(16).toString('hex'))
      return changeDefinitions(
        services,
        call,
        () => [{ kind: 'campaign', verb: 'Created', id, definition: call.body, occurredAt: call.now }],
        (rulebook) => ({ body: showCampaign(rulebook.entries('campaign').get(id)!) }),
      )
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}',
    summary: 'Change a loyalty program',
    description: 'What is left out stays as it is. Past transactions stay as they were.',
    tag: TAG,
    permission: 'definitions.write',
    params: ByCampaign,
    body: ProgramPatch,
    response: CampaignObject,
    handler: (call) => change(services, call, (old) => patched(old, call.body), 'Updated'),
  }),
  ...(['enable', 'disable'] as const).map((word) =>
    route({
      method: 'post',
      path: `/v1/loyalties/{campaignId}/${word}` as '/v1/loyalties/{campaignId}/enable',
      summary: word === 'enable' ? 'Enable a loyalty program' : 'Disable a loyalty program: it earns and takes nothing',
      tag: TAG,
      permission: 'definitions.write',
      params: ByCampaign,
      response: CampaignObject,
      handler: (call) =>
        change(
          services,
          call,
          (old) => ({ ...old, active: word === 'enable' }),
          word === 'enable' ? 'Enabled' : 'Disabled',
        ),
    }),
  ),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}',
    summary: 'Delete a loyalty program with its rules, tiers and offers',
    description: 'Refused while a segment, a distribution or another definition refers to it. Past transactions stay.',
    tag: TAG,
    permission: 'definitions.write',
    params: ByCampaign,
    status: 204,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findProgram(services, call.params.campaignId)
      if (isFailure(found)) return found
      return changeDefinitions(
        services,
        call,
        (definitions) => deletionOf(definitions, found.id, call.now),
        () => ({ status: 204 }),
      )
    },
  }),
]
