// Publishing codes to customers.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { campaignNamed } from '../queries/campaigns.ts'
import { PublicationObject, showHeld } from '../queries/publications.ts'
import { ProfilePatch } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { type CustomerId, idFrom, isCustomerId, uuidFrom } from '../src/domain/ids.ts'
import { type Card, cardIn } from '../src/domain/loyalty/state.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { type PublicationRequested, publicationStream } from '../src/domain/vouchers/publication.ts'
import {
  codeOf,
  giftOf,
  heldAlready,
  impliedPublication,
  ownerTypeOf,
  type PublishVoucher,
} from '../src/domain/vouchers/publish.ts'
import type { HeldVoucher } from '../src/domain/vouchers/state.ts'
import { type Failure, fromRefusal, notFound, refuse } from '../src/http/errors.ts'
import { name300, queryFlag } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { Services } from '../src/runtime/services.ts'
import { contextOf, customerOfSource, tooBusy } from './context.ts'

/** Whom a request names, by id or `source_id`, with what it says of the profile. */
export const CustomerBody = v.pipe(
  v.object({ id: v.optional(name300), ...ProfilePatch.entries }),
  v.check((c) => c.id !== undefined || typeof c.source_id === 'string', "should have required property 'source_id'"),
)

const CampaignRef = v.union([
  v.pipe(
    name300,
    v.transform((name) => ({ name, count: 1 })),
  ),
  v.object({
    name: name300,
    count: v.optional(v.pipe(v.number(), v.literal(1, 'must be 1: one code is published at a time')), 1),
  }),
])

const PublicationBody = v.pipe(
  v.object({
    campaign: v.optional(CampaignRef),
    voucher: v.optional(name300),
    customer: CustomerBody,
    source_id: v.optional(v.nullable(name300)),
    channel: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(300)))),
    metadata: v.optional(v.record(v.string(), v.unknown()), {}),
  }),
  v.title('PublicationRequest'),
)
type PublicationBody = v.InferOutput<typeof PublicationBody>

const JoinQuery = v.object({ join_once: v.optional(queryFlag), campaign: v.optional(name300) })

type PublishCall = Call<PublicationBody, v.InferOutput<typeof JoinQuery>, unknown>

/** How many codes are tried before the campaign's format counts as used up. */
const MAX_ATTEMPTS = 10

const answer = (state: CustomerState, held: HeldVoucher, position: bigint | undefined): Outcome => ({
  body: showHeld(state, held),
  ...(position === undefined ? {} : { consistencyToken: position }),
})

/**
 * Takes a `source_id` for a publication. A repeat for the same customer and campaign is let through: it goes on with what was
 * begun; whether it had come to its end is for the customer's stream to say.
 */
const claim = async (
  { store }: Services,
  sourceId: string,
  about: Omit<PublicationRequested, 'occurredAt'>,
  { requestId, actor, now, key, deadline }: CommandContext,
): Promise<'first' | 'again' | 'same' | 'taken'> => {
  const stream = publicationStream(sourceId)
  const metadata = { $correlationId: requestId, actor, now, ...(key === undefined ? {} : { commandKey: key }) }
  const fact = {
    id: uuidFrom('publication', about.id, requestId),
    type: 'PublicationRequested',
    data: { ...about, occurredAt: now },
    metadata,
  }
  const result = await store.append(stream, [fact], 'no_stream', deadline === undefined ? {} : { deadline })
  if (result.kind === 'appended') return 'first'
  for await (const known of store.readStream(stream, { maxCount: 1 })) {
    const { campaign, customer } = known.data as PublicationRequested
    if (campaign !== about.campaign || customer !== about.customer) return 'taken'
    return key !== undefined && known.metadata.commandKey === key ? 'same' : 'again'
  }
  return 'taken'
}

const duplicate = (sourceId: string): Failure =>
  refuse('duplicate_source_id', `Duplicate source_id ${sourceId}`, {
    resourceType: 'publication',
    resourceId: sourceId,
  })

const usedUp = ({ id, definition }: Entry<Campaign>): Failure =>
  refuse('no_voucher_suitable_for_publication', `The code format of ${definition.name} is used up`, {
    resourceType: 'campaign',
    resourceId: id,
  })

/** Publishes a code of a campaign: reserves one that nobody has in its stream, then records it in the customer's. */
const publishOf = async (
  services: Services,
  call: PublishCall,
  customer: CustomerId,
  entry: Entry<Campaign>,
): Promise<Outcome> => {
  const { id: given, ...profile } = call.body.customer
  const rulebook = services.rulebook.current()
  const context = contextOf(call, services)
  const sourceId = call.body.source_id ?? undefined
  const name = sourceId ?? context.key ?? randomBytes(16).toString('hex')
  const voucher = idFrom('v', customer, entry.id, name)
  const command = (attempt: number): PublishVoucher => ({
    type: 'PublishVoucher',
    campaign: entry.id,
    voucher: { id: voucher, code: codeOf(entry, rulebook, voucher, attempt) },
    publication: {
      id: idFrom('pub', customer, entry.id, name),
      ...(sourceId === undefined ? {} : { sourceId }),
      channel: call.body.channel ?? call.channel,
      metadata: call.body.metadata,
    },
    joinOnce: call.query.join_once ?? entry.definition.join_once,
    profile,
    mayCreate: given === undefined,
  })
  // What would be refused, or is there already, takes no code.
  const tried = await services.customers.execute(customer, command(0), { ...context, dryRun: true })
  if (tried.kind === 'busy') return tooBusy()
  if (tried.kind === 'refused') return fromRefusal(tried.refusal)
  if (sourceId !== undefined) {
    const id = idFrom('pub', customer, entry.id, name)
    const claimed = await claim(services, sourceId, { id, campaign: entry.id, customer }, context)
    if (claimed === 'taken') return duplicate(sourceId)
    const { state } = await services.customers.load(customer)
    if (claimed === 'again' && Object.hasOwn(state.vouchers, voucher) && !command(0).joinOnce)
      return duplicate(sourceId)
  }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const asked = command(attempt)
    const { state, position } = await services.customers.load(customer)
    const held = heldAlready(state.vouchers, asked)
    if (held && state.status === 'active') {
      const saved = await services.customers.execute(customer, asked, context)
      return answer(saved.kind === 'busy' || saved.kind === 'refused' ? state : saved.state, held, position)
    }
    const owner = { type: ownerTypeOf(entry.definition.campaign_type), id: voucher, campaign: entry.id, customer }
    const spec = giftOf(entry.definition)
    if ((await services.codes.reserve(asked.voucher.code, owner, context, spec)) === 'taken') continue
    const executed = await services.customers.execute(customer, asked, context)
    if (executed.kind === 'busy') return tooBusy()
    if (executed.kind === 'refused') return fromRefusal(executed.refusal)
    const found = heldAlready(executed.state.vouchers, asked)
    if (found) return answer(executed.state, found, executed.position)
    return refuse('voucher_cannot_be_published', 'The request has led to another answer before')
  }
  return usedUp(entry)
}

const cardAnswer = (state: CustomerState, card: Card, position: bigint | undefined): Outcome =>
  answer(
    state,
    {
      id: card.id,
      code: card.code,
      campaign: { ...card.campaign, type: 'LOYALTY_PROGRAM' },
      publication: { id: impliedPublication(card.id), metadata: card.metadata },
      publishedAt: card.createdAt,
    },
    position,
  )

/** Publishing a loyalty program makes the customer a member: the code is that of the card. */
const publishCard = async (
  services: Services,
  call: PublishCall,
  customer: CustomerId,
  entry: Entry<Campaign>,
): Promise<Outcome> => {
  const { id: given, ...profile } = call.body.customer
  const context = contextOf(call, services)
  const rulebook = services.rulebook.current()
  const made = idFrom('v', customer, entry.id, context.key ?? randomBytes(16).toString('hex'))
  const { state, position } = await services.customers.load(customer)
  const held = entry.definition.join_once ? cardIn(state.loyalty, entry.id) : state.loyalty.cards[made]
  if (held) return cardAnswer(state, held, position)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const code = codeOf(entry, rulebook, made, attempt)
    const owner = { type: 'loyalty_card', id: made, campaign: entry.id, customer }
    if ((await services.codes.reserve(code, owner, context)) === 'taken') continue
    const executed = await services.customers.execute(
      customer,
      {
        type: 'IssueLoyaltyCard',
        campaign: entry.id,
        card: { id: made, code },
        profile,
        mayCreate: given === undefined,
        metadata: call.body.metadata,
        source: call.body.channel ?? call.channel,
      },
      context,
    )
    if (executed.kind === 'busy') return tooBusy()
    if (executed.kind === 'refused') return fromRefusal(executed.refusal)
    const card = executed.state.loyalty.cards[made] ?? cardIn(executed.state.loyalty, entry.id)
    return card ? cardAnswer(executed.state, card, executed.position) : usedUp(entry)
  }
  return usedUp(entry)
}

/** A code by name: published when it was made, so that it can only be asked for again by its holder. */
const publishCode = async (services: Services, code: string, customer: CustomerId): Promise<Outcome> => {
  const { owner } = (await loadCode(services.store, code)).state
  if (!owner?.customer) return notFound('voucher', code)
  const { state, position } = await services.customers.load(owner.customer)
  const held = Object.hasOwn(state.vouchers, owner.id) ? state.vouchers[owner.id] : undefined
  if (held && state.id === customer) return answer(state, held, position)
  return refuse(held ? 'voucher_already_published' : 'voucher_cannot_be_published', `Code ${code} has a holder`, {
    resourceType: 'voucher',
    resourceId: code,
  })
}

const publish = async (services: Services, call: PublishCall): Promise<Outcome> => {
  const { campaign: ref, voucher, customer } = call.body
  if (customer.id !== undefined && !isCustomerId(customer.id)) return notFound('customer', customer.id)
  const named = customer.id ?? customerOfSource(services, customer.source_id!)
  // A `source_id` may lead to a customer who has a stream of another name.
  const { state } = await services.customers.load(named)
  const id = state.id as CustomerId
  if (customer.id !== undefined && state.status !== 'active') return notFound('customer', customer.id)
  const name = ref?.name ?? call.query.campaign
  if (name === undefined)
    return voucher === undefined
      ? refuse('invalid_publish_params', 'Either campaign or voucher must be given')
      : publishCode(services, voucher, id)
  const entry = campaignNamed(services.rulebook.current().definitions, name)
  if (!entry) return notFound('campaign', name)
  switch (entry.definition.campaign_type) {
    case 'LOYALTY_PROGRAM':
      return publishCard(services, call, id, entry)
    case 'PROMOTION':
      return refuse('voucher_cannot_be_published', 'Campaigns of type PROMOTION have no codes', {
        resourceType: 'campaign',
        resourceId: entry.id,
      })
    default:
      return publishOf(services, call, id, entry)
  }
}

export const publicationCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/publications',
    also: ['/client/v1/publish'],
    summary: 'Publish a code of a campaign to a customer',
    description:
      'With `join_once` (else as the campaign says) a customer who has a code of the campaign is answered with that one. ' +
      '`source_id` is unique: it publishes once.',
    tag: 'Publications',
    roles: ['admin', 'integrator', 'client'],
    query: JoinQuery,
    body: PublicationBody,
    response: PublicationObject,
    handler: (call) => publish(services, call),
  }),
]
