// Executes commands about a reward's stock: fold its stream, decide, append with the exact revision.
import {
  decideStock,
  evolveStock,
  isStockFact,
  NO_STOCK,
  rewardStream,
  type StockCommand,
  type StockFact,
  type StockState,
} from '../domain/loyalty/stock.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { createDecider, type DeciderContext, type DeciderOptions } from './decider.ts'

export interface Stock {
  /** Decides and records; `state` is what the stock is then. Rejects when the store is unavailable or others are faster. */
  execute(
    reward: string,
    command: StockCommand,
    context: DeciderContext,
  ): Promise<{ readonly state: StockState } | { readonly refusal: Refusal }>
  load(reward: string): Promise<StockState>
}

interface Kept {
  readonly reward: string
  readonly stock: StockState
}

export const createStock = (rulebook: () => Rulebook, options: DeciderOptions): Stock => {
  const decider = createDecider<Kept, StockCommand, StockFact>(
    {
      streamOf: rewardStream,
      initial: (reward) => ({ reward, stock: NO_STOCK }),
      fold: ({ reward, stock }, fact) => ({
        reward,
        stock: isStockFact(fact) ? evolveStock(stock, fact, fact.id) : stock,
      }),
      decide: ({ reward, stock }, command, now) => {
        const bound = rulebook().entries('reward').get(reward)?.definition.stock ?? null
        return decideStock(stock, command, bound, now)
      },
      metadata: () => ({ rulebook: rulebook().revision }),
    },
    options,
  )
  return {
    async execute(reward, command, context) {
      const { state, refusal } = await decider.execute(reward, command, context)
      return refusal ? { refusal } : { state: state.stock }
    },
    load: async (reward) => (await decider.load(reward)).state.stock,
  }
}
