// Loyalty cards: one document a card, as the ledger's own evolve leaves it.
import { cardOf, evolveCard } from '../src/domain/customer/loyalty/evolve.ts'
import { type LoyaltyFactType, loyaltyFacts } from '../src/domain/customer/loyalty/facts.ts'
import type { Card } from '../src/domain/customer/loyalty/state.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { projection, toEach } from './projection.ts'

export interface LoyaltyCardDocument {
  readonly _id: string
  readonly customer: string
  /** Copies for the indexes. */
  readonly code: string
  readonly campaign: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly card: Card
}

export const loyaltyCards = projection<LoyaltyCardDocument>({
  name: 'loyaltyCards',
  version: 3,
  indexes: [
    { key: { code: 1 } },
    { key: { campaign: 1, created_at: 1, _id: 1 } },
    { key: { campaign: 1, updated_at: 1, _id: 1 } },
    { key: { campaign: 1, code: 1, _id: 1 } },
    { key: { campaign: 1, customer: 1, created_at: 1, _id: 1 } },
    { key: { customer: 1, created_at: 1, _id: 1 } },
  ],
  streams: customerOfStream,
  on: {
    ...toEach(
      Object.keys(loyaltyFacts) as LoyaltyFactType[],
      cardOf,
      (before: LoyaltyCardDocument | null, fact, { key, owner }) => {
        const card = evolveCard(before?.card ?? null, fact)
        if (!card || card === before?.card) return card && before
        return {
          _id: key,
          customer: owner,
          code: card.code,
          campaign: card.campaign.id,
          created_at: new Date(card.createdAt),
          updated_at: new Date(card.updatedAt),
          card,
        }
      },
    ),
  },
})
