// Codes of a campaign that nobody has, handed out so that no two requests on this node try the same one.

import type { VoucherDocument } from '../../projections/vouchers.ts'
import { createLru } from '../lru.ts'
import type { ReadModel } from '../readmodel/index.ts'

export interface FreeCodes {
  /**
   * A code that nobody seems to have: whoever takes it still has to claim it in its stream. Undefined when none is left. With
   * `wait` that is only said once the read model shows everything that was recorded.
   */
  take(campaign: string, wait: boolean): Promise<string | undefined>
  /** A code that was taken and is nobody's after all. */
  giveBack(code: string): void
}

export interface FreeCodesOptions {
  readonly readModel: Pick<ReadModel, 'collection'>
  /** Whether the read models come to show everything recorded before now, within so many ms. */
  readonly caughtUp: (timeoutMs: number) => Promise<boolean>
  /** ms, of any origin. */
  readonly now: () => number
}

const PAGE = 200
const MAX_POOLS = 500
/** Codes handed out here are remembered until the read model shows whose they are. */
const MAX_HANDED = 50_000
const HANDED_MS = 60_000
const WAIT_MS = 3_000
/** That nothing is left is believed for so long, ms. */
const EMPTY_MS = 500

interface Pool {
  readonly codes: string[]
  filling: Promise<void> | undefined
  emptyAt: number
}

export const createFreeCodes = ({ readModel, caughtUp, now }: FreeCodesOptions): FreeCodes => {
  const pools = createLru<Pool>({ entries: MAX_POOLS })
  const handed = createLru<true>({ entries: MAX_HANDED, ttl: HANDED_MS })

  const poolOf = (campaign: string): Pool => {
    const known = pools.get(campaign)
    if (known) return known
    const pool: Pool = { codes: [], filling: undefined, emptyAt: Number.NEGATIVE_INFINITY }
    pools.set(campaign, pool)
    return pool
  }

  const fill = async (pool: Pool, campaign: string, wait: boolean): Promise<void> => {
    const isSure = wait && (await caughtUp(WAIT_MS))
    // Handed-out ones that the read model does not show yet stand at the beginning: read past them.
    let after = ''
    do {
      const found = await readModel
        .collection<VoucherDocument>('vouchers')
        .find(
          { campaign, customer: null, active: true, position: { $gt: after } },
          { sort: { position: 1 }, limit: PAGE, projection: { _id: 1, position: 1 } },
        )
      pool.codes.push(...found.map(({ _id }) => _id).filter((code) => !handed.has(code)))
      after = found.length < PAGE ? '' : found.at(-1)!.position
    } while (pool.codes.length === 0 && after !== '')
    if (isSure && pool.codes.length === 0) pool.emptyAt = now()
  }

  return {
    async take(campaign, wait) {
      const pool = poolOf(campaign)
      for (let fills = 0; ; fills++) {
        const code = pool.codes.shift()
        if (code !== undefined) {
          handed.set(code, true)
          return code
        }
        const believed = now() <= pool.emptyAt + EMPTY_MS
        const fillsAllowed = wait && !believed ? 2 : 1
        if (fills >= fillsAllowed) return undefined
        pool.filling ??= fill(pool, campaign, fills > 0).finally(() => {
          pool.filling = undefined
        })
        await pool.filling
      }
    },
    giveBack: (code) => void handed.delete(code),
  }
}
