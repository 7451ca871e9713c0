// Whether what came over is what there was: every code and card, the customers in each segment, and how many there are of all.
import { appendFileSync } from 'node:fs'
import { backoffMs, sleep } from '../line/backoff.ts'
import { type Item, numberOf, partOf, textOf } from './item.ts'
import type { Move } from './move.ts'

export interface Difference {
  readonly what: string
  readonly before: string
  readonly now: string
}

export interface Comparison {
  readonly compared: Readonly<Record<string, number>>
  readonly differences: number
  /** The first of them. */
  readonly examples: readonly Difference[]
}

const EXAMPLES = 100

/** What must be alike of a code. */
const worthOf = (voucher: Item): string => {
  if (voucher.type === 'LOYALTY_CARD') return `${numberOf(partOf(voucher, 'loyalty_card').balance)} points`
  const { quantity, redeemed_quantity: redeemed } = partOf(voucher, 'redemption')
  const gift = voucher.type === 'GIFT_VOUCHER' ? `, ${numberOf(partOf(voucher, 'gift').balance)} credits left` : ''
  return `redeemed ${numberOf(redeemed)} of ${quantity ?? 'any number'}${gift}${voucher.active === false ? ', disabled' : ''}`
}

const settled = async ({ target }: Move, segment: string, signal: AbortSignal): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const status = (await target.get('/v1/segments/{id}', [segment]))?.initial_sync_status
    if (status !== 'IN_PROGRESS') return
    await sleep(backoffMs(attempt, { baseMs: 50, maxMs: 1_000 }), signal)
    signal.throwIfAborted()
  }
}

/** Reads both projects again, page by page; differences are written to `file`. Codes are kept in memory, some 100 bytes each. */
export const compare = async (move: Move, file: string, signal: AbortSignal): Promise<Comparison> => {
  const { source, target, state, onProgress } = move
  const compared: Record<string, number> = {}
  const examples: Difference[] = []
  let differences = 0
  const check = (kind: string, what: string, before: string, now: string) => {
    compared[kind] = (compared[kind] ?? 0) + 1
    if (before === now) return
    differences++
    const difference = { what: `${kind} ${what}`, before, now }
    appendFileSync(file, `${JSON.stringify(difference)}\n`)
    if (examples.length < EXAMPLES) examples.push(difference)
  }

  const here = new Map<string, string>()
  for await (const voucher of target.entries('/v1/vouchers', { order: 'created_at' }))
    here.set(String(voucher.code), worthOf(voucher))
  const seen = new Set<string>()
  for await (const { entries } of source.pages('/v1/vouchers', [], { order: 'created_at' })) {
    for (const voucher of entries) {
      const code = String(voucher.code)
      if (seen.has(code)) continue
      seen.add(code)
      check(voucher.type === 'LOYALTY_CARD' ? 'cards' : 'codes', code, worthOf(voucher), here.get(code) ?? 'not there')
    }
    onProgress('comparison', seen.size)
  }

  const totalOf = async (query: Item): Promise<string> => {
    const [page] = [await source.pages('/v1/customers', [], { ...query, limit: 1 }).next()]
    return page.done ? '0' : String(page.value.total ?? page.value.entries.length)
  }
  for (const segment of await source.all('/v1/segments')) {
    const id = state.idOf(String(segment.id))
    if (id === undefined) continue
    await settled(move, id, signal)
    const now = await target.total('/v1/customers', { segment_id: id })
    check(
      'segments',
      String(textOf(segment.name)),
      `${await totalOf({ segment_id: segment.id })} customers`,
      `${now ?? '?'} customers`,
    )
  }
  check('totals', 'of customers', await totalOf({}), String((await target.total('/v1/customers', {})) ?? '?'))
  return { compared, differences, examples }
}
