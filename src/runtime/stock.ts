// Executes commands about a reward's stock: fold its stream, decide, append with the exact revision.
import { LRUCache } from 'lru-cache'
import { uuidFrom } from '../domain/ids.ts'
import {
  decideStock,
  evolveStock,
  isStockFact,
  NO_STOCK,
  rewardStream,
  type StockCommand,
  type StockState,
} from '../domain/loyalty/stock.ts'
import { isRefused, type Refusal } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { CommandContext } from './customers.ts'

export interface Stock {
  /** Decides and records; `state` is what the stock is then. Rejects when the store is not to be had or others are faster. */
  execute(
    reward: string,
    command: StockCommand,
    context: Pick<CommandContext, 'requestId' | 'actor' | 'now' | 'deadline'>,
  ): Promise<{ readonly state: StockState } | { readonly refusal: Refusal }>
  load(reward: string): Promise<StockState>
}

interface Held {
  readonly state: StockState
  readonly revision: bigint
}

const MAX_ATTEMPTS = 20
const MAX_HELD = 1_000

export const createStock = (store: EventStore, rulebook: () => Rulebook): Stock => {
  const cache = new LRUCache<string, Held>({ max: MAX_HELD })
  /** The last command of each reward: the next one waits for it, so that one node does not race against itself. */
  const lines = new Map<string, Promise<unknown>>()

  const read = async (reward: string): Promise<Held> => {
    let held = cache.get(reward) ?? { state: NO_STOCK, revision: -1n }
    for await (const fact of store.readStream(rewardStream(reward), { from: held.revision + 1n }))
      held = { state: isStockFact(fact) ? evolveStock(held.state, fact, fact.id) : held.state, revision: fact.revision }
    if (held.revision >= 0n) cache.set(reward, held)
    return held
  }

  const once: Stock['execute'] = async (reward, command, { requestId, actor, now, deadline }) => {
    for (let attempt = 1; ; attempt++) {
      const { state, revision } = await read(reward)
      const current = rulebook()
      const stock = current.entries('reward').get(reward)?.definition.stock ?? null
      const decided = decideStock(state, command, stock, now)
      if (decided === undefined) return { state }
      if (isRefused(decided)) return { refusal: decided.refused }
      const id = uuidFrom('reward', reward, decided.type, decided.data.redemption, String(revision))
      const metadata = { $correlationId: requestId, actor, now, rulebook: current.revision }
      const result = await store.append(
        rewardStream(reward),
        [{ id, ...decided, metadata }],
        revision < 0n ? 'no_stream' : revision,
        deadline === undefined ? {} : { deadline },
      )
      if (result.kind === 'appended') {
        const held = { state: evolveStock(state, decided, id), revision: result.revision }
        cache.set(reward, held)
        return { state: held.state }
      }
      if (attempt >= MAX_ATTEMPTS) throw new Error(`the stock of reward ${reward} is changed by many at once`)
    }
  }

  return {
    async execute(reward, command, context) {
      const before = lines.get(reward) ?? Promise.resolve()
      const mine = before.then(
        () => once(reward, command, context),
        () => once(reward, command, context),
      )
      lines.set(reward, mine)
      try {
        return await mine
      } finally {
        if (lines.get(reward) === mine) lines.delete(reward)
      }
    },
    load: async (reward) => (await read(reward)).state,
  }
}
