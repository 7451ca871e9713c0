// The ledger against a model: any mix of what can happen to the cards of several customers, with messages between their
// streams delivered late, twice and out of order, and nodes that forget what they had in memory.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { DecidedFact } from '../../src/domain/customer/draft.ts'
import { isMovement, MOVEMENTS } from '../../src/domain/customer/loyalty/facts.ts'
import type { CustomerCommand } from '../../src/domain/decider/commands.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import fc from '../fc.ts'
import { advance, DAY, track, type World } from '../given.ts'
import { times } from '../soak.ts'
import { balances, buy, fixed, PROGRAM, perAmount, shop } from './fixtures.ts'

const CUSTOMERS = ['cust_a', 'cust_b', 'cust_c'] as const
const cards: Readonly<Record<string, string>> = { cust_a: 'v_a', cust_b: 'v_b', cust_c: 'v_c' }
const PAID_A_DAY = 20

const who = fc.constantFrom(...CUSTOMERS)
const points = fc.integer({ min: 1, max: 12 })
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('buy' as const), who, amount: fc.integer({ min: 0, max: 15 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      who,
      points,
      days: fc.option(fc.integer({ min: 1, max: 9 })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), who, points }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('transfer' as const), who, to: who, points }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('redeem' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refund' as const), who, nth: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('switch' as const), who, active: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('deliver' as const), nth: fc.nat(20), again: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload' as const), who }) },
)

interface Lot {
  points: number
  readonly at: number
}

/** What a card should hold, told in the simplest way: a list of lots with dates, taken soonest first. */
const model = () => {
  let lots: Lot[] = []
  return {
    put: (n: number, at: number) => {
      lots.push({ points: n, at })
    },
    take: (n: number) => {
      lots.sort((a, b) => a.at - b.at)
      const taken: Lot[] = []
      let left = n
      for (const lot of lots) {
        const some = Math.min(left, lot.points)
        if (some > 0) taken.push({ points: some, at: lot.at })
        lot.points -= some
        left -= some
      }
      assert.is(left, 0, 'the model never pays what it has not')
      return taken
    },
    expire: (now: number) => {
      lots = lots.filter(({ at }) => at > now)
    },
    get balance() {
      return lots.reduce((n, lot) => n + lot.points, 0)
    },
  }
}

/** The messages that a process would send for a fact. */
const messagesFor = (
  fact: DecidedFact,
  from: string,
): { to: string; command: CustomerCommand; key: string } | undefined => {
  const key = `process:${fact.id}`
  switch (fact.type) {
    case 'PointsTransferredOut': {
      const { to, transfer, points: n, card, campaign } = fact.data
      if (to.customer === from) return undefined
      const source = { customer: from, card, campaign }
      return {
        to: to.customer,
        key,
        command: { type: 'ReceiveTransfer', transfer, card: to.card.id, points: n, from: source },
      }
    }
    case 'PointsTransferredIn':
      if (fact.data.from.customer === from) return undefined
      return {
        to: fact.data.from.customer,
        key,
        command: { type: 'CompleteTransfer', card: fact.data.from.card.id, transfer: fact.data.transfer },
      }
    case 'PointsTransferRejected': {
      const { from: source, transfer, reason, card } = fact.data
      const to = { customer: from, card, campaign: { id: PROGRAM, name: 'club' } }
      return {
        to: source.customer,
        key,
        command: { type: 'ReturnTransfer', card: source.card.id, transfer, to, reason },
      }
    }
    default:
      return undefined
  }
}

const runs = times(120, 5_000)

test('balances are what a model ledger says, never negative, conserved by transfers; each cause pays each rule once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 45 }), (steps) => {
      const worlds = new Map<string, World>()
      const models = new Map<string, ReturnType<typeof model>>()
      const spent = new Map<string, { id: string; lots: Lot[] }[]>()
      const transit = new Map<string, Lot[]>()
      const paidOn = new Map<string, number>()
      const inbox: { to: string; command: CustomerCommand; key: string }[] = []
      const keys = new Map<string, Set<string>>()
      for (const id of CUSTOMERS) {
        const w = shop(
          { customer: id },
          {
            voucher: {
              type: 'LOYALTY_CARD',
              loyalty_card: { expiration_rules: { period_type: 'MONTH', period_value: 1 } },
            },
          },
        )
        w.define(
          'earningRule',
          'ern_amount',
          perAmount(1, 2, { max_per_period: { period: 'day', points: PAID_A_DAY } }),
        )
        w.define('earningRule', 'ern_each', fixed(1))
        w.define('reward', 'rew', { name: 'mug', type: 'MATERIAL', parameters: { product: {} } })
        w.define('rewardAssignment', 'rewa', {
          reward_id: 'rew',
          campaign: PROGRAM,
          parameters: { loyalty: { points: 7 } },
        })
        w.facts({
          type: 'IssueLoyaltyCard',
          campaign: PROGRAM,
          card: { id: cards[id]!, code: id },
          profile: { source_id: 's' },
          mayCreate: true,
        })
        worlds.set(id, w)
        models.set(id, model())
        spent.set(id, [])
        keys.set(id, new Set())
      }
      const w = (id: string) => worlds.get(id)!
      const m = (id: string) => models.get(id)!
      const held = (id: string) => w(id).state.loyalty.cards[cards[id]!]!
      const after = (id: string, facts: readonly DecidedFact[]) => {
        for (const fact of facts) {
          const message = messagesFor(fact, id)
          if (message) inbox.push(message)
        }
        return facts
      }
      const ask = (id: string, command: CustomerCommand): boolean => {
        const decided = w(id).when(command)
        if (isRefused(decided)) return false
        after(id, decided.facts)
        return true
      }
      const deliver = ({ to, command, key }: (typeof inbox)[number]) => {
        // The runtime's memory of keys: a repeated command is not decided again.
        if (keys.get(to)!.has(key)) return
        keys.get(to)!.add(key)
        const active = command.type === 'ReceiveTransfer' && held(to).active
        const facts = after(to, w(to).facts(command, { key }))
        if (command.type === 'ReceiveTransfer') {
          if (active) {
            const arrived = facts.find((f) => f.type === 'PointsTransferredIn')
            assert.ok(arrived?.type === 'PointsTransferredIn')
            m(to).put(command.points, arrived.data.lots[0]!.expiresAt!)
            transit.delete(command.transfer)
          } else assert.ok(facts.some((f) => f.type === 'PointsTransferRejected'))
        }
        if (command.type === 'ReturnTransfer') {
          for (const lot of transit.get(command.transfer) ?? []) m(to).put(lot.points, lot.at)
          transit.delete(command.transfer)
          m(to).expire(w(to).now)
        }
      }
      const check = () => {
        for (const id of CUSTOMERS) {
          m(id).expire(w(id).now)
          after(id, w(id).facts(advance))
          assert.is(held(id).balance, m(id).balance, `${id} holds what the model says`)
          balances(w(id))
        }
      }

      for (const [n, one] of steps.entries()) {
        check()
        switch (one.kind) {
          case 'buy': {
            const facts = after(one.who, buy(w(one.who), one.amount))
            if (!held(one.who).active) break
            const day = `${one.who}/${new Date(w(one.who).now).toISOString().slice(0, 10)}`
            const share = Math.min(2 * one.amount, PAID_A_DAY - (paidOn.get(day) ?? 0))
            paidOn.set(day, (paidOn.get(day) ?? 0) + share)
            const expires = facts.find((f) => f.type === 'PointsEarned')
            assert.ok(expires?.type === 'PointsEarned')
            m(one.who).put(share + 1, expires.data.lots[0]!.expiresAt!)
            break
          }
          case 'add': {
            const at = one.days === null ? Number.POSITIVE_INFINITY : w(one.who).now + one.days * DAY
            const expiry =
              one.days === null ? ({ type: 'NON_EXPIRING' } as const) : ({ type: 'CUSTOM_DATE', at } as const)
            const done = ask(one.who, { type: 'AddPoints', card: cards[one.who]!, points: one.points, expiry })
            assert.is(done, held(one.who).active)
            if (done) m(one.who).put(one.points, at)
            break
          }
          case 'remove': {
            const can = held(one.who).active && m(one.who).balance >= one.points
            assert.is(ask(one.who, { type: 'RemovePoints', card: cards[one.who]!, points: one.points }), can)
            if (can) m(one.who).take(one.points)
            break
          }
          case 'transfer': {
            const can = held(one.who).active && m(one.who).balance >= one.points && one.to !== one.who
            const to = {
              customer: one.to,
              card: { id: cards[one.to]!, code: one.to },
              campaign: { id: PROGRAM, name: 'club' },
            }
            assert.is(ask(one.who, { type: 'TransferPoints', card: cards[one.who]!, points: one.points, to }), can)
            if (can) {
              const out = w(one.who).stream.at(-1)
              assert.ok(out?.type === 'PointsTransferredOut')
              transit.set(out.data.transfer, m(one.who).take(one.points))
            }
            break
          }
          case 'redeem': {
            const can = held(one.who).active && m(one.who).balance >= 7
            const id = `r_${n}`
            assert.is(
              ask(one.who, { type: 'RedeemReward', card: cards[one.who]!, redemption: id, assignment: 'rewa' }),
              can,
            )
            if (can) spent.get(one.who)!.push({ id, lots: m(one.who).take(7) })
            break
          }
          case 'refund': {
            const [given] = spent.get(one.who)!.splice(one.nth, 1)
            if (!given) break
            assert.ok(ask(one.who, { type: 'RefundPoints', card: cards[one.who]!, redemption: given.id }))
            for (const lot of given.lots) m(one.who).put(lot.points, lot.at)
            m(one.who).expire(w(one.who).now)
            break
          }
          case 'wait':
            for (const id of CUSTOMERS) w(id).wait(one.hours * 3_600_000)
            break
          case 'switch':
            w(one.who).facts({ type: 'SwitchLoyaltyCard', card: cards[one.who]!, active: one.active })
            break
          case 'deliver': {
            const [message] = one.again ? inbox.slice(one.nth, one.nth + 1) : inbox.splice(one.nth, 1)
            if (message) deliver(message)
            break
          }
          case 'reload':
            w(one.who).reload()
            break
          default:
            one satisfies never
        }
      }
      // In the end everything is delivered: nothing is under way, and no point came from nowhere.
      for (let guard = 0; inbox.length > 0 && guard < 1_000; guard++) deliver(inbox.shift()!)
      check()
      assert.is(transit.size, 0)
      let sum = 0
      let moved = 0
      for (const id of CUSTOMERS) {
        assert.equal(held(id).transit, {})
        sum += held(id).balance
        const causes = w(id).stream.flatMap((f) =>
          f.type === 'PointsEarned' ? [`${f.data.cause.fact}/${f.data.rule.id}`] : [],
        )
        assert.is(new Set(causes).size, causes.length, 'each cause pays each rule once')
        for (const fact of w(id).stream)
          if (isMovement(fact) && !fact.type.startsWith('PointsTransfer'))
            moved += MOVEMENTS[fact.type].sign * fact.data.points
      }
      assert.is(sum, moved, 'transfers neither make nor lose points')
    }),
    { numRuns: runs },
  )
})

test('deciding the same command again on the same state gives the same facts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 10 }), (amounts) => {
      const [one, two] = [shop(), shop()]
      for (const w of [one, two]) w.define('earningRule', 'ern_1', perAmount(1, 1))
      for (const [n, amount] of amounts.entries()) {
        const command = (w: World) => track('bought', { occurredAt: w.now, metadata: { amount } })
        const first = one.facts(command(one), { key: `k${n}` })
        two.reload()
        assert.equal(two.facts(command(two), { key: `k${n}` }), first)
      }
    }),
    { numRuns: Math.min(runs, 40) },
  )
})

test.run()
