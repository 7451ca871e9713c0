// A request for redemptions, without a node: what of it is gone on with, what is left of it after a "no", and what is recorded of one that
// failed.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chosenOf, commandOf, failureOf, type RedemptionAsk, withoutRefused } from '../../src/domain/redemption/ask.ts'
import type { CodeStream } from '../../src/domain/redemption/ledgers.ts'
import type { Hope, Looked, Taken } from '../../src/domain/redemption/sight.ts'
import type { Refusal } from '../../src/domain/refusal.ts'
import { noCode } from '../../src/domain/vouchers/code.ts'
import { T0, world } from '../given.ts'

const ask = (...codes: string[]): RedemptionAsk => ({
  name: 'asking',
  redeemables: codes.map((code) => ({ code })),
  asked: { channel: 'API', apiKey: 'shop' },
})
const looked = (...codes: string[]): Looked => ({
  codes: codes.map(
    (name) =>
      ({
        code: {
          ...noCode(name),
          owner: { type: 'voucher', id: `v_${name}` },
          spec: { discount: { type: 'AMOUNT', amount_off: 100 } },
          createdAt: T0,
        },
      }) as CodeStream,
  ),
  referrals: new Map(),
  campaigns: new Map(),
  outOfStock: new Set(),
})
const hope = (places: readonly number[], leftOut: Hope['leftOut'] = []): Hope => ({
  placed: [],
  taken: places.map((place) => ({ place }) as Taken),
  leftOut,
})
const NO: Refusal = { key: 'quantity_exceeded', details: 'too often', resource: { type: 'voucher', id: 'B' } }
const LEFT = { code: 'C', refusal: { key: 'not_active', details: 'off' } } as const
const codesIn = ({ redeemables }: RedemptionAsk) => redeemables.map(({ code }) => code)

test('given a request, when it is decided, then nobody is made whom it does not name', () => {
  const made = (customer?: RedemptionAsk['customer']) => {
    const { profile, mayCreate } = commandOf({ ...ask('A'), ...(customer ? { customer } : {}) }, 'req_1', [])
    return [profile, mayCreate]
  }
  const profile = { name: 'Ann' }
  assert.equal(made(), [{}, false])
  for (const mayCreate of [true, false]) assert.equal(made({ id: 'c', profile, mayCreate }), [profile, mayCreate])
})

test('given that all can be hoped for, when it is chosen, then the request goes on as it is', () => {
  const chosen = chosenOf(ask('A', 'B'), looked('A', 'B'), hope([0, 1]), world().rulebook)
  assert.is(chosen.isAll, true)
  assert.equal(codesIn(chosen.ask), ['A', 'B'])
  assert.equal(chosen.ask.chosen, [])
})

test('given that some are left out, when the rest is chosen, then it says which, and keeps what was said before', () => {
  const { rulebook } = world()
  const chosen = chosenOf(ask('A', 'B', 'C'), looked('A', 'B', 'C'), hope([0, 1], [LEFT]), rulebook)
  assert.is(chosen.isAll, false)
  assert.equal(codesIn(chosen.ask), ['A', 'B'])
  assert.equal(
    chosen.looked.codes.map(({ code }) => code.code),
    ['A', 'B'],
  )
  assert.equal(chosen.ask.chosen, [LEFT])
  assert.equal(chosenOf(chosen.ask, chosen.looked, hope([0]), rulebook).ask.chosen, [LEFT])
})

test('given stacking rules that do without one, when it is refused, then the others are left, with the reason', () => {
  const w = world()
  w.define('stackingRules', 'sr_1', { redeemables_application_mode: 'PARTIAL' })
  const left = withoutRefused({ ...ask('A', 'B'), chosen: [LEFT] }, NO, w.rulebook)
  assert.equal(left && codesIn(left), ['A'])
  assert.equal(left?.chosen, [LEFT, { code: 'B', refusal: { key: 'quantity_exceeded', details: 'too often' } }])
  assert.is(withoutRefused({ ...ask('B'), chosen: [] }, NO, w.rulebook), undefined, 'nothing would be left')
  assert.is(withoutRefused({ ...ask('A'), chosen: [] }, NO, w.rulebook), undefined, 'it is about another')
  assert.is(withoutRefused(ask('A', 'B'), NO, w.rulebook), undefined, 'nothing was chosen')
  w.define('stackingRules', 'sr_1', { redeemables_application_mode: 'ALL' })
  assert.is(withoutRefused({ ...ask('A', 'B'), chosen: [] }, NO, w.rulebook), undefined, 'all or none')
})

test('given a request that failed, when it is recorded, then about the redeemable that was refused, else the first', () => {
  const { rulebook } = world()
  const failed = (refusal: Refusal) => {
    const command = failureOf(
      ask('A', 'B'),
      { redemption: 'r_1', request: 'req_1', refusal },
      looked('A', 'B'),
      rulebook,
    )
    assert.is(command.type, 'RecordFailedRedemption')
    return 'failed' in command ? command.failed : undefined
  }
  assert.is(failed(NO)?.voucher.code, 'B')
  assert.is(failed(NO)?.reason, 'quantity_exceeded')
  assert.is(failed({ key: 'voucher_expired', details: 'over' })?.voucher.code, 'A')
  assert.match(JSON.stringify(failed({ ...NO, ruleMessage: 'Come again' })), '"message":"Come again"')
})

test.run()
