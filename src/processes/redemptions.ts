// The process of redemptions: what a crash left between the streams is settled, seconds after whoever was at work should have
// done it, and places of redemptions that were rolled back are given back.

import { isRedemptionFact } from '../domain/customer/redemptions/facts.ts'
import { isStockFact } from '../domain/loyalty/stock.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import { isLedgerFact } from '../domain/redemption/ledger.ts'
import type { Redemptions } from '../runtime/redemptions.ts'
import type { Process } from './process.ts'

export interface RedemptionProcessOptions {
  readonly redemptions: Pick<Redemptions, 'settle' | 'settleReward' | 'giveBack' | 'isOpen'>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** How long whoever reserved a place has to say what became of it, ms: longer than a request waits in queues. */
const GRACE_MS = 4_000

export const redemptionProcesses = ({ redemptions, now, sleep }: RedemptionProcessOptions): readonly Process[] => {
  const reservations: Process = {
    name: 'redemption-places',
    types: ['RedemptionReserved'],
    async handle(fact: RecordedFact) {
      if (!isLedgerFact(fact) || fact.type !== 'RedemptionReserved') return
      const left = fact.created + GRACE_MS - now()
      if (left > 0) await sleep(Math.min(left, GRACE_MS))
      const { stream, revision, data } = fact
      if (await redemptions.isOpen(stream, data.redemption, revision)) await redemptions.settle(stream, data)
    },
  }
  const rollbacks: Process = {
    name: 'redemption-rollbacks',
    types: ['RedemptionRolledBack'],
    async handle(fact: RecordedFact) {
      if (isRedemptionFact(fact) && fact.type === 'RedemptionRolledBack') await redemptions.giveBack(fact.data)
    },
  }
  const rewards: Process = {
    name: 'redemption-rewards',
    types: ['RewardReserved'],
    async handle(fact: RecordedFact) {
      if (!isStockFact(fact) || fact.type !== 'RewardReserved' || fact.data.request === undefined) return
      const left = fact.created + GRACE_MS - now()
      if (left > 0) await sleep(Math.min(left, GRACE_MS))
      await redemptions.settleReward({ ...fact.data, request: fact.data.request })
    },
  }
  return [reservations, rollbacks, rewards]
}
