// Members of loyalty programs: joining, and switching a card.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf, customerOfSource } from '../src/api/context.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { ByMember, memberPaths, showCard } from '../src/api/presenters/loyaltyMembers.ts'
import { MemberObject } from '../src/api/presenters/voucherObject.ts'
import { Code } from '../src/domain/codes.ts'
import { type Card, cardIn } from '../src/domain/customer/loyalty/state.ts'
import { CustomerInput, Metadata } from '../src/domain/customer/profile.ts'
import { type CustomerId, idFrom, isCustomerId } from '../src/domain/ids.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import { secretCode } from '../src/domain/vouchers/secret.ts'
import { duplicateFound, type Failure, fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { Services } from '../src/services.ts'
import { type CardWish, cardFromStock, cardGivenBy, type GivenCard, giveCard, issueOf } from './cardStock.ts'
import { findCard } from './cards.ts'

const TAG = 'Loyalty members'

const MemberBody = v.pipe(
  v.object({
    /** Its fields, or its id or `source_id`. */
    customer: v.pipe(
      v.union([CustomerInput, outsideId()]),
      v.transform((said): CustomerInput => {
        if (typeof said !== 'string') return said
        return isCustomerId(said) ? { id: said } : { source_id: said }
      }),
    ),
    /** The code to use, instead of one that is made. */
    voucher: v.optional(Code),
    channel: v.optional(v.string()),
    metadata: v.optional(Metadata),
  }),
  v.title('LoyaltyMember'),
)
type MemberBody = v.InferOutput<typeof MemberBody>

/** How many codes are made before the format is taken to be full. */
const MAX_CODES = 8

/** A code of the program's format, or the one that was asked for, that is now the card's. */
const reserve = async (
  { codes, rulebook }: Services,
  definition: Campaign,
  owner: { readonly id: string; readonly campaign: string; readonly customer: string },
  seed: string,
  asked: string | undefined,
  context: CommandContext,
): Promise<string | Failure> => {
  const whose = { type: 'loyalty_card', ...owner }
  if (asked !== undefined)
    return (await codes.reserve(asked, whose, context)) === 'reserved' ? asked : duplicateFound('voucher', asked)
  for (let attempt = 0; attempt < MAX_CODES; attempt++) {
    const { customerKey } = rulebook.current().project
    const code = secretCode(definition.voucher?.code_config ?? {}, customerKey, seed, attempt)
    if ((await codes.reserve(code, whose, context)) === 'reserved') return code
  }
  return fail('invalid_code_config', 'The code format has hardly any free codes left')
}

/** The card that is asked for by its code, or one of those that the program has ready; undefined: one is to be made. */
const readyCard = async (
  services: Services,
  code: string | undefined,
  wish: CardWish,
  context: CommandContext,
): Promise<GivenCard | Failure | undefined> => {
  if (code === undefined) return cardFromStock(services, wish, context)
  const { owner, deleted } = (await loadCode(services.ledgers, code)).state
  return owner?.type === 'loyalty_card' && owner.campaign === wish.program.id && !owner.customer && !deleted
    ? giveCard(services, code, wish, context)
    : undefined
}

const join = async (services: Services, call: Call<MemberBody, unknown, { campaignId: string }>): Promise<Outcome> => {
  const program = findProgram(services, call.params.campaignId)
  if (isFailure(program)) return program
  const { id, ...profile } = call.body.customer
  if (id !== undefined && !isCustomerId(id)) return notFound('customer', id)
  const key = call.idempotencyKey ?? randomBytes(16).toString('hex')
  const customer =
    (id as CustomerId | undefined) ??
    (typeof profile.source_id === 'string' ? customerOfSource(services, profile.source_id) : idFrom('cust', key))
  const { state } = await services.customers.load(customer)
  if (id !== undefined && state.status !== 'active') return notFound('customer', id)
  const holder = state.status === 'active' ? state.id : customer
  const { definition } = program
  let card: Pick<Card, 'id' | 'code'> | undefined = definition.join_once ? cardIn(state.loyalty, program.id) : undefined
  const context = contextOf(call, services, { key: `join:${key}` })
  const made = idFrom('v', holder, program.id, key)
  const wish: CardWish = {
    program,
    customer: holder,
    name: key,
    joinOnce: definition.join_once,
    profile,
    mayCreate: id === undefined,
    source: call.body.channel ?? call.channel,
    metadata: call.body.metadata,
  }
  if (!card && !Object.hasOwn(state.loyalty.cards, made)) {
    const before = cardGivenBy(state, wish)
    const ready = before
      ? { state, card: before, position: undefined }
      : await readyCard(services, call.body.voucher, wish, context)
    if (ready)
      return isFailure(ready)
        ? ready
        : {
            body: showCard(ready.card, ready.state.id, services.rulebook.current()),
            consistencyToken: ready.position,
          }
  }
  if (!card) {
    const owner = { id: made, campaign: program.id, customer: holder }
    const code = await reserve(services, definition, owner, key, call.body.voucher, context)
    if (typeof code !== 'string') return code
    card = { id: made, code }
  }
  const executed = await services.customers.execute(holder, issueOf(wish, { id: card.id, code: card.code }), context)
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  const { cards } = executed.state.loyalty
  const held = cards[card.id] ?? cardGivenBy(executed.state, wish)
  if (!held) return notFound('voucher', card.code)
  return {
    body: showCard(held, executed.state.id, services.rulebook.current()),
    consistencyToken: executed.position,
  }
}

export const loyaltyMemberCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/loyalties/{campaignId}/members',
    summary: 'Make a customer a member: give a card',
    description:
      'Makes or merges the customer. Where a customer may have one card only, asking again gives the same one. A card that the ' +
      'program has ready is given first; `voucher` names one of them, or the code of a new one.',
    tag: TAG,
    permission: 'members.write',
    params: ByCampaign,
    body: MemberBody,
    response: MemberObject,
    handler: (call) => join(services, call),
  }),
  ...(['enable', 'disable'] as const).map((word) =>
    route({
      method: 'post',
      ...memberPaths(`/${word}` as '/enable'),
      summary: word === 'enable' ? 'Enable a card' : 'Disable a card: it earns and pays nothing',
      tag: TAG,
      permission: 'members.write',
      params: ByMember,
      response: MemberObject,
      handler: async (call): Promise<Outcome> => {
        const found = await findCard(services, call.params.memberId, call.params.campaignId)
        if (isFailure(found)) return found
        const executed = await services.customers.execute(
          found.customer.id,
          { type: 'SwitchLoyaltyCard', card: found.card.id, active: word === 'enable' },
          contextOf(call, services),
        )
        if (executed.kind === 'refused') return fromRefusal(executed.refusal)
        return {
          body: showCard(executed.state.loyalty.cards[found.card.id]!, executed.state.id, services.rulebook.current()),
          consistencyToken: executed.position,
        }
      },
    }),
  ),
]
