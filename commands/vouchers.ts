// Making single vouchers and codes of campaigns, and changing, switching and deleting vouchers of all kinds.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { assignmentsFor, ValidationRules, withoutAssignments } from '../src/api/assigning.ts'
import { contextOf } from '../src/api/context.ts'
import { recorded } from '../src/api/definitions/resource.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { VoucherObject } from '../src/api/presenters/voucherObject.ts'
import { codeNamed, showCode } from '../src/api/presenters/vouchers.ts'
import { answered } from '../src/domain/answered.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { Code, CodeConfig, CodeName, configFault } from '../src/domain/codes.ts'
import { idFrom } from '../src/domain/ids.ts'
import { name300 } from '../src/domain/name.ts'
import { isRefused } from '../src/domain/refusal.ts'
import { type Campaign, hasOwnCodes } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { CardWorth, Discount, Gift, Quantity, UNREDEEMED, VoucherSpec } from '../src/domain/rulebook/voucherSpec.ts'
import { type CodeState, heldCardFault } from '../src/domain/vouchers/code.ts'
import {
  changedSpec,
  completeMember,
  completeSingle,
  memberFaults,
  misfitOf,
  refusalOf,
  singleFaults,
} from '../src/domain/vouchers/make.ts'
import { ownerTypeOf } from '../src/domain/vouchers/publish.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { duplicateFound, fail, fromRefusal, notFound } from '../src/http/errors.ts'
import { absent } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { changeCode, loadCode } from '../src/runtime/codeStreams.ts'
import { makeVoucher } from '../src/runtime/makeVoucher.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions } from './definitions.ts'

const TAG = 'Vouchers'

/** What answers say of a voucher that only they can say. */
const SHOWN = [
  'publish',
  'assets',
  'is_referral_code',
  'referrer_id',
  'holder_id',
  'validation_rules_assignments',
  'categories',
]
/** What is null in an answer says nothing in a request. */
const discount = v.optional(absent(Discount))

/** Nothing has been taken from a new gift voucher. */
const NewGift = v.pipe(
  v.object({ ...Gift.entries, balance: v.nullish(v.number()) }),
  v.check(
    ({ amount, balance }) => (balance ?? amount) === amount,
    'balance must be equal to amount, or be left out: a voucher begins with its amount',
  ),
  v.transform(({ balance: _, ...gift }) => gift),
)
/** A new code was never redeemed: who brings one along that was says what is left of it. */
const NewRedemption = v.pipe(
  v.object({
    quantity: v.optional(Quantity),
    redeemed_quantity: v.nullish(v.number()),
    redeemed_amount: v.nullish(v.number()),
    redeemed_points: v.nullish(v.number()),
  }),
  answered('object', 'url', 'data_ref', 'total', 'redemption_entries'),
  v.check(
    ({ quantity: _, ...redeemed }) => Object.values(redeemed).every((count) => (count ?? 0) === 0),
    `redeemed_quantity, redeemed_amount and redeemed_points must be 0, or be left out: ${UNREDEEMED}`,
  ),
  v.transform(({ quantity }) => (quantity === undefined ? {} : { quantity })),
)

/** What is left is changed by /balance. */
const KeptGift = v.pipe(Gift, answered('balance', 'subtracted_amount'))

/** What a card has on it is its ledger's, once somebody has it; nothing was paid with one that nobody has. */
const NewCard = v.pipe(
  v.object({ ...CardWorth.entries, balance: v.nullish(v.number()) }),
  answered(
    'next_expiration_date',
    'next_expiration_points',
    'pending_points',
    'expired_points',
    'redeemed_points',
    'subtracted_points',
  ),
  v.check(
    ({ points, balance }) => (balance ?? points) === points,
    'balance must be equal to points, or be left out: a card begins with its points',
  ),
  v.transform(({ points }) => ({ points })),
)

const newFields = {
  ...VoucherSpec.entries,
  loyalty_card: v.optional(absent(NewCard)),
  discount,
  gift: v.optional(absent(NewGift)),
  redemption: v.optional(NewRedemption),
  active: v.optional(v.boolean(), true),
}
const generated = {
  ...newFields,
  code_config: v.nullish(
    v.pipe(
      CodeConfig,
      v.check(
        (config) => configFault(config) === undefined,
        ({ input }) => configFault(input) ?? '',
      ),
    ),
  ),
}
/** Which campaign it belongs to, by name and id. */
const membership = { campaign: v.nullish(name300), campaign_id: v.nullish(name300) }

/** What is said of a voucher that is to be made in a campaign, beside its code. */
export const NewVoucher = v.pipe(v.object(generated), recorded(...SHOWN))
export type NewVoucher = v.InferOutput<typeof NewVoucher>

/** A voucher that is listed in an import. */
export const ImportedVoucher = v.pipe(v.object({ ...newFields, code: Code }), recorded(...SHOWN))

const VoucherBody = v.pipe(
  v.object({ ...generated, ...membership, code: v.optional(Code), validation_rules: ValidationRules }),
  recorded(...SHOWN),
  v.title('VoucherRequest'),
)

const ByCode = v.object({ code: Code })

/** The whole voucher, as the command left it. */
const answer = async (services: Services, code: string, position: bigint | undefined): Promise<Outcome> => {
  const shown = await showCode(services, (await loadCode(services.ledgers, code)).state)
  if (!shown) return notFound('voucher', code)
  return { body: shown, consistencyToken: position }
}

/** Makes a voucher of a campaign, or a single one, and answers with it. */
export const make = async (
  services: Services,
  call: Call<unknown, unknown, unknown>,
  { code_config: config, active, ...spec }: NewVoucher,
  code: string | undefined,
  campaign?: Entry<Campaign>,
  rules: readonly string[] = [],
): Promise<Outcome> => {
  const { project } = services.rulebook.current()
  const calendar = calendarOf(project.timeZone)
  const faults = campaign ? memberFaults(spec, campaign.definition, calendar) : singleFaults(spec, calendar)
  const refused =
    refusalOf(faults) ?? misfitOf(services.rulebook.current().definitions, spec, campaign?.definition, { isNew: true })
  if (refused) return refused
  const context = contextOf(call, services)
  const id = idFrom('v', campaign?.id ?? 'single', code ?? '', context.key ?? randomBytes(16).toString('hex'))
  const target = { related_object_type: 'voucher', related_object_id: id } as const
  const nothing = () => ({})
  if (rules.length > 0) {
    // Before the code is there: nobody redeems it in between without its rules.
    const gated = await changeDefinitions(
      services,
      call,
      (definitions) => assignmentsFor(definitions, rules, target, call.now),
      nothing,
    )
    if ('failed' in gated || 'refused' in gated) return gated
  }
  const made = await makeVoucher(
    services.codes,
    {
      code,
      config: config ?? campaign?.definition.voucher?.code_config ?? {},
      owner: {
        type: ownerTypeOf(campaign?.definition.campaign_type),
        id,
        ...(campaign ? { campaign: campaign.id } : {}),
      },
      spec: campaign ? completeMember(spec, campaign.definition) : completeSingle(spec),
      active,
    },
    project.customerKey,
    context,
  )
  if (made.kind !== 'made' && rules.length > 0)
    await changeDefinitions(
      services,
      call,
      (definitions) => withoutAssignments(definitions, rules, target, call.now),
      nothing,
    )
  if (made.kind === 'taken') return duplicateFound('voucher', made.code, `Duplicated resource found: code ${made.code}`)
  if (made.kind === 'used_up') return fail('invalid_code_config', 'The format has no code left that nobody has')
  return answer(services, made.code, made.position)
}

const create = (services: Services, call: Call<v.InferOutput<typeof VoucherBody>, unknown, unknown>, path?: string) => {
  const { code: named, campaign, campaign_id: campaignId, validation_rules: rules, ...said } = call.body
  if (path !== undefined && named !== undefined && named !== path)
    return fail('invalid_payload', 'Property .code must be the code of the path')
  const owner = campaignId ?? campaign
  const entry = typeof owner === 'string' ? campaignForCodes(services, owner) : undefined
  return entry && 'failed' in entry ? entry : make(services, call, said, path ?? named, entry, rules ?? [])
}

const perform = async (
  services: Services,
  call: Call<unknown, unknown, unknown>,
  code: string,
  command: Parameters<typeof changeCode>[2],
): Promise<Outcome> => {
  const changed = await changeCode(services.ledgers, code, command, contextOf(call, services))
  if (changed.kind === 'refused') return fromRefusal(changed.refusal)
  if (!changed.state.deleted) return answer(services, code, changed.position)
  return { status: 204, consistencyToken: changed.position }
}

/** Switching a card that somebody has is a matter of its holder's stream. */
const switchCode = async (
  services: Services,
  call: Call<unknown, unknown, { code: string }>,
  active: boolean,
): Promise<Outcome> => {
  const found = await codeNamed(services, call.params.code)
  if (!found?.owner || found.deleted) return notFound('voucher', call.params.code)
  const { code, owner } = found
  if (owner.type !== 'loyalty_card' || owner.customer === undefined)
    return perform(services, call, code, { type: 'SwitchCode', active })
  const executed = await services.customers.execute(
    owner.customer,
    { type: 'SwitchLoyaltyCard', card: owner.id, active },
    contextOf(call, services),
  )
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  return answer(services, code, executed.position)
}

/** The voucher that a path names by code or id, unless it is somebody's card: those are changed as members of their program. */
const changeable = async (services: Services, name: string) => {
  const found: CodeState | undefined = await codeNamed(services, name)
  const voucher = found && resolveVoucher(found, services.rulebook.current())
  if (!found || !voucher) return notFound('voucher', name)
  const held = heldCardFault(found)
  return held ? fromRefusal(held.refused) : { found, voucher }
}

const VoucherPatch = v.pipe(
  v.object({
    ...VoucherSpec.entries,
    ...membership,
    discount,
    gift: v.optional(absent(KeptGift)),
    loyalty_card: v.optional(absent(NewCard)),
    code: v.optional(CodeName),
    active: v.optional(v.boolean()),
  }),
  recorded(...SHOWN),
)

const update = async (
  services: Services,
  call: Call<v.InferOutput<typeof VoucherPatch>, unknown, { code: string }>,
): Promise<Outcome> => {
  const named = await changeable(services, call.params.code)
  if ('failed' in named) return named
  const { found, voucher } = named
  const { code: said, active, campaign, campaign_id: campaignId, ...patch } = call.body
  const moved = [
    ['code', said, found.code],
    ['campaign', campaign, voucher.campaign?.definition.name],
    ['campaign_id', campaignId, voucher.campaign?.id],
  ].find(([, asked, own]) => typeof asked === 'string' && asked !== own)
  if (moved)
    return fail('invalid_payload', `Property .${moved[0]} cannot be changed`, {
      resourceType: 'voucher',
      resourceId: found.code,
    })
  const { definitions, project } = services.rulebook.current()
  const unfit = misfitOf(definitions, patch, voucher.campaign?.definition)
  if (unfit) return unfit
  const { timeZone } = project
  const outcome = await perform(services, call, found.code, (state) => {
    const spec = changedSpec(state.spec, voucher, patch, calendarOf(timeZone))
    return isRefused(spec) ? spec : { type: 'ChangeVoucher', spec }
  })
  if ('failed' in outcome || active === undefined || active === found.active) return outcome
  return perform(services, call, found.code, { type: 'SwitchCode', active })
}

/** The campaign of a path, if codes can be added to it. */
export const campaignForCodes = (services: Services, name: string) => {
  const entry = campaignNamed(services.rulebook.current().definitions, name)
  if (!entry) return notFound('campaign', name)
  return hasOwnCodes(entry.definition.campaign_type)
    ? entry
    : fail('invalid_campaign', `Codes cannot be added to a campaign of type ${entry.definition.campaign_type}`, {
        resourceType: 'campaign',
        resourceId: entry.id,
      })
}

export const voucherCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/vouchers',
    summary: 'Create a single voucher',
    description:
      'Without `code` one is made, as `code_config` says. `redemption.quantity` absent or null: no bound. A LOYALTY_CARD is one of ' +
      "the program that `campaign` names, and nobody's until it is published or a member is made with it: then it holds its points.",
    tag: TAG,
    permission: 'codes.write',
    body: VoucherBody,
    response: VoucherObject,
    handler: (call) => create(services, call),
  }),
  route({
    method: 'post',
    path: '/v1/vouchers/{code}',
    summary: 'Create a single voucher with this code',
    tag: TAG,
    permission: 'codes.write',
    params: ByCode,
    body: VoucherBody,
    response: VoucherObject,
    handler: (call) => create(services, call, call.params.code),
  }),
  route({
    method: 'put',
    path: '/v1/vouchers/{code}',
    summary: 'Change a voucher',
    description:
      'What is given replaces what there is, metadata key by key; null takes one away. The type and the gift amount stay.',
    tag: TAG,
    permission: 'codes.write',
    params: v.object({ code: CodeName }),
    body: VoucherPatch,
    response: VoucherObject,
    handler: (call) => update(services, call),
  }),
  route({
    method: 'delete',
    path: '/v1/vouchers/{code}',
    summary: 'Delete a voucher',
    description: 'The code is good for nothing any more and is never given again.',
    tag: TAG,
    permission: 'codes.write',
    params: v.object({ code: CodeName }),
    status: 204,
    handler: async (call): Promise<Outcome> => {
      const named = await changeable(services, call.params.code)
      return 'failed' in named ? named : perform(services, call, named.found.code, { type: 'DeleteVoucher' })
    },
  }),
  ...(['enable', 'disable'] as const).map((word) =>
    route({
      method: 'post',
      path: `/v1/vouchers/{code}/${word}` as '/v1/vouchers/{code}/enable',
      summary: word === 'enable' ? 'Enable a voucher' : 'Disable a voucher',
      tag: TAG,
      permission: 'codes.write',
      params: v.object({ code: CodeName }),
      response: VoucherObject,
      handler: (call): Promise<Outcome> => switchCode(services, call, word === 'enable'),
    }),
  ),
  route({
    method: 'post',
    path: '/v1/campaigns/{campaignId}/vouchers/{code}',
    summary: 'Add a voucher with this code to a campaign',
    tag: TAG,
    permission: 'codes.write',
    params: v.object({ campaignId: v.string(), code: Code }),
    body: v.optional(NewVoucher, {}),
    response: VoucherObject,
    handler: (call): Promise<Outcome> | Outcome => {
      const entry = campaignForCodes(services, call.params.campaignId)
      return 'failed' in entry ? entry : make(services, call, call.body, call.params.code, entry)
    },
  }),
]
