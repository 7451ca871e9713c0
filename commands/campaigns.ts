// Creating, changing, switching and deleting campaigns of all types.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { CampaignObject, campaignNamed, showCampaign, totalsOf } from '../queries/campaigns.ts'
import { ById } from '../queries/shapes.ts'
import { contextOf } from '../src/api/context.ts'
import { idFrom } from '../src/domain/ids.ts'
import { isRefused, type Refused, refuse, refuseNotFound } from '../src/domain/refusal.ts'
import { Campaign, CampaignType } from '../src/domain/rulebook/campaign.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { VoucherType } from '../src/domain/rulebook/voucherSpec.ts'
import { firstCodes, tooMany } from '../src/domain/vouchers/generate.ts'
import { type Answer, type Call, type Outcome, route } from '../src/http/route.ts'
import { ReadModelUnavailable } from '../src/readmodel/index.ts'
import type { Services } from '../src/services.ts'
import { assignmentsFor, ValidationRules } from './assigning.ts'
import { changeDefinitions, recorded } from './definitions.ts'

/** There are no metadata schemas that vouchers could be held to. */
export const unsupported = {
  use_voucher_metadata_schema: v.optional(v.literal(false, 'is not supported: there are no metadata schemas'), false),
}

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
    ...unsupported,
    campaign_type: v.optional(CampaignType),
    validation_rules: ValidationRules,
  }),
  recorded(...SHOWN),
  v.check((body) => typeOf(body) !== undefined, "should have required property 'campaign_type'"),
  v.transform(({ validation_rules: rules, ...body }) => ({
    definition: { ...body, campaign_type: typeOf(body) ?? 'DISCOUNT_COUPONS' } satisfies Campaign,
    rules: rules ?? [],
  })),
)
const CampaignPatch = v.pipe(v.partial(v.object({ ...Campaign.entries, ...unsupported })), recorded(...SHOWN))

/** What an update gives replaces what there is, part by part; codes are added by a request of their own. */
const patched = (old: Campaign, { vouchers_count: _, ...patch }: v.InferOutput<typeof CampaignPatch>): Campaign => {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
  return { ...old, ...given }
}

/** A change stands whether or not the totals can be told. */
const totalsIfKnown = async (services: Services, id: string) => {
  try {
    return (await totalsOf(services, [id])).get(id)
  } catch (error) {
    if (error instanceof ReadModelUnavailable) return undefined
    throw error
  }
}

/** Asks for the codes of a campaign that was created a moment ago; a single one is there when it is answered. */
const begin = async (
  services: Services,
  call: Call<unknown, unknown, unknown>,
  entry: Entry<Campaign>,
): Promise<Answer> => {
  const wish = firstCodes(entry.id, entry.definition)
  if (!wish) return { body: showCampaign(entry) }
  const consistencyToken = await services.voucherJobs.request(wish, [], contextOf(call, services))
  if (wish.count === 1) {
    const last = await services.voucherJobs.complete(wish.id)
    const totals = { codes: 1, published: 0, open: 0, failed: 0 }
    return { body: showCampaign(entry, totals), consistencyToken: last ?? consistencyToken }
  }
  services.voucherJobs.begin(wish.id)
  return { body: showCampaign(entry), consistencyToken }
}

/** Changes the campaign that a path names, and answers with it. */
const change = (
  services: Services,
  call: Call<unknown, unknown, { id: string }>,
  next: (old: Entry<Campaign>) => readonly DefinitionChange[] | Refused,
): Promise<Outcome> => {
  let id = call.params.id
  return changeDefinitions(
    services,
    call,
    (definitions) => {
      const old = campaignNamed(definitions, call.params.id)
      if (!old) return refuseNotFound('campaign', call.params.id)
      id = old.id
      return next(old)
    },
    async (rulebook) => {
      const entry = rulebook.entries('campaign').get(id)
      return entry ? { body: showCampaign(entry, await totalsIfKnown(services, id)) } : { status: 204 }
    },
  )
}

const switching = (services: Services, word: 'enable' | 'disable') =>
  route({
    method: 'post',
    path: `/v1/campaigns/{id}/${word}` as '/v1/campaigns/{id}/enable',
    summary: word === 'enable' ? 'Enable a campaign' : 'Disable a campaign',
    tag: 'Campaigns',
    permission: 'definitions.write',
    params: ById,
    response: CampaignObject,
    handler: (call): Promise<Outcome> =>
      change(services, call, ({ id, definition }) => [
        {
          kind: 'campaign',
          verb: word === 'enable' ? 'Enabled' : 'Disabled',
          id,
          definition: { ...definition, active: word === 'enable' },
          occurredAt: call.now,
        },
      ]),
  })

export const campaignCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/campaigns',
    summary: 'Create a campaign',
    description:
      'A REFERRAL_PROGRAM converts new customers by a custom event that brings a code along: `referral_program` says which, ' +
      'who counts as new (`new_customers`) and what both sides get, the referrer from the nth conversion on something else ' +
      '(`referrer_tiers`). DISCOUNT_COUPONS and GIFT_VOUCHERS begin with `vouchers_count` codes (up to 100,000), made in the ' +
      'background; how far they are is in `vouchers_generation_status` and the async action.',
    tag: 'Campaigns',
    permission: 'definitions.write',
    body: CampaignBody,
    response: CampaignObject,
    handler: (call): Promise<Outcome> | Outcome => {
      const id = idFrom('camp', call.idempotencyKey ?? randomBytes(16).toString('hex'))
      const { definition, rules } = call.body
      const refused = tooMany(definition.vouchers_count ?? 0)
      if (refused) return refused
      return changeDefinitions(
        services,
        call,
        (definitions) => {
          const target = { related_object_type: 'campaign', related_object_id: id } as const
          const gates = assignmentsFor(definitions, rules, target, call.now)
          if (isRefused(gates)) return gates
          return [{ kind: 'campaign', verb: 'Created', id, definition, occurredAt: call.now }, ...gates]
        },
        (rulebook) => begin(services, call, rulebook.entries('campaign').get(id)!),
      )
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/campaigns/{id}',
    summary: 'Change a campaign',
    description:
      'What is given replaces what there is. The type of a campaign stays. Promised rewards stay promised. `vouchers_count` is not read: codes are added under /vouchers.',
    tag: 'Campaigns',
    permission: 'definitions.write',
    params: ById,
    body: CampaignPatch,
    response: CampaignObject,
    handler: (call): Promise<Outcome> =>
      change(services, call, ({ id, definition: old }) =>
        call.body.campaign_type !== undefined && call.body.campaign_type !== old.campaign_type
          ? refuse('invalid_payload', 'Property .campaign_type cannot be changed', {
              resource: { type: 'campaign', id },
            })
          : [{ kind: 'campaign', verb: 'Updated', id, definition: patched(old, call.body), occurredAt: call.now }],
      ),
  }),
  switching(services, 'enable'),
  switching(services, 'disable'),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/campaigns/{id}',
    summary: 'Delete a campaign',
    description: 'Refused, with the list of users, while something refers to it. Its codes convert nothing any more.',
    tag: 'Campaigns',
    permission: 'definitions.write',
    params: ById,
    status: 204,
    handler: (call): Promise<Outcome> =>
      change(services, call, ({ id }) => [{ kind: 'campaign', verb: 'Deleted', id, occurredAt: call.now }]),
  }),
]
