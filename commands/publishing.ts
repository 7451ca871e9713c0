// How a publication finds its code: one that nobody has, else a new one, or the one that was asked for by name.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { creditsLeft } from '../src/api/presenters/giftBalances.ts'
import { showHeld } from '../src/api/presenters/publications.ts'
import { CodeName } from '../src/domain/codes.ts'
import { CustomerInput } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import type { HeldVoucher } from '../src/domain/customer/vouchers/state.ts'
import { type CustomerId, idFrom } from '../src/domain/ids.ts'
import { name300 } from '../src/domain/name.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import { type Campaign, hasOwnCodes } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import type { PublicationRequested } from '../src/domain/vouchers/publication.ts'
import {
  codeOf,
  giftOf,
  heldAlready,
  ownerTypeOf,
  type PublishVoucher,
  publishedBy,
} from '../src/domain/vouchers/publish.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { type Failure, fail, fromRefusal, notFound } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import type { Call, Outcome } from '../src/http/route.ts'
import { settleAssignment } from '../src/runtime/assignments.ts'
import { changeCode, loadCode } from '../src/runtime/codeStreams.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import { MAX_ATTEMPTS } from '../src/runtime/makeVoucher.ts'
import type { Services } from '../src/services.ts'
import { TooBusy } from '../src/trouble.ts'

/** Whom a request names, by id or `source_id`, with what it says of the profile. */
export const CustomerBody = v.pipe(
  CustomerInput,
  v.check((c) => c.id !== undefined || typeof c.source_id === 'string', "should have required property 'source_id'"),
)

/** Codes that one publication gives at most. */
const MAX_COUNT = 20

const CampaignRef = v.union([
  v.pipe(
    name300,
    v.transform((name) => ({ name, count: 1 })),
  ),
  v.object({
    name: name300,
    count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_COUNT)), 1),
  }),
])

export const PublicationBody = v.pipe(
  v.object({
    campaign: v.optional(CampaignRef),
    voucher: v.optional(v.pipe(name300, CodeName)),
    customer: CustomerBody,
    source_id: v.optional(v.nullable(outsideId())),
    channel: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(300)))),
    metadata: v.optional(GivenMetadata, {}),
    /** As in the query, which comes first. */
    join_once: v.nullish(v.boolean()),
  }),
  v.title('PublicationRequest'),
)
export type PublicationBody = v.InferOutput<typeof PublicationBody>

export const JoinQuery = v.object({ join_once: v.optional(queryFlag), campaign: v.optional(name300) })

export type PublishCall = Pick<
  Call<PublicationBody, v.InferOutput<typeof JoinQuery>, unknown>,
  'body' | 'query' | 'key' | 'requestId' | 'now' | 'channel' | 'idempotencyKey'
>

/** How many codes that others were faster with are passed over before the request is told to come again. */
const MAX_CANDIDATES = 25

export const answer = async (
  services: Services,
  state: CustomerState,
  held: HeldVoucher,
  position: bigint | undefined,
): Promise<Outcome> => ({
  body: showHeld(state, held, await creditsLeft(services, state)),
  consistencyToken: position,
})

/** What all ways to a code have in common: who asks for which publication, for whom, of what. */
export interface Wish {
  readonly customer: CustomerId
  /** Names the voucher that is made, where one is. */
  readonly voucher: string
  readonly command: (code: string) => PublishVoucher
  readonly context: CommandContext
}

export const wishOf = (
  services: Services,
  call: PublishCall,
  customer: CustomerId,
  about: { readonly id: string; readonly campaign?: string; readonly joinOnce: boolean },
): Wish => {
  const { id: given, ...profile } = call.body.customer
  const context = contextOf(call, services)
  const sourceId = call.body.source_id ?? undefined
  const name = sourceId ?? context.key ?? randomBytes(16).toString('hex')
  const voucher = idFrom('v', customer, about.id, name)
  return {
    customer,
    voucher,
    context,
    command: (code) => ({
      type: 'PublishVoucher',
      campaign: about.campaign,
      voucher: { id: voucher, code },
      publication: {
        id: idFrom('pub', customer, about.id, name),
        sourceId,
        channel: call.body.channel ?? call.channel,
        metadata: call.body.metadata,
      },
      joinOnce: about.joinOnce,
      profile,
      mayCreate: given === undefined,
    }),
  }
}

/**
 * Takes the `source_id` of a publication, where it has one: refuses one that another publication has, or that gave what it gives
 * before (`isGiven`).
 */
export const takeSourceId = async (
  services: Services,
  {
    sourceId,
    joinOnce,
    ...about
  }: Omit<PublicationRequested, 'occurredAt'> & { readonly sourceId: string | undefined; readonly joinOnce: boolean },
  context: CommandContext,
  isGiven: (state: CustomerState) => boolean,
): Promise<Failure | undefined> => {
  if (sourceId === undefined) return undefined
  const { kind, state } = await services.ledgers.publications.execute(sourceId, about, context)
  const isOther = kind === 'repeated' && (context.key === undefined || state.key !== context.key)
  const isRepeated = isOther && !joinOnce && isGiven((await services.customers.load(about.customer)).state)
  return kind === 'refused' || isRepeated
    ? fail('duplicate_source_id', `Duplicate source_id ${sourceId}`, {
        resourceType: 'publication',
        resourceId: sourceId,
      })
    : undefined
}

/**
 * Refuses what would be refused without taking a code for it, and takes the `source_id`. A repeat for the same customer and
 * campaign is let through: it goes on with what was begun; whether it had come to its end is for the customer's stream to say.
 */
export const prepare = async (
  services: Services,
  { customer, command, context }: Wish,
  of: string,
): Promise<Failure | undefined> => {
  const asked = command('')
  const tried = await services.customers.execute(customer, asked, { ...context, dryRun: true })
  if (tried.kind === 'refused') return fromRefusal(tried.refusal)
  const { id, sourceId } = asked.publication
  const about = { id, campaign: of, customer, sourceId, joinOnce: asked.joinOnce }
  return takeSourceId(services, about, context, ({ vouchers }) => publishedBy(vouchers, id) !== undefined)
}

export const unsuitable = ({ id, definition }: Entry<Campaign>, why: string): Failure =>
  fail('no_voucher_suitable_for_publication', `${why} ${definition.name}`, {
    resourceType: 'campaign',
    resourceId: id,
  })

export const usedUp = (entry: Entry<Campaign>): Failure => unsuitable(entry, 'No code is left in the format of')

/**
 * Claims a code that nobody has and brings it into the customer's stream. Undefined: others were faster, or the code is good
 * for nothing, so that another one may be tried.
 */
const assign = async (services: Services, wish: Wish, code: string): Promise<Outcome | undefined> => {
  const { customer, command, context } = wish
  const asked = command(code)
  const { publication, joinOnce, profile, mayCreate } = asked
  const { key: _, ...unnamed } = context
  // Before the code is claimed: what a crash leaves of the claim says nothing of the profile.
  const saved = await services.customers.execute(customer, { type: 'SaveCustomer', profile, mayCreate }, unnamed)
  if (saved.kind === 'refused') return fromRefusal(saved.refusal)
  const changed = await changeCode(
    services.ledgers,
    code,
    { type: 'AssignCode', customer, publication, joinOnce },
    unnamed,
  )
  if (changed.kind !== 'done' || !changed.state.owner) return undefined
  const { owner, spec } = changed.state
  const executed = await settleAssignment(
    services,
    {
      code,
      voucher: owner.id,
      campaign: owner.campaign,
      ...(owner.campaign === undefined && spec.type ? { type: spec.type } : {}),
      customer,
      publication,
      joinOnce,
    },
    unnamed,
  )
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  const held = executed.state.vouchers[owner.id] ?? heldAlready(executed.state.vouchers, asked)
  return held
    ? answer(services, executed.state, held, executed.position)
    : fail('voucher_cannot_be_published', `Code ${code} was given back`)
}

/** A code of those that the campaign has ready; undefined when there is none. */
const fromStock = async (services: Services, entry: Entry<Campaign>, wish: Wish): Promise<Outcome | undefined> => {
  const { vouchers_count: count, type } = entry.definition
  for (let tries = 0; tries < MAX_CANDIDATES; tries++) {
    const code = await services.freeCodes.take(entry.id, type !== 'AUTO_UPDATE' || (count ?? 0) > 0)
    if (code === undefined) return undefined
    const outcome = await assign(services, wish, code)
    if (outcome) return outcome
  }
  throw new TooBusy(`campaign ${entry.id}`)
}

/** Makes a code for the customer: reserves one that nobody has in its stream, then records it in the customer's. */
const makeOne = async (services: Services, entry: Entry<Campaign>, wish: Wish): Promise<Outcome> => {
  const { customer, voucher, command, context } = wish
  const rulebook = services.rulebook.current()
  const owner = { type: ownerTypeOf(entry.definition.campaign_type), id: voucher, campaign: entry.id, customer }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const asked = command(codeOf(entry, rulebook, voucher, attempt))
    const spec = giftOf(entry.definition)
    if ((await services.codes.reserve(asked.voucher.code, owner, context, spec)) === 'taken') continue
    const executed = await services.customers.execute(customer, asked, context)
    if (executed.kind === 'refused') return fromRefusal(executed.refusal)
    const found = heldAlready(executed.state.vouchers, asked)
    if (found) return answer(services, executed.state, found, executed.position)
    return fail('voucher_cannot_be_published', 'The request has led to another answer before')
  }
  return usedUp(entry)
}

/** Answers with the code that the customer has for this already, if there is one. */
export const again = async (services: Services, { customer, command, context }: Wish): Promise<Outcome | undefined> => {
  const asked = command('')
  const { state, position } = await services.customers.load(customer)
  const held = heldAlready(state.vouchers, asked)
  if (!held || state.status !== 'active') return undefined
  const saved = await services.customers.execute(customer, asked, context)
  return answer(services, saved.kind === 'refused' ? state : saved.state, held, position)
}

/** Publishes one code of a campaign. */
export const publishOf = async (
  services: Services,
  call: PublishCall,
  customer: CustomerId,
  entry: Entry<Campaign>,
): Promise<Outcome> => {
  const { join_once: joinOnce, campaign_type: type } = entry.definition
  const about = { id: entry.id, campaign: entry.id, joinOnce: call.query.join_once ?? joinOnce }
  const wish = wishOf(services, call, customer, about)
  const settled = (await prepare(services, wish, entry.id)) ?? (await again(services, wish))
  if (settled) return settled
  if (!hasOwnCodes(type)) return makeOne(services, entry, wish)
  const found = await fromStock(services, entry, wish)
  if (found) return found
  return entry.definition.type === 'AUTO_UPDATE'
    ? makeOne(services, entry, wish)
    : unsuitable(entry, 'Nobody has left a code of')
}

const hasHolder = (code: string): Failure =>
  fail('voucher_already_published', `Code ${code} has a holder`, { resourceType: 'voucher', resourceId: code })

/** Publishes a code by name: one of a campaign that nobody has, or a single voucher. Its holder may ask for it again. */
export const publishCode = async (
  services: Services,
  call: PublishCall,
  asked: string,
  customer: CustomerId,
): Promise<Outcome> => {
  const { state } = await loadCode(services.ledgers, asked)
  const { code } = state
  const voucher = resolveVoucher(state, services.rulebook.current())
  const { owner } = state
  if (!voucher || !owner) return notFound('voucher', code)
  if (owner.customer !== undefined) {
    const holder = await services.customers.load(owner.customer)
    const held = Object.hasOwn(holder.state.vouchers, owner.id) ? holder.state.vouchers[owner.id] : undefined
    if (held && holder.state.id === customer) return answer(services, holder.state, held, holder.position)
    if (holder.state.id !== customer || state.publication === undefined) return hasHolder(code)
  }
  if (owner.type !== 'voucher')
    return fail('voucher_cannot_be_published', `Code ${code} is not given to customers by name`, {
      resourceType: 'voucher',
      resourceId: code,
    })
  const about = {
    id: owner.id,
    campaign: owner.campaign,
    joinOnce: call.query.join_once ?? false,
  }
  const wish = wishOf(services, call, customer, about)
  return (
    (await prepare(services, wish, owner.campaign ?? owner.id)) ??
    (await assign(services, wish, code)) ??
    (state.active
      ? hasHolder(code)
      : fail('voucher_disabled', `Code ${code} is disabled`, { resourceType: 'voucher', resourceId: code }))
  )
}
