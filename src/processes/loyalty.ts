// The processes of loyalty: transfers between two customers, rewards with a stock, and codes of cards that rules issued.

import { isCustomerFact } from '../domain/customer/facts.ts'
import type { Counterpart, LoyaltyFactData } from '../domain/customer/loyalty/facts.ts'
import type { CustomerCommand } from '../domain/decider/commands.ts'
import { customerOfStream } from '../domain/ids.ts'
import { isStockFact, type StockCommand } from '../domain/loyalty/stock.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import type { Codes } from '../runtime/codes.ts'
import type { CustomerRuntime } from '../runtime/customers.ts'
import type { Stock } from '../runtime/stock.ts'
import { contextBy, type Process, tellBy } from './process.ts'

export interface LoyaltyProcessesOptions {
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly codes: Codes
  readonly stock: Stock
  readonly now: () => number
}

/** The other half of a transfer that left, as the command that the fact asks for. */
export const receiveCommand = (from: Counterpart, data: LoyaltyFactData<'PointsTransferredOut'>): CustomerCommand => ({
  type: 'ReceiveTransfer',
  transfer: data.transfer,
  card: data.to.card.id,
  points: data.points,
  from,
  reason: data.reason,
  sourceId: data.sourceId,
  source: data.source,
})

export const loyaltyProcesses = ({ customers, codes, stock, now }: LoyaltyProcessesOptions): readonly Process[] => {
  const contextOf = contextBy(now)
  const tell = tellBy({ customers, now })

  const stocked = async (reward: string, command: StockCommand, fact: RecordedFact): Promise<void> => {
    const done = await stock.execute(reward, command, contextOf(fact))
    if ('refusal' in done) throw new Error(done.refusal.details)
  }

  const transfers: Process = {
    name: 'transfers',
    types: ['PointsTransferredOut', 'PointsTransferredIn', 'PointsTransferRejected'],
    async handle(fact) {
      const own = customerOfStream(fact.stream)
      if (own === undefined || !isCustomerFact(fact)) return
      switch (fact.type) {
        case 'PointsTransferredOut': {
          const { to, card, campaign } = fact.data
          if (to.customer === own) return
          await tell(to.customer, receiveCommand({ customer: own, card, campaign }, fact.data), fact)
          return
        }
        case 'PointsTransferredIn': {
          const { from, transfer } = fact.data
          if (from.customer === own) return
          await tell(from.customer, { type: 'CompleteTransfer', card: from.card.id, transfer }, fact)
          return
        }
        case 'PointsTransferRejected': {
          const { from, transfer, card, reason } = fact.data
          const to = { customer: own, card, campaign: from.campaign }
          await tell(from.customer, { type: 'ReturnTransfer', card: from.card.id, transfer, to, reason }, fact)
          return
        }
        default:
      }
    },
  }

  const rewards: Process = {
    name: 'rewards',
    types: ['RewardReserved', 'PointsSpent', 'RewardDeclined', 'PointsRefunded'],
    async handle(fact) {
      if (isStockFact(fact)) {
        // What redemptions reserve for themselves is settled with them.
        if (fact.type !== 'RewardReserved' || fact.data.request !== undefined) return
        const { customer, card, redemption, assignment, points, source } = fact.data
        const command: CustomerCommand = {
          type: 'RedeemReward',
          card: card.id,
          redemption,
          assignment,
          reservation: fact.id,
          points,
          source,
        }
        await tell(customer, command, fact)
        return
      }
      if (!isCustomerFact(fact)) return
      switch (fact.type) {
        case 'PointsSpent':
          if (fact.data.reservation !== undefined)
            await stocked(fact.data.reward.id, { type: 'Take', redemption: fact.data.redemption }, fact)
          return
        case 'RewardDeclined': {
          const { reward, redemption, reason } = fact.data
          await stocked(reward.id, { type: 'Release', redemption, reason }, fact)
          return
        }
        case 'PointsRefunded':
          if (fact.data.reservation !== undefined)
            await stocked(fact.data.reward.id, { type: 'Return', redemption: fact.data.redemption }, fact)
          return
        default:
      }
    },
  }

  const cardCodes: Process = {
    name: 'card-codes',
    types: ['LoyaltyCardIssued', 'LoyaltyCardCodeReplaced'],
    async handle(fact) {
      const own = customerOfStream(fact.stream)
      if (own === undefined || !isCustomerFact(fact)) return
      if (fact.type !== 'LoyaltyCardCodeReplaced' && (fact.type !== 'LoyaltyCardIssued' || fact.data.by === 'request'))
        return
      const { card, campaign } = fact.data
      const owner = { type: 'loyalty_card', id: card.id, campaign: campaign.id, customer: own }
      if ((await codes.reserve(card.code, owner, contextOf(fact))) === 'reserved') return
      const attempt = fact.type === 'LoyaltyCardCodeReplaced' ? fact.data.attempt + 1 : 1
      await tell(own, { type: 'ReplaceCardCode', card: card.id, taken: card.code, attempt }, fact)
    },
  }

  return [transfers, rewards, cardCodes]
}
