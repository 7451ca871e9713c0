// The stock of a reward, owned by a stream of its own: one is reserved before anybody pays, and then taken, released or returned.
import * as v from 'valibot'
import { CardRef } from '../customer/loyalty/facts.ts'
import { type Refused, refuse } from '../refusal.ts'

const At = v.pipe(v.number(), v.integer())
const outcome = v.object({ redemption: v.string(), occurredAt: At })

export const stockFacts = {
  /** One is kept for a customer, who is now asked to pay; the fact says everything that paying needs. */
  RewardReserved: {
    version: 1,
    schema: v.object({
      redemption: v.string(),
      reward: v.string(),
      assignment: v.string(),
      customer: v.string(),
      card: CardRef,
      /** For a coin reward. */
      points: v.optional(v.number()),
      source: v.optional(v.string()),
      /** The request for redemptions that it is paid for by, which says what became of it; absent where paying is asked of the card. */
      request: v.optional(v.string()),
      occurredAt: At,
    }),
  },
  /** It was paid for. */
  RewardTaken: { version: 1, schema: outcome },
  /** It was not: there is one more again. */
  RewardReleased: { version: 1, schema: v.object({ ...outcome.entries, reason: v.string() }) },
  /** The redemption was rolled back. */
  RewardReturned: { version: 1, schema: outcome },
} as const

type Registry = typeof stockFacts
export type StockFact = {
  [T in keyof Registry]: { readonly type: T; readonly data: v.InferOutput<Registry[T]['schema']> }
}[keyof Registry]
export type Reservation = v.InferOutput<Registry['RewardReserved']['schema']>

export const isStockFact = (fact: { readonly type: string; readonly data: unknown }): fact is StockFact =>
  Object.hasOwn(stockFacts, fact.type)

/** Redemption → the fact that reserved for it. */
export interface StockState {
  readonly reserved: ReadonlyMap<string, string>
  readonly taken: ReadonlyMap<string, string>
}

export const NO_STOCK: StockState = { reserved: new Map(), taken: new Map() }

const STREAM = 'reward-'
export const rewardStream = (reward: string): string => `${STREAM}${reward}`

const without = (map: ReadonlyMap<string, string>, key: string): ReadonlyMap<string, string> => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

/** The stock after a fact that was recorded under `id`. */
export const evolveStock = (state: StockState, fact: StockFact, id: string): StockState => {
  const { redemption } = fact.data
  const { reserved, taken } = state
  switch (fact.type) {
    case 'RewardReserved':
      return { reserved: new Map([...reserved, [redemption, id]]), taken }
    case 'RewardTaken':
      return {
        reserved: without(reserved, redemption),
        taken: new Map([...taken, [redemption, reserved.get(redemption) ?? '']]),
      }
    case 'RewardReleased':
      return { reserved: without(reserved, redemption), taken }
    case 'RewardReturned':
      return { reserved, taken: without(taken, redemption) }
    default:
      return fact satisfies never
  }
}

export type StockCommand =
  | { readonly type: 'Reserve'; readonly reservation: Omit<Reservation, 'occurredAt'> }
  | { readonly type: 'Take'; readonly redemption: string }
  | { readonly type: 'Release'; readonly redemption: string; readonly reason: string }
  | { readonly type: 'Return'; readonly redemption: string }

/**
 * What a command does to the stock: facts, none because it holds already, or a refusal. `stock` is how many there are in
 * all; null for no bound.
 */
export const decideStock = (
  { reserved, taken }: StockState,
  command: StockCommand,
  stock: number | null,
  now: number,
): readonly StockFact[] | Refused => {
  switch (command.type) {
    case 'Reserve': {
      const { reservation } = command
      if (reserved.has(reservation.redemption) || taken.has(reservation.redemption)) return []
      if (stock !== null && reserved.size + taken.size >= stock)
        return refuse('quantity_exceeded', `The reward ${reservation.reward} is out of stock`, {
          resource: { type: 'reward', id: reservation.reward },
        })
      return [{ type: 'RewardReserved', data: { ...reservation, occurredAt: now } }]
    }
    case 'Take':
      return reserved.has(command.redemption)
        ? [{ type: 'RewardTaken', data: { redemption: command.redemption, occurredAt: now } }]
        : []
    case 'Release':
      return reserved.has(command.redemption)
        ? [
            {
              type: 'RewardReleased',
              data: { redemption: command.redemption, reason: command.reason, occurredAt: now },
            },
          ]
        : []
    case 'Return':
      return taken.has(command.redemption)
        ? [{ type: 'RewardReturned', data: { redemption: command.redemption, occurredAt: now } }]
        : []
    default:
      return command satisfies never
  }
}
