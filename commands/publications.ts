// Publishing codes to customers.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf, customerOfSource } from '../src/api/context.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { showCustomerBriefly } from '../src/api/presenters/customers.ts'
import { PublicationObject } from '../src/api/presenters/publications.ts'
import { type Reach, reachOf, sayable, strangerFault, tellable } from '../src/api/reach.ts'
import { type Card, cardByCode } from '../src/domain/customer/loyalty/state.ts'
import { NO_PROFILE } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { type CustomerId, idFrom, isCustomerId } from '../src/domain/ids.ts'
import { present } from '../src/domain/present.ts'
import { isRefused } from '../src/domain/refusal.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { metadataRefused } from '../src/domain/rulebook/metadataSchema.ts'
import { codeOf, impliedPublication } from '../src/domain/vouchers/publish.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import { MAX_ATTEMPTS } from '../src/runtime/makeVoucher.ts'
import type { Services } from '../src/services.ts'
import { type CardWish, cardFromStock, cardGivenBy, giveCard, issueOf, publicationOf } from './cardStock.ts'
import {
  answer,
  JoinQuery,
  PublicationBody,
  type PublishCall,
  publishCode,
  publishOf,
  takeSourceId,
  usedUp,
} from './publishing.ts'
import { publishTogether } from './publishingTogether.ts'

const cardAnswer = (
  services: Services,
  state: CustomerState,
  card: Card,
  position: bigint | undefined,
): Promise<Outcome> =>
  answer(
    services,
    state,
    {
      id: card.id,
      code: card.code,
      campaign: { ...card.campaign, type: 'LOYALTY_PROGRAM' },
      publication: {
        id: impliedPublication(card.id),
        metadata: card.metadata,
        ...present({ sourceId: card.sourceId }),
      },
      publishedAt: card.createdAt,
    },
    position,
  )

/** What a publication asks for of a program: a card of it, under the name of the request. */
const wishFor = (
  call: PublishCall,
  customer: CustomerId,
  program: Entry<Campaign>,
  name: string | undefined,
): CardWish => {
  const { customer: said, metadata, channel, source_id } = call.body
  const { id: given, ...profile } = said
  const sourceId = source_id ?? undefined
  return {
    program,
    customer,
    name: sourceId ?? name ?? randomBytes(16).toString('hex'),
    joinOnce: program.definition.join_once || call.query.join_once === true,
    profile,
    mayCreate: given === undefined,
    metadata,
    source: channel ?? call.channel,
    ...present({ sourceId }),
  }
}

/** Refuses what would be refused before a card is taken for it, and takes the `source_id`. */
const prepareCard = async (
  services: Services,
  wish: CardWish,
  context: CommandContext,
): Promise<Failure | undefined> => {
  const { program, customer, sourceId, joinOnce } = wish
  if (sourceId === undefined) return undefined
  const asked = issueOf(wish, { id: '', code: '' })
  const tried = await services.customers.execute(customer, asked, { ...context, dryRun: true })
  if (tried.kind === 'refused') return fromRefusal(tried.refusal)
  const about = { id: publicationOf(wish), campaign: program.id, customer, sourceId, joinOnce }
  return takeSourceId(services, about, context, (state) => cardGivenBy(state, wish) !== undefined)
}

/** Publishing a loyalty program makes the customer a member: the code is that of the card. */
const publishCard = async (
  services: Services,
  call: PublishCall,
  customer: CustomerId,
  entry: Entry<Campaign>,
): Promise<Outcome> => {
  const context = contextOf(call, services)
  const wish = wishFor(call, customer, entry, context.key)
  const fault = await prepareCard(services, wish, context)
  if (fault) return fault
  const made = idFrom('v', customer, entry.id, wish.name)
  const { state, position } = await services.customers.load(customer)
  const held = state.loyalty.cards[made] ?? cardGivenBy(state, wish)
  if (held) return cardAnswer(services, state, held, position)
  const ready = await cardFromStock(services, wish, context)
  if (ready) return isFailure(ready) ? ready : cardAnswer(services, ready.state, ready.card, ready.position)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const code = codeOf(entry, services.rulebook.current(), made, attempt)
    const owner = { type: 'loyalty_card', id: made, campaign: entry.id, customer }
    if ((await services.codes.reserve(code, owner, context)) === 'taken') continue
    const executed = await services.customers.execute(customer, issueOf(wish, { id: made, code }), context)
    if (executed.kind === 'refused') return fromRefusal(executed.refusal)
    const card = executed.state.loyalty.cards[made] ?? cardGivenBy(executed.state, wish)
    return card ? cardAnswer(services, executed.state, card, executed.position) : usedUp(entry)
  }
  return usedUp(entry)
}

/** Publishes a code by name: that of a card that nobody has makes the customer a member. */
const publishNamed = async (
  services: Services,
  call: PublishCall,
  code: string,
  customer: CustomerId,
): Promise<Outcome> => {
  const { owner, deleted } = (await loadCode(services.ledgers, code)).state
  const entry = services.rulebook
    .current()
    .entries('campaign')
    .get(owner?.campaign ?? '')
  if (owner?.type !== 'loyalty_card' || !entry || deleted) return publishCode(services, call, code, customer)
  const { state, position } = await services.customers.load(customer)
  const own = cardByCode(state.loyalty, code)
  if (own) return cardAnswer(services, state, own, position)
  const context = contextOf(call, services)
  const wish = wishFor(call, customer, entry, code)
  const fault = await prepareCard(services, wish, context)
  if (fault) return fault
  const done = await giveCard(services, code, wish, context)
  if (done) return isFailure(done) ? done : cardAnswer(services, done.state, done.card, done.position)
  return fail('voucher_already_published', `Code ${code} has a holder or is disabled`, {
    resourceType: 'voucher',
    resourceId: code,
  })
}

/** A publication as a browser may be told of it: the customer's own code, to a stranger none. */
const shownTo = (reach: Reach, outcome: Outcome): Outcome => {
  if (isFailure(outcome) || isRefused(outcome) || reach.reads) return outcome
  const { voucher, vouchers_id: _, vouchers: ____, ...publication } = v.parse(PublicationObject, outcome.body)
  const { id: __, code: ___, ...stub } = voucher
  const customer = showCustomerBriefly(publication.customer_id, tellable(reach, NO_PROFILE))
  const told = { ...publication, customer, tracking_id: reach.sourceId ?? null }
  return {
    ...outcome,
    body: reach.isStranger
      ? { ...told, voucher: stub }
      : { ...told, voucher, vouchers_id: [voucher.id], vouchers: [voucher.code] },
  }
}

/**
 * The same for the customer whose token a browser sends; a stranger may have a code published to a new customer. Browsers get
 * one code of a campaign for each customer: they neither take codes by name nor names of publications.
 */
const publishOwn = async (
  services: Services,
  call: Call<PublicationBody, PublishCall['query'], unknown>,
): Promise<Outcome> => {
  const { customer, voucher, source_id: sourceId } = call.body
  if (voucher !== undefined) return fail('forbidden', 'A client key may publish codes of campaigns only, not by name')
  if (typeof sourceId === 'string') return fail('forbidden', 'A client key may not give a publication a source_id')
  if (call.body.campaign && call.body.campaign.count > 1)
    return fail('forbidden', 'A client key may publish one code of a campaign for each customer')
  const reach = await reachOf(services, call, customer)
  if (isFailure(reach)) return reach
  const named = customer.id ?? customerOfSource(services, customer.source_id!)
  const fault = await strangerFault(services, call, reach, named as CustomerId)
  if (fault) return fault
  const { id, ...said } = customer
  const { query, key, requestId, now, channel, idempotencyKey } = call
  const body = { ...call.body, customer: { ...sayable(reach, customer, said), id } }
  const asked = { body, query: { ...query, join_once: true }, key, requestId, now, channel, idempotencyKey }
  return shownTo(reach, await publish(services, asked))
}

const publish = async (services: Services, asked: PublishCall): Promise<Outcome> => {
  // Some clients say it in the body.
  const once = asked.query.join_once ?? asked.body.join_once ?? undefined
  const call = { ...asked, query: { ...asked.query, join_once: once } }
  const unfit = metadataRefused(services.rulebook.current().definitions, 'publication', call.body.metadata)
  if (unfit) return unfit
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
      ? fail('invalid_publish_params', 'Either campaign or voucher must be given')
      : publishNamed(services, call, voucher, id)
  const entry = campaignNamed(services.rulebook.current().definitions, name)
  if (!entry) return notFound('campaign', name)
  switch (entry.definition.campaign_type) {
    case 'LOYALTY_PROGRAM':
      if (ref && ref.count > 1)
        return fail(
          'invalid_publish_params',
          'Property .campaign.count must be 1: a loyalty program has one card for each',
        )
      return publishCard(services, call, id, entry)
    case 'PROMOTION':
      return fail('voucher_cannot_be_published', 'Campaigns of type PROMOTION have no codes', {
        resourceType: 'campaign',
        resourceId: entry.id,
      })
    default:
      return ref && ref.count > 1
        ? publishTogether(services, call, { customer: id, entry, count: ref.count })
        : publishOf(services, call, id, entry)
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
      '`source_id` is unique: it publishes once. A code that the campaign has ready is taken first; when none is left an ' +
      'AUTO_UPDATE campaign makes one. `campaign.count` publishes up to 20 codes at once, all or none. `voucher` publishes the code of that name. Browsers get one code of a campaign for each ' +
      "customer; without the customer's token only a new one can be meant, and the answer does not hold the code.",
    tag: 'Publications',
    permission: 'publications.write',
    ability: 'publish',
    query: JoinQuery,
    body: PublicationBody,
    response: PublicationObject,
    handler: (call) => (call.client ? publishOwn(services, call) : publish(services, call)),
  }),
]
