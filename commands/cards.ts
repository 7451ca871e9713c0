// What commands about cards share: the card that a path names as its holder's stream has it, and answers from recorded facts.
import { type ActivityDocument, firstEntryOf } from '../projections/activity.ts'
import type { LoyaltyCardDocument } from '../projections/loyaltyCards.ts'
import { findProgram } from '../src/api/presenters/loyalties.ts'
import { type CustomerFact, isCustomerFact } from '../src/domain/customer/facts.ts'
import { type Card, cardByCode } from '../src/domain/customer/loyalty/state.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { type Failure, fail, isFailure, notFound } from '../src/http/errors.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import type { Executed } from '../src/runtime/customers.ts'
import type { Services } from '../src/services.ts'

/** A card that was made and not given to anybody. */
const NOBODYS = Symbol('nobody')

export interface FoundCard {
  readonly customer: CustomerState
  readonly card: Card
}

/** The customer who may hold a card: by the stream of its code, else, for an id or a code reserved a moment ago, by the read model. */
const holderOf = async (
  { ledgers, readModel }: Services,
  member: string,
): Promise<string | undefined | typeof NOBODYS> => {
  const { owner, deleted } = (await loadCode(ledgers, member)).state
  if (owner) return owner.type === 'loyalty_card' && !deleted ? (owner.customer ?? NOBODYS) : undefined
  const cards = readModel.collection<LoyaltyCardDocument>('loyaltyCards')
  return ((await cards.findOne({ code: member })) ?? (await cards.findOne({ _id: member })))?.customer
}

/** The card that a path names by code or id, in the program that it names, where it does. */
export const findCard = async (services: Services, member: string, campaign?: string): Promise<FoundCard | Failure> => {
  const program = campaign === undefined ? undefined : findProgram(services, campaign)
  if (program && isFailure(program)) return program
  const holder = await holderOf(services, member)
  if (holder === undefined) return notFound('voucher', member)
  if (holder === NOBODYS)
    return fail('not_published', 'The card was given to nobody yet', { resourceType: 'voucher', resourceId: member })
  const { state } = await services.customers.load(holder)
  const { cards } = state.loyalty
  const card = cardByCode(state.loyalty, member) ?? (Object.hasOwn(cards, member) ? cards[member] : undefined)
  return card && (!program || card.campaign.id === program.id) ? { customer: state, card } : notFound('voucher', member)
}

/** The facts of a command, now or when it was first given. */
export const factsOf = async (
  { customers }: Services,
  executed: Extract<Executed, { kind: 'done' | 'repeated' }>,
): Promise<readonly (CustomerFact & { readonly id: string })[]> =>
  executed.kind === 'done'
    ? executed.facts
    : (await customers.factsOf(executed.state.id, executed.range)).filter((fact): fact is typeof fact & CustomerFact =>
        isCustomerFact(fact),
      )

/** What the activity log says of the first fact of a command whose facts the customer's key memory has dropped. */
export const rememberedOf = (
  { readModel }: Services,
  customer: string,
  key: string,
): Promise<ActivityDocument | null> =>
  readModel.collection<ActivityDocument>('activity').findOne(firstEntryOf(customer, key))
