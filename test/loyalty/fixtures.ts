// What tests of loyalty begin with: a shop with an event, a program and rules, and short ways to ask and to tell.
import * as assert from 'uvu/assert'
import type { DecidedFact } from '../../src/domain/customer/draft.ts'
import { isMovement, MOVEMENTS } from '../../src/domain/customer/loyalty/facts.ts'
import { type Card, cardIn } from '../../src/domain/customer/loyalty/state.ts'
import { track, type World, world } from '../given.ts'

export const PROGRAM = 'camp_club'

export const program = (more: Record<string, unknown> = {}) => ({
  name: 'club',
  campaign_type: 'LOYALTY_PROGRAM' as const,
  voucher: { type: 'LOYALTY_CARD' as const },
  ...more,
})

export const fixed = (points: number, more: Record<string, unknown> = {}) => ({
  campaign_id: PROGRAM,
  event: 'bought',
  loyalty: { type: 'FIXED' as const, points },
  ...more,
})

export const perAmount = (every: number, points: number, more: Record<string, unknown> = {}) => ({
  campaign_id: PROGRAM,
  event: 'bought',
  loyalty: {
    type: 'PROPORTIONAL' as const,
    calculation_type: 'CUSTOM_EVENT_METADATA' as const,
    custom_event: { metadata: { every, points, property: 'amount' } },
  },
  ...more,
})

/** A world with an event `bought` (amount, department) and a program. */
export const shop = (
  options: { timeZone?: string; now?: number; customer?: string } = {},
  campaign: Record<string, unknown> = {},
): World => {
  const w = world(options)
  w.define('eventSchema', 'ms_bought', {
    name: 'bought',
    schema: {
      properties: { amount: { type: 'number' }, department: { type: 'string', optional: true } },
    },
  })
  w.define('campaign', PROGRAM, program(campaign))
  return w
}

export const buy = (
  w: World,
  amount = 1,
  more: { ago?: number; department?: string; code?: string; key?: string } = {},
) =>
  w.facts(
    track('bought', {
      occurredAt: w.now - (more.ago ?? 0),
      metadata: { amount, ...(more.department === undefined ? {} : { department: more.department }) },
      ...(more.code === undefined ? {} : { loyalty: { code: more.code } }),
    }),
    more.key === undefined ? {} : { key: more.key },
  )

export const card = (w: World): Card => {
  const found = cardIn(w.state.loyalty, PROGRAM)
  assert.ok(found, 'the customer has no card')
  return found
}

/** Issues a card by request. */
export const join = (w: World, id = 'v_1', code = 'CODE1'): Card => {
  w.facts({
    type: 'IssueLoyaltyCard',
    campaign: PROGRAM,
    card: { id, code },
    profile: { source_id: 's' },
    mayCreate: true,
  })
  return w.state.loyalty.cards[id]!
}

/** The changes of points among facts, with their sign: `POINTS_ACCRUAL 5`. */
export const changes = (facts: readonly DecidedFact[]): readonly string[] =>
  facts.filter(isMovement).map((fact) => `${MOVEMENTS[fact.type].type} ${MOVEMENTS[fact.type].sign * fact.data.points}`)

/** Fails unless the ledger adds up: buckets, balance and the changes recorded in the stream. */
export const balances = (w: World): void => {
  const sums = new Map<string, number>()
  const transactions = new Set<string>()
  for (const fact of w.stream) {
    if (!isMovement(fact)) continue
    const { card: ref, points, balance, lots, transaction, total } = fact.data
    const before = sums.get(ref.id) ?? 0
    const after = before + MOVEMENTS[fact.type].sign * points
    assert.equal(balance, { before, after }, `${fact.type} says its balance`)
    assert.ok(after >= 0 && total >= 0, 'never negative')
    assert.is(
      lots.reduce((n, lot) => n + lot.points, 0),
      points,
    )
    assert.not.ok(transactions.has(transaction), 'a transaction id is used once')
    transactions.add(transaction)
    sums.set(ref.id, after)
  }
  for (const held of Object.values(w.state.loyalty.cards)) {
    assert.is(held.balance, sums.get(held.id) ?? 0)
    assert.is(
      held.buckets.reduce((n, { points }) => n + points, 0),
      held.balance,
    )
    assert.is(held.total - held.redeemed - held.expired, held.balance)
    assert.ok(held.buckets.every(({ points }) => points > 0))
  }
}
