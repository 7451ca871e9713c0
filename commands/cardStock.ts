// Giving cards that a program has ready: made beforehand, with a code of their own and nobody's so far.
import type { CardRef } from '../src/domain/customer/loyalty/facts.ts'
import { type Card, cardIn } from '../src/domain/customer/loyalty/state.ts'
import type { ProfilePatch } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { idFrom } from '../src/domain/ids.ts'
import type { IssueLoyaltyCard } from '../src/domain/loyalty/asked.ts'
import { present } from '../src/domain/present.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { type Failure, fromRefusal } from '../src/http/errors.ts'
import { settleAssignment } from '../src/runtime/assignments.ts'
import { changeCode } from '../src/runtime/codeStreams.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { Services } from '../src/services.ts'
import { TooBusy } from '../src/trouble.ts'

/** Who is to have a card of which program, by which request. */
export interface CardWish {
  readonly program: Entry<Campaign>
  readonly customer: string
  /** Names the request: with it the customer is given one card. */
  readonly name: string
  readonly joinOnce: boolean
  readonly profile: ProfilePatch
  readonly mayCreate: boolean
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly source: string
  /** The caller's own name of the publication; `name` is the same then. */
  readonly sourceId?: string
}

export interface GivenCard {
  readonly state: CustomerState
  readonly card: Card
  readonly position: bigint | undefined
}

/** How many codes that others were faster with are passed over before the request is told to come again. */
const MAX_CANDIDATES = 25

/** The id of the publication that a wish leads to. */
export const publicationOf = ({ customer, program, name }: CardWish): string =>
  idFrom('pub', customer, program.id, name)

/** Asks the customer's stream for a card that is made for the wish. */
export const issueOf = (wish: CardWish, card: CardRef): IssueLoyaltyCard => {
  const { program, profile, mayCreate, metadata, source, sourceId, joinOnce } = wish
  return {
    type: 'IssueLoyaltyCard',
    campaign: program.id,
    card,
    profile,
    mayCreate,
    source,
    publication: publicationOf(wish),
    joinOnce,
    ...present({ metadata, sourceId }),
  }
}

/** The card that the customer has for this request already. */
export const cardGivenBy = ({ loyalty }: CustomerState, wish: CardWish): Card | undefined => {
  const publication = publicationOf(wish)
  const held = Object.values(loyalty.cards).find((card) => card.publication === publication)
  return held ?? (wish.joinOnce ? cardIn(loyalty, wish.program.id) : undefined)
}

/**
 * Claims a card that nobody has and brings it into the customer's stream. Undefined: others were faster, or its code is good for
 * nothing, so that another one may be tried.
 */
export const giveCard = async (
  services: Services,
  code: string,
  wish: CardWish,
  { key: _, ...context }: CommandContext,
): Promise<GivenCard | Failure | undefined> => {
  const { program, customer, joinOnce, profile, mayCreate, metadata = {}, source, sourceId } = wish
  // Before the code is claimed: what would be refused takes none, and what a crash leaves of it says nothing of the profile.
  const tried = await services.customers.execute(customer, issueOf(wish, { id: '', code }), {
    ...context,
    dryRun: true,
  })
  if (tried.kind === 'refused') return fromRefusal(tried.refusal)
  const saved = await services.customers.execute(customer, { type: 'SaveCustomer', profile, mayCreate }, context)
  if (saved.kind === 'refused') return fromRefusal(saved.refusal)
  const publication = { id: publicationOf(wish), channel: source, metadata: { ...metadata }, ...present({ sourceId }) }
  const changed = await changeCode(
    services.ledgers,
    code,
    { type: 'AssignCode', customer, publication, joinOnce },
    context,
  )
  if (changed.kind !== 'done' || changed.state.owner?.campaign !== program.id) return undefined
  const executed = await settleAssignment(
    services,
    {
      code,
      voucher: changed.state.owner.id,
      campaign: program.id,
      type: 'LOYALTY_CARD',
      customer,
      publication,
      joinOnce,
    },
    context,
  )
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  const { state, position } = executed
  const card = state.loyalty.cards[changed.state.owner.id] ?? cardGivenBy(state, wish)
  return card && { state, card, position }
}

/** One of the cards that a program has ready; undefined when there is none. */
export const cardFromStock = async (
  services: Services,
  wish: CardWish,
  context: CommandContext,
): Promise<GivenCard | Failure | undefined> => {
  const { vouchers_count: count } = wish.program.definition
  for (let tries = 0; tries < MAX_CANDIDATES; tries++) {
    const code = await services.freeCodes.take(wish.program.id, (count ?? 0) > 0)
    if (code === undefined) return undefined
    const given = await giveCard(services, code, wish, context)
    if (given) return given
  }
  throw new TooBusy(`campaign ${wish.program.id}`)
}
