// Rewards of bounded stock that points are to pay for within a request for redemptions: one is reserved before the decision, and
// taken or let go by what comes of that. Whatever is broken off is settled from what the streams say.
import type { Reservation } from '../domain/loyalty/stock.ts'
import type { CodeStream } from '../domain/redemption/ledgers.ts'
import { offerFor } from '../domain/redemption/points.ts'
import { redemptionId, type Taken, type Wanted } from '../domain/redemption/sight.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { resolveVoucher } from '../domain/vouchers/resolve.ts'
import type { CommandContext, CustomerRuntime } from './customers.ts'
import type { Stock } from './stock.ts'

export interface KeptReward {
  readonly reward: string
  readonly redemption: string
  /** The fact that reserved it. */
  readonly fact: string
}

/** What was reserved for a request, by the place of the redeemable. */
export type KeptRewards = ReadonlyMap<number, KeptReward>

export interface RewardPlaces {
  /** Rewards among those that are wanted of which no more can be had. */
  outOfStock(streams: readonly CodeStream[], wanted: readonly Wanted[]): Promise<ReadonlySet<string>>
  /** Reserves what a request would pay for, until there is none of one; what it has by then is in `kept`. */
  reserve(
    request: string,
    customer: string,
    hoped: readonly Taken[],
    kept: Map<number, KeptReward>,
    context: CommandContext,
  ): Promise<Refusal | undefined>
  release(kept: KeptRewards, context: CommandContext): Promise<void>
  /** Lets what became of a reservation be known in the stock; what did not come about by now never does. */
  settle(reservation: Reservation & { readonly request: string }): Promise<void>
}

export interface RewardPlacesOptions {
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly stock: Stock
  readonly rulebook: () => Rulebook
  readonly now: () => number
}

const ACTOR = { name: 'redemptions', role: 'system' } as const

export const createRewardPlaces = ({ customers, stock, rulebook, now }: RewardPlacesOptions): RewardPlaces => {
  const boundOf = (reward: string): number | undefined =>
    rulebook().entries('reward').get(reward)?.definition.stock ?? undefined

  const release: RewardPlaces['release'] = async (kept, context) => {
    await Promise.all(
      [...kept.values()].map(({ reward, redemption }) =>
        stock.execute(reward, { type: 'Release', redemption, reason: 'refused' }, context),
      ),
    )
  }

  return {
    release,
    async outOfStock(streams, wanted) {
      const rewards = new Set<string>()
      for (const [place, { reward }] of wanted.entries()) {
        const stream = streams[place]
        const voucher = reward && stream ? resolveVoucher(stream.code, rulebook()) : undefined
        const offer = voucher && offerFor(voucher, reward, rulebook())
        if (offer) rewards.add(offer.reward.id)
      }
      const found = await Promise.all(
        [...rewards].map(async (reward) => {
          const bound = boundOf(reward)
          if (bound === undefined) return []
          const { reserved, taken } = await stock.load(reward)
          return reserved.size + taken.size >= bound ? [reward] : []
        }),
      )
      return new Set(found.flat())
    },
    async reserve(request, customer, hoped, kept, context) {
      for (const { place, voucher, paid } of hoped) {
        if (!paid || boundOf(paid.reward.id) === undefined) continue
        const { card, points, assignment } = paid
        const redemption = redemptionId(request, place)
        const reward = paid.reward.id
        const reservation = {
          redemption,
          reward,
          assignment,
          customer,
          card: { id: card, code: voucher.code },
          points,
          request,
        }
        const done = await stock.execute(reward, { type: 'Reserve', reservation }, context)
        if ('refusal' in done) return done.refusal
        const fact = done.state.reserved.get(redemption) ?? done.state.taken.get(redemption)
        if (fact !== undefined) kept.set(place, { reward, redemption, fact })
      }
      return undefined
    },
    async settle({ reward, redemption, request, customer }) {
      if (!(await stock.load(reward)).reserved.has(redemption)) return
      const context = { requestId: request, actor: ACTOR, now: now() }
      const executed = await customers.execute(customer, { type: 'AbandonRedemption', request }, context)
      const { made } = executed.state.redemptions
      await stock.execute(
        reward,
        // The request may have been begun with other redeemables before.
        Object.hasOwn(made, redemption) && made[redemption]?.paid?.reward.id === reward
          ? { type: 'Take', redemption }
          : { type: 'Release', redemption, reason: 'abandoned' },
        context,
      )
    },
  }
}
